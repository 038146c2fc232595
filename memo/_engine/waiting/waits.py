"""Who waits for whom: a wait that would close a circle of calls, or that nothing can end, is not begun or is given up."""

from __future__ import annotations

import inspect
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol

from memo._engine.waiting.awaited import Stand
from memo._engine.waiting.nesting import current_flight

__all__ = ["Node", "Wait", "chain", "waiting", "waits_for_thread"]

log = logging.getLogger("memo")


_LOOK_SECONDS = 0.1
"""How often it is looked whether waits are in vain by now."""
_FIRST_LOOK_SECONDS = 0.3
"""After which it is looked for the first time whether a call waits for its waiter at a queue or the like."""
_NAMED_SECONDS = 5.0
"""After which it is enough that the waiter's code names the queue."""


class Node(Protocol):
    """A live call that others may wait for."""

    @property
    def parent(self) -> Node | None:
        """The live call inside which it is made."""
        ...

    def is_stuck(self, thread: int) -> bool:
        """Return whether the call will not end by itself while that thread waits."""
        ...

    def waits_for(self, waiter: Stand, *, named: bool) -> bool:
        """Return whether the call waits for what runs there, as far as it can be seen. It takes some 100 µs."""
        ...


def chain(node: Node | None) -> Iterator[Node]:
    """Iterate over a flight and those inside which it is made, from the inside out."""
    while node is not None:
        yield node
        node = node.parent


class Wait:
    """One caller's wait for a flight."""

    __slots__ = (
        "_begun",
        "_end",
        "_next_look",
        "_pause",
        "_stand",
        "_thread",
        "inside",
        "is_in_vain",
        "target",
        "wake",
    )

    def __init__(self, target: Node, patience: float) -> None:
        self.target = target
        self.inside: Node | None = current_flight()
        """The flight inside which the caller runs."""
        self.is_in_vain = False
        """Whether waiting longer is no use: the caller goes on as if nobody else were making the call."""
        self.wake: Callable[[], object] | None = None
        """Called, from any thread, once the wait is in vain."""
        self._thread = threading.get_ident()
        self._stand = Stand()
        now = time.monotonic()
        self._begun = now
        self._end = now + patience
        self._pause = _LOOK_SECONDS
        self._next_look = now + _FIRST_LOOK_SECONDS

    def look(self) -> None:
        """Find out whether the wait is in vain by now."""
        if not self.is_in_vain and (self.target.is_stuck(self._thread) or self._is_awaited()):
            self.give_up()
        elif time.monotonic() > self._end:
            log.warning("an identical call is still on its way after a long wait, and is made here, too")
            self.give_up()

    def _is_awaited(self) -> bool:
        """Return whether the call waits for the one who waits for it: looked at ever more seldom, since it takes long."""
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._pause *= 2
        self._next_look = now + self._pause
        if not self.target.waits_for(self._stand, named=now - self._begun > _NAMED_SECONDS):
            return False
        log.warning("an identical call seems to wait for its own caller, and is made here, too")
        return True

    def give_up(self) -> None:
        """End the wait."""
        self.is_in_vain = True
        if self.wake is not None:
            self.wake()


@contextmanager
def waiting(target: Node, patience: float) -> Generator[Wait]:
    """Note a wait for `target`: in vain from the start if it would never end, since `target` waits for the caller.

    That is so if the caller runs inside `target`, or inside a flight that `target` waits for, directly or through
    others. Of the waits that would close a circle only the last is refused: the others end when its caller has gone on.
    """
    wait = Wait(target, patience)
    with _lock:
        if wait.inside is not None and _waits_for(target, set(chain(wait.inside))):
            wait.is_in_vain = True
        else:
            _waits.add(wait)
            _watcher.watch()
    try:
        yield wait
    finally:
        with _lock:
            _waits.discard(wait)


def _waits_for(target: Node, mine: set[Node]) -> bool:
    """Return whether a flight waits for one of `mine`, directly or through others."""
    seen: set[Node] = set()
    todo = [target]
    while todo:
        node = todo.pop()
        if node in mine:
            return True
        if node not in seen:
            seen.add(node)
            todo += [wait.target for wait in _waits if node in chain(wait.inside)]
    return False


class _Watcher(threading.Thread):
    """Looks after the waits, so that no task or thread has to wake up only to look whether to wait on."""

    def __init__(self) -> None:
        super().__init__(name="memo-waits", daemon=True)
        self._has_work = threading.Event()
        self._was_started = False

    def watch(self) -> None:
        """Look at the waits from now on."""
        if not self._was_started:
            self._was_started = True
            self.start()
        self._has_work.set()

    def run(self) -> None:
        """Look, forever."""
        while True:
            self._has_work.wait()
            time.sleep(_LOOK_SECONDS)
            with _lock:
                waits = list(_waits)
                if not waits:
                    self._has_work.clear()
            for wait in waits:
                wait.look()


_lock = threading.RLock()
_waits: set[Wait] = set()
_watcher = _Watcher()


# Threads that inherit no context


def waits_for_thread(thread: int, loop: Any, other: int) -> bool:
    """Return whether a thread, or something in an event loop, waits for the end of what runs in the `other` thread.

    Seen are `Thread.join`, `Future.result` and the like in any frame of that thread, through any number of threads between,
    and `run_in_executor`. Threads inherit no context before Python 3.14: this is how one finds out that it runs inside
    the call that it is about to wait for.
    """
    if thread == other:
        return False
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage] - documented, for all its name
    blocked, todo = {other}, [other]
    while todo:
        work = _work(todo.pop(), frames)
        if any(_awaited_in(loop, future) for future in work):
            return True
        more = {ident for ident, frame in frames.items() if ident not in blocked and _joins(frame, work)}
        blocked |= more
        todo += more
    return thread in blocked


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _work(ident: int, frames: dict[int, FrameType]) -> list[Any]:
    """Return what others can wait for to wait for a thread: its `Thread`, and the futures of what it executes."""
    found: list[Any] = [thread for thread in threading.enumerate() if thread.ident == ident]
    for frame in _stack(frames.get(ident)):
        if frame.f_code.co_name == "run" and frame.f_globals.get("__name__") == "concurrent.futures.thread":
            future = getattr(frame.f_locals.get("self"), "future", None)
            if future is not None:
                found.append(future)
    return found


_WAITING_MODULES = ("threading", "concurrent.futures._base", "concurrent.futures.thread")


def _joins(frame: FrameType, work: list[Any]) -> bool:
    """Return whether a thread waits for one of these threads or futures: one is `self`, or among those waited for."""
    for above in _stack(frame):
        if above.f_globals.get("__name__") not in _WAITING_MODULES:
            return False
        for value in list(above.f_locals.values()):
            if any(value is item for item in work):
                return True
            if isinstance(value, list | set | frozenset) and any(item in value for item in work):
                return True
    return False


def _awaited_in(loop: Any, future: Any) -> bool:
    """Return whether an asyncio event loop awaits a `concurrent.futures.Future`."""
    callbacks = getattr(future, "_done_callbacks", ())
    held = [inspect.getclosurevars(callback).nonlocals for callback in callbacks if inspect.isfunction(callback)]
    return loop is not None and any(value is loop for names in held for value in names.values())


def _after_fork() -> None:
    """Forget the waits of the parent's threads, which do not exist in the child."""
    global _lock, _watcher
    _lock, _watcher = threading.RLock(), _Watcher()
    _waits.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
