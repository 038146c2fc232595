"""One live call of a key at a time: the caller who makes the call leads, the others wait and then look again.

Works across tasks (asyncio, trio), threads, and several event loops in one process. Every wait ends: with the call, or
because waiting is in vain, and then the caller goes on as if nobody else were making the call.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, StrEnum, auto
from typing import Protocol
from weakref import WeakSet, WeakValueDictionary

import anyio

from memo._engine.waiting.awaited import Stand
from memo._engine.waiting.nesting import current_flight
from memo._engine.waiting.threads import in_event_loop
from memo._engine.waiting.waits import waiting, waits_for_thread

__all__ = ["Claim", "Flight", "Flights", "Pending", "WaitEnd", "flight_of_claim"]

log = logging.getLogger("memo")

_IDLE_SECONDS = 0.5
"""How long a consumer may keep a stream without asking for the next item, until those who wait for the end go on."""

_LOOP_SECONDS = 1.0
"""How long an event loop's thread is blocked by a plain function that waits for another thread's call."""


class WaitEnd(Enum):
    """How a wait ended, if the call did not return something that is still to come."""

    FINISHED = auto()
    """The call is over: look again."""

    IN_VAIN = auto()
    """Nothing is sure to end the call: make it here, too."""


class Pending(StrEnum):
    """What a call returned whose outcome is still to come."""

    AWAITABLE = "awaitable"
    STREAM = "stream"
    AWAITABLE_STREAM = "awaitable stream"
    ITERATOR = "iterator"
    SDK_STREAM = "SDK stream"
    """No stream that memo could make by itself: others wait for its end."""


class Claim(Protocol):
    """What makes a call the only live one in the whole fleet."""

    token: str
    name: str
    """What is claimed: the name of an entry, or of a part of one."""

    def finish(self, data: bytes) -> bytes | None:
        """Store the outcome and wake those who wait. Return None, or what was stored before."""
        ...

    def release(self) -> None:
        """Let another process make the call, unless it is finished. Return at once."""
        ...


_claimed: WeakValueDictionary[str, Flight] = WeakValueDictionary()


def flight_of_claim(token: str) -> Flight | None:
    """Return the flight of this process that holds a claim in a store."""
    return _claimed.get(token)


class Flight:
    """A live call on its way."""

    claim: Claim | None = None
    claim_of_draw: Claim | None = None
    idle_since: float | None = None
    """The `time.monotonic()` at which an item was handed over, until the consumer asks for the next one."""
    _finished = False
    _pending: Pending | None = None
    _consumed = True

    def __init__(self, flights: Flights, key: str) -> None:
        self.parent: Flight | None = current_flight()
        self._flights = flights
        self._key = key
        # Reentrant: the garbage collector finishes flights too, at any time.
        self._lock = threading.RLock()
        self._wake: list[Callable[[], object]] = []
        self._owner = Stand()

    def hold(self, claim: Claim | None, *, of_draw: bool = False) -> None:
        """Hold a claim in the store until the flight ends: that of the call, or of its first draw beside it."""
        if of_draw:
            self.claim_of_draw = claim
        else:
            self.claim = claim
        if claim is not None:
            _claimed[claim.token] = self

    def set_owner(self) -> None:
        """Note that the running task and thread make the call, or consume what the call returned."""
        self._owner = Stand()

    def mark_pending(self, kind: Pending) -> None:
        """Note that the call returned, and that its outcome is still to come.

        Callers who can return the like do so instead of waiting. Nobody waits for a result that nobody consumes.
        """
        with self._lock:
            self._pending, self._consumed = kind, False
        self._wake_all()

    def mark_consumed(self) -> None:
        """Note that the running task began to consume what the call returned."""
        with self._lock:
            self._consumed = True
            self.set_owner()

    def finish(self) -> None:
        """Wake all waiters: the outcome is stored, or never will be. Idempotent."""
        with self._lock:
            if self._finished:
                return
            self._finished = True
        if self.claim is not None:
            self.claim.release()
        if self.claim_of_draw is not None:
            self.claim_of_draw.release()
        self._flights.drop(self._key, self)
        if self._wake:
            self._wake_all()

    def wait_in_thread(self, *kinds: Pending, patience: float) -> WaitEnd | Pending:
        """Block until the call is over, or has returned a pending result of one of these kinds.

        Return `WaitEnd.IN_VAIN` at once where the call waits for its own caller, and later if the call cannot end (its
        event loop was closed, its stream is kept half read) or did not end within `patience` seconds.
        """
        with waiting(self, min(patience, _LOOP_SECONDS) if in_event_loop() else patience) as wait:
            while not wait.is_in_vain:
                look = threading.Event()
                wait.wake = look.set
                with self._lock:
                    seen = self._seen(kinds, own=self._owner.thread == threading.get_ident())
                    if seen is not None:
                        return seen
                    self._wake.append(look.set)
                if not wait.is_in_vain:
                    look.wait()
                self._forget(look.set)
        return WaitEnd.IN_VAIN

    async def wait(self, *kinds: Pending, patience: float) -> WaitEnd | Pending:
        """Async twin of `wait_in_thread`."""
        here = Stand()
        with waiting(self, patience) as wait:
            while not wait.is_in_vain:
                look = anyio.Event()

                def wake(look: anyio.Event = look) -> None:
                    here.call_soon(look.set)

                wait.wake = wake
                with self._lock:
                    seen = self._seen(kinds, own=self._owner.is_in_task_of(here))
                    if seen is not None:
                        return seen
                    self._wake.append(wake)
                try:
                    if not wait.is_in_vain:
                        await look.wait()
                finally:
                    self._forget(wake)
        return WaitEnd.IN_VAIN

    def _seen(self, kinds: tuple[Pending, ...], *, own: bool) -> WaitEnd | Pending | None:
        if self._finished:
            return WaitEnd.FINISHED
        if self._pending in kinds:
            return self._pending
        return WaitEnd.IN_VAIN if own or not self._consumed or self._owner.is_gone() else None

    def is_idle(self) -> bool:
        """Return whether the consumer of a stream has not asked for the next item for a while."""
        idle = self.idle_since
        return idle is not None and time.monotonic() - idle > _IDLE_SECONDS

    def is_stuck(self, thread: int) -> bool:
        """Return whether the call will not end by itself while that thread waits.

        Its stream is kept half read, its event loop is gone, or its own thread waits for the end of the other one.
        """
        owner = self._owner
        return self.is_idle() or owner.is_gone() or waits_for_thread(owner.thread, owner.loop, thread)

    def waits_for(self, waiter: Stand, *, named: bool) -> bool:
        """Return whether the call waits at a queue or the like that its waiter gives to, or only names."""
        return self._owner.waits_for(waiter, named=named)

    def _forget(self, wake: Callable[[], object]) -> None:
        with self._lock, suppress(ValueError):
            self._wake.remove(wake)

    def _wake_all(self) -> None:
        with self._lock:
            waiters, self._wake = self._wake, []
        for wake in waiters:
            wake()


class Flights:
    """The live calls on their way, by key."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._flights: dict[str, Flight] = {}
        self._behind: dict[str, float] = {}
        """The keys of calls behind the replay of an expired outcome, and the `time.monotonic()` until which no other begins."""
        _all.add(self)

    def join(self, key: str) -> tuple[Flight, bool]:
        """Return the flight of a key, and whether it is the caller who leads (and has to finish) it."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = self._flights[key] = Flight(self, key)
            return flight, True

    def is_on_its_way(self, key: str) -> bool:
        """Return whether a call is being made."""
        return key in self._flights

    def drop(self, key: str, flight: Flight) -> None:
        """Forget a flight that is over."""
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def begin_behind(self, key: str) -> bool:
        """Note that a call is made behind a replay; return False, and change nothing, if that is too soon."""
        with self._lock:
            if self._behind.get(key, 0.0) > time.monotonic():
                return False
            self._behind[key] = math.inf
            return True

    def end_behind(self, key: str, pause: float) -> None:
        """Note that a call behind a replay is over. The next may begin after so many seconds."""
        now = time.monotonic()
        with self._lock:
            self._behind = {other: until for other, until in self._behind.items() if until > now and other != key}
            if pause:
                self._behind[key] = now + pause

    def forget_all(self) -> None:
        """Forget the flights of the parent process: in a forked child nobody is left to finish them."""
        self._lock = threading.RLock()
        self._flights, self._behind = {}, {}


_all: WeakSet[Flights] = WeakSet()


def _after_fork() -> None:
    for flights in list(_all):
        flights.forget_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
