"""Recordings that wait for a review: found at the end of a run, in the stores of the tests that ran."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from memo.errors import MemoError
from memo.pytest_plugin._settings import Settings, relative
from memo.pytest_plugin._usage import Usage
from memo.stores import MemoryStore, Reviews, Store, as_store

__all__ = ["Waiting", "holder", "waiting"]

_RECORDINGS = "recordings"


def holder(store: Store) -> str:
    """Return the location of a store that holds pending recordings, an empty text for any other store."""
    store = getattr(store, "layers", (store,))[0]  # what is recorded is written to the first one
    if not isinstance(store, Reviews) or isinstance(store, MemoryStore):
        return ""
    try:
        return store.location() if next(iter(store.pending().scan()), None) is not None else ""
    except MemoError:
        return store.location()  # reading it again raises the reason


class Waiting:
    """The pending recordings of a run, by the stores that a command names."""

    def __init__(self, counts: dict[str, int], volatile: int, config: pytest.Config, settings: Settings) -> None:
        self._counts = counts
        self._volatile = volatile
        self._start = config.invocation_params.dir
        self._fails = settings.in_ci and not settings.pending
        self.count = sum(counts.values())

    def complaint(self) -> str:
        """Return why the run fails, or an empty text: a run that puts recordings aside itself does not fail for them."""
        if not (self.count and self._fails):
            return ""
        return f"memo: the run fails for {self._words()}: {' && '.join(self._commands('pending'))}"

    def lines(self) -> list[str]:
        """Return what the summary says."""
        found = [f"{self._words()}, which nothing replays:", *(f"  {line}" for line in self._commands("review"))]
        return [*(found if self.count else []), *self._left_out()]

    def _left_out(self) -> list[str]:
        if not self._volatile:
            return []
        count = self._volatile
        words = "1 recording differs" if count == 1 else f"{count:,} recordings differ"
        return [f"{words} in ids and times alone: not put aside (--memo-pending-all puts them aside, too)"]

    def _words(self) -> str:
        return "1 pending recording" if self.count == 1 else f"{self.count:,} pending recordings"

    def _commands(self, command: str) -> list[str]:
        return [f"memo {command} {shlex.quote(relative(place, self._start))}" for place in sorted(self._counts)]


def waiting(config: pytest.Config, settings: Settings, usage: Usage) -> Waiting:
    """Return what is pending in the stores of the tests that ran. Raises `StoreError` for what cannot be read."""
    counts: dict[str, int] = {}
    for location in sorted({note.pending for note in usage.notes.values() if note.pending}):
        from memo.maintenance.pending import all_pending

        store = as_store(location)
        count = sum(1 for _ in all_pending(store))
        if count:
            place = location if "://" in location else _named(location, settings, config.rootpath)
            counts[place] = counts.get(place, 0) + count
    return Waiting(counts, sum(note.volatile for note in usage.notes.values()), config, settings)


def _named(location: str, settings: Settings, root: Path) -> str:
    """Return the directory of recordings that a test's own directory is in."""
    path = Path(location)
    if settings.directory is not None and "://" not in settings.directory:
        base = root / Path(settings.directory).expanduser()
        return str(base) if path.is_relative_to(base) else location
    return next((str(folder) for folder in path.parents if folder.name == _RECORDINGS), location)
