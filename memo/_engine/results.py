"""The streams among the results of live calls: recorded as they pass to the caller."""

from __future__ import annotations

import io
from typing import Any

from memo._engine.attempt import Attempt
from memo._engine.flights import Pending
from memo._engine.streams import LiveStream, LiveSyncStream, stream, stream_sync
from memo._values.kinds import by_class, is_model

__all__ = ["passing_stream"]


def passing_stream(attempt: Attempt, value: Any) -> Any:
    """Return the stream that a call returned, recorded as it passes; None if it returned no stream."""
    kind = _streamed(type(value))
    if not kind:
        return None
    if kind == "stream":

        async def abegin() -> LiveStream:
            return LiveStream(aiter(value), attempt)

        return attempt.defer(Pending.AWAITABLE_STREAM if attempt.awaited else Pending.STREAM, stream(abegin))
    if not isinstance(value, io.IOBase):
        attempt.iterated = "sync"
        return attempt.defer(Pending.ITERATOR, stream_sync(lambda: LiveSyncStream(iter(value), attempt)))
    return None


@by_class
def _streamed(kind: type) -> str:
    """Return what kind of stream the objects of a class are, if they are any. (A model's metaclass takes long to say no.)"""
    if hasattr(kind, "__anext__") or (hasattr(kind, "__aiter__") and not is_model(kind)):
        return "stream"
    return "iterator" if hasattr(kind, "__next__") else ""
