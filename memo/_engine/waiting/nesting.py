"""Calls that are made inside others: which call is being made where this code runs, and which draws were taken in it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from memo._calls.call import Call
from memo._calls.digest import entry_name

__all__ = ["Making", "current_flight", "making", "parent_in"]


class Making:
    """A live call that is being made: the calls inside it belong to it.

    A replay does not run them. So that it goes on with the same draws as the recording did, the outcome says how many draws of
    which calls were taken inside, and a replay of it takes them, too.
    """

    __slots__ = ("call", "flight", "inside", "is_over", "parent", "session")

    def __init__(self, session: Any, call: Call, flight: Any) -> None:
        self.session = session
        self.call = call
        self.flight = flight
        """What others wait for in the meantime, None where nobody can."""
        self.inside: dict[str, int] = {}
        """How many draws were taken, by `function/key`."""
        self.parent = making.get()
        self.is_over = False
        """Whether the outcome is complete, or will never be stored."""

    def note(self, session: Any, call: Call, count: int) -> None:
        """Note that so many draws of a call were taken inside (or given back, if negative)."""
        name = f"{call.function}/{call.key}"
        node: Making | None = self
        is_noted = False
        while node is not None:
            if node.session is session:
                if not is_noted:
                    is_noted = True
                    session.uncertain.note_inside(call, count)
                node.inside[name] = node.inside.get(name, 0) + count
                if node.is_over and count > 0:
                    session.uncertain.note_late(call, node.call)
            node = node.parent

    def note_outside(self, session: object, call: Call, count: int) -> None:
        """Note the same of what encloses this call."""
        if self.parent is not None:
            self.parent.note(session, call, count)


making: ContextVar[Making | None] = ContextVar("memo_making", default=None)
"""The call whose real function runs here. Tasks and `to_thread` workers inherit it with their context."""


def current_flight() -> Any:
    """Return the innermost flight inside which this code runs, None if there is none."""
    node = making.get()
    while node is not None and node.flight is None:
        node = node.parent
    return node.flight if node is not None else None


def parent_in(session: Any, *, is_foreign: bool = False) -> str | None:
    """Return the name of the entry whose call is being made here, None if there is none in that session.

    A context that `is_foreign`, in no scope, is probably inside the only call that runs.
    """
    made = making.get() or (session.uncertain.enclosing() if is_foreign else None)
    return entry_name(made.call.function, made.call.key) if made is not None and made.session is session else None
