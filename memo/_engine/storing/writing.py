"""Recordings as they are written: each outcome in the place of its draw, also if others write at the same time."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from operator import le
from typing import Any, NamedTuple

import orjson

from memo._calls.call import Call
from memo._calls.digest import entry_name
from memo._engine.numbering.replacements import Replacements
from memo._engine.numbering.shared_draws import SharedDraws
from memo._engine.storing.expiry import Expiry
from memo._engine.storing.gateway import StoreGateway
from memo._engine.waiting.flights import Claim
from memo._recordings.document import parse, render, render_new
from memo._recordings.draws import Draws, first_draw, with_draw
from memo.codecs.streams import nodes
from memo.errors import EntryVanished, StoreNotWritable
from memo.stores import Store

__all__ = ["Draw", "Writer"]

_TRIES = 1000
_PATIENT_TRIES = 3
"""Tries to add to an entry that others change in the meantime, and how many of them follow at once."""
_LOCKS = 64


class Draw(NamedTuple):
    """Which of the identical calls of a session a live call is, and how its outcome is stored."""

    number: int | None
    """What is given back if the call is not recorded."""
    place: int
    """Which of the recorded draws the outcome is."""
    is_counted: bool = True
    """Whether the recording says for how many calls its last outcome stands. Memoizers have one outcome for any number."""
    is_replacing: bool = False
    """Whether the outcome replaces what is recorded: in `record`."""
    is_compared: bool = False
    """Whether the outcome is compared with what is recorded, and not stored: in `verify`."""
    parent: str | None = None
    """The name of the entry inside whose call this one is made."""
    expiry: Expiry | None = None
    """When what is recorded is so old that the outcome replaces it, instead of being added."""
    tags: tuple[str, ...] = ()


class Writer:
    """Writes the outcomes of live calls. Safe for threads."""

    def __init__(self, store: Store, gateway: StoreGateway, test: str | None, aside: Store | None = None) -> None:
        self._store = store
        self._gateway = gateway
        self._test = test
        self._begun: defaultdict[str, set[str]] = defaultdict(set)
        """The keys that were written in `record`, by function: what was recorded before the session is gone."""
        self.shared: SharedDraws | None = None
        """Which keys other processes of the scope have begun to write, if other processes have it."""
        self._written: Callable[[str], bytes | None] = gateway.get if aside is None else aside.get
        """Returns what was written last under a name, whichever session wrote it."""
        self._replacements = Replacements(aside or store, test)
        # Reentrant: the garbage collector may close a stream at any time, which stores or abandons it.
        self._locks: dict[int, threading.RLock] = {}

    def restart(self, call: Call) -> None:
        """Let the next outcome of this call replace what was recorded."""
        self._begun[call.function].discard(call.key)

    def restart_function(self, function: str) -> None:
        """Let the next outcome of each call of a function replace what was recorded."""
        self._begun.pop(function, None)

    def write(self, call: Call, draw: Draw, outcome: dict[str, Any], claim: Claim | None) -> bytes | None:
        """Store the outcome of a draw; return None, or the recording that has another outcome of that draw already.

        Raises `StoreError`, `RecordingDamaged`, `NewerFormat`.
        """
        name = entry_name(call.function, call.key)
        place = hash(call.key) % _LOCKS
        lock = self._locks.get(place) or self._locks.setdefault(place, threading.RLock())
        with lock:  # so that only one thread of this process competes with other processes
            if draw.is_replacing and call.key not in self._begun[call.function] and self._replaced(call, draw, outcome):
                return None
            found = self._gateway.get(name) if draw.place or draw.is_replacing else None
            for attempt in range(_TRIES):
                if found is None:
                    # The claim of a later draw, or of a renewal, is under its own name, and ends with the call.
                    ending = claim if claim is not None and claim.name == name else None
                    there = self._gateway.create(name, self._new(call, draw, outcome), ending)
                else:
                    changed = self._changed(call, draw, outcome, found)
                    if changed is None:
                        return found
                    there = self._swapped(name, found, changed)
                if there is None:
                    return None
                found = there or None
                if attempt > _PATIENT_TRIES:
                    time.sleep(random.uniform(0.0, 0.02))  # noqa: S311 - so that not all of them try at once
        raise StoreNotWritable(
            self._store.location(name), f"was changed by others {_TRIES} times while it was added to"
        )

    def _replaced(self, call: Call, draw: Draw, outcome: dict[str, Any]) -> bool:
        """Replace what is recorded of a call; return False if another process of the scope has done so."""
        is_first = self.shared is None or self.shared.begin(call.key)
        if is_first:
            name = entry_name(call.function, call.key)
            try:
                if draw.is_counted:
                    self._replacements.note(name, self._written)
                self._gateway.put(name, self._new(call, draw, outcome))
            finally:
                if self.shared is not None:
                    self.shared.written(call.key)
        self._begun[call.function].add(call.key)
        return is_first

    def begun(self) -> list[str]:
        """Return the keys that were written in `record`."""
        return [key for keys in list(self._begun.values()) for key in list(keys)]

    def lost(self) -> list[str]:
        """Return the functions of which an earlier session of this process recorded other outcomes, now replaced. Once."""
        return self._replacements.lost(self._written)

    def _swapped(self, name: str, found: bytes, changed: bytes) -> bytes | None:
        """Return None, or what is there now: no bytes where the entry has been deleted."""
        try:
            return self._gateway.swap(name, found, changed)
        except EntryVanished:
            return b""

    def _new(self, call: Call, draw: Draw, outcome: dict[str, Any]) -> bytes:
        outcome = first_draw(draw.place, outcome) if draw.is_counted else outcome
        return render_new(call, outcome, test=self._test, parent=draw.parent, tags=draw.tags)

    def _changed(self, call: Call, draw: Draw, outcome: dict[str, Any], found: bytes) -> bytes | None:
        """Return the recording with the outcome in its place, None if the place is taken."""
        name = entry_name(call.function, call.key)
        document = parse(found, lambda: self._store.location(name), call)
        if not draw.is_replacing and draw.expiry is not None and draw.expiry.was_over(document.recorded_at):
            return self._new(call, draw, outcome)
        index = Draws(document.outcomes).index(draw.place)
        if index is not None and not draw.is_replacing and not _goes_on(document.outcomes[index], outcome):
            return None
        if self._test is not None and document.test != self._test:
            outcome = {**outcome, "test": self._test}
        if draw.is_replacing and call.watched:
            document = document.with_watched(call.watched, call.watched_values)
        return render(document._replace(outcomes=with_draw(document.outcomes, draw.place, outcome)))


def _goes_on(recorded: dict[str, Any], outcome: dict[str, Any]) -> bool:
    """Return whether a recorded stream was left early, and the outcome is the same stream, read further.

    An HTTP body that is read to its end is a value. Of the streams inside a value, one is read further, and none less far.
    """
    if "holds" in recorded and recorded["holds"] == outcome.get("holds"):
        extents, further = _extents(recorded["value"]), _extents(outcome["value"])
        return extents != further and all(map(le, extents, further))
    before, after = recorded.get("stream"), outcome.get("stream")
    if before is None or before["end"] != "closed":
        return False
    if after is None:
        return "value" in outcome and "response" in before
    more = len(after["items"]) - len(before["items"])
    return more > 0 or (more == 0 and after["end"] != "closed")


def _extents(value: Any) -> list[tuple[bool, int]]:
    return [_extent(node) for node, _ in nodes(value) if "end" in node]


def _extent(node: dict[str, Any]) -> tuple[bool, int]:
    """Return how far a stream inside a value was read: to its end, else how many items, or about how many bytes."""
    is_whole, kind = node["end"] != "closed", node.get("kind")
    if is_whole or kind in ("sync", "async"):
        return is_whole, 0 if is_whole else len(node["items"])
    return False, len(orjson.dumps(node.get("response", node.get("items"))))
