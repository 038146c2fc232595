"""What becomes of a call: the rule of each mode, and the steps to the decision, taken once for sync and async alike."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple, NoReturn, Protocol

from memo._calls.call import Call
from memo._engine import modes
from memo._engine.expiry import Expiry, RefreshedElsewhere
from memo._engine.flights import Flight, Pending, WaitEnd
from memo._engine.memory import Recording
from memo._engine.modes import Mode
from memo._engine.nesting import making
from memo._engine.session import Session
from memo._engine.writing import Draw
from memo._recordings.outcomes import Outcome
from memo.codecs.values import Values

__all__ = ["CallLive", "Decision", "ExpiredOutcome", "Kinds", "Request", "decide", "recalled", "take", "take_async"]


class CallLive(NamedTuple):
    """Make the call."""

    draw: Draw | None
    """Where its outcome is stored; None: nowhere."""
    flight: Flight | None = None
    """What others wait for meanwhile."""


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

_REPLAYING = (modes.REPLAY, modes.RECORD_IF_MISSING)


class Request(NamedTuple):
    """A call, and what decides about it."""

    session: Session
    mode: Mode
    call: Call
    values: Values
    has_draws: bool
    """Whether each of the identical calls has an outcome of its own."""
    number: int | None
    """Which of the identical calls it is, None where nothing depends on that."""
    expiry: Expiry | None
    """When what is recorded counts as missing, if a call may be made."""

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
    """Return the rule of each mode, for sync and async alike.

    A recording older than the recorder's `max_age` is replayed with a warning (`on_expiry="warn"`), or raises
    `RecordingExpiredWarning` ("fail"), or counts as missing where a call may be made and raises where none may ("record").
    What counts as missing, by that or by its `ttl`, may be replayed once more while the call is made ("refresh").

    `leads` says that the caller leads already, or waits for others in vain.
    """
    session, mode, call, values, has_draws, number, expiry = request
    match mode:
        case modes.REPLAY:
            if found is None:
                return NoRecording()
            return session.replay(call, found, values, number)
        case modes.RECORD_IF_MISSING:
            if found is not None and (expiry is None or not expiry.is_over(found)):
                if not has_draws or number is None:
                    return session.replay(call, found, values, number)
                index = found.draws.index(number)
                if index is not None:
                    return session.replay(call, found, values, number, index)
            if found is not None and expiry is not None and expiry.refreshes:
                return ReplayExpired(found)
            if leads:
                return CallLive(Draw(number, number or 0 if has_draws else 0, is_counted=has_draws, expiry=expiry))
            flight, is_first = session.flights.join(f"{call.key}~{number}" if has_draws else call.key)
            return LeadFlight(flight) if is_first else _joined(flight, expiry)
        case modes.RECORD:
            return CallLive(Draw(number, number or 0, is_replacing=True))
        case modes.LIVE:
            return CallLive(None)


def _joined(flight: Flight, expiry: Expiry | None) -> JoinFlight:
    if expiry is not None and expiry.is_behind:
        raise RefreshedElsewhere
    return JoinFlight(flight)


# The steps


class Step(Protocol):
    """What the decision has to wait for."""

    def run(self) -> object:
        """Take the step."""
        ...

    async def arun(self) -> object:
        """Async twin of `run`."""
        ...


class _Find(NamedTuple):
    """Look for the recording."""

    request: Request

    def run(self) -> Recording | None:
        return self.request.session.find(self.request.call)

    async def arun(self) -> Recording | None:
        session, call = self.request.session, self.request.call
        return session.in_memory(call) or await session.afetch(call)


class _Lead(NamedTuple):
    """Look once more, and claim the call."""

    request: Request
    flight: Flight

    def run(self) -> Recording | None:
        session, _, call, _, _, number, expiry = self.request
        return session.lead(call, self.flight, number, expiry)

    async def arun(self) -> Recording | None:
        session, _, call, _, _, number, expiry = self.request
        return await session.alead(call, self.flight, number, expiry)


class _Wait(NamedTuple):
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


def _steps(request: Request, kinds: Kinds) -> Generator[Step, object, Decision | ExpiredOutcome]:
    session, mode, call, *_ = request
    if mode is modes.LIVE:
        return CallLive(None)
    leading: Flight | None = None
    try:
        found: object = session.in_memory(call)
        if found is None:  # in `record` too: a damaged recording is never overwritten silently
            found = session.fetch(call) if session.reads_in_place else (yield _Find(request))
        leads = False
        while True:
            assert found is None or isinstance(found, Recording)
            decision = decide(request, found, leads=leads)
            match decision:
                case Outcome():
                    return _settled(request, decision, leading)
                case CallLive():
                    return decision._replace(flight=leading)
                case LeadFlight(leading):
                    leads = True
                    found = yield _Lead(request, leading)
                case JoinFlight(flight):
                    end = yield _Wait(request, flight, kinds)
                    if isinstance(end, Pending):
                        request.give_back()
                        return end
                    leads = end is WaitEnd.IN_VAIN
                    found = yield _Find(request)
                case ReplayExpired(recording):
                    outcome = session.replay(call, recording, request.values, request.number)
                    return ExpiredOutcome(_settled(request, outcome, leading))
                case NoRecording():
                    yield _Miss(request)
    except BaseException:
        if leading is not None:
            leading.finish()
        request.give_back()
        raise


def _settled(request: Request, outcome: Outcome, leading: Flight | None = None) -> Outcome:
    """End the flight of a call that is replayed after all, and take the draws that were taken inside when it was recorded."""
    if outcome.inside:
        request.session.take_inside(outcome.inside)
    if leading is not None:
        leading.finish()
    return outcome


# The drivers


def take(request: Request, kinds: Kinds = ()) -> Decision | ExpiredOutcome:
    """Decide about a call. Raises `RecordingNotFound` and what else keeps a recording from being replayed.

    `kinds` are the results still to come that the caller can return, as the same call did that is on its way.
    """
    steps = _steps(request, kinds)
    try:
        step = next(steps)
        while True:
            try:
                answer = step.run()
            except BaseException as error:  # noqa: BLE001 - raised again by the steps
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as stop:
        decision: Decision | ExpiredOutcome = stop.value
        return decision


async def take_async(request: Request, kinds: Kinds = ()) -> Decision | ExpiredOutcome:
    """Async twin of `take`: nothing blocks the event loop."""
    steps = _steps(request, kinds)
    try:
        step = next(steps)
        while True:
            try:
                answer = await step.arun()
            except BaseException as error:  # noqa: BLE001 - raised again by the steps
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as stop:
        decision: Decision | ExpiredOutcome = stop.value
        return decision


def recalled(request: Request, found: Recording | None = None) -> Outcome | None:
    """Return what a call is replayed with whose recording is in memory, or was `found`, without the steps: they take 1 µs of 4.

    None where the steps have to be taken: the call has to be made, or is missing.
    """
    if request[1] not in _REPLAYING:
        return None
    if found is None:
        found = request[0].in_memory(request[2])
        if found is None:
            return None
    try:
        decision = decide(request, found, leads=True)
    except BaseException:
        request.give_back()
        raise
    if not isinstance(decision, Outcome):
        return None
    return _settled(request, decision) if decision.inside else decision
