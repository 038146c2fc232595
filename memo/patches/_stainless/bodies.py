"""HTTP bodies that are read piece by piece (`with_streaming_response`), recorded as they pass, and replayed.

A body is recorded when it was read to its end. If its consumer left earlier, what had come until then is recorded: replay
gives that, and asked for more, raises `StreamCutShort`.
"""

from __future__ import annotations

from typing import Any

from memo._engine.live.attempt import Attempt
from memo._engine.streaming.consumers import Consumer
from memo._engine.waiting.flights import Pending
from memo.codecs.responses import read_from, without_body

__all__ = ["Body"]


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
        wire = b"".join(self._pieces)
        read = read_from(response, wire)
        # The SDKs themselves stop at this event, before the connection ends.
        if end == "complete" or (end == "closed" and self._events and read.content.rstrip().endswith(b"data: [DONE]")):
            return read
        self._attempt.respond(response)
        if read.content:
            self._attempt.add(_text_or_bytes(read.content))
        return None


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
