"""Which session serves a call: that of the scope around it, the default of the process, or the only one that is open."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Self
from warnings import warn

from anyio import get_current_task

from memo._engine.reports.frames import user_stacklevel
from memo._engine.rules.modes import Mode
from memo._engine.sessions.session import Session
from memo.errors import ScopeLost, ScopeLostWarning

__all__ = [
    "Outside",
    "active",
    "before_scopes",
    "carried",
    "current",
    "enter",
    "leave",
    "process_wide",
    "replace_session",
    "session_for",
]

active: ContextVar[Session | None] = ContextVar("memo_session", default=None)
"""The session of the innermost scope."""

process_wide: list[Session] = []
"""The defaults of the whole process, the innermost last: the one that was started, and those of tests around or inside it."""

before_scopes: list[Callable[[], object]] = []
"""What is called before a recorder opens a scope, or becomes a default: idempotent functions of modules above this one."""

_scopes: ContextVar[tuple[Session, ...]] = ContextVar("memo_scopes", default=())
"""The sessions of the scopes around, the innermost last."""

_open: list[Session] = []
"""The sessions of all scopes in the process that serve foreign contexts too, once a scope."""
carried: list[Session] = []
"""The sessions of other processes' scopes that are served here. They serve no foreign context: whose call it is, nobody knows."""

_outside: ContextVar[Outside | None] = ContextVar("memo_outside", default=None)
_lock = threading.Lock()


class Outside:
    """A request that carries no scope: what is called in its context until it ends is in none, and nobody's scope is lost."""

    is_over = False
    _before: Outside | None = None

    def __enter__(self) -> Self:
        """Begin the request, or go on with it."""
        self._before = _outside.get()
        self.is_over = False
        _outside.set(self)
        return self

    def __exit__(self, *error: object) -> None:
        """End the request. A task that it leaves behind may do the work of other requests."""
        self.is_over = True
        _outside.set(self._before)

    def hold(self, by: int) -> None:
        """Do nothing: a scope counts what is in it."""


def enter(session: Session) -> None:
    """Begin a scope of that session in this context."""
    _scopes.set((*_scopes.get(), session))
    active.set(session)
    if not session.isolated:
        with _lock:
            _open.append(session)


def leave(session: Session) -> None:
    """End the innermost scope of that session, in whichever context and order scopes are ended."""
    inner_first = [*reversed(_scopes.get())]
    if session in inner_first:
        inner_first.remove(session)
        _scopes.set(tuple(reversed(inner_first)))
        active.set(inner_first[0] if inner_first else None)
    if not session.isolated:
        with _lock:
            _open.remove(session)


def replace_session(session: Session, other: Session) -> None:
    """Let another session serve the calls of this context, and of the process, that a session has served so far."""
    process_wide[:] = [other if item is session else item for item in process_wide]
    _scopes.set(tuple(other if item is session else item for item in _scopes.get()))
    if active.get() is session:
        active.set(other)


def current() -> Session | None:
    """Return the session that serves a call made here, None if there is none, or if several are open and none is near."""
    session = active.get()
    if session is not None:
        return session
    if process_wide:
        return process_wide[-1]
    sessions = set(_open)
    return sessions.pop() if len(sessions) == 1 else None


def session_for(function: str) -> Session | None:
    """Return the session that serves a call of the function made here, None for a call that memo has no part in.

    Raises `ScopeLost` where the call is in no scope and memo would have to guess between several; while recording, that is
    a warning.
    """
    return active.get() or (_session_without_scope(function) if _open or process_wide or carried else None)


def _session_without_scope(function: str) -> Session | None:
    if process_wide:
        return process_wide[-1]
    sessions = list(dict.fromkeys(_open))
    outside = _outside.get()
    elsewhere = (
        [session for session in carried if not session.has_ended()] if outside is None or outside.is_over else []
    )
    for session in (*sessions, *elsewhere):
        session.count_unscoped()
    if len(sessions) == 1 and not elsewhere:
        return sessions[0]
    _report_lost(function, [*sessions, *elsewhere])
    return None


def _report_lost(function: str, sessions: list[Session]) -> None:
    replaying = [session for session in sessions if session.mode_of(function) is Mode.REPLAY]
    if replaying:
        error = ScopeLost(function, _here(), map(repr, sessions))
        for session in replaying:
            session.on_replay_error(error)
        raise error
    recording = [session for session in sessions if session.mode_of(function) is not Mode.LIVE]
    if recording:
        warning = ScopeLostWarning(function, _here(), map(repr, sessions))
        for session in recording:
            session.on_scope_lost(warning)
        warn(warning, stacklevel=user_stacklevel())


def _here() -> str:
    thread = f"thread {threading.current_thread().name!r}"
    try:
        return f"task {get_current_task().name!r} of {thread}"
    except Exception:  # noqa: BLE001 - no event loop, or one that anyio does not know
        return thread
