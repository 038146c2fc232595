"""Calls in no scope, and scopes that do not reach other processes."""

from __future__ import annotations

from collections.abc import Iterable

from memo.errors._base import MemoError

__all__ = ["ScopeLost", "ScopeLostWarning", "ScopeNotPortable", "ScopeRefused"]


class ScopeLost(MemoError, RuntimeError):
    """In replay, a call came from a thread, task or event loop that is in no scope, while several recorders are open.

    No call was made. With one recorder open, that one serves such calls; with several, and in a server with one whose scope
    came with a request, memo does not guess. `context` names the thread or task, `recorders` the open recorders.
    """

    def __init__(self, function: str, context: str, recorders: Iterable[str]) -> None:
        self.function = function
        self.context = context
        self.recorders = tuple(recorders)
        count = len(self.recorders)
        super().__init__(
            f"{function}: called from {context}, which is in no scope, while "
            f"{f'{count} recorders are' if count > 1 else 'a recorder is'} open: {', '.join(self.recorders)}\n"
            "  to carry the scope along:   executor.submit(memo.carry(function), ...)\n"
            "  to take it to a worker:     queue.put((memo.captured(), work)), and there: with scope: ...\n"
            "  to bind it to a recorder:   @recorder.recordable\n"
            '  to call live on purpose:    with memo.recording(mode="live"): ...\n'
            "  to keep a recorder out:     recording(..., isolated=True)"
        )


class ScopeLostWarning(ScopeLost, UserWarning):
    """While recording, a call came from a context that is in no scope: it was made live, and not recorded."""


class ScopeNotPortable(MemoError, ValueError):
    """A scope cannot be handed to another process: a part of it has no form that another process can read."""

    def __init__(self, part: str, reason: str, fix: str) -> None:
        self.part = part
        self.reason = reason
        super().__init__(f"the scope cannot leave this process: {part} {reason}\n  {fix}")


class ScopeRefused(MemoError, ValueError):
    """A carried scope was not accepted: it is damaged, unsigned, or signed by another run. It has no effect."""

    def __init__(self, reason: str, fix: str) -> None:
        self.reason = reason
        super().__init__(f"a carried scope was refused: {reason}\n  {fix}")
