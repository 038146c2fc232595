"""What came of making recorded calls again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from memo._recordings.changes import Change, Tier

__all__ = ["Checked", "Left", "LiveReport"]


@dataclass(frozen=True, slots=True)
class Checked:
    """A call that was made."""

    name: str
    """The recording's name in the store."""
    function: str
    changes: list[Change]
    """The changes; those that every call brings come last."""
    volatile: int = 0
    """How many of the changes every call brings: ids, times and durations."""

    @property
    def reported(self) -> list[Change]:
        """Return the changes but for those that every call brings."""
        return self.changes[: len(self.changes) - self.volatile]


@dataclass(frozen=True, slots=True)
class Left:
    """Why calls of a function were not made."""

    function: str
    reason: str
    fix: str
    """The option that would have them made, or ""."""


@dataclass(slots=True)
class LiveReport:
    """What is known so far: it grows with each call, so that an interruption loses nothing."""

    recordings: int = 0
    """Recordings of the functions that were asked for, damaged ones included."""
    checked: list[Checked] = field(default_factory=list)
    left: Counter[Left] = field(default_factory=Counter)
    """How many calls were not made, by the reason."""
    pending: int = 0
    """Recordings that were put aside."""
    not_aside: Counter[str] = field(default_factory=Counter)
    """How many recordings with changes were not put aside though that was asked for, by the reason."""
    ignored_nothing: dict[str, str] = field(default_factory=dict)
    """The paths under `--ignore` that are in no recording, with the nearest place, or ""."""
    is_complete: bool = False
    """False if it was interrupted."""

    @property
    def changed(self) -> list[Checked]:
        """The calls whose outcome differs."""
        return [made for made in self.checked if made.changes]

    @property
    def volatile(self) -> int:
        """Return how many calls differ in ids, times and durations alone."""
        return sum(not made.reported for made in self.changed)

    def tiers(self) -> Counter[Tier]:
        """Return how many calls have changes of each tier."""
        return Counter(tier for made in self.checked for tier in {change.tier for change in made.changes})

    def fails(self, tiers: Collection[Tier]) -> bool:
        """Return whether there is a change of one of these tiers."""
        return any(change.tier in tiers for made in self.checked for change in made.changes)
