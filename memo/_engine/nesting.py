"""Recordings that are made inside of others: which call is being made where this code runs."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from memo._calls.call import Call
from memo._calls.digest import entry_name

__all__ = ["making", "parent_in"]

making: ContextVar[tuple[Any, Call] | None] = ContextVar("memo_making", default=None)
"""The session and the call whose real function runs here. Tasks and `to_thread` workers inherit it with their context."""


def parent_in(session: object) -> str | None:
    """Return the name of the entry whose call is being made here, None if there is none in that session."""
    made = making.get()
    return entry_name(made[1].function, made[1].key) if made is not None and made[0] is session else None
