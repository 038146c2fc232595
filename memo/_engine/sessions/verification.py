"""The outcomes of the calls of a session in `verify`: each is made, and its outcome is compared with the recorded one."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any, NamedTuple

import orjson

from memo._calls.call import Call
from memo._engine.storing.writing import Draw
from memo._recordings.changes import ALARMING, Change, Rules
from memo._recordings.difference_lines import lines, printable
from memo._recordings.differences import Difference
from memo._recordings.document import Document
from memo._recordings.outcome_changes import compare
from memo.errors import RecordingsDifferWarning

__all__ = ["Verification", "VerifiedCall"]


class VerifiedCall(NamedTuple):
    """A call that was made again."""

    call: Call
    changes: list[Change] | None
    """Where the outcome differs from the recorded one. None: the call is not recorded."""
    document: Document
    """The recording that the call would have now."""

    def as_json(self, test: str) -> dict[str, Any]:
        """Return what happened as JSON: the function, the test, and a tier and a line for each change."""
        changes = None
        if self.changes is not None:
            changes = [[str(change.tier), _line(change)] for change in self.changes]
        return {"function": self.call.function, "test": test, "changes": changes}


def _line(change: Change) -> str:
    return lines([Difference(change.path or "the whole", change.before, change.after)], 1)[0]


class Verification:
    """The calls that were made again so far. Safe for threads."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.unfinished: Counter[str] = Counter()
        """How many calls had no outcome to compare, by function and reason."""
        self._made: dict[int, tuple[Draw, VerifiedCall]] = {}
        """By the identity of the draw: a stream is compared again when more of it was read."""
        self._lock = threading.Lock()

    @property
    def calls(self) -> list[VerifiedCall]:
        """The calls, in the order in which they ended."""
        with self._lock:
            return [made for _, made in self._made.values()]

    def compare(self, call: Call, draw: Draw, outcome: dict[str, Any], recorded: Document | None) -> VerifiedCall:
        """Compare the outcome of a call with what is recorded of it."""
        outcome = orjson.loads(orjson.dumps(outcome))  # what is to be written may be in fragments
        changes = None if recorded is None else compare(recorded.outcomes, outcome, self.rules)
        made = VerifiedCall(call, changes, Document.of(call, [outcome]))
        with self._lock:
            self._made[id(draw)] = draw, made
        return made

    def warning(self) -> RecordingsDifferWarning | None:
        """Return what to warn of at the end of a scope: changes that break code."""
        calls = self.calls
        found = [
            f"{made.call.function}: {change.tier} {printable(change.path) or 'end'}"
            for made in calls
            for change in made.changes or ()
            if change.tier in ALARMING
        ]
        return RecordingsDifferWarning(len(calls), found) if found else None
