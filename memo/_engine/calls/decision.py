"""What becomes of a call: the rule of each mode, and the steps to the decision, taken once for sync and async."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple, NoReturn

from memo._calls.call import Call
from memo._engine.calls.context import FunctionContext
from memo._engine.calls.steps import Step, run_steps, run_steps_async
from memo._engine.rules import modes
from memo._engine.rules.modes import Mode
from memo._engine.sessions.active import active
from memo._engine.sessions.session import Session
from memo._engine.storing.expiry import Expiry, RefreshedElsewhere
from memo._engine.storing.memory import Recording
from memo._engine.storing.writing import Draw
from memo._engine.waiting.flights import Flight, Pending, WaitEnd
from memo._engine.waiting.nesting import making
from memo._recordings.outcomes import Outcome

__all__ = [
    "CallLive",
    "Decision",
    "ExpiredOutcome",
    "Find",
    "Kinds",
    "Request",
    "Wait",
    "decide",
    "look",
    "take",
    "take_async",
]


class CallLive(NamedTuple):
    """Make the call."""

    draw: Draw | None
    """Where its outcome is stored; None: nowhere."""
    flight: Flight | None = None
    """What others wait for in the meantime."""


class LeadFlight(NamedTuple):
    """Look once more, since another call may just have ended, and then make the call that others wait for.

    Others in this process; and in the whole fleet, where the store can claim the call.
    """

    flight: Flight


class JoinFlight(NamedTuple):
    """Wait for the same call, which is on its way, and look again."""

    flight: Flight


class ReplayExpired(NamedTuple):
    """Replay what has expired once more, and make the call behind that."""

    recording: Recording


class NoRecording(NamedTuple):
    """Raise: there is nothing to replay, and no call may be made."""


class ExpiredOutcome(NamedTuple):
    """Replay this, and make the call behind that."""

    outcome: Outcome


Decision = Outcome | CallLive | Pending
"""How the call goes on: this is replayed, or it is made, or it returns the like of what the same call has just returned."""

Kinds = tuple[Pending, ...]

_UNRECORDED = CallLive(None)


class Request:
    """A call, and what decides about it. (The driver of the call is one: an object less a call.)"""

    __slots__ = ("call", "mode", "number", "session", "setting")

    def __init__(self, session: Session, mode: Mode, call: Call, setting: FunctionContext) -> None:
        self.session = session
        self.mode = mode
        self.call = call
        self.setting = setting
        self.number: int | None = None
        """Which of the identical calls it is, None where nothing depends on that."""

    def take_number(self) -> None:
        """Give the call its number among the identical ones: it is being made now."""
        self.number = self.session.numbers.take(self.call)
        outer = making.get()
        if outer is not None:
            outer.note(self.session, self.call, 1)
        elif active.get() is None and self.setting.has_draws and self.session.uncertain.running:
            self.session.uncertain.note_foreign(self.call)

    def reach_object(self) -> None:
        """Let the outcome name the classes in the object whose method is called."""

    def give_back(self) -> None:
        """Let the next identical call have the number of this one, which was neither replayed nor recorded."""
        if self.number is not None:
            self.session.give_back(self.call, self.number)
            outer = making.get()
            if outer is not None:
                outer.note(self.session, self.call, -1)


def decide(
    request: Request, found: Recording | None, *, leads: bool
) -> Outcome | CallLive | LeadFlight | JoinFlight | ReplayExpired | NoRecording:
    """Return the rule of each mode, for sync and async.

    A recording older than the recorder's `max_age` is replayed with a warning (`on_expiry="warn"`), or raises
    `RecordingExpiredWarning` ("fail"), or counts as missing where a call may be made and raises where none may ("record").
    What counts as missing, by that or by its `ttl`, may be replayed once more while the call is made ("refresh").

    `leads` says that the caller leads already, or waits for others in vain.
    """
    outcome = _replayed(request, found) if found is not None else None
    if outcome is not None:
        return outcome
    number, expiry = request.number, request.setting.expiry
    match request.mode:
        case modes.REPLAY:
            return NoRecording()
        case modes.RECORD_IF_MISSING:
            if found is not None and expiry is not None and expiry.refreshes:
                return ReplayExpired(found)
            if leads:
                return CallLive(_added(request))
            flight, is_first = _flight(request)
            return LeadFlight(flight) if is_first else _joined(flight, expiry)
        case modes.RECORD:
            return CallLive(Draw(number, number or 0, is_replacing=True))
        case modes.VERIFY:
            return CallLive(Draw(number, number or 0, is_compared=True))
        case modes.LIVE:
            return _UNRECORDED


def _flight(request: Request) -> tuple[Flight, bool]:
    """Return the flight of a call, and whether it is the caller who leads the flight."""
    key = request.call.key
    return request.session.flights.join(f"{key}~{request.number}" if request.setting.has_draws else key)


def _added(request: Request) -> Draw:
    """Return where the outcome of a call is stored that `record-if-missing` makes."""
    number, has_draws = request.number, request.setting.has_draws
    return Draw(number, number or 0 if has_draws else 0, has_draws, expiry=request.setting.expiry)


def _joined(flight: Flight, expiry: Expiry | None) -> JoinFlight:
    if expiry is not None and expiry.is_behind:
        raise RefreshedElsewhere
    return JoinFlight(flight)


def _replayed(request: Request, found: Recording) -> Outcome | None:
    """Return the outcome of a recording that a call is replayed with, None where the call has to be made all the same."""
    if found.is_of_object:
        request.reach_object()
    mode, setting, number, index = request.mode, request.setting, request.number, None
    if mode is modes.RECORD_IF_MISSING:
        if setting.expiry is not None and setting.expiry.is_over(found):
            return None
        if setting.has_draws and number is not None:
            index = found.draws.index(number)
            if index is None:
                return None
    elif mode is not modes.REPLAY:
        return None
    return request.session.replay(request.call, found, setting.values, number, index)


def look(request: Request, found: Recording | None = None) -> Outcome | Recording | None:
    """Return the outcome that a call is replayed with, which is being made now, if its recording is at hand.

    At hand is what was `found`, what is in memory, and what is in a store that is read in place. Otherwise return the
    recording, None where there is none: `take` goes on from there. (Replays need no steps, which take 1 µs of 4.)
    """
    mode, session, call = request.mode, request.session, request.call
    if mode is modes.LIVE:
        return None
    if request.setting.is_numbered or mode is modes.RECORD:
        request.take_number()
    try:
        found = found or session.in_memory(call)
        if found is None:  # in `record` too: a damaged recording is never overwritten silently
            found = _read(request) if session.reads_in_place else None
            if found is None:
                return None
        outcome = _replayed(request, found)
    except BaseException:
        request.give_back()
        raise
    if outcome is None:
        return found
    if outcome.inside:
        session.take_inside(outcome.inside)
    return outcome


def _read(request: Request) -> Recording | None:
    """Return the recording of a call from the store. Until then, the call has begun, and has not ended: other threads go on."""
    call, reading = request.call, request.session.order.reading
    place = call.key, request.number
    reading[place] = None
    try:
        return request.session.fetch(call)
    finally:
        reading.pop(place, None)


async def _aread(request: Request) -> Recording | None:
    """Async twin of `_read`."""
    call, reading = request.call, request.session.order.reading
    place = call.key, request.number
    reading[place] = None
    try:
        return await request.session.afetch(call)
    finally:
        reading.pop(place, None)


# The steps


class Find(NamedTuple):
    """Look for the recording."""

    request: Request

    def run(self) -> Recording | None:
        session, call = self.request.session, self.request.call
        return session.in_memory(call) or _read(self.request)

    async def arun(self) -> Recording | None:
        session, call = self.request.session, self.request.call
        return session.in_memory(call) or await _aread(self.request)


class _Lead(NamedTuple):
    """Look once more, and claim the call."""

    request: Request
    flight: Flight

    def run(self) -> Recording | None:
        request = self.request
        return request.session.lead(request.call, self.flight, request.number, request.setting.expiry)

    async def arun(self) -> Recording | None:
        request = self.request
        return await request.session.alead(request.call, self.flight, request.number, request.setting.expiry)


class Wait(NamedTuple):
    """Wait for the same call."""

    request: Request
    flight: Flight
    kinds: Kinds

    def run(self) -> WaitEnd | Pending:
        return self.flight.wait_in_thread(*self.kinds, patience=self.request.session.claim_timeout)

    async def arun(self) -> WaitEnd | Pending:
        return await self.flight.wait(*self.kinds, patience=self.request.session.claim_timeout)


class _Miss(NamedTuple):
    """Raise `RecordingNotFound`, saying which recording is nearest."""

    request: Request

    def run(self) -> NoReturn:
        raise self.request.session.missed(self.request.call)

    async def arun(self) -> NoReturn:
        raise await self.request.session.amissed(self.request.call)


def _steps(request: Request, found: object, kinds: Kinds) -> Generator[Step, object, Decision | ExpiredOutcome]:
    leading: Flight | None = None
    leads = False
    try:
        if found is None and not request.session.reads_in_place:
            found = yield Find(request)
        while True:
            assert found is None or isinstance(found, Recording)
            decision = decide(request, found, leads=leads)
            match decision:
                case Outcome():
                    return _settled(request, decision, leading)
                case CallLive(draw):
                    return CallLive(draw, leading)
                case LeadFlight(leading):
                    leads = True
                    found = yield _Lead(request, leading)
                case JoinFlight(flight):
                    end = yield Wait(request, flight, kinds)
                    if isinstance(end, Pending):
                        request.give_back()
                        return end
                    leads = end is WaitEnd.IN_VAIN
                    found = yield Find(request)
                case ReplayExpired(recording):
                    outcome = request.session.replay(request.call, recording, request.setting.values, request.number)
                    return ExpiredOutcome(_settled(request, outcome, leading))
                case NoRecording():
                    yield _Miss(request)
    except BaseException:
        if leading is not None:
            leading.finish()
        request.give_back()
        raise


def _settled(request: Request, outcome: Outcome, leading: Flight | None) -> Outcome:
    """End the flight of a call that is replayed after all, and take the draws that were taken inside when it was recorded."""
    if outcome.inside:
        request.session.take_inside(outcome.inside)
    if leading is not None:
        leading.finish()
    return outcome


def _made_at_once(request: Request) -> CallLive | None:
    """Return that a call is made which has no recording, and which nobody makes; None where the steps are to decide.

    (They take 2.5 µs, of the 33 that a call in memory takes to be recorded.)
    """
    session = request.session
    if not session.leads_at_once or request.mode is not modes.RECORD_IF_MISSING:
        return None
    flight, is_first = _flight(request)
    if not is_first:
        return None
    try:
        found = session.lead(request.call, flight, request.number, request.setting.expiry)
    except BaseException:
        flight.finish()
        request.give_back()
        raise
    if found is None:
        return CallLive(_added(request), flight)
    flight.finish()
    return None


# The drivers


def take(request: Request, found: Recording | None, kinds: Kinds = ()) -> Decision | ExpiredOutcome:
    """Decide about a call, given what `look` returned. Raises `RecordingNotFound` and what else keeps it from being replayed.

    `kinds` are the results still to come that the caller can return, as the same call did that is on its way.
    """
    if request.mode is modes.LIVE:
        return _UNRECORDED
    if found is None and (made := _made_at_once(request)) is not None:
        return made
    return run_steps(_steps(request, found, kinds))


async def take_async(request: Request, found: Recording | None, kinds: Kinds = ()) -> Decision | ExpiredOutcome:
    """Async twin of `take`: nothing blocks the event loop."""
    if request.mode is modes.LIVE:
        return _UNRECORDED
    if found is None and (made := _made_at_once(request)) is not None:
        return made
    return await run_steps_async(_steps(request, found, kinds))
