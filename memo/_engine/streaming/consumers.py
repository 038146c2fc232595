"""Who consumes a live stream, and which streams of a session are still open: what was left is stored, by whatever way."""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import anyio

from memo._engine.waiting.threads import in_event_loop

__all__ = ["Consumer", "OpenStream", "OpenStreams", "is_cancelled"]


class Consumer:
    """The task that consumes a stream: was it cancelled, or did it leave by itself?

    Either way the stream is only closed; after a `break` even later, in another task, by the garbage collector.
    """

    has_left = False
    """Whether nobody holds the stream any more."""
    on_lost: Callable[[], None] | None = None
    """Called when nobody holds the stream any more, and no event loop is there to close it."""
    _task: weakref.ref[Any] | None = None
    """The task, of asyncio or trio. Weakly: the traceback of a task's error may hold the stream."""
    _on_end: Callable[[asyncio.Task[Any]], None] | None = None
    _was_task_cancelled = False
    _left_cancelled = False

    def watch(self, items: AsyncGenerator[Any, Any]) -> None:
        """Look when the stream is collected: later, when it is closed, a cancel scope may be over."""
        self._items = weakref.ref(items, self._collected)

    def note_task(self) -> None:
        """Note that the running task is the consumer."""
        if self._task is not None:
            return
        task = _current_task()
        if task is not None:
            self._task = weakref.ref(task)
        if isinstance(task, asyncio.Task):
            self._on_end = partial(Consumer._task_ended, weakref.ref(self))
            task.add_done_callback(self._on_end)

    def forget(self) -> None:
        """Leave no trace on the task, which may consume any number of streams: this one is over."""
        task = self._task() if self._task is not None else None
        if isinstance(task, asyncio.Task) and self._on_end is not None:
            task.remove_done_callback(self._on_end)

    @staticmethod
    def _task_ended(consumer: weakref.ref[Consumer], task: asyncio.Task[Any]) -> None:
        ended = consumer()
        if ended is not None:
            ended._was_task_cancelled = task.cancelled()

    def was_cancelled(self) -> bool:
        """Return whether the consumer left because it was cancelled."""
        if self._task is None or self.has_left:
            return self._left_cancelled
        return self._is_cancelled()

    def _is_cancelled(self) -> bool:
        task = self._task() if self._task is not None else None
        if isinstance(task, asyncio.Task):
            if _is_shutting_down(task.get_loop()):
                return False  # the end of the loop cancels tasks that have nothing to do with their streams any more
            return self._was_task_cancelled or task.cancelling() > 0
        if task is not None:
            with suppress(RuntimeError):  # not in trio's thread
                return _current_task() is task and anyio.current_effective_deadline() == -float("inf")
        return self._was_task_cancelled

    def mark_left(self) -> None:
        """Note that nobody holds the stream any more: whether the task was cancelled is judged now."""
        self._left_cancelled = self._is_cancelled()
        self.has_left = True

    def _collected(self, _: object) -> None:
        if self._task is None:
            return
        self.mark_left()
        if self.on_lost is not None and not in_event_loop():
            self.on_lost()


def _is_shutting_down(loop: Any) -> bool:
    """Return whether an asyncio event loop is about to close, and closes the async generators that were left open."""
    return bool(getattr(loop, "_asyncgens_shutdown_called", False))


def _current_task() -> Any:
    """Return the running task of asyncio or trio, None in a callback of asyncio's. Raises `RuntimeError` outside trio."""
    try:
        return asyncio.current_task()
    except RuntimeError:  # not in asyncio
        pass
    trio = sys.modules.get("trio")
    return trio.lowlevel.current_task() if trio is not None else None


def is_cancelled() -> bool:
    """Return whether the current task is being cancelled."""
    consumer = Consumer()
    consumer.note_task()
    return consumer.was_cancelled()


class OpenStream(Protocol):
    """A live stream that is recorded and not over."""

    @property
    def description(self) -> str:
        """The function and how many items passed, for messages."""
        ...

    def abandon(self, loss: str | None = None) -> None:
        """Store nothing, for the reason that `loss` gives, else because the stream was cancelled."""
        ...

    def checkpoint(self) -> None:
        """Store as closed what passed of a stream that may go on. Idempotent."""
        ...

    def finish(self, end: str, error: BaseException | None = None, returned: Any = None) -> None:
        """Store what passed."""
        ...


class OpenStreams:
    """The live streams of a session that are not over.

    No collector, finalizer or event loop is needed to store what passed: the end of the scope or of the process does.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._open: dict[OpenStream, Consumer | None] = {}
        self._unread: list[OpenStream] = []

    def add(self, stream: OpenStream, consumer: Consumer | None) -> None:
        """Note that a stream is open, and who consumes it, where that can be cancelled."""
        with self._lock:
            before = self._open.get(stream)
            self._open[stream] = consumer
            _nonempty.add(self)
        if before is not None and before is not consumer:
            before.forget()

    def mark_left(self, stream: OpenStream) -> None:
        """Note that nobody can read a stream any more that nobody has read."""
        with self._lock:
            if stream in self._open:
                consumer = self._open[stream] = self._open[stream] or Consumer()
                consumer.mark_left()
                self._unread.append(stream)

    def store_unread(self) -> None:
        """Store the streams that were left unread, unless their consumers were cancelled."""
        while self._unread:
            with suppress(IndexError):  # another thread was faster
                stream = self._unread.pop()
                consumer = self._open.get(stream)
                if consumer is not None and not consumer.was_cancelled():
                    stream.finish("closed")
                else:
                    stream.abandon()

    def discard(self, stream: OpenStream) -> None:
        """Note that a stream is over. Idempotent."""
        with self._lock:
            consumer = self._open.pop(stream, None)
            if not self._open:
                _nonempty.discard(self)
        if consumer is not None:
            consumer.forget()

    def store(self) -> list[str]:
        """Store as closed what passed of each open stream. Return which of them somebody may still read on.

        Whoever does so gets the live items, and what is stored at the stream's end replaces what is stored now. A stream
        whose consumer was cancelled is not stored.
        """
        with self._lock:
            streams = self._open.copy()  # a copy allocates nothing on its way, so that no collector interrupts it
        read_on = []
        for stream, consumer in streams.items():
            if consumer is not None and consumer.was_cancelled():
                stream.abandon()
            elif consumer is not None and consumer.has_left:
                stream.finish("closed")
            else:
                stream.checkpoint()
                read_on.append(stream.description)
        return read_on


_nonempty: set[OpenStreams] = set()


@atexit.register
def _store_all() -> None:
    """Store what is open at the end of the process: memoizers have no scope that ends earlier."""
    for streams in list(_nonempty):
        streams.store()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_nonempty.clear)  # they are the parent's to store
