"""HTTP bodies that are read piece by piece (`with_streaming_response`), recorded as they pass, and replayed.

A body is recorded when it was read to its end. If its consumer left earlier, what had come until then is recorded: replay
gives that, and asked for more, raises `StreamCutShort`, or makes the call where it may be made.
"""

from __future__ import annotations

from typing import Any, Self

from memo._engine.calls.bodies import BodyCall, LiveBody
from memo._engine.live.attempt import Attempt
from memo._engine.streaming.begun import RecordedStream
from memo._engine.streaming.bodies import AsyncReplay, SyncReplay
from memo._engine.streaming.consumers import Consumer
from memo._engine.streaming.streams import stream, stream_sync
from memo._engine.waiting.flights import Pending
from memo._recordings.outcomes import Outcome
from memo.codecs.responses import http_response, read_from, rebuilt, without_body

__all__ = ["Body", "ResponseCall", "recorded_response"]


class Body:
    """The sink of an HTTP body that its caller reads piece by piece."""

    def __init__(self, response: Any, attempt: Attempt, *, events: bool) -> None:
        self._response = without_body(response)  # not itself, which is closed, and recorded, when it is forgotten
        self._attempt = attempt
        self._events = events
        self._given: list[bytes] = []
        self._is_decoded = False
        self._pieces: list[bytes] = []

    def goes_on(self, given: list[bytes]) -> Self:
        """Record a body of which the consumer has got these pieces of a recording, and that comes decoded from now on."""
        self._given = given
        self._is_decoded = True
        return self

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

    def abandon(self, loss: str | None = None) -> None:
        self._attempt.abandon(loss)

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
        rest = b"".join(self._pieces)
        whole = b"".join([*self._given, rest])
        read = (
            rebuilt(response, response.request, whole, unread=False) if self._is_decoded else read_from(response, whole)
        )
        # The SDKs themselves stop at this event, before the connection ends.
        if end == "complete" or (end == "closed" and self._events and read.content.rstrip().endswith(b"data: [DONE]")):
            return read
        self._attempt.respond(response)
        for piece in (*self._given, rest) if self._is_decoded else (read.content,):
            if piece:
                self._attempt.add(_text_or_bytes(piece))
        return None


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


class ResponseCall(BodyCall):
    """A call that ends in a response of httpx, read or still to be read."""

    @property
    def is_unread(self) -> bool:
        """True if the response is handed over before its body is read."""
        raise NotImplementedError

    @property
    def has_events(self) -> bool:
        """True if the body may be a stream of events, which clients leave before the connection ends."""
        return True

    def rebuilt(self, outcome: Outcome, content: bytes | None) -> Any:
        """Return a recorded response with that content, or with the recorded one."""
        raise NotImplementedError

    def response(self, outcome: Outcome) -> Any:
        """Return a recorded response."""
        if outcome.items is None:
            return self.rebuilt(outcome, None)
        play = self.body(outcome)
        pieces = stream_sync(lambda: play)
        if not self.is_unread:
            return self.rebuilt(outcome, b"".join(pieces))
        response = self.rebuilt(outcome, b"")
        response.stream = SyncReplay(response.stream, pieces)
        return response

    async def aresponse(self, outcome: Outcome) -> Any:
        """Async twin of `response`."""
        if outcome.items is None:
            return self.rebuilt(outcome, None)
        play = self.body(outcome)

        async def begin() -> RecordedStream:
            return play

        if not self.is_unread:
            return self.rebuilt(outcome, b"".join([piece async for piece in stream(begin)]))
        response = self.rebuilt(outcome, b"")
        response.stream = AsyncReplay(response.stream, stream(begin))
        return response

    # Bodies that are read further

    def status(self, outcome: Outcome) -> int:
        """Return the status of a recorded response whose body was left."""
        status: int = recorded_response(outcome).status_code
        return status

    def content_type(self, outcome: Outcome) -> str:
        """Return the type of a recorded body."""
        return _content_type(recorded_response(outcome))

    def pieces(self, outcome: Outcome) -> list[bytes]:
        """Return the body of a recorded response, in the pieces that are recorded."""
        if outcome.items is None:
            return [recorded_response(outcome).content]
        return [item.encode() if isinstance(item, str) else item for item in outcome.items]

    def live_body(self, attempt: Attempt, value: Any, given: list[bytes]) -> LiveBody:
        """Return the body of a live response, of which the consumer has got these pieces."""
        response = http_response(value)
        sink = Body(response, attempt, events=self.has_events).goes_on(given)
        is_async = not self._plays_at_once
        pieces, close = (
            (response.aiter_bytes(), response.aclose) if is_async else (response.iter_bytes(), response.close)
        )
        return LiveBody(response.status_code, _content_type(response), pieces, close, sink)


def recorded_response(outcome: Outcome) -> Any:
    """Return the response of a recorded outcome: without its body, if that was left."""
    read = outcome.read or outcome.response
    assert read is not None
    return read()


def _content_type(response: Any) -> str:
    return response.headers.get("content-type") or ""
