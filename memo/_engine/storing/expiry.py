"""How long an outcome is good: after that, it counts as missing where calls may be made, or is refreshed behind its replay."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from memo._engine.rules.patterns import covers, specificity
from memo._engine.storing.memory import Recording, seconds_of
from memo._recordings.ages import duration
from memo.errors import InvalidOption

__all__ = ["Expiry", "Lifetime", "RefreshedElsewhere", "checked_renewal", "expiry_of", "lifetimes"]

Lifetime = str | timedelta | Mapping[str, str | timedelta] | None
"""How long outcomes are good; with names or patterns of functions, those of each function. The most specific counts."""


class Expiry(NamedTuple):
    """How long the outcomes of a function are good under a session."""

    seconds: float
    refreshes: bool = False
    """True if an expired outcome is replayed once more while a new one is being made."""
    is_behind: bool = False
    """True for the call that makes the new one behind a replay: it is not made where another call does that already."""

    def is_over(self, recording: Recording) -> bool:
        """Return whether a recording counts as missing. One from the future is new; one without a date is old."""
        made = recording.made
        if made is None:
            made = recording.made = seconds_of(recording.recorded_at)
        return time.time() - made > self.seconds

    def was_over(self, recorded_at: str | None) -> bool:
        """Return whether a recording of that time is replaced by a new outcome, instead of being added to."""
        return time.time() - seconds_of(recorded_at) > self.seconds


class RefreshedElsewhere(Exception):
    """A call behind a replay is not made: another call, of this process or another, makes it or has made it."""


def checked_renewal(recording: Recording | None, expiry: Expiry | None) -> Recording | None:
    """Return what was recorded in the meantime. Raises `RefreshedElsewhere` if that is what a call behind a replay was to make."""
    if expiry is not None and expiry.is_behind and recording is not None and not expiry.is_over(recording):
        raise RefreshedElsewhere
    return recording


def lifetimes(value: Lifetime, option: str = "ttl") -> dict[str, timedelta]:
    """Return how long an outcome is valid, by the pattern of the functions' names. Raises `InvalidOption`."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        return {"*": duration(value, option)}
    for pattern in value:
        if not isinstance(pattern, str):
            raise InvalidOption(option, value, ['{"app.search": "1h", "app.*": "1d"}'])
    return {pattern: duration(limit, f"{option}[{pattern!r}]") for pattern, limit in value.items()}


def expiry_of(
    name: str,
    ttl: timedelta | None,
    by_pattern: Mapping[str, timedelta],
    max_age: timedelta | None,
    on_expiry: str,
    *,
    has_draws: bool,
) -> Expiry | None:
    """Return when the outcomes of a function count as missing; None for never.

    The function's own `ttl` counts, else the recorder's; in each case together with `max_age`, where that has calls made.
    """
    if ttl is None and max_age is None and not by_pattern:
        return None
    matching = max((pattern for pattern in by_pattern if covers(pattern, name)), key=specificity, default=None)
    own = ttl if ttl is not None or matching is None else by_pattern[matching]
    refreshes = on_expiry == "refresh"
    limits = [limit for limit in (own, max_age if refreshes or on_expiry == "record" else None) if limit is not None]
    # With draws, the k-th of the identical calls has its own outcome: there is none that could be replayed once more.
    return Expiry(min(limits).total_seconds(), refreshes and not has_draws) if limits else None
