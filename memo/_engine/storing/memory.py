"""Recordings that were read, kept in memory up to a number of bytes: the ones used last."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from memo._calls.call import Call
from memo._engine.storing import definitions
from memo._recordings.document import parse
from memo._recordings.draws import Draws
from memo._recordings.outcomes import Outcome, is_untyped
from memo.codecs.values import Values
from memo.errors import MemoError
from memo.stores import Store

__all__ = ["Memory", "Recording", "seconds_of"]


_OBJECTS = 1100
"""Bytes that a small recording takes beside its own, in the objects that it is read into."""
_BESIDE_MEMORY = 256 * 1024
"""Bytes of recordings that are held beside a store that is in memory itself: what is used all the time."""


def seconds_of(recorded_at: str | None) -> float:
    """Return the time of a recording as seconds since the epoch, and what is no time as long ago."""
    from memo._recordings.ages import moment

    made = moment(recorded_at)
    return -math.inf if made is None else made


class Recording:
    """A recording as it was read: each outcome is prepared when it is first asked for.

    A recording that is not `held` in memory is replayed once, and then forgotten. One that is held, and whose only outcome is plain
    JSON, is prepared for any number of replays at the second: most have one in a session, which takes what was parsed as it is.

    Raises `RecordingDamaged` or `NewerFormat` for bytes that are no recording of the call.
    """

    _draws: Draws | None = None
    _outcomes: list[Outcome | None] | None = None
    """The prepared outcomes, of a recording that is held."""
    _parsed: list[Any]
    """The tree of an only outcome, until the first replay takes it."""
    made: float | None = None
    """Seconds since the epoch at which it was recorded: computed when first needed."""
    until: float | None
    """The `time.monotonic()` at which the store drops it."""
    only: Outcome | None
    """The prepared outcome of a recording that has one: what nearly every replay gets."""

    def __init__(self, data: bytes, store: Store, name: str, call: Call, *, held: bool) -> None:
        self._store = store
        self.name = name
        document = parse(data, self.location, call)
        self._trees: list[Any] = document.outcomes
        self.count = len(self._trees)
        self.until = self.only = None
        self.is_of_object = any("of_object" in tree for tree in self._trees)
        """Whether outcomes may name classes of the object whose method is called."""
        self._data = data
        if held:
            self._outcomes = _none_yet(self.count)
            if self.count == 1 and is_untyped(self._trees[0]):
                self._parsed = self._trees[:]
            else:
                self._data = b""
        self.generation = definitions.generation
        self.watched = document.watched
        self.recorded_at = document.recorded_at
        self.size = len(data) + _OBJECTS

    @property
    def draws(self) -> Draws:
        """Which draws the recording has."""
        trees = [*self._trees]  # copied first: those of another thread's prepared outcomes go once the draws are known
        if self._draws is None:
            self._draws = Draws(trees)
        return self._draws

    def location(self) -> str:
        """Return where the recording is, for people."""
        return self._store.location(self.name)

    def outcome(self, index: int, values: Values) -> Outcome:
        """Return the outcome at that index, prepared to be read by `values`."""
        if self.generation != definitions.generation:
            self._renew()
        outcomes = self._outcomes
        if outcomes is None:
            return Outcome(self._trees[index], values, self.location, once=self._data)
        if self._data:
            return self._first_replays(values)
        tree = self._trees[
            index
        ]  # read first: another thread may prepare the outcome and drop the tree in the meantime
        prepared: Outcome | None = outcomes[index]
        if prepared is None:
            if values.is_of_one_call:
                return Outcome(tree, values, self.location)
            prepared = outcomes[index] = Outcome(tree, values, self.location)
            self._draws = self.draws
            self._trees[index] = None  # prepared outcomes are held as bytes, five times smaller
            if self.count == 1:
                self.only = prepared
        return prepared

    def _first_replays(self, values: Values) -> Outcome:
        """Return the only outcome: to the first replay what was parsed, to the second one that is prepared for any number."""
        try:
            tree = self._parsed.pop()  # in one step: another thread gets another tree
        except IndexError:
            prepared = Outcome(parse(self._data, self.location).outcomes[0], values, self.location)
            if not values.is_of_one_call:
                self._hold(prepared)
            return prepared
        self._draws = self.draws
        self._trees = _none_yet(1)
        once = Outcome(tree, values, self.location, once=self._data)
        once.hold = self._hold
        return once

    def _hold(self, outcome: Outcome) -> None:
        outcomes: list[Outcome | None] = [outcome]
        self.only, self._outcomes, self._data = outcome, outcomes, b""

    def _renew(self) -> None:
        """Forget the prepared outcomes, which may be of classes that were redefined; keep them if they cannot be read."""
        self.generation = definitions.generation
        if self._outcomes is None:
            return
        try:
            trees: list[Any] = parse(self._store.get(self.name) or b"", self.location).outcomes
        except MemoError:
            return
        if len(trees) == self.count:
            self._trees, self._outcomes, self.only = trees, _none_yet(self.count), None
            self._data = b""


def _none_yet(count: int) -> list[Any]:
    return [None] * count


class Memory:
    """The recordings in memory, by key. Safe for threads; the garbage collector may interrupt any method with another."""

    def __init__(
        self, limit: int, is_outdated: Callable[[Recording], bool] | None = None, *, of_memory: bool = False
    ) -> None:
        self.limit = limit
        """Bytes. A recording that is larger is not held at all."""
        self._limit = min(limit, _BESIDE_MEMORY) if of_memory else limit
        """Of all recordings together: few, where the store itself is `of_memory`, but always the one used last."""
        self._is_outdated = is_outdated
        """Returns whether a recording has to be read again; None where none has to."""
        self._size = 0
        self._recordings: OrderedDict[str, Recording] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, call: Call) -> Recording | None:
        """Return the recording of a call, None where there is none, the store has dropped it, or it has to be read again."""
        recording = self._recordings.get(call.key)
        if recording is None:
            return None
        if recording.until is not None and time.monotonic() > recording.until:
            return None
        try:
            self._recordings.move_to_end(call.key)
        except KeyError:  # another thread has just dropped it
            return recording
        return None if self._is_outdated is not None and self._is_outdated(recording) else recording

    def put(self, key: str, recording: Recording) -> None:
        """Hold a recording; drop those used longest ago where all together are too large."""
        with self._lock:
            self.drop(key)
            if recording.size > self.limit:
                return
            self._recordings[key] = recording
            self._size += recording.size
            while self._size > self._limit and len(self._recordings) > 1:
                _, oldest = self._recordings.popitem(last=False)
                self._size -= oldest.size

    def drop(self, key: str) -> None:
        """Forget the recording of that key."""
        if key not in self._recordings:
            return
        with self._lock:
            dropped = self._recordings.pop(key, None)
            if dropped is not None:
                self._size -= dropped.size

    def drop_function(self, function: str) -> None:
        """Forget every recording of a function."""
        with self._lock:
            of_function = f"{function}/"
            for key in [key for key, held in self._recordings.items() if held.name.startswith(of_function)]:
                self.drop(key)
