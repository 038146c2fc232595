"""Going on with a stream whose consumer left when it was recorded: one live call at a time, for all who ask for more."""

from __future__ import annotations

from collections.abc import Generator

from memo._engine.calls.decision import Find, Request, Wait
from memo._engine.calls.steps import Step, run_steps, run_steps_async
from memo._engine.storing.memory import Recording
from memo._engine.waiting.flights import Flight, WaitEnd
from memo._recordings.outcomes import Outcome

__all__ = ["extend", "extend_async"]


def extend(request: Request, outcome: Outcome) -> Outcome | Flight | None:
    """Return the same stream read further, as somebody else has recorded it; else the flight that the caller leads.

    None where the caller makes the call without leading, since waiting for the one who leads is in vain.
    """
    return run_steps(_steps(request, outcome))


async def extend_async(request: Request, outcome: Outcome) -> Outcome | Flight | None:
    """Async twin of `extend`."""
    return await run_steps_async(_steps(request, outcome))


def _steps(request: Request, outcome: Outcome) -> Generator[Step, object, Outcome | Flight | None]:
    leading: Flight | None = None
    try:
        while True:
            found = yield Find(request)
            assert found is None or isinstance(found, Recording)
            further = _further(request, outcome, found)
            if further is not None:
                if leading is not None:
                    leading.finish()
                return further
            if leading is not None:
                return leading
            flight, is_first = request.session.flights.join(_name(request, outcome))
            if is_first:
                leading = flight
            elif (yield Wait(request, flight, ())) is WaitEnd.IN_VAIN:
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
    if found.is_of_object:
        request.reach_object()
    recorded = found.outcome(index, request.setting.values)
    if recorded.items is None:  # an HTTP body that was read to its end is a value
        return recorded if recorded.read is not None and outcome.response is not None else None
    return recorded if recorded.end != "closed" or len(recorded.items) > len(outcome.items or ()) else None
