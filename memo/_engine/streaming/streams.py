"""Streams: passed through while they are recorded, and replayed the way they went."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import Any, NamedTuple, Protocol, Self

import anyio

from memo._engine.streaming.consumers import Consumer, is_cancelled
from memo._engine.streaming.rhythm import Rhythm
from memo._recordings.outcomes import Outcome, raise_recorded
from memo.errors import MemoError, StreamCutShort

__all__ = [
    "Begin",
    "LiveStream",
    "LiveSyncStream",
    "RecordedStream",
    "Sink",
    "SyncBegin",
    "Unrecorded",
    "is_cancelled",
    "stream",
    "stream_sync",
]


class Sink(Protocol):
    """Where a passing stream is recorded."""

    def begin(self, consumer: Consumer | None = None) -> None:
        """Note that somebody began to iterate: the task that `consumer` watches, where the stream is async."""
        ...

    def producing(self) -> AbstractContextManager[object]:
        """Enclose the making of one item: what runs inside is the real function's code."""
        ...

    def add(self, item: Any) -> None:
        """Record an item that passes."""
        ...

    def answered(self) -> None:
        """Note that the stream answered what was thrown into it, by an item, its end or an error of its own."""
        ...

    def compare(self, recorded: Any, item: Any) -> None:
        """Report it if a live item differs from the recorded one that the consumer has got in its place."""
        ...

    def abandon(self, loss: str | None = None) -> None:
        """Store nothing, for the reason that `loss` gives, else because the stream was cancelled."""
        ...

    def finish(self, end: str, error: BaseException | None = None, returned: Any = None) -> None:
        """Store the stream, which ended."""
        ...

    async def afinish(self, end: str, error: BaseException | None = None) -> None:
        """Async twin of `finish`, off the event loop."""
        ...


