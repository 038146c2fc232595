"""HTTP bodies that pass to the reader of their response, and recorded ones: in the place of a response's `stream`."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import Any, Protocol

import wrapt

from memo._engine.streaming.begun import LiveStream, LiveSyncStream
from memo._engine.streaming.consumers import is_cancelled
from memo._engine.streaming.sinks import Sink
from memo._engine.streaming.streams import stream, stream_sync

__all__ = ["AsyncBody", "AsyncEnding", "AsyncReplay", "BodySink", "SyncBody", "SyncEnding", "SyncReplay"]


class BodySink(Sink, Protocol):
    """Where a passing body is recorded."""

    def defer(self, passing: Any) -> Any:
        """Mark the body as untouched: until it is read, it may be forgotten, and nobody waits for it."""
        ...


class _Ending(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """The body of an HTTP response. Closing it ends what passes of it, and records a body that nobody has read.

    The body does not hold what passes: a consumer that forgets a stream object leaves no cycle behind.
    """

    def __init__(self, body: Any, sink: Sink | None = None) -> None:
        super().__init__(body)
        self._self_sink: Sink | None = sink
        self._self_passing: Callable[[], Any] = _nothing

    def passes(self, items: Any) -> Any:
        """Say what passes of the body. Return the items."""
        self._self_passing = weakref.ref(items)
        return items

    def begun(self) -> None:
        """Note that somebody reads the body: what passes records itself from now on."""
        self._self_sink = None


class AsyncEnding(_Ending):
    """The body of a response of an async client."""

    def __init__(self, body: Any, sink: Sink | None = None) -> None:
        super().__init__(body, sink)
        self._self_is_closing = False

    @property
    def is_closing(self) -> bool:
        """True once the consumer has left."""
        return self._self_is_closing

    def records(self, items: Any) -> AsyncIterator[Any]:
        """Say what passes of the body. Return the items, which end once the body is being closed, and which no reader closes."""
        return _Items(self.passes(items), self)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self.__wrapped__)

    async def aclose(self) -> None:
        """Close the connection: the consumer has left, unless the body is at its end."""
        items = self._self_passing()
        if items is not None and not items.ag_running:
            self._self_is_closing = True
            await items.aclose()
        await self.__wrapped__.aclose()
        sink: Sink | None = self._self_sink
        self._self_sink = None
        if sink is not None:
            if is_cancelled():
                sink.abandon()
            else:
                await sink.afinish("closed")


class SyncEnding(_Ending):
    """Sync twin of `AsyncEnding`."""

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.__wrapped__)

    def close(self) -> None:
        """Close the connection: the consumer has left, unless the body is at its end."""
        items: Any = self._self_passing()
        if items is not None and not items.gi_running:
            items.close()
        self.__wrapped__.close()
        sink: Sink | None = self._self_sink
        self._self_sink = None
        if sink is not None:
            sink.finish("closed")


class AsyncBody(AsyncEnding):
    """The body of an HTTP response, recorded as it passes."""

    def __init__(self, body: Any, sink: BodySink) -> None:
        super().__init__(body, sink)

        async def begin() -> LiveStream:
            self.begun()
            return LiveStream(aiter(body), sink)

        self._self_items = self.passes(sink.defer(stream(begin)))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Items(self._self_items, self)


class SyncBody(SyncEnding):
    """Sync twin of `AsyncBody`."""

    def __init__(self, body: Any, sink: BodySink) -> None:
        super().__init__(body, sink)

        def begin() -> LiveSyncStream:
            self.begun()
            return LiveSyncStream(iter(body), sink)

        self._self_items = self.passes(sink.defer(stream_sync(begin)))

    def __iter__(self) -> Iterator[bytes]:
        items: Iterator[bytes] = self._self_items
        return items


class _Items:
    """The items of a generator, hidden from readers that would close it: the body closes it, once.

    While it is being closed, which waits for what is recorded, another task that reads on finds its end.
    """

    def __init__(self, items: AsyncGenerator[Any, None], ending: AsyncEnding) -> None:
        self._items = items
        self._ending = ending

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    def __anext__(self) -> Awaitable[Any]:
        return _ended() if self._ending.is_closing else anext(self._items)


async def _ended() -> None:
    raise StopAsyncIteration


def _nothing() -> None: ...


class AsyncReplay(AsyncEnding):
    """The body of a replayed response: `items` are its pieces."""

    def __init__(self, body: Any, items: AsyncGenerator[bytes, Any]) -> None:
        super().__init__(body)
        self._self_items = self.records(items)

    def __aiter__(self) -> Any:
        return self._self_items


class SyncReplay(SyncEnding):
    """Sync twin of `AsyncReplay`."""

    def __init__(self, body: Any, items: Generator[bytes, Any, Any]) -> None:
        super().__init__(body)
        self._self_items = self.passes(items)

    def __iter__(self) -> Any:
        return self._self_items
