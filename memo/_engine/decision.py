"""What becomes of a call: the rule of each mode, and the steps to the decision, taken once for sync and async alike."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple, NoReturn, Protocol

from memo._calls.call import Call
from memo._engine.flights import Flight, Pending, WaitEnd
from memo._engine.memory import Recording
from memo._engine.modes import Mode
from memo._engine.session import Session
from memo._engine.writing import Draw
from memo._recordings.outcomes import Outcome
from memo.codecs.values import Values

__all__ = ["CallLive", "Decision", "Kinds", "Replay", "Request", "decide", "take", "take_async", "take_replay"]


class Replay(NamedTuple):
    """Replay this outcome."""

    outcome: Outcome
    number: int | None
    """Which of the identical calls this is."""


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


class NoRecording(NamedTuple):
    """Raise: there is nothing to replay, and no call may be made."""


Decision = Replay | CallLive | Pending
"""How the call goes on. `Pending`: the same call returned something that is still to come, and so does this one."""

Kinds = tuple[Pending, ...]


class Request(NamedTuple):
    """A call, and what decides about it."""

    session: Session
    mode: Mode
    call: Call
    values: Values
    has_draws: bool
    """Whether each of the identical calls has an outcome of its own."""


def decide(
    request: Request, found: Recording | None, number: int | None, *, leads: bool
) -> Replay | CallLive | LeadFlight | JoinFlight | NoRecording:
    """Return the rule of each mode, for sync and async alike.

    A recording older than the recorder's `max_age` is replayed with a warning (`on_expiry="warn"`), or raises
    `RecordingExpiredWarning` ("fail"), or counts as missing where a call may be made and raises where none may ("record").

    `number` is which of the identical calls this is; `leads`, that the caller leads already, or waits for others in vain.
    """
    session, mode, call, values, has_draws = request
    match mode:
        case Mode.REPLAY:
            if found is None:
                return NoRecording()
            return Replay(session.replay(call, found, values, number), number)
        case Mode.RECORD_IF_MISSING:
            if found is not None and not session.staleness.should_rerecord(found):
                if not has_draws or number is None:
                    return Replay(session.replay(call, found, values, number), number)
                index = found.draws.index(number)
                if index is not None:
                    return Replay(session.replay(call, found, values, number, index), number)
            if leads:
                return CallLive(Draw(number, number or 0 if has_draws else 0, is_counted=has_draws))
            flight, is_first = session.flights.join(f"{call.key}~{number}" if has_draws else call.key)
            return LeadFlight(flight) if is_first else JoinFlight(flight)
        case Mode.RECORD:
            return CallLive(Draw(number, number or 0, is_replacing=True))
        case Mode.LIVE:
            return CallLive(None)


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
    number: int | None

    def run(self) -> Recording | None:
        return self.request.session.lead(self.request.call, self.flight, self.number)

    async def arun(self) -> Recording | None:
        self.flight.set_owner()
        return await self.request.session.alead(self.request.call, self.flight, self.number)


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


def _steps(request: Request, kinds: Kinds) -> Generator[Step, object, Decision]:
    session, mode, call, _, has_draws = request
    if mode is Mode.LIVE:
        return CallLive(None)
    number = session.number(call, mode, has_draws=has_draws)
    leading: Flight | None = None
    try:
        found: object = session.in_memory(call)
        if found is None:  # in `record` too: a damaged recording is never overwritten silently
            found = session.fetch(call) if session.reads_in_place else (yield _Find(request))
        leads = False
        while True:
            assert found is None or isinstance(found, Recording)
            decision = decide(request, found, number, leads=leads)
            match decision:
                case Replay():
                    if leading is not None:
                        leading.finish()
                    return decision
                case CallLive():
                    return decision._replace(flight=leading)
                case LeadFlight(leading):
                    leads = True
                    found = yield _Lead(request, leading, number)
                case JoinFlight(flight):
                    end = yield _Wait(request, flight, kinds)
                    if isinstance(end, Pending):
                        session.give_back(call, number)
                        return end
                    leads = end is WaitEnd.IN_VAIN
                    found = yield _Find(request)
                case NoRecording():
                    yield _Miss(request)
    except BaseException:
        if leading is not None:
            leading.finish()
        session.give_back(call, number)
        raise


# The drivers


def take(request: Request, kinds: Kinds = ()) -> Decision:
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
        decision: Decision = stop.value
        return decision


async def take_async(request: Request, kinds: Kinds = ()) -> Decision:
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
        decision: Decision = stop.value
        return decision


def take_replay(request: Request, found: Recording | None) -> Replay | None:
    """Return what a call is replayed with, None where it has to be made, or missed: decide about it anew then."""
    session, mode, call, _, has_draws = request
    number = session.number(call, mode, has_draws=has_draws)
    try:
        decision = decide(request, found, number, leads=True)
    except BaseException:
        session.give_back(call, number)
        raise
    if isinstance(decision, Replay):
        return decision
    session.give_back(call, number)
    return None
