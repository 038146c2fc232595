"""Streams: passed through while they are recorded, and played back the way they went."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

import anyio

from memo._recordings.outcomes import Outcome
from memo.errors import MemoError, StreamCutShort

__all__ = [
    "LiveStream",
    "LiveSyncStream",
    "RecordedStream",
    "Sink",
    "Unrecorded",
    "is_cancelled",
    "stream",
    "stream_sync",
]


class Sink(Protocol):
    """Where a passing stream is recorded."""

    def begin(self) -> None:
        """Somebody began to iterate."""
        ...

    def add(self, item: Any) -> None:
        """An item passes."""
        ...

    def abandon(self) -> None:
        """The stream was cancelled: nothing of it is stored."""
        ...

    def finish(self, end: str, error: BaseException | None = None, returned: Any = None) -> None:
        """The stream ended and is stored."""
        ...

    async def afinish(self, end: str, error: BaseException | None = None) -> None:
        """The same, off the event loop."""
        ...


class RecordedStream(NamedTuple):
    """A recorded stream to be played, inside of a `with`."""

    outcome: Outcome
    function: str
    pace: float
    note: Callable[[MemoError], None]
    """Told what keeps it from being played to its end."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, MemoError):
            self.note(error)


class LiveStream(NamedTuple):
    """A live stream to be recorded as it passes."""

    source: AsyncIterator[Any]
    sink: Sink


class LiveSyncStream(NamedTuple):
    """The same for generators and iterators."""

    source: Iterator[Any]
    sink: Sink


class Unrecorded(NamedTuple):
    """A live stream that is not recorded."""

    source: Any


class _Nowhere:
    """The sink of what is not recorded."""

    def begin(self) -> None: ...

    def add(self, item: Any) -> None: ...

    def abandon(self) -> None: ...

    def finish(self, end: str, error: BaseException | None = None, returned: Any = None) -> None: ...

    async def afinish(self, end: str, error: BaseException | None = None) -> None: ...


_NOWHERE = _Nowhere()


def stream(begin: Callable[[], Awaitable[LiveStream | RecordedStream | Unrecorded]]) -> AsyncGenerator[Any, Any]:
    """The stream that `begin` decides on when it is first asked for an item.

    A live one is handed on item by item as it comes: nothing is held back, and `asend`, `athrow` and `aclose` reach it.
    A played one gives its items, then its end; what is sent to it is not heard, what is thrown is raised where it stands.
    """
    consumer = _Consumer()
    items = _stream(begin, consumer)
    consumer.watch(items)
    return items


async def _stream(
    begin: Callable[[], Awaitable[LiveStream | RecordedStream | Unrecorded]], consumer: _Consumer
) -> AsyncGenerator[Any, Any]:
    began = await begin()
    if isinstance(began, RecordedStream):
        outcome, function, pace, _ = began
        with began:
            if pace and outcome.offsets:
                start = time.perf_counter()
                for item, offset in zip(outcome.items or (), outcome.offsets, strict=False):
                    await anyio.sleep(max(0.0, start + offset / pace - time.perf_counter()))
                    yield item
            else:
                for item in outcome.items or ():
                    yield item
            _end(outcome, function)
        return
    source, sink = began if isinstance(began, LiveStream) else (began.source, _NOWHERE)
    sink.begin()
    send, throw = getattr(source, "asend", None), getattr(source, "athrow", None)
    try:
        item = await source.__anext__()
        while True:
            sink.add(item)
            consumer.came()
            try:
                sent = yield item
            except GeneratorExit:
                raise
            except BaseException as error:
                if throw is None:
                    raise
                item = await throw(error)
            else:
                item = await (source.__anext__() if sent is None or send is None else send(sent))
    except StopAsyncIteration:
        await sink.afinish("complete")
    except GeneratorExit:
        await _left(source, sink, consumer)
        raise
    except Exception as error:
        await sink.afinish("error", error)
        raise
    except BaseException:
        sink.abandon()
        raise


async def _left(source: Any, sink: Sink, consumer: _Consumer) -> None:
    try:
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()
    except BaseException:
        sink.abandon()
        raise
    if consumer.was_cancelled():
        sink.abandon()
    else:
        await sink.afinish("closed")


def stream_sync(begin: Callable[[], LiveSyncStream | RecordedStream | Unrecorded]) -> Generator[Any, Any, Any]:
    """The same for generators and iterators, what a generator returns at its end included."""
    began = begin()
    if isinstance(began, RecordedStream):
        outcome, function, pace, _ = began
        with began:
            if pace and outcome.offsets:
                start = time.perf_counter()
                for item, offset in zip(outcome.items or (), outcome.offsets, strict=False):
                    time.sleep(max(0.0, start + offset / pace - time.perf_counter()))
                    yield item
            else:
                for item in outcome.items or ():
                    yield item  # one by one: what is sent is not heard
            _end(outcome, function)
        return outcome.returned() if outcome.returned is not None else None
    source, sink = began if isinstance(began, LiveSyncStream) else (began.source, _NOWHERE)
    sink.begin()
    send, throw = getattr(source, "send", None), getattr(source, "throw", None)
    try:
        item = next(source)
        while True:
            sink.add(item)
            try:
                sent = yield item
            except GeneratorExit:
                raise
            except BaseException as error:
                if throw is None:
                    raise
                item = throw(error)
            else:
                item = next(source) if sent is None or send is None else send(sent)
    except StopIteration as stop:
        sink.finish("complete", returned=stop.value)
        return stop.value
    except GeneratorExit:
        _left_sync(source, sink)
        raise
    except Exception as error:
        sink.finish("error", error)
        raise
    except BaseException:
        sink.abandon()
        raise


def _left_sync(source: Any, sink: Sink) -> None:
    try:
        close = getattr(source, "close", None)
        if close is not None:
            close()
    except BaseException:
        sink.abandon()
        raise
    sink.finish("closed")


def _end(outcome: Outcome, function: str) -> None:
    if outcome.end == "closed":
        raise StreamCutShort(function, len(outcome.items or ()))
    if outcome.error is not None:
        raise outcome.error()


def is_cancelled() -> bool:
    """Whether the current task is being cancelled."""
    consumer = _Consumer()
    consumer.came()
    return consumer.was_cancelled()


class _Consumer:
    """The task that consumes a stream: was it cancelled, or did it leave by itself?

    Either way the stream is only told to close; after a `break` even later, by the garbage collector in another task.
    """

    def __init__(self) -> None:
        self._task: int | None = None
        self._asyncio: asyncio.Task[Any] | None = None
        self._cancelled = False

    def watch(self, items: AsyncGenerator[Any, Any]) -> None:
        """Look once more when the stream is collected: later, when it is closed, a cancel scope may be over."""
        self._items = weakref.ref(items, self._collected)

    def came(self) -> None:
        """Note which task it is."""
        if self._task is None:
            self._task = anyio.get_current_task().id
            with suppress(RuntimeError):  # trio
                self._asyncio = asyncio.current_task()

    def was_cancelled(self) -> bool:
        """Whether it was. One that never got an item did not leave by itself."""
        if self._task is None or self._cancelled:
            return True
        if self._asyncio is not None:
            return self._asyncio.cancelled() or self._asyncio.cancelling() > 0
        return anyio.get_current_task().id == self._task and anyio.current_effective_deadline() == -float("inf")

    def _collected(self, _: object) -> None:
        with suppress(RuntimeError):  # not in an event loop
            self._cancelled = self.was_cancelled()
