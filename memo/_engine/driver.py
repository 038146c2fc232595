"""One call of a recordable function: the mode ladder, and the two drivers that await or don't."""

from __future__ import annotations

import inspect
import io
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from memo._calls.call import Call
from memo._calls.key_builder import KeyBuilder
from memo._engine.attempt import Attempt
from memo._engine.changes import ArgumentWatch, may_change
from memo._engine.flights import Flight, Pending, WaitEnd
from memo._engine.memory import Recording
from memo._engine.modes import Mode
from memo._engine.session import Session
from memo._engine.streams import LiveStream, LiveSyncStream, RecordedStream, Unrecorded, stream, stream_sync
from memo._recordings.outcomes import Outcome, raise_recorded
from memo._values.kinds import by_class, is_model
from memo.codecs.values import Values
from memo.errors import DataMismatch, MemoError

__all__ = ["CallDriver", "FunctionContext", "decide"]

_LIVE = Mode.LIVE


class CallLive(NamedTuple):
    """Make the call."""

    recorded: bool = True
    in_turn: bool = False
    """Its outcome takes its place among those of the identical calls."""


class LeadFlight(NamedTuple):
    """Look once more, since another call may just have ended, and then make the call that others wait for.

    Others in this process; and in the whole fleet, where the store can claim the call.
    """

    flight: Flight


class NoRecording(NamedTuple):
    """There is nothing to replay, and no call may be made: say why."""


class JoinFlight(NamedTuple):
    """The same call is on its way: wait for it, and look again."""

    flight: Flight


Decision = Outcome | CallLive | LeadFlight | JoinFlight | NoRecording


def decide(session: Session, mode: Mode, call: Call, found: Recording | None, *, ready: bool) -> Decision:
    """The rule of each mode, for sync and async alike.

    A recording older than the recorder's `max_age` is replayed with a warning (`on_expiry="warn"`), or raises
    `RecordingExpiredWarning` ("fail"), or counts as missing where a call may be made and raises where none may ("record").

    `ready` says that the caller leads already, or has tried to wait for a call that it would wait for for ever.
    """
    match mode:
        case Mode.REPLAY:
            if found is None:
                return NoRecording()
            return session.replay(call, found)
        case Mode.RECORD_IF_MISSING:
            if found is not None and not session.staleness.should_rerecord(found):
                return session.replay(call, found)
            if ready:
                return CallLive()
            flight, mine = session.flights.join(call.key)
            return LeadFlight(flight) if mine else JoinFlight(flight)
        case Mode.RECORD:
            return CallLive(in_turn=True)
        case Mode.LIVE:
            return CallLive(recorded=False)


@dataclass(slots=True, eq=False)
class FunctionContext:
    """What a function's calls under one session have in common."""

    of: Callable[[], Session | None]
    values: Values
    errors: str
    secrets: frozenset[str]
    plain: bool
    """It is a plain function: what it returns says what it is."""
    key_builders: dict[int, KeyBuilder] = field(default_factory=dict)


class Function(Protocol):
    """The function that is called: it counts hits and misses, and makes calls."""

    hits: int
    misses: int

    def call(
        self,
        session: Session,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        setting: FunctionContext | None = None,
    ) -> Call:
        """Make a call of the function."""
        ...


