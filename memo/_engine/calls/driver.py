"""One call of a recordable function: the two drivers that await or don't, and what the caller gets."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Generator
from dataclasses import replace
from functools import partial
from typing import Any

from memo._engine.calls.decision import CallLive, Decision, ExpiredOutcome, look, take, take_async
from memo._engine.calls.extension import extend, extend_async
from memo._engine.calls.in_turn import in_turn, in_turn_in_thread, later
from memo._engine.calls.live_request import LiveRequest
from memo._engine.live.attempt import Attempt
from memo._engine.live.results import passing_stream
from memo._engine.rules import modes
from memo._engine.sessions.faults import FaultyCall
from memo._engine.storing.expiry import RefreshedElsewhere
from memo._engine.storing.writing import Draw
from memo._engine.streaming.begun import LiveStream, LiveSyncStream, RecordedStream, Unrecorded
from memo._engine.streaming.streams import stream, stream_sync
from memo._engine.waiting.fairness import checkpoint, is_due
from memo._engine.waiting.flights import Flight, Pending
from memo._recordings.outcomes import Outcome, raise_recorded
from memo.errors import DataMismatch, MemoError, StreamCutShort

__all__ = ["CallDriver"]

_ASYNC_KINDS = (Pending.AWAITABLE_STREAM, Pending.STREAM)
_SYNC_KINDS = (Pending.AWAITABLE, *_ASYNC_KINDS, Pending.ITERATOR)


class CallDriver(LiveRequest):
    """One call, under one session.

    A patch whose results need more than a codec drives its calls by its own class. It overrides `_invoke`,
    `_received` and `_areceived` (what becomes of a live result), `_played` and `_aplayed` (and of a recorded outcome).
    """

    __slots__ = ()

    _plays_at_once = True
    """Whether `_aplayed` does what `_played` does."""

    faulty = FaultyCall
    """Makes the calls into which faults are injected."""

    brings_classes = True
    """Whether a recording may name classes that are known from the arguments of its call alone."""

    def __init_subclass__(cls) -> None:
        cls._plays_at_once = cls._aplayed is CallDriver._aplayed
        cls._watches_arguments = False

    # The sync driver

    def sync(self) -> Any:
        """Make the call of a plain function."""
        found = look(self)
        decision = found if isinstance(found, Outcome) else self._taken(take(self, found, _SYNC_KINDS))
        if isinstance(decision, Outcome):
            self._counter.hits += 1
            try:
                if decision.after is not None or self.session.order.watching:
                    return self._in_order(decision)
                return self._aplayed(decision) if decision.awaited else self._played(decision)
            except MemoError as error:  # the recording is no longer readable
                self.session.on_unreadable(self.call, error)
                raise
        match decision:
            case CallLive() as live:
                return self._made(live)
            case Pending.ITERATOR:
                return stream_sync(self._begin)
            case Pending.STREAM:
                return stream(self._abegin)
            case _:
                return self.coroutine()

    def _in_order(self, outcome: Outcome) -> Any:
        """Replay an outcome when its turn has come, among concurrent calls."""
        if outcome.awaited:
            return later(self, outcome, lambda: self._aplayed(outcome))
        return in_turn_in_thread(self, outcome, lambda: self._played(outcome))

    def _made(self, live: CallLive) -> Any:
        attempt = self._attempt(live)
        if attempt is None:
            return self._invoke(None)
        try:
            with attempt.producing():
                result = self._invoke(attempt)
        except BaseException as error:
            attempt.raised(error)
            if attempt.winning_outcome is not None:
                return self._played(attempt.winning_outcome)
            raise
        if inspect.isawaitable(result):
            return attempt.defer(Pending.AWAITABLE, self._awaited(attempt, result))
        received = self._received(attempt, result)
        return received if attempt.winning_outcome is None else self._played(attempt.winning_outcome)

    def generator(self) -> Generator[Any, Any, Any]:
        """Make the call of a generator function."""
        return stream_sync(self._begin)

    def _begin(self) -> LiveSyncStream | RecordedStream | Unrecorded:
        found = look(self)
        decision = found if isinstance(found, Outcome) else self._taken(take(self, found))
        if isinstance(decision, Outcome):
            self._counter.hits += 1
            return self._play(decision)
        assert isinstance(decision, CallLive)
        attempt = self._attempt(decision)
        if attempt is None:
            return Unrecorded(self._invoke(None))
        attempt.iterated = "sync"
        return self._opened(attempt)

    def _opened(self, attempt: Attempt, left: Outcome | None = None) -> LiveSyncStream | RecordedStream:
        try:
            with attempt.producing():
                return self._live_stream(attempt, self._invoke(attempt), left)
        except BaseException as error:
            if left is None:
                attempt.raised(error)
            else:
                _take_over(attempt, left)
                attempt.finish("error", error)
            if attempt.winning_outcome is not None:
                return self._further(left, attempt.winning_outcome)
            raise

    # The async driver

    async def coroutine(self) -> Any:
        """Make the call of a coroutine function."""
        found = look(self)
        decision = found if isinstance(found, Outcome) else self._taken(await take_async(self, found, _ASYNC_KINDS))
        if isinstance(decision, Outcome):
            self._counter.hits += 1
            try:
                # At once: a call that has begun, and takes no turn, passes for one that has ended.
                if decision.after is not None or self.session.order.watching:
                    return await in_turn(self, decision, lambda: self._aplayed(decision))
                if is_due():
                    await checkpoint()
                return self._played(decision) if self._plays_at_once else await self._aplayed(decision)
            except MemoError as error:  # the recording is no longer readable
                self.session.on_unreadable(self.call, error)
                raise
        if isinstance(decision, Pending):
            return stream(self._abegin)
        attempt = self._attempt(decision)
        if attempt is None:
            result = self._invoke(None)
            return await result if inspect.isawaitable(result) else result
        try:
            with attempt.producing():
                result = self._invoke(attempt)
                if inspect.isawaitable(result):
                    result = await result
        except BaseException as error:
            await attempt.araised(error)
            if attempt.winning_outcome is not None:
                return await self._aplayed(attempt.winning_outcome)
            raise
        received = await self._areceived(attempt, result)
        return received if attempt.winning_outcome is None else await self._aplayed(attempt.winning_outcome)

    def async_generator(self) -> AsyncGenerator[Any, Any]:
        """Make the call of an async generator function."""
        return stream(self._abegin)

    async def _abegin(self) -> LiveStream | RecordedStream | Unrecorded:
        found = look(self)
        decision = found if isinstance(found, Outcome) else self._taken(await take_async(self, found))
        if isinstance(decision, Outcome):
            self._counter.hits += 1
            return self._play(decision)
        assert isinstance(decision, CallLive)
        attempt = self._attempt(decision)
        if attempt is None:
            return Unrecorded(aiter(self._invoke(None)))
        return await self._aopened(attempt)

    async def _aopened(self, attempt: Attempt, left: Outcome | None = None) -> LiveStream | RecordedStream:
        try:
            with attempt.producing():
                result = self._invoke(attempt)
                if inspect.isawaitable(result):
                    attempt.awaited = self.setting.plain
                    result = await result
                return await self._alive_stream(attempt, result, left)
        except BaseException as error:
            if left is None:
                await attempt.araised(error)
            else:
                _take_over(attempt, left)
                await attempt.afinish("error", error)
            if attempt.winning_outcome is not None:
                return self._further(left, attempt.winning_outcome)
            raise

    async def _awaited(self, attempt: Attempt, result: Awaitable[Any]) -> Any:
        attempt.begin()
        try:
            with attempt.producing():
                value = await result
        except BaseException as error:
            await attempt.araised(error)
            if attempt.winning_outcome is not None:
                return await self._aplayed(attempt.winning_outcome)
            raise
        received = await self._areceived(attempt, value)
        return received if attempt.winning_outcome is None else await self._aplayed(attempt.winning_outcome)

    def _live_stream(self, attempt: Attempt, result: Any, left: Outcome | None) -> LiveSyncStream:
        """Return the stream that a call returned; one that goes on with a recorded stream, if that was `left`."""
        return LiveSyncStream(iter(self._source(attempt, result)), attempt)

    async def _alive_stream(self, attempt: Attempt, result: Any, left: Outcome | None) -> LiveStream:
        """Async twin of `_live_stream`."""
        return LiveStream(aiter(self._source(attempt, result)), attempt)

    def _source(self, attempt: Attempt, result: Any) -> Any:
        """Return what gives the items of a stream that a call returned."""
        return result

    # Making the call behind a replay

    def _taken(self, decision: Decision | ExpiredOutcome) -> Decision:
        """Return how the call goes on. If that is the replay of an expired outcome, begin to make the call behind it."""
        if not isinstance(decision, ExpiredOutcome):
            return decision
        from memo._engine.calls.behind import refresh

        outcome, drives = decision.outcome, self._counter.drives
        is_async = drives in ("coroutine", "async_generator")
        needs_loop = is_async or (
            drives == "sync" and (outcome.awaited or (outcome.items is not None and not outcome.sync))
        )
        refresh(self.session, self.call, self._args, self._kwargs, self._behind, needs_loop=needs_loop)
        return outcome

    def _behind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make the call again, with these arguments, for its recording: return what the function returns.

        Raises `RefreshedElsewhere` where another call does that, or the arguments have changed since they were given.
        """
        expiry = self.setting.expiry
        assert expiry is not None
        expiry = expiry._replace(refreshes=False, is_behind=True)
        setting = replace(self.setting, is_numbered=False, errors="none", expiry=expiry)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if driver._rebuilt().key != self.call.key:
                raise RefreshedElsewhere
            return self._wrapped(*args, **kwargs)

        driver = type(self)(
            self._counter, setting, self.session, self.mode, self.call, wrapped, args, kwargs, self._instance
        )
        return getattr(driver, self._counter.drives)()

    # Going on with a stream whose consumer left when it was recorded

    def _extend(self, outcome: Outcome) -> LiveSyncStream | RecordedStream:
        further = extend(self, outcome)
        if isinstance(further, Outcome):
            return self._further(outcome, further)
        attempt = self._extension(further)
        attempt.iterated = "sync"
        return self._opened(attempt, outcome)

    async def _aextend(self, outcome: Outcome) -> LiveStream | RecordedStream:
        further = await extend_async(self, outcome)
        if isinstance(further, Outcome):
            return self._further(outcome, further)
        return await self._aopened(self._extension(further), outcome)

    def _further(self, left: Outcome | None, further: Outcome) -> RecordedStream:
        """Return a recorded stream; one that goes on with another recording of it, if that was `left`."""
        return self._play(further)

    def _extension(self, flight: Flight | None) -> Attempt:
        number, has_draws = self.number, self.setting.has_draws
        # Its number was used up by the replay, so it is not given back.
        draw = Draw(None, number or 0 if has_draws else 0, is_counted=has_draws)
        attempt = self._attempt(CallLive(draw, flight))
        assert attempt is not None
        return attempt

    # Results

    def _received(self, attempt: Attempt, value: Any) -> Any:
        """Return what the caller gets of a live result: itself, recorded, or the stream that it is, recorded as it passes."""
        passing = passing_stream(attempt, value, self.setting.streams)
        if passing is None:
            attempt.returned(value)
            return value
        return passing

    async def _areceived(self, attempt: Attempt, value: Any) -> Any:
        """Async twin of `_received`, for what was awaited."""
        attempt.awaited = self.setting.plain
        passing = passing_stream(attempt, value, self.setting.streams)
        if passing is None:
            await attempt.areturned(value)
            return value
        return passing

    def _played(self, outcome: Outcome) -> Any:
        """Return what the caller gets of a recorded outcome. Raises recorded errors."""
        if outcome.items is not None:
            return self._stream(outcome)
        if outcome.read is not None:
            if outcome.is_more:
                return self._whole(outcome)
            return outcome.read()
        assert outcome.error is not None
        return raise_recorded(outcome.error())

    def _whole(self, outcome: Outcome) -> Any:
        """Return a recorded value that holds streams, or the caller's own objects.

        Say what becomes of a stream that is read further than it was recorded.
        """
        assert outcome.read is not None
        if outcome.given:
            from memo._engine.live.given import given_back

            return given_back(outcome.read(), outcome.given, self._arguments(), self._instance)
        outcome.cut_short, outcome.further = self._cut_short, None
        if outcome.parts and self.mode is modes.RECORD_IF_MISSING:
            from memo._engine.calls.held_rest import HeldRest

            begin = partial(self._extension, None)
            outcome.further = HeldRest(self.call.function, outcome, begin, self._invoke, self.setting.streams)
        try:
            return outcome.read()
        finally:
            outcome.further = None  # which holds the arguments

    def _cut_short(self, count: int, unit: str) -> MemoError:
        error = StreamCutShort(self.call.function, count, unit)
        self.session.on_replay_error(error)
        return error

    async def _aplayed(self, outcome: Outcome) -> Any:
        """Async twin of `_played`, for what is awaited."""
        return self._played(outcome)

    def _stream(self, outcome: Outcome) -> Any:
        play = self._play(outcome)
        if outcome.sync:
            return stream_sync(lambda: play)

        async def abegin() -> RecordedStream:
            return play

        return stream(abegin)

    def _play(self, outcome: Outcome) -> RecordedStream:
        if outcome.read is not None:
            raise DataMismatch(self.call.function, "it is a generator, but a value was recorded")
        may_call = outcome.end == "closed" and self.mode is modes.RECORD_IF_MISSING
        pace, rhythm = self.session.pace, self.session.rhythm
        if rhythm is not None:
            pace, rhythm = pace or 1.0, None if outcome.offsets else rhythm
        return RecordedStream(
            outcome,
            self.call.function,
            pace,
            partial(self.session.on_unreadable, self.call),
            partial(self._extend, outcome) if may_call else None,
            partial(self._aextend, outcome) if may_call else None,
            rhythm,
        )


def _take_over(attempt: Attempt, left: Outcome) -> None:
    """Record what the consumer has got of a stream with which the call, which failed, was to go on."""
    attempt.convert = None  # the items are recorded already
    if left.response is not None:
        attempt.respond(left.response())
    attempt.begin()
    for item in left.items or ():
        attempt.add(item)
