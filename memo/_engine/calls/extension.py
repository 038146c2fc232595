"""Going on with a stream whose consumer left when it was recorded: one live call at a time, for all who ask for more."""

from __future__ import annotations

from memo._engine.calls.decision import Request
from memo._engine.storing.memory import Recording
from memo._engine.waiting.flights import Flight, WaitEnd
from memo._recordings.outcomes import Outcome

__all__ = ["extend", "extend_async"]


def extend(request: Request, outcome: Outcome) -> Outcome | Flight | None:
    """Return the same stream read further, as somebody else has recorded it; else the flight that the caller leads.

    None where the caller makes the call without leading, since waiting for the one who leads is in vain.
    """
    session, leading = request.session, None
    try:
        while True:
            further = _further(request, outcome, session.find(request.call))
            if further is not None:
                if leading is not None:
                    leading.finish()
                return further
            if leading is not None:
                return leading
            flight, is_first = session.flights.join(_name(request, outcome))
            if is_first:
                leading = flight
            elif flight.wait_in_thread(patience=session.claim_timeout) is WaitEnd.IN_VAIN:
                return None
    except BaseException:
        if leading is not None:
            leading.finish()
        raise


async def extend_async(request: Request, outcome: Outcome) -> Outcome | Flight | None:
    """Async twin of `extend`."""
    session, leading = request.session, None
    try:
        while True:
            found = session.in_memory(request.call) or await session.afetch(request.call)
            further = _further(request, outcome, found)
            if further is not None:
                if leading is not None:
                    leading.finish()
                return further
            if leading is not None:
                return leading
            flight, is_first = session.flights.join(_name(request, outcome))
            if is_first:
                leading = flight
            elif await flight.wait(patience=session.claim_timeout) is WaitEnd.IN_VAIN:
                return None
    except BaseException:
        if leading is not None:
            leading.finish()
        raise


def _name(request: Request, outcome: Outcome) -> str:
    return f"{request.call.key}~{request.number}+{len(outcome.items or ())}"


def _further(request: Request, outcome: Outcome, found: Recording | None) -> Outcome | None:
    """Return the recorded outcome of the call if it is a stream that goes on where `outcome` was left."""
    index = None if found is None else found.draws.index(request.number or 0 if request.setting.has_draws else 0)
    if found is None or index is None:
        return None
    recorded = found.outcome(index, request.setting.values)
    if recorded.items is None:  # an HTTP body that was read to its end is a value
        return recorded if recorded.read is not None and outcome.response is not None else None
    return recorded if recorded.end != "closed" or len(recorded.items) > len(outcome.items or ()) else None
