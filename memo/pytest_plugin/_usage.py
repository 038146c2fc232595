"""Per-run bookkeeping: which tests ran, which recordings they used, and what their recorders did.

Each process keeps its own. A worker of pytest-xdist sends the notes of a test with the test's report and the rest when it
ends, so that a recording counts as unused only if no test of any worker used it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from memo._engine.rules.modes import Mode

__all__ = ["COUNTS", "FALLBACK", "Note", "Usage", "added_rules"]

COUNTS = ("replayed", "recorded", "live", "missed", "unrecorded", "seconds", "tokens")
FALLBACK = "fallback"
"""The scope of directories that any test may use as a fallback."""


class Note(NamedTuple):
    """What one recorder did."""

    directory: str
    """The directory or the file of its recordings; empty if others than these tests may use them."""
    mode: str
    users: list[str]
    """The tests that may use the recordings: only if all of them passed can a recording be unused."""
    used: list[str]
    """The files that were replayed or written."""
    scope: str
    """`test`, `class`, `module`, `package`, `session` or `fallback`."""
    reach: str
    """The file or directory whose tests may use the recordings of a scope wider than a test."""
    before: dict[str, int]
    """The recordings that were there when the recorder was made, with their stamps: only these may be deleted."""
    unrecorded: dict[str, tuple[str, str]]
    """Function and reason of the calls that ended without an outcome to record, by key."""
    counts: dict[str, float]
    """How many calls were replayed, recorded, …, and what that saved."""
    injected: dict[str, int] = {}  # noqa: RUF012 - never changed
    """How often each of the `faults` was injected."""
    rules: dict[str, tuple[str, str, int]] = {}  # noqa: RUF012 - never changed
    """By the patterns of `modes`: the mode, the option that names it, and how many calls it decided the mode of."""
    verified: list[dict[str, Any]] = []  # noqa: RUF012 - never changed
    """The calls in `verify`, as JSON."""
    pending: str = ""
    """The location of the store, if it holds pending recordings."""
    volatile: int = 0
    """How many recordings were not put aside, since they differ in ids and times alone."""

    def mode_of(self, function: str) -> str:
        """Return the mode of the calls of that name."""
        from memo._engine.rules.mode_rules import (  # which imports stores: only where a run has rules
            ModeRule,
            ModeRules,
        )

        rules = (ModeRule(pattern, Mode(mode), source) for pattern, (mode, source, _) in self.rules.items())
        return str(ModeRules(rules, Mode(self.mode)).mode(function))

    def with_(self, other: Note) -> Note:
        """Return both together: two attempts at a test, or two workers."""
        names = self.counts | other.counts
        return self._replace(
            mode=self.mode if self.mode == other.mode else "live",  # of a fallback: not all of them read it
            users=sorted({*self.users, *other.users}),
            used=sorted({*self.used, *other.used}),
            before=dict(self.before.items() & other.before.items()),
            unrecorded={**self.unrecorded, **other.unrecorded},
            counts={name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in names},
            injected={
                name: self.injected.get(name, 0) + other.injected.get(name, 0)
                for name in self.injected | other.injected
            },
            rules=added_rules(self.rules, other.rules),
            pending=self.pending or other.pending,
            volatile=self.volatile + other.volatile,
            verified=[*self.verified, *other.verified],
        )


def added_rules(
    rules: Mapping[str, tuple[str, str, int]], more: Mapping[str, tuple[str, str, int]]
) -> dict[str, tuple[str, str, int]]:
    """Return the rules of two recorders together, with the calls of both."""
    added = dict(rules)
    for pattern, (mode, source, count) in more.items():
        added[pattern] = (mode, source, count + added.get(pattern, ("", "", 0))[2])
    return added


@dataclass(slots=True)
class Usage:
    """What is known of a run."""

    notes: dict[tuple[str, str], Note] = field(default_factory=dict)
    """By directory and scope."""
    expected: set[str] = field(default_factory=set)
    """The directories of the tests that were collected and record."""
    modules: set[str] = field(default_factory=set)
    """The test files that were collected."""
    folders: set[str] = field(default_factory=set)
    """The directories in which tests were looked for."""
    collected: bool = True
    """False if a file could not be collected."""
    skipped: bool = False
    """True if a file skipped itself, so its tests are unknown."""
    selected: bool = True
    """False if some collected tests are not run."""
    lost: bool = False
    """True if a worker was lost, with what it knew."""
    written_after_report: set[str] = field(default_factory=set)
    """Recordings that were written after their test's report."""

    late: list[str] = field(default_factory=list)
    """What failed in another process after the report of its test."""
    left: list[str] = field(default_factory=list)
    """What runs that were killed have left in the journals of their scopes."""
    misses: list[dict[str, Any]] = field(default_factory=list)
    """The calls that were not found, as `memo.pytest_plugin._misses` describes them."""
    unseen: dict[str, list[str]] = field(default_factory=dict)
    """The hosts that marked tests connected to without a call, by test: of those that passed."""

    def add(self, note: Note) -> None:
        """Add a note to what is known of its recordings."""
        # Where the file system ignores case, two tests may share a directory: what one of them used is not unused.
        at = (note.directory.casefold(), note.scope)
        earlier = self.notes.get(at)
        self.notes[at] = note if earlier is None else earlier.with_(note)

    def dump(self) -> dict[str, Any]:
        """Return all of it as JSON, for the controller of pytest-xdist."""
        sets = {name: sorted(getattr(self, name)) for name in _SETS}
        flags = {name: getattr(self, name) for name in ("collected", "skipped", "selected", "lost")}
        return {**sets, **flags, "notes": [note._asdict() for note in self.notes.values()], "misses": self.misses}

    def merge(self, dumped: dict[str, Any]) -> None:
        """Add what a worker knows."""
        for name in _SETS:
            getattr(self, name).update(dumped[name])
        for note in dumped["notes"]:
            self.add(Note(**note))
        self.misses += dumped["misses"]
        self.collected = self.collected and dumped["collected"]
        self.selected = self.selected and dumped["selected"]
        self.skipped = self.skipped or dumped["skipped"]


_SETS = ("expected", "modules", "folders", "written_after_report")
