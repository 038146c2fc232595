"""Make the planned calls, one after the other, and compare their outcomes with the recordings."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

from memo._engine.sessions.verification import VerifiedCall
from memo._recordings.changes import Change, Tier, is_broken
from memo._recordings.volatile import is_volatile
from memo._verifying.plan import Planned
from memo._verifying.report import Checked, Left, LiveReport
from memo.codecs.responses import http_response, is_unread
from memo.errors import CostLimitReached
from memo.maintenance.pending import put_aside
from memo.patches.remaking import Unreachable
from memo.stores import Store

__all__ = ["run"]


def run(
    store: Store,
    calls: list[Planned],
    report: LiveReport,
    *,
    aside: Collection[Tier] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Make the calls, and add the outcomes to the report, call by call: `KeyboardInterrupt` loses nothing of it.

    Async functions run in one event loop of asyncio, streams are read to their ends. Recordings that differ in one of the tiers
    `aside` are put aside as pending. Nothing else is written. Raises `StoreError`.
    """
    with asyncio.Runner() as runner:
        for number, planned in enumerate(calls):
            if progress is not None:
                progress(number, len(calls))
            _make(planned, runner, store, report, aside)
    report.is_complete = True


def _make(
    planned: Planned, runner: asyncio.Runner, store: Store, report: LiveReport, aside: Collection[Tier] | None
) -> None:
    session, function = planned.session, planned.document.function
    verification = session.verification
    assert verification is not None
    before = len(verification.calls)
    raised = ""
    try:
        _consume(planned.remade.make(session), runner)
    except CostLimitReached as error:
        report.left[Left(function, "it is beyond --max-cost", f"--max-cost {error.max_cost * 2:g}")] += 1
        return
    except Unreachable as error:
        report.left[Left(function, error.reason, error.fix)] += 1
        return
    except Exception as error:  # noqa: BLE001 - it is the outcome, compared like any other
        raised = f"{type(error).__name__}: {error}"
    session.store_open_streams()
    made = next((made for made in verification.calls[before:] if made.call.key == planned.document.key), None)
    if made is None or made.changes is None:
        failures, session.failures = session.failures, []
        reason = str(failures[0]).splitlines()[0] if failures else raised or "it has no outcome"
        report.left[Left(function, f"its outcome cannot be compared ({reason})", "")] += 1
        return
    report.checked.append(_checked(planned, made, made.changes))
    if aside is None or not made.changes:
        return
    left = _why_not_aside(planned, made.changes, made, aside)
    if left is not None:
        report.not_aside[left] += 1
    else:
        report.pending += put_aside(
            store, _renewed(planned, made), "made again by memo verify --live", name=planned.name
        )


def _checked(planned: Planned, made: VerifiedCall, changes: list[Change]) -> Checked:
    always = [is_volatile(change, planned.document, made.document) for change in changes]
    ordered = [change for _, change in sorted(zip(always, changes, strict=True), key=lambda pair: pair[0])]
    return Checked(planned.name, planned.document.function, ordered, sum(always))


def _consume(result: Any, runner: asyncio.Runner) -> None:
    """Read what a call returned to its end."""
    is_async = inspect.isawaitable(result)
    if is_async:
        result = runner.run(_awaited(result))
    if hasattr(result, "__anext__") and (is_async or not hasattr(result, "__next__")):  # litellm's streams are both
        runner.run(_drained(result))
    elif hasattr(result, "__next__"):
        deque(result, maxlen=0)
    elif is_unread(response := http_response(result)):
        _read(response, runner)
    elif isinstance(result, AbstractAsyncContextManager):
        runner.run(_entered(result))
    elif isinstance(result, AbstractContextManager):
        with result as inner:
            _consume(inner, runner)
    elif isinstance(result, dict):  # of AWS's services: an answer that holds a stream of events
        for part in result.values():
            if hasattr(part, "__iter__") and hasattr(part, "close"):
                deque(part, maxlen=0)


def _read(response: Any, runner: asyncio.Runner) -> None:
    """Read the body of an HTTP response."""
    if hasattr(response.stream, "__aiter__") and not hasattr(response.stream, "__iter__"):
        runner.run(_awaited(response.aread()))
    else:
        response.read()


async def _entered(context: AbstractAsyncContextManager[Any]) -> None:
    async with context as inner:
        if is_unread(response := http_response(inner)):
            await response.aread()


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result


async def _drained(items: Any) -> None:
    async for _ in items:
        pass


def _why_not_aside(planned: Planned, changes: list[Change], made: VerifiedCall, aside: Collection[Tier]) -> str | None:
    """Return why a recording is not put aside, None if it is: an error in place of an answer may be gone tomorrow."""
    (outcome,) = made.document.outcomes
    if len(planned.document.outcomes) > 1:
        return "they have several outcomes, which only the program that makes the calls records in order"
    if "error" in outcome and is_broken(changes):
        return "an error came in place of the answer"
    if not any(change.tier in aside for change in changes):
        tiers = sorted({change.tier for change in changes})
        return f"they differ in {' and '.join(tiers)} only (--fail-on {','.join(tiers)} puts them aside, too)"
    return None


def _renewed(planned: Planned, made: VerifiedCall) -> Any:
    """Return the recording with its new outcome, which stands for as many calls as the old one."""
    recorded, (outcome,) = planned.document, made.document.outcomes
    kept: dict[str, Any] = {
        name: recorded.outcomes[-1][name] for name in ("calls", "draw") if name in recorded.outcomes[-1]
    }
    return recorded._replace(outcomes=[{**outcome, **kept}], recorded_at=made.document.recorded_at)
