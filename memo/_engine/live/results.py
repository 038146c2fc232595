"""The streams among the results of live calls, and inside them: recorded as they pass to the caller."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from memo._engine.live.attempt import Attempt
from memo._engine.live.carried import carries
from memo._engine.live.held import Steps
from memo._engine.live.holding import hold
from memo._engine.streaming.begun import LiveStream, LiveSyncStream
from memo._engine.streaming.streams import stream, stream_sync
from memo._engine.waiting.flights import Pending
from memo._values.kinds import by_class, class_name, is_iterator, is_model
from memo.errors import UnrecordableValue

__all__ = ["passing_stream"]

_NAMELESS = "can be iterated, and whose class a replay could not find by that name"
_FIX = "to record its items, define the class at the top level of its module, or return an async generator"


def passing_stream(attempt: Attempt, value: Any, declared: Sequence[Steps] = ()) -> Any:
    """Return the result of a call, with its streams recorded as they pass; None if it neither is nor holds one.

    `declared` are the places of streams that do not look like one.
    """
    kind = _streamed(type(value))
    if kind and attempt.convert is None and carries(attempt, value):
        # What is no iterator is a stream even where its class has fields: its items may be anything.
        return hold(attempt, value, declared if is_iterator(type(value)) else (*declared, ()))
    if kind == "stream" and attempt.convert is None and not is_iterator(type(value)):
        attempt.refuse(UnrecordableValue("", f"is a {class_name(type(value))}, which {_NAMELESS}", fix=_FIX))
        return None
    if kind == "stream":

        async def abegin() -> LiveStream:
            return LiveStream(aiter(value), attempt)

        return attempt.defer(Pending.AWAITABLE_STREAM if attempt.awaited else Pending.STREAM, stream(abegin))
    if kind and not isinstance(value, io.IOBase):
        attempt.iterated = "sync"
        return attempt.defer(Pending.ITERATOR, stream_sync(lambda: LiveSyncStream(iter(value), attempt)))
    return None if attempt.convert is not None else hold(attempt, value, declared)


@by_class
def _streamed(kind: type) -> str:
    """Return what kind of stream the objects of a class are, if they are any. (A model's metaclass takes long to say no.)"""
    if hasattr(kind, "__anext__") or (hasattr(kind, "__aiter__") and not is_model(kind)):
        return "stream"
    return "iterator" if hasattr(kind, "__next__") else ""