class RecordedStream(NamedTuple):
    """A recorded stream to be replayed, inside of a `with`."""

    outcome: Outcome
    function: str
    pace: float
    on_replay_error: Callable[[MemoError], None]
    """Called with what keeps the stream from being replayed to its end."""
    extend: Callable[[], LiveSyncStream | RecordedStream] | None = None
    """Decides, as `begin` does, what comes after the items that a consumer left at. None where no call may be made."""
    aextend: Callable[[], Awaitable[LiveStream | RecordedStream]] | None = None
    """Async twin of `extend`."""
    rhythm: Rhythm | None = None
    """When the items come that were recorded without timings."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, MemoError):
            self.on_replay_error(error)


class LiveStream(NamedTuple):
    """A live stream to be recorded as it passes."""

    source: AsyncIterator[Any]
    sink: Sink


class LiveSyncStream(NamedTuple):
    """Sync twin of `LiveStream`: a generator or an iterator."""

    source: Iterator[Any]
    sink: Sink


class Unrecorded(NamedTuple):
    """A live stream that is not recorded."""

    source: Any


Begin = Callable[[], Awaitable[LiveStream | RecordedStream | Unrecorded]]
SyncBegin = Callable[[], LiveSyncStream | RecordedStream | Unrecorded]


class _Nowhere:
    """The sink of what is not recorded."""

    _PRODUCING = nullcontext()

    def begin(self, consumer: Consumer | None = None) -> None: ...

    def producing(self) -> AbstractContextManager[object]:
        return self._PRODUCING

    def add(self, item: Any) -> None: ...

    def answered(self) -> None: ...

    def compare(self, recorded: Any, item: Any) -> None: ...

    def abandon(self, loss: str | None = None) -> None: ...

    def finish(self, end: str, error: BaseException | None = None, returned: Any = None) -> None: ...

    async def afinish(self, end: str, error: BaseException | None = None) -> None: ...


_NOWHERE = _Nowhere()


class _Answering(NamedTuple):
    """Encloses the throwing of an error into a stream: any end but that error is an answer."""

    sink: Sink
    thrown: BaseException

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not self.thrown:
            self.sink.answered()


def stream(begin: Begin) -> AsyncGenerator[Any, Any]:
    """Return the stream that `begin` decides on when the first item is asked for.

    A live one is handed on item by item as it comes: nothing is held back, and `asend`, `athrow` and `aclose` reach it.
    A recorded one gives its items, then its end; what is sent to it has no effect. What is thrown where the recorded stream
    answered is answered as recorded, by what comes next; elsewhere it is raised where the stream waits.
    Of one that its consumer left, the rest is got by a live call, where one may be made.
    """
    consumer = Consumer()
    items = _stream(begin, consumer)
    consumer.watch(items)
    return items


async def _stream(begin: Begin, consumer: Consumer) -> AsyncGenerator[Any, Any]:
    begun = await begin()
    given: list[Any] = []
    while isinstance(begun, RecordedStream):
        outcome = begun.outcome
        items, pace = _rest(begun, given), begun.pace
        with begun:
            for item in items:
                if pace:
                    await anyio.sleep(items.seconds_left())
                try:
                    yield item
                except Exception:
                    if not outcome.answered or items.count not in outcome.answered:
                        raise
            if begun.aextend is None:
                _end(outcome, begun.function)
                return
            given = list(outcome.items or ())
            begun = await begun.aextend()
    source, sink = begun if isinstance(begun, LiveStream) else (begun.source, _NOWHERE)
    _begin(sink, given, consumer)
    producing = sink.producing()
    send, throw = getattr(source, "asend", None), getattr(source, "athrow", None)
    try:
        await _pass_over(source, sink, given)
        with producing:
            item = await source.__anext__()
        consumer.note_task()
        while True:
            sink.add(item)
            try:
                sent = yield item
            except GeneratorExit:
                raise
            except BaseException as error:
                if throw is None:
                    raise
                with producing, _Answering(sink, error):
                    item = await throw(error)
            else:
                with producing:
                    item = await (source.__anext__() if sent is None or send is None else send(sent))
    except StopAsyncIteration:
        await sink.afinish("complete")
    except BaseException as error:
        await _end_early(error, source, sink, consumer)
        raise


def _rest(begun: RecordedStream, given: list[Any]) -> Any:
    """Return the recorded items without those that the consumer has got already; counted where anything depends on it."""
    items = begun.outcome.items or ()
    rest = islice(items, len(given), None) if given else items
    return _Counted(rest, begun, len(given)) if begun.pace or begun.outcome.answered else rest


class _Counted:
    """Items of a recorded stream, with their number: to count them takes a tenth of the replay of short ones."""

    def __init__(self, items: Iterable[Any], begun: RecordedStream, count: int) -> None:
        self.count = count
        """How many items the consumer has got."""
        self._items = iter(items)
        self._offsets, self._pace, self._rhythm = begun.outcome.offsets, begun.pace, begun.rhythm
        self._started = time.perf_counter()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        item = next(self._items)
        self.count += 1
        return item

    def seconds_left(self) -> float:
        """Return how long the last item is still to wait for, in the rhythm in which the items came."""
        if self._rhythm is not None:
            offset = self._rhythm.offset(self.count)
        elif self.count <= len(self._offsets):
            offset = self._offsets[self.count - 1]
        else:
            return 0.0
        return max(0.0, self._started + offset / self._pace - time.perf_counter())


def _begin(sink: Sink, given: list[Any], consumer: Consumer | None = None) -> None:
    """Begin to record, with the items that the consumer has got of a recording."""
    sink.begin(consumer)
    for item in given:
        sink.add(item)


async def _pass_over(source: Any, sink: Sink, given: list[Any]) -> None:
    """Have as many items made as the consumer has got of a recording."""
    for recorded in given:
        with sink.producing():
            item = await source.__anext__()
        sink.compare(recorded, item)


async def _end_early(error: BaseException, source: Any, sink: Sink, consumer: Consumer) -> None:
    """Store the error that ended the stream, or what passed if its consumer left; nothing, if that was cancelled."""
    if isinstance(error, Exception):
        await sink.afinish("error", error)
        return
    if not isinstance(error, GeneratorExit):
        if consumer.has_left and not consumer.was_cancelled():
            # asyncio.run() cancels the task that was to close what the consumer had left. Nothing can be awaited in it:
            # an `aclose()` that is cancelled before its first step starts anew at its second.
            sink.finish("closed")
        else:
            sink.abandon()
        return
    try:
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()
    except BaseException as failure:
        sink.abandon(_loss(failure))
        raise
    if consumer.was_cancelled():
        sink.abandon()
    else:
        await sink.afinish("closed")


def _loss(error: BaseException) -> str | None:
    """Return why a stream is not recorded that raised an error when it was closed; None if it was cancelled."""
    return f"was closed, and raised {type(error).__name__}" if isinstance(error, Exception) else None


def stream_sync(begin: SyncBegin) -> Generator[Any, Any, Any]:
    """Sync twin of `stream`: for generators, what they return at their end included, and iterators."""
    begun = begin()
    given: list[Any] = []
    while isinstance(begun, RecordedStream):
        outcome = begun.outcome
        items, pace = _rest(begun, given), begun.pace
        with begun:
            for item in items:
                if pace:
                    time.sleep(items.seconds_left())
                try:
                    yield item  # one by one: what is sent has no effect
                except Exception:
                    if not outcome.answered or items.count not in outcome.answered:
                        raise
            if begun.extend is None:
                _end(outcome, begun.function)
                return outcome.returned() if outcome.returned is not None else None
            given = list(outcome.items or ())
            begun = begun.extend()
    source, sink = begun if isinstance(begun, LiveSyncStream) else (begun.source, _NOWHERE)
    _begin(sink, given)
    producing = sink.producing()
    send, throw = getattr(source, "send", None), getattr(source, "throw", None)
    try:
        _pass_over_sync(source, sink, given)
        with producing:
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
                with producing, _Answering(sink, error):
                    item = throw(error)
            else:
                with producing:
                    item = next(source) if sent is None or send is None else send(sent)
    except StopIteration as stop:
        sink.finish("complete", returned=stop.value)
        return stop.value
    except BaseException as error:
        _end_early_sync(error, source, sink)
        raise


def _pass_over_sync(source: Any, sink: Sink, given: list[Any]) -> None:
    for recorded in given:
        with sink.producing():
            item = next(source)
        sink.compare(recorded, item)


def _end_early_sync(error: BaseException, source: Any, sink: Sink) -> None:
    if isinstance(error, Exception):
        sink.finish("error", error)
        return
    if not isinstance(error, GeneratorExit):
        sink.abandon()
        return
    try:
        close = getattr(source, "close", None)
        if close is not None:
            close()
    except BaseException as failure:
        sink.abandon(_loss(failure))
        raise
    sink.finish("closed")


def _end(outcome: Outcome, function: str) -> None:
    if outcome.end == "closed":
        raise StreamCutShort(function, len(outcome.items or ()))
    if outcome.error is not None:
        raise_recorded(outcome.error())
