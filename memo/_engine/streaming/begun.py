"""What a stream is once it begins: recorded, live, or live and unrecorded; and how the recorded one is replayed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple, Self

from memo._engine.streaming.rhythm import Rhythm
from memo._engine.streaming.sinks import Sink
from memo._recordings.outcomes import Outcome, raise_recorded
from memo.errors import MemoError, StreamCutShort

__all__ = [
    "Begin",
    "LiveStream",
    "LiveSyncStream",
    "RecordedStream",
    "SyncBegin",
    "Unrecorded",
    "end_recorded",
    "rest_of",
]


class RecordedStream(NamedTuple):
    """A recorded stream to be replayed, inside a `with`."""

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
    is_rest: bool = False
    """Whether the source and its sink begin after the items that the consumer has got of a recording."""


class LiveSyncStream(NamedTuple):
    """Sync twin of `LiveStream`: a generator or an iterator."""

    source: Iterator[Any]
    sink: Sink
    is_rest: bool = False


class Unrecorded(NamedTuple):
    """A live stream that is not recorded."""

    source: Any


Begin = Callable[[], Awaitable[LiveStream | RecordedStream | Unrecorded]]
SyncBegin = Callable[[], LiveSyncStream | RecordedStream | Unrecorded]


def rest_of(begun: RecordedStream, given: list[Any]) -> Any:
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


def end_recorded(outcome: Outcome, function: str) -> None:
    """Raise what ended a recorded stream, if it did not come to its end."""
    if outcome.end == "closed":
        items: Any = outcome.items or ()
        count = len(items) if outcome.unit == "item" else sum(map(len, items))
        raise StreamCutShort(function, count, outcome.unit)
    if outcome.error is not None:
        raise_recorded(outcome.error())
