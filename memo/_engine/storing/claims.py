"""One live call of a key in the whole fleet, where the store can claim: `Flights` across machines.

The leader in a process claims the call in the store. A claim that somebody else holds is waited for: until there is a
recording, until the claim is handed over or its holder has died (the claim is not renewed any more), or until patience ends,
after which the call is made without a claim. First write wins all the same: a claim saves calls, nothing depends on it.
"""

from __future__ import annotations

import atexit
import logging
import os
import random
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue

import anyio

from memo._engine.storing.expiry import RefreshedElsewhere
from memo._engine.waiting.flights import flight_of_claim
from memo._engine.waiting.holders import is_gone, is_on_this_machine, is_this_process, new_token
from memo._engine.waiting.threads import in_event_loop, in_thread, on_asyncio
from memo._engine.waiting.waits import waiting
from memo.stores import Claims, HeldClaim, Wakes

__all__ = ["Lease", "aclaim", "atry_claim", "claim", "flush", "try_claim"]

log = logging.getLogger("memo")

_MIN_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.01, 0.5
"""Between two looks at a claim that may end without a sign: in a store that gives none, and of a process that may be killed."""

_FLUSH_SECONDS = 2.0
"""How long the end of the process waits for claims to be handed over."""


class Lease:
    """A claim of this process, renewed in the background until it is finished or released."""

    def __init__(self, store: Claims, name: str, token: str) -> None:
        self.store = store
        self.name = name
        self.token = token
        self.over = False
        self.reported = False
        """Whether it was logged that the claim could not be renewed."""

    def finish(self, data: bytes) -> bytes | None:
        """Store the outcome and end the claim, in one step; as `Creates.create`."""
        self.over = True
        try:
            return self.store.finish(self.name, self.token, data)
        except BaseException:
            self.over = False  # there is nothing that others could get: the claim is to be handed over
            raise

    def release(self) -> None:
        """Hand the claim over, in the background: anything may call this, the garbage collector too. Idempotent."""
        if not self.over:
            self.over = True
            _keeper.release(self)


class _Keeper(threading.Thread):
    """Renews the claims of this process and hands them over, in a thread: whatever event loops are busy with."""

    def __init__(self) -> None:
        super().__init__(name="memo-claims", daemon=True)
        self._process = os.getpid()
        # The garbage collector may put a request while another is being put: SimpleQueue allows that.
        self._requests: SimpleQueue[tuple[str, Lease] | threading.Event] = SimpleQueue()
        self._due: dict[Lease, float] = {}
        self._starting = threading.Lock()
        self._started_once = False

    def keep(self, lease: Lease) -> None:
        """Renew the claim from now on."""
        with self._starting:
            if not self._started_once:
                self._started_once = True
                self.start()
                atexit.register(self.flush)
        self._requests.put(("keep", lease))

    def release(self, lease: Lease) -> None:
        """Hand the claim over."""
        self._requests.put(("release", lease))

    def flush(self) -> None:
        """Wait for what is to be handed over, but not for a server that does not answer."""
        if self._started_once and self._process == os.getpid():
            done = threading.Event()
            self._requests.put(done)
            done.wait(_FLUSH_SECONDS)

    def run(self) -> None:
        """Listen and renew, forever."""
        while True:
            wait = max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None
            with suppress(Empty):
                request = self._requests.get(timeout=wait)
                match request:
                    case ("keep", lease):
                        self._due[lease] = time.monotonic() + lease.store.lease / 3
                    case (_, lease):
                        self._due.pop(lease, None)
                        self._release(lease)
                    case threading.Event():
                        request.set()
            now = time.monotonic()
            for lease in [lease for lease, due in self._due.items() if due <= now]:
                self._renew(lease)

    def _release(self, lease: Lease) -> None:
        try:
            lease.store.release(lease.name, lease.token)
        except Exception as error:  # noqa: BLE001 - the claim ends by itself, later
            log.warning("a claim could not be handed over, and ends in %g seconds: %s", lease.store.lease, error)

    def _renew(self, lease: Lease) -> None:
        if lease.over:
            self._due.pop(lease, None)
            return
        flight = flight_of_claim(lease.token)
        if (
            flight is not None and flight.is_idle()
        ):  # a stream that is kept half read holds nobody up in other processes
            self._due[lease] = time.monotonic() + lease.store.lease / 3
            return
        try:
            held = lease.store.renew(lease.name, lease.token)
        except Exception as error:  # noqa: BLE001 - the next attempt may succeed
            if not lease.reported:
                lease.reported = True
                log.warning("a claim could not be renewed: %s", error)
            # The other claims in the same store would only wait as long for the same answer.
            soon = time.monotonic() + lease.store.lease / 3
            self._due.update((other, soon) for other in self._due if other.store is lease.store)
            return
        if held:
            self._due[lease] = time.monotonic() + lease.store.lease / 3
        else:
            del self._due[lease]


