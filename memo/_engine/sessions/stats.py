"""What a session did so far, as numbers."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["Counts", "Stats"]


@dataclass(slots=True)
class Stats:
    """How many calls a recorder has replayed, recorded and made so far."""

    replayed: int = 0
    recorded: int = 0
    live: int = 0
    """Calls that went to the real function, recorded or not."""
    missed: int = 0
    """Calls that had no recording in replay, and failed."""
    unrecorded: int = 0
    """Calls in a recording mode that have no outcome to record: cancelled, or ended by an error that is no answer."""
    seconds_saved: float = 0.0
    """How long the replayed calls took when they were recorded."""
    unscoped: int = 0
    """Calls from a context that was in no scope: served by the only open recorder, or lost where several were open."""
    by_rule: dict[str, int] = field(default_factory=dict)
    """How many calls each pattern of `modes` decided the mode of."""
    injected: dict[str, int] = field(default_factory=dict)
    """How often each of the `faults` was injected."""
    volatile: int = 0
    """Recordings that `pending=True` does not put aside, since they differ in ids and times alone."""


class Counts:
    """Count the calls of a session. Safe for threads; the garbage collector may interrupt any method with another."""

    def __init__(self) -> None:
        self._stats = Stats()
        self._unrecorded: dict[str, Counter[str]] = {}
        """How often calls of each function were not recorded, by the reason."""
        # Reentrant: the garbage collector may close a stream at any time, which stores or abandons it.
        self._lock = threading.RLock()

    def stats(self) -> Stats:
        """Return the numbers: a copy."""
        with self._lock:
            return replace(self._stats)

    @property
    def calls(self) -> int:
        """Return how many calls were made so far, at least: zero if none was."""
        stats = self._stats
        return stats.replayed + stats.live + stats.missed + stats.unrecorded

    def replayed(self, seconds: float) -> None:
        """Count a replay of a call that took so long when it was recorded."""
        with self._lock:
            self._stats.replayed += 1
            self._stats.seconds_saved += seconds

    def recorded(self) -> None:
        """Count an outcome that was stored."""
        with self._lock:
            self._stats.recorded += 1

    def live(self) -> None:
        """Count a call that goes to the real function."""
        with self._lock:
            self._stats.live += 1

    def missed(self) -> None:
        """Count a call that has no recording."""
        with self._lock:
            self._stats.missed += 1

    def unscoped(self) -> None:
        """Count a call from a context that is in no scope."""
        with self._lock:
            self._stats.unscoped += 1

    def unrecorded(self, function: str, reason: str) -> None:
        """Count a call that ended without an outcome to record."""
        with self._lock:
            self._stats.unrecorded += 1
            self._unrecorded.setdefault(function, Counter())[reason] += 1

    def take_unrecorded(self) -> dict[str, Counter[str]]:
        """Return how often calls of each function were not recorded, by the reason. Once."""
        if not self._unrecorded:
            return {}
        with self._lock:
            unrecorded, self._unrecorded = self._unrecorded, {}
            return unrecorded

    def add(self, event: dict[str, Any]) -> None:
        """Count what another process did: an event of the scope's journal."""
        match event["event"]:
            case "replayed":
                self.replayed(event["seconds"])
            case "recorded":
                self.recorded()
            case "live":
                self.live()
            case "missed":
                self.missed()
            case "unscoped":
                self.unscoped()
            case "unrecorded":  # reported by the process that made the call
                with self._lock:
                    self._stats.unrecorded += 1
            case _:
                pass
