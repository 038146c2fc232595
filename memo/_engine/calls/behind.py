"""The call behind a replay: what has expired is replayed once more, and one call in the whole fleet makes it again.

It runs in parallel to its caller: as a task of the caller's event loop, or for a plain function in its own thread.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any

from memo._calls.call import Call
from memo._engine.sessions.session import Session
from memo._engine.storing.expiry import RefreshedElsewhere
from memo._engine.waiting.nesting import making
from memo._engine.waiting.threads import in_event_loop, on_asyncio

__all__ = ["refresh"]

log = logging.getLogger("memo")

_ELSEWHERE_SECONDS, _FAILED_SECONDS = 0.2, 1.0
"""How long no other call is begun behind the same replay: while another process makes it, and after it failed."""

_tasks: set[asyncio.Task[None]] = set()
"""asyncio itself does not keep tasks alive."""


def refresh(
    session: Session,
    call: Call,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    again: Callable[[tuple[Any, ...], dict[str, Any]], Any],
    *,
    needs_loop: bool,
) -> None:
    """Begin to make a call behind the replay of its outcome, unless that is done already. Never raises, and never waits.

    `again` makes the call with these arguments, and returns what the function returns. A task ends with its event loop, which
    cancels it; a thread does not keep the process from ending. What is cut short that way is not recorded: the old outcome
    is kept, and a later replay begins again: a second later, if the call failed.
    """
    if not session.flights.begin_behind(call.key):
        return
    # The caller may change its lists and mappings as soon as it has the outcome.
    copied, named = _copied(args), _copied(kwargs)
    behind = _Behind(session, call, lambda: again(copied, named))
    try:
        behind.start(needs_loop=needs_loop)
    except Exception as error:  # noqa: BLE001 - no thread can be started, or no event loop runs here
        behind.end(error)


class _Behind:
    """One call behind a replay."""

    def __init__(self, session: Session, call: Call, again: Callable[[], Any]) -> None:
        self._session = session
        self._call = call
        self._again = again

    def start(self, *, needs_loop: bool) -> None:
        """Begin, in parallel to what runs here, and inside no other call."""
        context = copy_context()
        context.run(making.set, None)
        if needs_loop:
            self._start_task(context)
        else:
            threading.Thread(target=context.run, args=(self._run,), name="memo-refresh", daemon=True).start()

    def _start_task(self, context: Context) -> None:
        if on_asyncio():
            task = asyncio.get_running_loop().create_task(self._arun(), name="memo-refresh", context=context)
            _tasks.add(task)
            task.add_done_callback(_tasks.discard)
        elif in_event_loop():
            sys.modules["trio"].lowlevel.spawn_system_task(self._arun, name="memo-refresh", context=context)
        else:
            raise RuntimeError("no event loop runs here")

    def _run(self) -> None:
        try:
            result = self._again()
            if hasattr(result, "__next__"):
                for _ in result:
                    pass
        except Exception as error:  # noqa: BLE001 - nobody waits for it: it is reported
            self.end(error)
        else:
            self.end()

    async def _arun(self) -> None:
        try:
            result = self._again()
            if inspect.isawaitable(result):
                result = await result
            if hasattr(result, "__aiter__"):
                async for _ in result:
                    pass
        except Exception as error:  # noqa: BLE001 - nobody waits for it: it is reported
            self.end(error)
        except BaseException:  # cancelled with its loop, which the attempt has counted
            self.end()
            raise
        else:
            self.end()

    def end(self, error: Exception | None = None) -> None:
        """Let a later replay of an expired outcome begin another. Report an error."""
        is_elsewhere = isinstance(error, RefreshedElsewhere)
        pause = 0.0 if error is None else _ELSEWHERE_SECONDS if is_elsewhere else _FAILED_SECONDS
        self._session.flights.end_behind(self._call.key, pause)
        if error is None or is_elsewhere:
            return
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        log.warning(
            "%s: the old outcome is kept, since the call that was to refresh it failed: %s", self._call.function, what
        )
        self._session.count_unrecorded(
            self._call, f"raised {type(error).__name__} in a refresh: the old outcome is kept"
        )


def _copied(value: Any) -> Any:
    """Return a value with lists and mappings of its own; whatever else it holds stays the same."""
    if type(value) is dict:
        return {name: _copied(item) for name, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_copied, value))
    return value
