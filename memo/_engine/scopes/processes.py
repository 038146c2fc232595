"""Child processes take the scope along by themselves: those of multiprocessing, however they start, and forks in a test."""

from __future__ import annotations

import logging
import os
from typing import Any

import wrapt

from memo._engine.sessions.active import active, before_scopes, current, process_wide, replace_session
from memo._engine.sessions.scope_names import SECRET, VARIABLE
from memo._engine.sessions.session import Session
from memo.errors import MemoError, ScopeNotPortable

__all__ = ["adopt", "adopt_environment"]

log = logging.getLogger("memo")

_watching = False
_adopted = False
_forked: list[tuple[Session, str]] = []
"""The sessions that a fork is to take along, each with its carried scope."""


def _watch() -> None:
    """Take scopes along to child processes from now on. Idempotent."""
    global _watching  # noqa: PLW0603
    if not _watching:
        _watching = True
        wrapt.register_post_import_hook(_wrap_start, "multiprocessing.process")
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=_before_fork, after_in_child=_after_fork)


before_scopes.append(_watch)


class _Scope:
    """A carried scope in a pickle: reading it opens the scope in the process that reads."""

    def __init__(self, value: str, secret: str) -> None:
        self._arguments = (value, secret)

    def __reduce__(self) -> tuple[Any, ...]:
        return adopt, self._arguments


def adopt(value: str, secret: str) -> None:
    """Make a scope of the parent process the default of this one."""
    from memo._engine.scopes.carried import carried

    os.environ[SECRET] = secret
    try:
        carried(value)
    except MemoError:
        log.exception("the scope of the parent process is not open here")


def adopt_environment() -> None:
    """Make the scope that `MEMO_SCOPE` carries the default of this process. Once.

    Raises `ScopeRefused` for a scope that was not signed with this process's `MEMO_SCOPE_SECRET`.
    """
    global _adopted  # noqa: PLW0603
    value = os.environ.get(VARIABLE)
    if value and not _adopted:
        from memo._engine.scopes.carried import carried

        _adopted = True
        carried(value)


def _wrap_start(module: Any) -> None:
    wrapt.wrap_function_wrapper(module, "BaseProcess.start", _start)


def _start(start: Any, process: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    session: Any = current()
    if session is not None and _is_pickled(process):
        try:
            process._memo_scope = _Scope(*session.env.values())
        except ScopeNotPortable as error:
            log.warning("process %s is in no scope: %s", process.name, error)
    try:
        return start(*args, **kwargs)
    finally:
        vars(process).pop("_memo_scope", None)


def _is_pickled(process: Any) -> bool:
    """Return whether a process starts with a pickle, and not as a copy of this one."""
    from multiprocessing import get_start_method

    return (getattr(process, "_start_method", None) or get_start_method()) != "fork"


def _before_fork() -> None:
    _forked.clear()
    sessions: set[Any] = {active.get(), *process_wide} - {None}
    for session in sessions:
        if session.is_of_test or session.shared is not None:
            try:
                _forked.append((session, session.share().value))
            except (ScopeNotPortable, OSError) as error:
                log.debug("a fork counts for itself: %s", error)


def _after_fork() -> None:
    from memo._engine.scopes.carried import opened_after_fork

    for session, value in _forked:
        try:
            replace_session(session, opened_after_fork(value))
        except MemoError:
            log.exception("the scope of the parent process is not open here")
    _forked.clear()