class CallDriver:
    """One call, under one session.

    A patch whose results need more than a codec drives its calls by a class of its own. It overrides `_invoke`,
    `_received` and `_areceived` (what becomes of a live result), `_played` and `_aplayed` (and of a recorded outcome).
    """

    __slots__ = ("_args", "_call", "_counter", "_instance", "_kwargs", "_mode", "_session", "_setting", "_wrapped")

    _plays_at_once = True
    """Whether `_aplayed` does what `_played` does."""

    _watches_arguments = True
    """Whether it is reported that a call changes its arguments. (SDKs change nothing but the place in a file they read.)"""

    def __init_subclass__(cls) -> None:
        cls._plays_at_once = cls._aplayed is CallDriver._aplayed
        cls._watches_arguments = False

    def __init__(
        self,
        counter: Function,
        setting: FunctionContext,
        session: Session,
        mode: Mode,
        call: Call,
        wrapped: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        instance: Any = None,
    ) -> None:
        self._counter = counter
        self._setting = setting
        self._session = session
        self._mode = mode
        self._call = call
        self._wrapped = wrapped
        self._args = args
        self._kwargs = kwargs
        self._instance = instance

    def _invoke(self, attempt: Attempt | None) -> Any:
        """Call the real function with the real arguments."""
        return self._wrapped(*self._args, **self._kwargs)

    # The sync driver

    def sync(self) -> Any:
        """The call of a plain function."""
        decision = self._decided(Pending.AWAITABLE, Pending.AWAITABLE_STREAM, Pending.STREAM, Pending.ITERATOR)
        if isinstance(decision, Pending):
            # The same call returned something that is still to come: so does this one.
            if decision is Pending.ITERATOR:
                return stream_sync(self._begin)
            return stream(self._abegin) if decision is Pending.STREAM else self.coroutine()
        if isinstance(decision, Outcome):
            try:
                return self._aplayed(decision) if decision.awaited else self._played(decision)
            except MemoError as error:  # what was recorded can not be read any more
                self._session.on_replay_error(error)
                raise
        if decision is None:
            return self._invoke(None)
        try:
            with decision.producing():
                result = self._invoke(decision)
        except BaseException as error:
            decision.raised(error)
            if decision.winning_outcome is not None:
                return self._played(decision.winning_outcome)
            raise
        if inspect.isawaitable(result):
            return decision.defer(Pending.AWAITABLE, self._awaited(decision, result))
        received = self._received(decision, result)
        return received if decision.winning_outcome is None else self._played(decision.winning_outcome)

    def generator(self) -> Generator[Any, Any, Any]:
        """The call of a generator function."""
        return stream_sync(self._begin)

    def _begin(self) -> LiveSyncStream | RecordedStream | Unrecorded:
        decision = self._decided()
        if isinstance(decision, Outcome):
            return self._play(decision)
        if not isinstance(decision, Attempt):
            return Unrecorded(self._invoke(None))
        try:
            with decision.producing():
                source = iter(self._invoke(decision))
        except BaseException as error:
            decision.raised(error)
            if decision.winning_outcome is not None:
                return self._play(decision.winning_outcome)
            raise
        decision.iterated = "sync"
        return LiveSyncStream(source, decision)

    def _decided(self, *kinds: Pending) -> Outcome | Attempt | Pending | None:
        """What to replay, or the attempt that the call is, None where it is not recorded.

        Or the kind of result that is still to come, if it is one of these kinds: the caller can return the like of it.
        """
        found = None if self._mode is _LIVE else self._session.find(self._call, self._setting.values)
        decision = decide(self._session, self._mode, self._call, found, ready=False)
        leading, ready = None, False
        while True:
            if isinstance(decision, Outcome):  # first, since it is nearly always this
                return self._replay(leading, decision)
            match decision:
                case LeadFlight(flight):
                    leading, ready = flight, True
                case JoinFlight(flight):
                    seen = flight.wait_in_thread(*kinds, patience=self._session.claim_timeout)
                    if isinstance(seen, Pending):
                        return seen
                    ready = seen is WaitEnd.IN_VAIN
                case CallLive():
                    return self._attempt(decision, leading)
                case NoRecording():
                    raise self._session.missed(self._call)
            try:
                if leading is not None:
                    found = self._session.lead(self._call, self._setting.values, leading)
                else:
                    found = self._session.find(self._call, self._setting.values)
                decision = decide(self._session, self._mode, self._call, found, ready=ready)
            except BaseException:
                if leading is not None:
                    leading.finish()
                raise

    # The async driver

    async def coroutine(self) -> Any:
        """The call of a coroutine function."""
        first = self._first()
        if first is None:
            found = await self._session.afetch(self._call, self._setting.values)
            first = decide(self._session, self._mode, self._call, found, ready=False)
        if isinstance(first, Outcome):
            self._counter.hits += 1
            decision: Outcome | Attempt | Pending | None = first
        else:
            decision = await self._adecided(first, Pending.AWAITABLE_STREAM, Pending.STREAM)
        if isinstance(decision, Outcome):
            try:
                return self._played(decision) if self._plays_at_once else await self._aplayed(decision)
            except MemoError as error:  # what was recorded can not be read any more
                self._session.on_replay_error(error)
                raise
        if isinstance(decision, Pending):
            return stream(self._abegin)
        if decision is None:
            return await _result(self._invoke(None))
        try:
            with decision.producing():
                result = await _result(self._invoke(decision))
        except BaseException as error:
            await decision.araised(error)
            if decision.winning_outcome is not None:
                return await self._aplayed(decision.winning_outcome)
            raise
        received = await self._areceived(decision, result)
        return received if decision.winning_outcome is None else await self._aplayed(decision.winning_outcome)

    def async_generator(self) -> AsyncGenerator[Any, Any]:
        """The call of an async generator function."""
        return stream(self._abegin)

    async def _abegin(self) -> LiveStream | RecordedStream | Unrecorded:
        first = self._first()
        if first is None:
            found = await self._session.afetch(self._call, self._setting.values)
            first = decide(self._session, self._mode, self._call, found, ready=False)
        decision = await self._adecided(first)
        if isinstance(decision, Outcome):
            return self._play(decision)
        if not isinstance(decision, Attempt):
            return Unrecorded(aiter(self._invoke(None)))
        try:
            with decision.producing():
                result = self._invoke(decision)
                if inspect.isawaitable(result):
                    decision.awaited = self._setting.plain
                    result = await result
            return LiveStream(aiter(result), decision)
        except BaseException as error:
            await decision.araised(error)
            if decision.winning_outcome is not None:
                return self._play(decision.winning_outcome)
            raise

    def _first(self) -> Decision | None:
        """The first decision, None where the store has to be asked off the event loop."""
        session, call, found = self._session, self._call, None
        if self._mode is not _LIVE:
            found = session.in_memory(call)
            if found is None:
                if not session.reads_in_place:
                    return None
                found = session.fetch(call, self._setting.values)
        return decide(session, self._mode, call, found, ready=False)

    async def _adecided(self, decision: Decision, *kinds: Pending) -> Outcome | Attempt | Pending | None:
        leading, ready = None, False
        while True:
            if isinstance(decision, Outcome):  # first, since it is nearly always this
                return self._replay(leading, decision)
            match decision:
                case LeadFlight(flight):
                    leading, ready = flight, True
                    flight.set_owner()
                case JoinFlight(flight):
                    seen = await flight.wait(*kinds, patience=self._session.claim_timeout)
                    if isinstance(seen, Pending):
                        return seen
                    ready = seen is WaitEnd.IN_VAIN
                case CallLive():
                    return self._attempt(decision, leading)
                case NoRecording():
                    raise await self._session.amissed(self._call)
            try:
                if leading is not None:
                    found = await self._session.alead(self._call, self._setting.values, leading)
                else:
                    found = self._session.in_memory(self._call)
                    if found is None:
                        found = await self._session.afetch(self._call, self._setting.values)
                decision = decide(self._session, self._mode, self._call, found, ready=ready)
            except BaseException:
                if leading is not None:
                    leading.finish()
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

    # Results

    def _received(self, attempt: Attempt, value: Any) -> Any:
        """What the caller gets of a live result: itself, recorded, or the stream that it is, recorded as it passes."""
        passing = self._passing(attempt, value)
        if passing is None:
            attempt.returned(value)
            return value
        return passing

    async def _areceived(self, attempt: Attempt, value: Any) -> Any:
        """The same of what was awaited."""
        attempt.awaited = self._setting.plain
        passing = self._passing(attempt, value)
        if passing is None:
            await attempt.areturned(value)
            return value
        return passing

    def _replay(self, leading: Flight | None, outcome: Outcome) -> Outcome:
        if leading is not None:
            leading.finish()
        self._counter.hits += 1
        return outcome

    def _attempt(self, go: CallLive, leading: Flight | None) -> Attempt | None:
        self._counter.misses += 1
        if not go.recorded:
            self._session.count_live()
            return None
        return Attempt(
            self._session,
            self._call,
            self._setting.values,
            flight=leading,
            slot=self._session.slot(self._call) if go.in_turn else None,
            errors=self._setting.errors,
            secrets=self._setting.secrets,
            watch=ArgumentWatch(self._call, (self._args, self._kwargs), self._rebuilt) if self._may_change() else None,
        )

    def _may_change(self) -> bool:
        """Return whether there are arguments that the call could change."""
        return self._watches_arguments and (may_change(self._args) or may_change(self._kwargs.values()))

    def _rebuilt(self) -> Call:
        """Make the call from its arguments again, as they are now."""
        return self._counter.call(self._session, self._instance, self._args, self._kwargs, self._setting)

    def _passing(self, attempt: Attempt, value: Any) -> Any:
        """The stream that a call returned, recorded as it passes; None if it returned no stream."""
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

    def _played(self, outcome: Outcome) -> Any:
        """What the caller gets of a recorded outcome."""
        if outcome.items is not None:
            return self._stream(outcome)
        if outcome.read is not None:
            return outcome.read()
        assert outcome.error is not None
        return raise_recorded(outcome.error())

    async def _aplayed(self, outcome: Outcome) -> Any:
        """The same of what is awaited."""
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
            raise DataMismatch(self._call.function, "it is a generator, but a value was recorded")
        return RecordedStream(outcome, self._call.function, self._session.pace, self._session.on_replay_error)


@by_class
def _streamed(kind: type) -> str:
    """What kind of stream the objects of a class are, if they are any. (A model's metaclass takes long to say no.)"""
    if hasattr(kind, "__anext__") or (hasattr(kind, "__aiter__") and not is_model(kind)):
        return "stream"
    return "iterator" if hasattr(kind, "__next__") else ""


async def _result(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
