"""The order in which concurrent calls end: noted while they are recorded, and kept when they are replayed.

A replay takes no time, so of concurrent calls the one that was made first would end first. So the outcome of a call names the call that
ended last while its own was running, and its replay ends after that one. Calls that were made one after the other name none.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

import anyio
import anyio.lowlevel

from memo._calls.call import Call
from memo._engine.waiting.awaited import Stand
from memo._engine.waiting.threads import on_asyncio
from memo.errors import OrderNotKeptWarning

__all__ = ["Ending", "Order", "Place", "Turn", "form", "settle", "settle_in_thread", "wait", "wait_in_thread"]

_LEAST_SECONDS, _MOST_SECONDS = 1.0, 60.0
"""How long a replayed call waits for one that does not come: as long as it took when it was recorded, within these limits.

(A function that a test makes up takes microseconds, and a busy machine longer than that to get to the next task.) Once a call of the session has waited in vain, the order is lost, and no other waits.
"""
_PAUSE_SECONDS = 0.01
"""How long another thread gets to hand on what its call returned, which takes 20 µs where the machine is idle: at most."""
_MOST_TICKS, _TICKS = 100, 10
"""Rounds of an event loop until the program has reacted to the end of a call: at most, and where the loop does not show it."""


class Place(NamedTuple):
    """A call among the identical ones of a session."""

    name: str
    """`function/key`."""
    draw: int

    @classmethod
    def of(cls, call: Call, draw: int) -> Place:
        """Return the place of a call."""
        return cls(f"{call.function}/{call.key}", draw)

    @property
    def call(self) -> Call:
        """The call, without its arguments."""
        function, _, key = self.name.rpartition("/")
        return Call(function, key, b"{}")


Ending = tuple[Call, int, int, int]
"""The end of a call: which one, its draw, when by the session's own count, and in which thread. (A recorded call makes one: a plain tuple.)"""


def form(ending: Ending) -> dict[str, Any]:
    """Return how the outcome of the next call, which ends in this thread, names it."""
    call, draw, _, thread = ending
    named: dict[str, Any] = {"call": Place.of(call, draw).name, "draw": draw}
    return named if thread == threading.get_ident() else {**named, "thread": True}


_NO_CALL = Call("", "", b"{}")


class Turn:
    """A replayed call that ends after another one."""

    __slots__ = ("_until", "after", "begun", "is_elsewhere", "is_kept", "place", "seconds", "wake")

    def __init__(self, place: Place, after: Place | None, seconds: float, *, is_elsewhere: bool = False) -> None:
        self.place = place
        self.after = after
        self.is_elsewhere = is_elsewhere
        """Whether the other call ended in another thread."""
        self.seconds = max(seconds, 0.0)
        """How long the call took when it was recorded."""
        self.begun = 0
        """When the call began, by the session's own count."""
        self.is_kept = True
        """Whether the call ends where it ended when it was recorded."""
        self.wake: Callable[[], object] = _nothing
        """Called, from any thread, when the other call has ended."""
        self._until = time.monotonic() + min(max(self.seconds, _LEAST_SECONDS), _MOST_SECONDS)

    @property
    def seconds_left(self) -> float:
        """How long the call may still wait."""
        return max(self._until - time.monotonic(), 0.0)

    def extend(self) -> None:
        """Let the call wait on for a moment: what it waits for waits itself."""
        self._until = time.monotonic() + _LEAST_SECONDS / 10


