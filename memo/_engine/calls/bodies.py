"""Calls that return an HTTP response, whose recorded body is read further where its consumer left."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

from memo._engine.calls.driver import CallDriver
from memo._engine.live.attempt import Attempt
from memo._engine.streaming.begun import LiveStream, LiveSyncStream, RecordedStream
from memo._engine.streaming.rest import Rest
from memo._engine.streaming.sinks import Sink
from memo._recordings.outcomes import Outcome
from memo.errors import StreamCutShort

__all__ = ["BodyCall", "LiveBody"]


class LiveBody(NamedTuple):
    """The body of a live response, to be read from its beginning."""

    status: int
    content_type: str
    pieces: Any
    """Gives the body piece by piece, decoded: an iterator, or an async one."""
    close: Callable[[], Any]
    sink: Sink
    """Records the body, and has recorded already what the consumer has got."""


class BodyCall(CallDriver):
    """A call that returns an HTTP response, whose body is recorded as its caller reads it.

    A consumer that reads a recorded body further than the one that left it causes a live call, where one may be made: the
    consumer gets the rest of what that answers. Subclasses say how the responses of a client are read.
    """

    def status(self, outcome: Outcome) -> int:
        """Return the status of a recorded response whose body was left."""
        raise NotImplementedError

    def pieces(self, outcome: Outcome) -> list[bytes]:
        """Return the body of a recorded response, in the pieces that are recorded."""
        raise NotImplementedError

    def live_body(self, attempt: Attempt, value: Any, given: list[bytes]) -> LiveBody:
        """Return the body of a live response, of which the consumer has got these pieces."""
        raise NotImplementedError

    def is_body(self, outcome: Outcome) -> bool:
        """Return whether the items of a recorded stream are the pieces of a body."""
        return True

    def body(self, outcome: Outcome) -> RecordedStream:
        """Return a recorded body, to be replayed piece by piece."""
        played: Any = copy.copy(outcome)
        played.items, played.unit = self.pieces(outcome), "byte"
        return self._play(outcome)._replace(outcome=played)

    def _live_stream(self, attempt: Attempt, result: Any, left: Outcome | None) -> LiveSyncStream:
        if left is None or not self.is_body(left):
            return super()._live_stream(attempt, result, left)
        given = self.pieces(left)
        body = self.live_body(attempt, result, given)
        if body.status != self.status(left):
            body.close()
            raise self._failed(attempt, body, given)
        rest = Rest(given, body.content_type, self.call.function).pieces(body.pieces, body.close)
        return LiveSyncStream(rest, body.sink, is_rest=True)

    async def _alive_stream(self, attempt: Attempt, result: Any, left: Outcome | None) -> LiveStream:
        if left is None or not self.is_body(left):
            return await super()._alive_stream(attempt, result, left)
        given = self.pieces(left)
        body = self.live_body(attempt, result, given)
        if body.status != self.status(left):
            closing = body.close()
            if closing is not None:
                await closing
            raise self._failed(attempt, body, given)
        rest = Rest(given, body.content_type, self.call.function).apieces(body.pieces, body.close)
        return LiveStream(rest, body.sink, is_rest=True)

    def _failed(self, attempt: Attempt, body: LiveBody, given: list[bytes]) -> StreamCutShort:
        attempt.abandon(f"answered {body.status}")
        return StreamCutShort(self.call.function, sum(map(len, given)), "byte")

    def _further(self, left: Outcome | None, further: Outcome) -> RecordedStream:
        if left is None or not self.is_body(left):
            return super()._further(left, further)
        given = self.pieces(left)
        rest = Rest(given, self.content_type(left), self.call.function).of(b"".join(self.pieces(further)))
        longer: Any = copy.copy(left)
        longer.items = [*given, rest] if rest else given
        longer.end, longer.error = further.end or "complete", further.error
        return self.body(longer)

    def content_type(self, outcome: Outcome) -> str:
        """Return the type of a recorded body."""
        raise NotImplementedError