_keeper = _Keeper()


def _after_fork() -> None:
    global _keeper  # noqa: PLW0603 - threads exist in the parent only, and so do their claims
    _keeper = _Keeper()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Claiming:
    """The steps to a claim, for sync and async: ask, wait, and ask again."""

    def __init__(self, store: Claims, name: str, patience: float) -> None:
        self.store = store
        self.name = name
        self._lease: Lease | None = None
        self._cancelled = False
        self._lock = threading.Lock()
        self._token = new_token()
        self._patience = patience
        self._end = time.monotonic() + patience
        self._pause = _MIN_PAUSE_SECONDS

    def ask(self) -> Lease | bytes | HeldClaim:
        """Claim once. A claim of a process of this machine that has ended is taken over at once, its lease notwithstanding."""
        answer = self.store.claim(self.name, self._token)
        if isinstance(answer, HeldClaim) and is_gone(answer.holder):
            self.store.release(self.name, answer.holder)
            answer = self.store.claim(self.name, self._token)
        if answer is not None:
            return answer
        lease = Lease(self.store, self.name, self._token)
        _keeper.keep(lease)
        with self._lock:
            self._lease = lease
            if self._cancelled:  # asyncio does not wait for the thread of a cancelled task
                lease.release()
        return lease

    def cancel(self) -> None:
        """Hand over what was claimed, or is being claimed in a thread."""
        with self._lock:
            self._cancelled = True
            if self._lease is not None:
                self._lease.release()

    @contextmanager
    def waiting(self, held: HeldClaim) -> Generator[float]:
        """Note a wait for a claim. Yield the seconds to wait before asking again: 0 to go on without a claim."""
        flight = flight_of_claim(held.holder)
        if flight is None:
            yield self._seconds(held)
            return
        with waiting(flight, self._patience) as wait:
            in_vain = wait.is_in_vain or flight.is_stuck(threading.get_ident())
            yield 0.0 if in_vain else min(self._seconds(held), _MAX_PAUSE_SECONDS)

    def _seconds(self, held: HeldClaim) -> float:
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
        seconds = min(left, held.seconds + 0.001)
        return min(seconds, _MAX_PAUSE_SECONDS) if is_on_this_machine(held.holder) else seconds

    def pause(self, seconds: float) -> float:
        """Return how long to sleep where nobody wakes those who wait."""
        pause, self._pause = self._pause, min(self._pause * 1.5, _MAX_PAUSE_SECONDS)
        return min(seconds, pause * random.uniform(0.5, 1.0))  # noqa: S311 - so that not all of them ask at once


def flush() -> None:
    """Wait for the claims of this process that are being handed over: two seconds at most."""
    _keeper.flush()


def claim(store: Claims, name: str, patience: float) -> Lease | bytes | None:
    """Claim a call; return its recording if another made it first, or None where waiting is in vain or takes too long.

    Raises `StoreError`, `RecordingDamaged`, `NewerFormat`.
    """
    steps = _Claiming(store, name, patience)
    while isinstance(answer := steps.ask(), HeldClaim):
        if is_this_process(answer.holder) and in_event_loop():
            return None  # the other call may need this very thread to go on: waiting could deadlock
        with steps.waiting(answer) as seconds:
            if seconds <= 0:
                return None
            if isinstance(store, Wakes):
                store.wait(name, answer.holder, seconds)
            else:
                time.sleep(steps.pause(seconds))
    return answer


async def aclaim(store: Claims, name: str, patience: float) -> Lease | bytes | None:
    """Async twin of `claim`. Cancelled, it hands over what it has claimed."""
    steps = _Claiming(store, name, patience)
    try:
        while isinstance(answer := await in_thread(steps.ask), HeldClaim):
            with steps.waiting(answer) as seconds:
                if seconds <= 0:
                    return None
                if isinstance(store, Wakes) and on_asyncio():
                    await store.await_(name, answer.holder, seconds)
                else:
                    await anyio.sleep(steps.pause(seconds))
    except BaseException:
        steps.cancel()
        raise
    return answer


def try_claim(store: Claims, name: str) -> Lease | None:
    """Claim a call without waiting. Raises `RefreshedElsewhere` if another process makes it, and `StoreError`."""
    return _taken(_Claiming(store, name, 0.0).ask())


async def atry_claim(store: Claims, name: str) -> Lease | None:
    """Async twin of `try_claim`. Cancelled, it hands over what it has claimed."""
    steps = _Claiming(store, name, 0.0)
    try:
        return _taken(await in_thread(steps.ask))
    except BaseException:
        steps.cancel()
        raise


def _taken(answer: Lease | bytes | HeldClaim) -> Lease | None:
    if isinstance(answer, HeldClaim):
        raise RefreshedElsewhere
    return None if isinstance(answer, bytes) else answer
