"""Draws that a replay may give to other callers: which of the identical calls took them depends on what memo cannot see."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memo._calls.call import Call
from memo._calls.digest import entry_name
from memo.errors import UncertainDrawsWarning

if TYPE_CHECKING:
    from memo._engine.waiting.nesting import Making

__all__ = ["OverlappingStreams", "UncertainDraws"]

_CARRY = "to say so, hand the function to the thread as memo.carry(function)"
_AWAIT = "to make the call a part of it, await what it starts before it returns"
_ARGUMENT = "to tell the calls apart, give each call a distinct argument"


@dataclass(slots=True, eq=False)
class OverlappingStreams:
    """Identical streams, each open at the same time as another one of them."""

    call: Call
    open: int = 0
    threads: set[int] = field(default_factory=set)
    ends: set[tuple[int, str]] = field(default_factory=set)
    """After how many items they ended, and how."""


@dataclass(slots=True)
class _Noted:
    """Draws of one call."""

    call: Call
    reason: str
    fix: str
    count: int
    """How many of the draws are uncertain."""


class UncertainDraws:
    """Notes the calls of a session whose draws are uncertain. Safe for threads, and for the garbage collector."""

    def __init__(self) -> None:
        self.running: dict[Making, None] = {}
        """The live calls of the session's own contexts, without those that are made inside them."""
        self._noted: dict[str, _Noted] = {}
        """By the key of the call."""
        self._inside: Counter[str] = Counter()
        """How many draws of a key were taken inside calls: a replay of these takes them, too."""
        self._streams: dict[str, OverlappingStreams] = {}
        # Reentrant: the garbage collector may close a stream at any time.
        self._lock = threading.RLock()

    def enclosing(self) -> Making | None:
        """Return the call inside which a call from a foreign context is probably made: the only one that runs."""
        if not self.running:
            return None
        running = [*self.running]
        return running[0] if len(running) == 1 else None

    def note_foreign(self, call: Call) -> None:
        """Note a call from a context that is in no scope, made while others run: perhaps inside one of them."""
        running = [*self.running]
        if running:
            reason = (
                f"from thread {threading.current_thread().name!r}, which is in no scope, while {running[0].call.function} was running. "
                "memo cannot tell whether it was made inside that call, which a replay does not run"
            )
            self._note(call, reason, _CARRY, 1)

    def note_inside(self, call: Call, count: int) -> None:
        """Note that so many draws of a call were taken inside others (or given back, if negative)."""
        with self._lock:
            self._inside[call.key] += count

    def note_late(self, call: Call, outer: Call) -> None:
        """Note a call that was made inside another, after that one had returned."""
        reason = f"by {outer.function} after it had returned, and a replay does not run {outer.function}"
        self._note(call, reason, _AWAIT, 0)  # it is one of those inside

    def begin_stream(self, call: Call) -> OverlappingStreams:
        """Note that a stream is open, until `end_stream` gets what this returns."""
        with self._lock:
            streams = self._streams.setdefault(call.key, OverlappingStreams(call))
            streams.open += 1
            streams.threads.add(threading.get_ident())
            return streams

    def end_stream(self, streams: OverlappingStreams, count: int, end: str) -> None:
        """Note after how many items a stream ended, and how."""
        with self._lock:
            streams.ends.add((count, end))
            streams.open -= 1
            if streams.open:
                return
            self._streams.pop(streams.call.key, None)
        if len(streams.threads) > 1 and len(streams.ends) > 1 and any(end == "closed" for _, end in streams.ends):
            reason = "in several threads at once, which left their streams at different places"
            self._note(streams.call, reason, _ARGUMENT, 0)

    def _note(self, call: Call, reason: str, fix: str, count: int) -> None:
        with self._lock:
            noted = self._noted.setdefault(call.key, _Noted(call, reason, fix, 0))
            noted.count += count

    def warnings(self, taken: Callable[[str], int], has_several: Callable[[str], bool]) -> list[UncertainDrawsWarning]:
        """Return what to warn of, once a function.

        `taken` says how many draws of a key there were: where none is certain to be made in a replay, the replay makes either
        all of them or none. `has_several` says of an entry whether its outcomes differ.
        """
        noted, self._noted = self._noted, {}
        found: dict[str, UncertainDrawsWarning] = {}
        for key, draws in noted.items():
            function = draws.call.function
            is_mixed = taken(key) > draws.count + self._inside[key]
            if function not in found and is_mixed and has_several(entry_name(function, key)):
                found[function] = UncertainDrawsWarning(function, draws.reason, draws.fix)
        return list(found.values())
