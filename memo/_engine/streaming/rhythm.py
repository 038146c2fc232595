"""When the items of a replayed stream come that was recorded without timings."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Rhythm"]


class Rhythm(NamedTuple):
    """The seconds before the first item, and between an item and the next."""

    first: float
    gap: float

    @classmethod
    def of(cls, ttft: float, items_per_second: float) -> Rhythm | None:
        """Return the rhythm of the options `ttft` and `items_per_second`, None without any."""
        if not ttft and not items_per_second:
            return None
        return cls(ttft, 1 / items_per_second if items_per_second else 0.0)

    def offset(self, count: int) -> float:
        """Return the seconds after which that item comes, from 1."""
        return self.first + (count - 1) * self.gap
