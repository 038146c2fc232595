"""Streams: passed through while they are recorded, and replayed the way they went."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Generator
from typing import Any

import anyio

from memo._engine.streaming.begun import (
    Begin,
    LiveStream,
    LiveSyncStream,
    RecordedStream,
    SyncBegin,
    end_recorded,
    rest_of,
)
from memo._engine.streaming.consumers import Consumer
from memo._engine.streaming.sinks import NOWHERE, Answering, Sink

__all__ = ["stream", "stream_sync"]


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
        items, pace = rest_of(begun, given), begun.pace
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
                end_recorded(outcome, begun.function)
                return
            given = list(outcome.items or ())
            begun = await begun.aextend()
    sink = begun.sink if isinstance(begun, LiveStream) else NOWHERE
    source, given = begun.source, [] if isinstance(begun, LiveStream) and begun.is_rest else given
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
                with producing, Answering(sink, error):
                    item = await throw(error)
            else:
                with producing:
                    item = await (source.__anext__() if sent is None or send is None else send(sent))
    except StopAsyncIteration:
        await sink.afinish("complete")
    except BaseException as error:
        await _end_early(error, source, sink, consumer)
        raise


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
            # an `aclose()` that is cancelled before its first step starts again at its second.
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
        items, pace = rest_of(begun, given), begun.pace
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
                end_recorded(outcome, begun.function)
                return outcome.returned() if outcome.returned is not None else None
            given = list(outcome.items or ())
            begun = begun.extend()
    sink = begun.sink if isinstance(begun, LiveSyncStream) else NOWHERE
    source, given = begun.source, [] if isinstance(begun, LiveSyncStream) and begun.is_rest else given
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
                with producing, Answering(sink, error):
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
