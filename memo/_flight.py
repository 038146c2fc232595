"""One live call of a key at a time: whoever makes it leads, the others wait and then look again.

Works across tasks (asyncio, trio), threads, and several event loops in one process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import anyio
from anyio.lowlevel import current_token

__all__ = ["Flight", "Flights"]


class Flight:
    """A live call on its way."""

    def __init__(self, land: Callable[[], None]) -> None:
        self._land = land
        self._lock = threading.Lock()
        self._landed = False
        self._wake: list[Callable[[], object]] = []
        self._thread = threading.get_ident()
        self._task: int | None = None
        self._loop: Any = None
        self.deferred: str | None = None
        """What a plain function returned that is not done yet: "awaitable" or "stream"."""

    def board(self) -> None:
        """Note which task makes the call. (A task that waits for itself waits for ever.)"""
        self._task = anyio.get_current_task().id
        self._loop = current_token().native_token

    def defer(self, kind: str) -> None:
        """The call returned, its result is still to come: those who wait in a thread may go on and await it."""
        with self._lock:
            self.deferred = kind
            wake, self._wake = self._wake, []
        for each in wake:
            each()

    def land(self) -> None:
        """The call is over and what came of it is stored, or will never be. Landing twice is landing once."""
        with self._lock:
            if self._landed:
                return
            self._landed = True
            wake, self._wake = self._wake, []
        self._land()
        for each in wake:
            each()

    def wait_in_thread(self) -> bool:
        """Block until the call lands or is deferred. False, at once, if it never could: it is this thread's own."""
        landed = threading.Event()
        with self._lock:
            if self._landed or self.deferred:
                return True
            if self._thread == threading.get_ident():
                return False
            self._wake.append(landed.set)
        landed.wait()
        return True

    async def wait(self) -> bool:
        """Wait until the call lands. False, at once, if it never could: it is this task's own, or its loop is closed."""
        token = current_token().native_token
        # Both loops' ways to call something soon from any thread; a loop that is gone has nobody left to wake.
        call_soon = getattr(token, "call_soon_threadsafe", None) or token.run_sync_soon
        landed = anyio.Event()

        def wake() -> None:
            try:
                call_soon(landed.set)
            except RuntimeError:
                return

        while True:
            with self._lock:
                if self._landed:
                    return True
                closed = getattr(self._loop, "is_closed", None)
                if (closed is not None and closed()) or self._task == anyio.get_current_task().id:
                    return False
                if wake not in self._wake:
                    landed = anyio.Event()
                    self._wake.append(wake)
            try:
                await landed.wait()
            finally:
                with self._lock:
                    if wake in self._wake:
                        self._wake.remove(wake)


class Flights:
    """The live calls on their way, by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
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

    def leave(self, key: str, flight: Flight) -> None:
        """Give up waiting for a flight that can not land: the next one to join makes its own."""
        self._drop(key, flight)
