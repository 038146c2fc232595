"""Whether a call waits for what the one who waits for the call is to give: a queue, an event, a future, a lock.

Which task or thread will put something into a queue cannot be known. But a call that waits at a queue, while the code of a
waiter has the same queue in hand and gives something to it, or holds the same lock, goes on no sooner than the waiter does: nearly
for sure. Where it is wrong, a call is made twice; so of code that only names the queue (`queue.qsize()`) this is believed after some
seconds. Seen are the primitives of asyncio, threading, queue, anyio and trio that have frames in Python, and what the names in the
waiter's functions stand for.
"""

from __future__ import annotations

import asyncio
import dis
import queue
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from types import FrameType
from typing import Any

__all__ = ["Stand"]

_PRIMITIVES = ("asyncio", "anyio", "trio", "queue", "threading", "concurrent")
"""The packages in whose frames a call waits at one of their objects."""
_OURS = "memo"
_GIVES = frozenset(
    {
        "notify",
        "notify_all",
        "put",
        "put_nowait",
        "release",
        "send",
        "send_nowait",
        "set",
        "set_exception",
        "set_result",
    }
)
"""The methods that let go on what waits at a primitive."""
_MOST_FRAMES = 64
_MOST_MEMBERS = 16
_MOST_OBJECTS = 2000


class Stand:
    """Where a task, or a thread, is: looked at later, from any thread."""

    __slots__ = ("_task", "loop", "thread")

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.loop: Any
        """The event loop of asyncio, or the token of trio's; None outside event loops."""
        self.loop, task = _loop_and_task()
        # Weak: what runs holds the flight, and is to end where nobody holds it.
        self._task = None if task is None else weakref.ref(task)

    def is_in_task_of(self, other: Stand) -> bool:
        """Return whether the same task is at both."""
        task = self._running()
        return task is not None and task is other._running()

    def call_soon(self, function: Callable[[], object]) -> None:
        """Have the event loop call a function soon, from any thread. One that is gone calls nothing."""
        with suppress(RuntimeError):
            (getattr(self.loop, "call_soon_threadsafe", None) or self.loop.run_sync_soon)(function)

    def is_gone(self) -> bool:
        """Return whether the event loop was closed, or is not running: then nothing goes on in it."""
        if self.loop is None:
            return False
        if hasattr(self.loop, "is_running"):
            return not self.loop.is_running()
        try:
            self.loop.run_sync_soon(_nothing)
        except RuntimeError:  # trio's run is over
            return True
        return False

    def waits_for(self, other: Stand, *, named: bool = False) -> bool:
        """Return whether what runs here waits at something that the code which runs at `other` gives to, or holds.

        With `named`, it is enough that the code names it.
        """
        awaited = {id(thing): thing for thing in self._awaited()}  # kept, so that no id is used again
        if not awaited:
            return False
        in_hand = islice(other._in_hand(named=named), _MOST_OBJECTS)
        return any(id(thing) in awaited or id(_shared(thing)) in awaited for thing in in_hand)

    def _running(self) -> Any:
        """Return the task, None if there is none, or no more."""
        return None if self._task is None else self._task()

    def _frames(self) -> list[FrameType]:
        """Return the frames, from the innermost out."""
        task = self._running()
        coroutine = None if task is None else task.coro if hasattr(task, "coro") else task.get_coro()
        frames = list(islice(_of_coroutine(coroutine), _MOST_FRAMES))
        if self._task is None or getattr(coroutine, "cr_running", False):
            frame = sys._current_frames().get(self.thread)  # pyright: ignore[reportPrivateUsage] - documented
            frames = []
            while frame is not None and len(frames) < _MOST_FRAMES:
                frames.append(frame)
                frame = frame.f_back
            return frames
        return frames[::-1]

    def _awaited(self) -> Iterator[Any]:
        """Yield what the innermost frames wait at."""
        for frame in self._frames():
            if _package(frame) not in _PRIMITIVES:
                if self._task is None and "get" in frame.f_code.co_names:
                    yield from (
                        value for _, value in _named(frame) if type(value) is queue.SimpleQueue
                    )  # no frame of its own
                break
            primitive = frame.f_locals.get("self")
            if primitive is not None:
                yield primitive
                yield _shared(primitive)
        future = getattr(self._running(), "_fut_waiter", None)
        if future is not None:
            yield future
            yield from getattr(future, "_children", ())  # of `gather`

    def _in_hand(self, *, named: bool) -> Iterator[Any]:
        """Yield what the code of the user's functions that run here can name: all of it, or what it gives to, or holds."""
        if self._task is not None:
            yield self._task()
        for frame in self._frames():
            if _package(frame) in (*_PRIMITIVES, _OURS):
                continue
            names = frame.f_code.co_names
            gives = named or not _GIVES.isdisjoint(names)
            held = None if gives else _held(frame)
            for name, value in _named(frame):
                if held is None or name in held:
                    yield value
                    yield from _members(value, names if held is None else tuple(held))


def _named(frame: FrameType) -> list[tuple[str, Any]]:
    """Return the variables that the code of a frame can name."""
    found = frame.f_globals
    return [*frame.f_locals.items(), *((name, found[name]) for name in frame.f_code.co_names if name in found)]


def _held(frame: FrameType) -> set[str]:
    """Return the names in the `with` statements inside which a frame is."""
    found: set[str] = set()
    instructions = list(dis.get_instructions(frame.f_code))
    by_offset = {instruction.offset: index for index, instruction in enumerate(instructions)}
    for entry in getattr(dis, "_parse_exception_table", lambda _: ())(frame.f_code):
        handler = by_offset.get(entry.target)
        if not entry.start <= frame.f_lasti < entry.end or handler is None:
            continue
        if "WITH_EXCEPT_START" not in {each.opname for each in instructions[handler : handler + 2]}:
            continue
        place = instructions[handler].positions
        line = None if place is None else place.lineno
        found.update(
            each.argval
            for each in instructions
            if each.positions is not None and each.positions.lineno == line and type(each.argval) is str
        )
    return found


def _loop_and_task() -> tuple[Any, Any]:
    """Return the event loop of asyncio that runs here, or the token of trio's, and its running task; None for what there is not."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        trio = sys.modules.get("trio")
        if trio is not None:
            with suppress(RuntimeError):
                return trio.lowlevel.current_trio_token(), trio.lowlevel.current_task()
        return None, None
    return loop, asyncio.current_task(loop)


def _nothing() -> None: ...


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _of_coroutine(coroutine: Any) -> Iterator[FrameType]:
    """Yield the frames of a coroutine that is suspended, from the outermost in."""
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is None:
            return
        yield frame
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)


def _shared(thing: Any) -> Any:
    """Return what both ends of a stream of anyio or trio share, else the thing itself."""
    state = getattr(thing, "_state", None) if type(thing).__module__.partition(".")[0] in ("anyio", "trio") else None
    return thing if state is None else state


def _members(value: Any, names: tuple[str, ...]) -> Iterator[Any]:
    """Yield the members of a small container, or the attributes of an object that some code names."""
    if type(value) in (tuple, list, dict) and len(value) <= _MOST_MEMBERS:
        yield from [*(value.values() if type(value) is dict else value)]
        return
    attributes = getattr(value, "__dict__", None)
    if type(attributes) is dict:
        yield from [attributes[name] for name in names if name in attributes]
