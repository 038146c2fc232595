"""One live call of a key at a time: whoever makes it leads, the others wait and then look again.

Works across tasks (asyncio, trio), threads, and several event loops in one process.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import anyio
from anyio.lowlevel import current_token

__all__ = ["LANDED", "NEVER", "Claim", "Flight", "Flights"]

LANDED = "landed"
"""What a wait comes to: the call is over."""

NEVER = "never"
"""It would last for ever."""


def _task() -> tuple[int, Any]:
    """What tells the running task from others, and its event loop. Raises RuntimeError outside of event loops.

    (asyncio is asked first: anyio's answer takes ten times as long.)
    """
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no asyncio loop runs here
        task = None
    if task is not None:
        return id(task), task.get_loop()
    return anyio.get_current_task().id, current_token().native_token


class Claim(Protocol):
    """What makes a call the only live one in the whole fleet."""

    def finish(self, data: bytes) -> bytes | None:
        """Store the outcome, and let the others look: None, or what was stored before."""
        ...

    def release(self) -> None:
        """Let another make the call, unless it is finished. Nothing is waited for."""
        ...


class Flight:
    """A live call on its way."""

    def __init__(self, finish: Callable[[], None]) -> None:
        self.claim: Claim | None = None
        self._land = finish
        # Reentrant: the garbage collector lands flights too, and may come at any time.
        self._lock = threading.RLock()
        self._landed = False
        self._wake: list[Callable[[], object]] = []
        self._deferred = ""
        self._begun = True
        self._thread = threading.get_ident()
        self._task: int | None = None
        self._loop: Any = None

    def set_owner(self) -> None:
        """Note which task makes the call, or uses what it returned. (A task that waits for itself waits for ever.)"""
        self._thread = threading.get_ident()
        try:
            self._task, self._loop = _task()
        except RuntimeError:  # not in an event loop
            self._task = self._loop = None

    def defer(self, kind: str) -> None:
        """The call returned, but its result is still to come: an "awaitable", a "stream", an "awaitable stream", an "iterator".

        Whoever can return such a thing now, too, does not wait. Nobody waits for one that nobody has begun to use.
        """
        with self._lock:
            self._deferred, self._begun = kind, False
        self._wake_all()

    def begin(self) -> None:
        """Somebody began to use what the call returned."""
        with self._lock:
            self._begun = True
            self.set_owner()

    def finish(self) -> None:
        """The call is over and what came of it is stored, or will never be. Landing twice is landing once."""
        with self._lock:
            if self._landed:
                return
            self._landed = True
        if self.claim is not None:
            self.claim.release()
        self._land()
        self._wake_all()

    def wait_in_thread(self, *kinds: str) -> str:
        """Block until the call lands, or is deferred as one of these kinds: which of it happened.

        `NEVER`, at once, if neither could: it is this thread's own, or nobody uses its result.
        """
        while True:
            look = threading.Event()
            with self._lock:
                seen = self._seen(kinds, own=self._thread == threading.get_ident())
                if seen:
                    return seen
                self._wake.append(look.set)
            look.wait()

    async def wait(self, *kinds: str) -> str:
        """The same without blocking; `NEVER` if it is this task's own."""
        task, loop = _task()
        # Both loops' ways to call something soon from any thread; a loop that is gone has nobody left to wake.
        call_soon = getattr(loop, "call_soon_threadsafe", None) or loop.run_sync_soon
        while True:
            look = anyio.Event()

            def wake(look: anyio.Event = look) -> None:
                with suppress(RuntimeError):
                    call_soon(look.set)

            with self._lock:
                seen = self._seen(kinds, own=self._task == task)
                if seen:
                    return seen
                self._wake.append(wake)
            try:
                await look.wait()
            finally:
                with self._lock:
                    if wake in self._wake:
                        self._wake.remove(wake)

    def _seen(self, kinds: tuple[str, ...], *, own: bool) -> str:
        if self._landed:
            return LANDED
        if self._deferred in kinds:
            return self._deferred
        gone = getattr(self._loop, "is_closed", None)
        return NEVER if own or not self._begun or (gone is not None and gone()) else ""

    def _wake_all(self) -> None:
        with self._lock:
            wake, self._wake = self._wake, []
        for each in wake:
            each()


class Flights:
    """The live calls on their way, by key."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._flights: dict[str, Flight] = {}

    def join(self, key: str) -> tuple[Flight, bool]:
        """The flight of that key, and whether it is the caller who makes it (and has to land it)."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = self._flights[key] = Flight(lambda: self._drop(key, flight))
            return flight, True

    def _drop(self, key: str, flight: Flight | None) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
