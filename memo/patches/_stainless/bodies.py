"""HTTP bodies that are read piece by piece (`with_streaming_response`), recorded as they pass, and replayed.

A body is recorded when it was read to its end. If its consumer left earlier, what had come until then is recorded: replay
gives that, and asked for more, raises `StreamCutShort`.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import wrapt

from memo._engine.attempt import Attempt
from memo._engine.consumers import Consumer
from memo._engine.flights import Pending
from memo._engine.streams import LiveStream, LiveSyncStream, Sink, is_cancelled, stream, stream_sync
from memo._recordings.outcomes import Outcome, raise_recorded
from memo.errors import StreamCutShort
from memo.patches._stainless.responses import without_body

__all__ = ["AsyncBody", "AsyncEnding", "Body", "PartialBody", "PartialStream", "SyncBody", "SyncEnding"]


class Body:
    """The sink of an HTTP body that its caller reads piece by piece."""

    def __init__(self, response: Any, attempt: Attempt, *, events: bool) -> None:
        self._response = without_body(response)  # not itself, which is closed, and recorded, when it is forgotten
        self._attempt = attempt
        self._events = events
        self._pieces: list[bytes] = []

    @property
    def description(self) -> str:
        return self._attempt.description

    def begin(self, consumer: Consumer | None = None) -> None:
        self._attempt.begin(consumer, self)

    def producing(self) -> Attempt:
        return self._attempt.producing()

    def answered(self) -> None: ...

    def compare(self, recorded: Any, item: Any) -> None: ...

    def checkpoint(self) -> None:
        """Store what came, for good: what is read later is not recorded."""
        self.finish("closed")

    def add(self, item: bytes) -> None:
        self._pieces.append(item)

    def abandon(self) -> None:
        self._attempt.abandon()

    def finish(self, end: str, error: BaseException | None = None, returned: Any = None) -> None:
        whole = self._ended(end)
        if whole is not None:
            self._attempt.returned(whole)
        else:
            self._attempt.finish(end, error)

    async def afinish(self, end: str, error: BaseException | None = None) -> None:
        whole = self._ended(end)
        if whole is not None:
            await self._attempt.areturned(whole)
        else:
            await self._attempt.afinish(end, error)

    def defer(self, passing: Any) -> Any:
        """Mark the body as untouched: until it is read, it may be forgotten, and nobody waits for it."""
        return self._attempt.defer(Pending.SDK_STREAM, passing, self)

    def _ended(self, end: str) -> Any:
        """Return the whole response. None if its consumer left early, or it broke: what came is then one item of a stream."""
        response = self._response
        wire = b"".join(self._pieces)
        read = _read(response, wire)
        # The SDKs themselves stop at this event, before the connection ends.
        if end == "complete" or (end == "closed" and self._events and read.content.rstrip().endswith(b"data: [DONE]")):
            return read
        self._attempt.respond(response)
        if read.content:
            self._attempt.add(_text_or_bytes(read.content))
        return None


class AsyncEnding(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """The body of an HTTP response. Closing it ends what passes of it, and records a body that nobody has read.

    The body does not hold what passes: a consumer that forgets a stream object leaves no cycle behind.
    """

    def __init__(self, body: Any, sink: Sink | None = None) -> None:
        super().__init__(body)
        self._self_sink = sink
        self._self_passing: Callable[[], Any] = _nothing

    def passes(self, items: Any) -> Any:
        """Say what passes of the body. Return the items."""
        self._self_passing = weakref.ref(items)
        return items

    def begun(self) -> None:
        """Note that somebody reads the body: what passes records itself from now on."""
        self._self_sink = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self.__wrapped__)

    async def aclose(self) -> None:
        """Close the connection: the consumer has left, unless the body is at its end."""
        items = self._self_passing()
        if items is not None and not items.ag_running:
            await items.aclose()
        await self.__wrapped__.aclose()
        sink, self._self_sink = self._self_sink, None
        if sink is not None:
            if is_cancelled():
                sink.abandon()
            else:
                await sink.afinish("closed")


class SyncEnding(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """Sync twin of `AsyncEnding`."""

    def __init__(self, body: Any, sink: Sink | None = None) -> None:
        super().__init__(body)
        self._self_sink = sink
        self._self_passing: Callable[[], Any] = _nothing

    def passes(self, items: Any) -> Any:
        """Say what passes of the body. Return the items."""
        self._self_passing = weakref.ref(items)
        return items

    def begun(self) -> None:
        """Note that somebody reads the body: what passes records itself from now on."""
        self._self_sink = None

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.__wrapped__)

    def close(self) -> None:
        """Close the connection: the consumer has left, unless the body is at its end."""
        items = self._self_passing()
        if items is not None and not items.gi_running:
            items.close()
        self.__wrapped__.close()
        sink, self._self_sink = self._self_sink, None
        if sink is not None:
            sink.finish("closed")


class AsyncBody(AsyncEnding):
    """The body of an HTTP response, recorded as it passes."""

    def __init__(self, body: Any, sink: Body) -> None:
        super().__init__(body, sink)

        async def begin() -> LiveStream:
            self.begun()
            return LiveStream(aiter(body), sink)

        self._self_items = self.passes(sink.defer(stream(begin)))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Items(self._self_items)


class SyncBody(SyncEnding):
    """Sync twin of `AsyncBody`."""

    def __init__(self, body: Any, sink: Body) -> None:
        super().__init__(body, sink)

        def begin() -> LiveSyncStream:
            self.begun()
            return LiveSyncStream(iter(body), sink)

        self._self_items = self.passes(sink.defer(stream_sync(begin)))

    def __iter__(self) -> Iterator[bytes]:
        items: Iterator[bytes] = self._self_items
        return items


class _Items:
    """The items of a generator, hidden from readers that would close it: the body closes it, once."""

    def __init__(self, items: AsyncIterator[bytes]) -> None:
        self._items = items

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._items)


def _nothing() -> None: ...


class PartialBody:
    """A recorded body that its consumer left early: what had come, then `StreamCutShort`."""

    def __init__(self, outcome: Outcome, function: str) -> None:
        self._outcome = outcome
        self._function = function

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for item in self._outcome.items or ():
            data = item.encode() if isinstance(item, str) else item
            size += len(data)
            yield data
        if self._outcome.error is not None:
            raise_recorded(self._outcome.error())
        raise StreamCutShort(self._function, size)


class PartialStream(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """The stream of a response whose body was left early."""

    def __init__(self, body: Any, cut: PartialBody) -> None:
        super().__init__(body)
        self._self_cut = cut

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._self_cut)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for data in self._self_cut:
            yield data


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _read(response: Any, wire: bytes) -> Any:
    """Return a response as if it had been read at once, its body decoded from the bytes of the wire."""
    kept = {name: value for name, value in response.extensions.items() if name in ("http_version", "reason_phrase")}
    status, headers, request = response.status_code, response.headers, response.request
    return type(response)(status, headers=headers, content=wire, request=request, extensions=kept)
