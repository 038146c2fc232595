"""Stream objects of SDKs that are more than generators: the object stays, and its items are recorded or replayed."""

from __future__ import annotations

from typing import Any, Self

import wrapt

from memo._engine.live.attempt import Attempt
from memo._engine.streaming.begun import LiveStream, LiveSyncStream
from memo._engine.streaming.streams import stream, stream_sync
from memo._engine.waiting.flights import Pending

__all__ = ["AsyncStreamObject", "SyncStreamObject", "recorded", "recorded_sync"]


class SyncStreamObject(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """A stream object whose items come from another iterator."""

    def __init__(self, wrapped: Any, items: Any) -> None:
        super().__init__(wrapped)
        self._self_items = items

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return next(self._self_items)

    def close(self) -> None:
        """Close the iterator, and the object where that can be closed."""
        self._self_items.close()
        close = getattr(self.__wrapped__, "close", None)
        if close is not None:
            close()


class AsyncStreamObject(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """Async twin of `SyncStreamObject`."""

    def __init__(self, wrapped: Any, items: Any) -> None:
        super().__init__(wrapped)
        self._self_items = items

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return await anext(self._self_items)

    async def aclose(self) -> None:
        """Close the iterator, and the object where that can be closed."""
        await self._self_items.aclose()
        aclose = getattr(self.__wrapped__, "aclose", None)
        if aclose is not None:
            await aclose()


def recorded(attempt: Attempt, value: Any) -> AsyncStreamObject:
    """Return the stream object, its items recorded as they pass."""

    async def begin() -> LiveStream:
        return LiveStream(aiter(value), attempt)

    pending = Pending.AWAITABLE_STREAM if attempt.awaited else Pending.STREAM
    return AsyncStreamObject(value, attempt.defer(pending, stream(begin)))


def recorded_sync(attempt: Attempt, value: Any) -> SyncStreamObject:
    """Sync twin of `recorded`."""
    attempt.iterated = "sync"
    items = attempt.defer(Pending.ITERATOR, stream_sync(lambda: LiveSyncStream(iter(value), attempt)))
    return SyncStreamObject(value, items)
