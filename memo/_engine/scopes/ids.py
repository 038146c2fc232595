"""`memo.ids`: ids that a program makes itself, the same in the recording and in each replay."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from memo._calls.call import Call
from memo._engine.sessions.active import current
from memo._engine.waiting.nesting import making

__all__ = ["ids"]


def ids(prefix: str, /) -> Callable[[], str]:
    """Return a function that makes ids: `new_id = memo.ids("resp_")`, then `new_id()` wherever the program needs one.

    For ids that the program sends back with its next call: that call then has the same key in a replay. In a scope the n-th id of a
    prefix is always the same (`resp_000000`, `resp_000001`, …), in all processes of the scope together, and each scope
    begins again; outside a scope an id is random. Ids are unique within their scope only. Safe for threads and processes.
    """
    call = Call("memo.ids", prefix, b"{}")

    def new_id() -> str:
        session = current()
        if session is None:
            return f"{prefix}{uuid.uuid4().hex}"
        number = session.numbers.take(call)
        outer = making.get()
        if outer is not None:  # a replay of the call that is being made takes the number without making the id
            outer.note(session, call, 1)
        return f"{prefix}{number:06d}"

    return new_id