class Order:
    """The order in which the calls of a session end. Safe for tasks and threads."""

    def __init__(self) -> None:
        self.watching: dict[object, None] = {}
        """The live calls that run, and the replayed ones that wait: while there is none, no end needs to be noted."""
        self.last: Ending = (_NO_CALL, 0, 0, 0)
        """The call that ended last."""
        self.reading: dict[tuple[str, int | None], None] = {}
        """The key and the number of each call that has begun, and whose recording is being read."""
        self.is_off = False
        """True if other processes take part in the session, whose calls nobody sees here."""
        self._clock = count(1).__next__
        self._turns: dict[Place, Turn] = {}
        """The replayed calls that have begun and not ended, of those that wait, or were waited for when they began."""
        self._awaited: dict[Place, list[Turn]] = {}
        self._vain: dict[str, int] = {}
        """How many calls of each function waited in vain, and were replayed, since that was last reported."""
        self._missed: dict[str, None] = {}
        """What they waited for."""
        self.is_lost = False
        """True once a call has waited in vain: no other waits, since the program is not the one that was recorded."""
        self._lock = threading.RLock()

    def warning(self, command: Callable[[], str]) -> OrderNotKeptWarning | None:
        """Return what to warn of at the end, if calls were replayed out of order. Once. `command` gives what records them again."""
        if not self._vain:
            return None
        with self._lock:
            vain, self._vain = self._vain, {}
            missed, self._missed = self._missed, {}
        return OrderNotKeptWarning(vain, missed, command())

    # Live calls

    def begin(self) -> int:
        """Note that a call begins; return when."""
        moment = self._clock()
        self.watching[moment] = None
        return moment

    def drop(self, begun: int) -> None:
        """Note that a live call is over."""
        self.watching.pop(begun, None)

    def end(self, call: Call, draw: int) -> Ending:
        """Note that a call ends now; return which one ended before it."""
        with self._lock:
            last, self.last = self.last, (call, draw, self._clock(), threading.get_ident())
        if self._awaited:
            self._wake(Place.of(call, draw))
        return last

    # Replayed calls

    def enter(self, turn: Turn) -> None:
        """Note that a replayed call has begun, which takes its turn."""
        with self._lock:
            turn.begun = self._clock()
            self._turns[turn.place] = turn
            self.watching[turn] = None

    def leave(self, turn: Turn) -> None:
        """Note that the call has ended, or was cancelled."""
        with self._lock:
            if self._turns.get(turn.place) is turn:
                del self._turns[turn.place]
            self.watching.pop(turn, None)
            self._forget(turn)

    def lose(self) -> None:
        """Let no call wait any more, nor those that wait now."""
        with self._lock:
            self.is_lost = True
            waiting = [turn for turns in self._awaited.values() for turn in turns]
        for turn in waiting:
            turn.wake()

    def note_vain(self, turn: Turn) -> None:
        """Note that a call was replayed, although the one that goes before did not come."""
        with self._lock:
            function = turn.place.call.function
            self._vain[function] = self._vain.get(function, 0) + 1
            if turn.after is not None:
                self._missed[turn.after.name] = None

    def is_to_come(self, place: Place, has_begun: Callable[[Call, int], bool]) -> bool:
        """Return whether a call has not ended yet, as far as calls of this session are replayed."""
        if place in self._turns:
            return True
        call = place.call
        return (call.key, place.draw) in self.reading or not has_begun(call, place.draw)

    def is_waiting(self, place: Place) -> bool:
        """Return whether a replayed call waits for another one."""
        turn = self._turns.get(place)
        return turn is not None and turn.after is not None

    def wait_for(self, turn: Turn, wake: Callable[[], object], has_begun: Callable[[Call, int], bool]) -> bool:
        """Have `wake` called once the call ends that goes before; return False if there is nothing to wait for.

        Calls that wait for one another, as no recorded calls do, wait for nothing.
        """
        after = turn.after
        with self._lock:
            if (
                after is None
                or self.is_lost
                or not self.is_to_come(after, has_begun)
                or self._is_circle(turn.place, after)
            ):
                return False
            turn.wake = wake
            waiting = self._awaited.setdefault(after, [])
            if turn not in waiting:
                waiting.append(turn)
            return True

    def _is_circle(self, place: Place, after: Place) -> bool:
        if place == after:
            return True
        if place not in self._awaited:
            return False
        met, turn = {place, after}, self._turns.get(after)
        while turn is not None and turn.after is not None:
            if turn.after in met:  # also a circle that the call itself is not in: processes wrote it together
                return True
            met.add(turn.after)
            turn = self._turns.get(turn.after)
        return False

    def _forget(self, turn: Turn) -> None:
        waiting = self._awaited.get(turn.after) if turn.after is not None else None
        if waiting is not None and turn in waiting:
            waiting.remove(turn)
            if not waiting and turn.after is not None:
                del self._awaited[turn.after]

    def _wake(self, place: Place) -> None:
        with self._lock:
            waiting = self._awaited.pop(place, [])
        for turn in waiting:
            turn.wake()


def _nothing() -> None: ...


async def wait(order: Order, turn: Turn, has_begun: Callable[[Call, int], bool]) -> bool:
    """Wait for the call that goes before; return False if it did not end in time."""
    stand = Stand()
    while True:
        ended = anyio.Event()

        def wake(ended: anyio.Event = ended) -> None:
            if stand.thread == threading.get_ident():
                ended.set()
            else:
                stand.call_soon(ended.set)

        if not order.wait_for(turn, wake, has_begun):
            return True
        with anyio.move_on_after(turn.seconds_left):
            await ended.wait()
        if not ended.is_set() and not _goes_on(order, turn):
            return False


def wait_in_thread(order: Order, turn: Turn, has_begun: Callable[[Call, int], bool]) -> bool:
    """Sync twin of `wait`."""
    while True:
        ended = threading.Event()
        if not order.wait_for(turn, ended.set, has_begun):
            return True
        if not ended.wait(turn.seconds_left) and not _goes_on(order, turn):
            return False


def _goes_on(order: Order, turn: Turn) -> bool:
    """Return whether to wait on, although the time is over: the other call waits for its own predecessor."""
    if turn.after is None or not order.is_waiting(turn.after):
        return False
    turn.extend()
    return True


async def settle(turn: Turn) -> None:
    """Let the program react to the end of the call that goes before, as it did before this call ended live."""
    if turn.is_elsewhere:
        await anyio.sleep(min(_PAUSE_SECONDS, turn.seconds))
    if not on_asyncio():
        for _ in range(_TICKS):
            await anyio.lowlevel.checkpoint()
        return
    ready: Any = getattr(asyncio.get_running_loop(), "_ready", None)
    if ready is None:  # an event loop of somebody else's
        for _ in range(_TICKS):
            await asyncio.sleep(0)
        return
    for _ in range(_MOST_TICKS):
        if not ready:  # all others wait for time, for the network or for this call
            return
        await asyncio.sleep(0)


def settle_in_thread(turn: Turn) -> None:
    """Sync twin of `settle`: the other call ended in another thread, or this one would not have run in the meantime."""
    time.sleep(min(_PAUSE_SECONDS, turn.seconds))
