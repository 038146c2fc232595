"""Which session is active where a call is made."""

from __future__ import annotations

from contextvars import ContextVar

from memo._engine.session import Session

__all__ = ["active", "current", "process_wide"]

active: ContextVar[Session | None] = ContextVar("memo_session", default=None)
"""The session of the innermost scope."""

process_wide: list[Session] = []
"""The defaults of the whole process, the innermost last: the one that was started, and those of tests around or inside it."""


def current() -> Session | None:
    """Return the session of the innermost scope here, else the process-wide one, else None."""
    return active.get() or (process_wide[-1] if process_wide else None)
