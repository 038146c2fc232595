"""One live call of a key in the whole fleet, where the store can claim: `Flights` across machines.

Whoever leads in its process claims the call in the store. A claim that somebody else holds is waited for: until there is a
recording, until the claim is handed over or its holder has died (it is not renewed any more), or until patience ends, after
which the call is made without one. First write wins all the same: a claim saves calls, nothing depends on it.
"""

from __future__ import annotations

import atexit
import logging
import os
import random
import socket
import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue

import anyio
import anyio.to_thread

from memo._engine.threads import in_event_loop, on_asyncio, writers
from memo.stores import Claims, Held, Wakes

__all__ = ["Lease", "aclaim", "claim"]

log = logging.getLogger("memo")

_SOONEST, _LATEST = 0.01, 1.0
"""Seconds between two looks at a claim in a store that can not tell when it ends: more and more."""


class Lease:
    """A claim of this process's, renewed in the background until it is finished or released."""

    def __init__(self, store: Claims, name: str, token: str) -> None:
        self.store = store
        self.name = name
        self.token = token
        self.over = False
        self.told = False
        """Whether it was said that it could not be renewed."""

    def finish(self, data: bytes) -> bytes | None:
        """Store the outcome and end the claim, in one step; as `Creates.create`."""
        self.over = True
        try:
            return self.store.finish(self.name, self.token, data)
        except BaseException:
            self.over = False  # there is nothing that others could get: it is to be handed over
            raise

    def release(self) -> None:
        """Hand the claim over, in the background: this may be called anywhere, by the garbage collector too. Once."""
        if not self.over:
            self.over = True
            _keeper.release(self)


class _Keeper(threading.Thread):
    """Renews this process's claims and hands them over, in a thread: whatever event loops are busy with."""

    def __init__(self) -> None:
        super().__init__(name="memo-claims", daemon=True)
        self._process = os.getpid()
        # Telling may interrupt telling, since the garbage collector does it too: that is what SimpleQueue is for.
        self._told: SimpleQueue[tuple[str, Lease] | threading.Event] = SimpleQueue()
        self._due: dict[Lease, float] = {}
        self._starting = threading.Lock()
        self._began = False

    def keep(self, lease: Lease) -> None:
        """Renew the claim from now on."""
        with self._starting:
            if not self._began:
                self._began = True
                self.start()
                atexit.register(self.flush)
        self._told.put(("keep", lease))

    def release(self, lease: Lease) -> None:
        """Hand the claim over."""
        self._told.put(("release", lease))

    def flush(self) -> None:
        """Wait for what is to be handed over, but not for a server that does not answer."""
        if self._process == os.getpid():
            done = threading.Event()
            self._told.put(done)
            done.wait(2.0)

    def run(self) -> None:
        """Listen and renew, for ever."""
        while True:
            wait = max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None
            with suppress(Empty):
                told = self._told.get(timeout=wait)
                match told:
                    case ("keep", lease):
                        self._due[lease] = time.monotonic() + lease.store.lease / 3
                    case (_, lease):
                        self._due.pop(lease, None)
                        self._release(lease)
                    case threading.Event():
                        told.set()
            now = time.monotonic()
            for lease in [lease for lease, due in self._due.items() if due <= now]:
                self._renew(lease)

    def _release(self, lease: Lease) -> None:
        try:
            lease.store.release(lease.name, lease.token)
        except Exception as error:  # noqa: BLE001 - it ends by itself, later
            log.warning("a claim could not be handed over, and ends in %g seconds: %s", lease.store.lease, error)

    def _renew(self, lease: Lease) -> None:
        if lease.over:
            self._due.pop(lease, None)
            return
        try:
            held = lease.store.renew(lease.name, lease.token)
        except Exception as error:  # noqa: BLE001 - the next time may go well
            if not lease.told:
                lease.told = True
                log.warning("a claim could not be renewed: %s", error)
            # Its neighbours would only wait as long for the same answer.
            soon = time.monotonic() + lease.store.lease / 3
            self._due.update((each, soon) for each in self._due if each.store is lease.store)
            return
        if held:
            self._due[lease] = time.monotonic() + lease.store.lease / 3
        else:
            del self._due[lease]


_keeper = _Keeper()


def _after_fork() -> None:
    global _keeper  # noqa: PLW0603 - threads stay behind, and so do their claims: they are the parent's
    _keeper = _Keeper()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Claiming:
    """The steps to a claim, for sync and async alike: ask, wait, and ask again."""

    def __init__(self, store: Claims, name: str, patience: float) -> None:
        self.store = store
        self.name = name
        self.lease: Lease | None = None
        self._token = f"{_here()}:{os.urandom(12).hex()}"
        self._patience = patience
        self._end = time.monotonic() + patience
        self._pause = _SOONEST

    def ask(self) -> Lease | bytes | Held:
        """Claim once."""
        answer = self.store.claim(self.name, self._token)
        if answer is not None:
            return answer
        self.lease = Lease(self.store, self.name, self._token)
        _keeper.keep(self.lease)
        return self.lease

    def wait(self, held: Held) -> float:
        """How many seconds to wait for that claim before asking again: 0 if patience is over."""
        left = self._end - time.monotonic()
        if left <= 0:
            log.warning(
                "%s is called here too: %s has been making the same call for more than %g seconds (claim_timeout)",
                self.name,
                held.holder,
                self._patience,
            )
            return 0.0
        # A little more than the claim lasts: then it is over for sure, or was renewed.
        return min(left, held.seconds + 0.001)

    def pause(self, seconds: float) -> float:
        """The same where nobody wakes those who wait."""
        pause, self._pause = self._pause, min(self._pause * 1.5, _LATEST)
        return min(seconds, pause * random.uniform(0.5, 1.0))  # noqa: S311 - so that not all of them ask at once


def _here() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def claim(store: Claims, name: str, patience: float) -> Lease | bytes | None:
    """Claim a call, or its recording if another made it first. None, and a warning, if that takes longer than patience.

    Raises `StoreError`, `RecordingDamaged`, `NewerFormat`.
    """
    steps = _Claiming(store, name, patience)
    while isinstance(answer := steps.ask(), Held):
        if answer.holder.startswith(_here()) and in_event_loop():
            return None  # it is this thread, perhaps, that the other call needs to go on: who waits for oneself waits for ever
        seconds = steps.wait(answer)
        if seconds <= 0:
            return None
        if isinstance(store, Wakes):
            store.wait(name, answer.holder, seconds)
        else:
            time.sleep(steps.pause(seconds))
    return answer


async def aclaim(store: Claims, name: str, patience: float) -> Lease | bytes | None:
    """The same without blocking. Cancelled, it hands over what it has claimed."""
    steps = _Claiming(store, name, patience)
    try:
        while isinstance(answer := await anyio.to_thread.run_sync(steps.ask, limiter=writers()), Held):
            seconds = steps.wait(answer)
            if seconds <= 0:
                return None
            if isinstance(store, Wakes) and on_asyncio():
                await store.await_(name, answer.holder, seconds)
            else:
                await anyio.sleep(steps.pause(seconds))
    except BaseException:
        if steps.lease is not None:
            steps.lease.release()
        raise
    return answer
