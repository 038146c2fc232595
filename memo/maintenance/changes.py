"""Changing recordings, all of them or none: one whose call changes gets another key, and so another place.

A change is planned first: every recording is read, what shall become of it is worked out, and nothing is written. Then
all that is new is written, and only when that is on disk what it replaces is deleted. Killed at any instant, the store
has each recording at its old place, at its new one, or (alike in both) at both: the same change once more finishes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from memo._calls.digest import entry_name
from memo._recordings.document import Document, parse, render
from memo.errors import MemoError, Refused
from memo.maintenance.entries import read, stands_at_its_name
from memo.stores import DirectoryStore, Store

__all__ = ["ApplyResult", "Change", "Plan", "Progress", "Rewrite", "apply", "plan_changes", "remove_empty"]

Progress = Callable[[int, int], None]
"""Is told how many are done, of how many."""

Rewrite = Callable[[Document], Document]
"""From a recording's document to what it shall be, in a new one; the same object if it stays as it is.

Of what it gave it gives the same again: that is how a change that was interrupted is finished. Raises `Refused`, without a place."""


@dataclass(frozen=True, slots=True)
class Change:
    """What shall become of one recording."""

    name: str
    """Its name in the store."""
    new_name: str
    function: str
    key: str
    new_function: str
    new_key: str
    digest: bytes
    """Of the bytes that this was planned for."""
    new_digest: bytes

    @property
    def moves(self) -> bool:
        """Whether its call changes, and so its place."""
        return (self.function, self.key) != (self.new_function, self.new_key)


@dataclass(slots=True)
class Plan:
    """What a change will do to a store, or why it can not."""

    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0
    """Recordings that were looked at and stay as they are."""
    obstacles: dict[str, str] = field(default_factory=dict)
    """Places of what can not be changed (damaged, refused, in each other's way), and why. With any, nothing is changed."""


@dataclass(slots=True)
class ApplyResult:
    """What was done."""

    changed: int = 0
    left: list[str] = field(default_factory=list)
    """Places of old recordings that somebody changed meanwhile: they were left, beside the new ones."""


def plan_changes(
    store: Store, names: Iterable[str], rewrite: Rewrite, progress: Progress = lambda done, total: None
) -> Plan:
    """What `rewrite` would do to the recordings of those names. Writes nothing; holds one recording in memory at a time.

    Raises `StoreError` if the store can not be read at all; what is wrong with one entry is an obstacle.
    """
    plan = Plan()
    targets: dict[str, str] = {}
    listed = list(names)
    for done, name in enumerate(listed, 1):
        location = store.location(name)
        try:
            change = _planned(store, name, rewrite)
        except MemoError as error:
            plan.obstacles[getattr(error, "location", "") or location] = str(getattr(error, "reason", error))
            continue
        finally:
            progress(done, len(listed))
        if change is None:
            plan.unchanged += 1
            continue
        there = None
        if change.moves:
            first = targets.setdefault(change.new_key, change.key)
            same = f"would be the same call as {_short(first)}"
            there = same if first is not change.key else _obstacle(store, change)
        if there is None:
            plan.changes.append(change)
        else:
            plan.obstacles[location] = there
    return plan


def _planned(store: Store, name: str, rewrite: Rewrite) -> Change | None:
    data = read(store, name)
    if data is None:
        return None
    document = parse(data, store.location(name))
    function, key = document.function, document.key
    if not stands_at_its_name(store, name, function, key):
        raise Refused(store.location(name), "lies where replay does not look for it: its name is not that of its key")
    new = rewrite(document)
    if new is document:
        return None
    new_name = entry_name(new.function, new.key)
    digests = sha256(data).digest(), sha256(render(new)).digest()
    return Change(name, new_name, function, key, new.function, new.key, *digests)


def _obstacle(store: Store, change: Change) -> str | None:
    """Why a recording can not be moved: another is there. The same one is no obstacle: it was moved before."""
    data = store.get(change.new_name)
    if data is None or sha256(data).digest() == change.new_digest:
        return None
    return f"would be the same call as {_short(change.new_key)}, which is there"


def _short(key: str) -> str:
    """As much of a key as people are shown."""
    return key[:12]


def apply(
    store: Store,
    plan: Plan,
    rewrite: Rewrite,
    progress: Progress = lambda done, total: None,
    *,
    undo: Store | None = None,
) -> ApplyResult:
    """Do what was planned.

    All that is new is written and flushed before anything is deleted. Whatever goes wrong until then (a full disk, an
    interrupt, a recording that changed since it was planned) is undone and raised: `Refused`, or what it was. What keeps its
    place is kept in `undo` until then, by default a temporary directory.
    """
    if plan.obstacles:
        location, reason = next(iter(plan.obstacles.items()))
        raise Refused(location, reason)
    moved = [change for change in plan.changes if change.moves]
    kept = [change for change in plan.changes if not change.moves]
    steps = len(plan.changes) + len(moved)
    done = 0
    written: list[Change] = []
    replaced: list[Change] = []
    with TemporaryDirectory(prefix="memo-") as folder:
        before = undo or DirectoryStore(folder)
        try:
            for change in moved:
                _place(store, change, rewrite, written)
                progress(done := done + 1, steps)
            for change in kept:
                old, new = _again(store, change, rewrite)
                before.put(change.name, old)
                replaced.append(change)
                store.put(change.name, new)
                progress(done := done + 1, steps)
        except BaseException:
            for change in replaced:
                old_data = before.get(change.name)
                if old_data is not None and _is(store, change.name, change.new_digest):
                    store.put(change.name, old_data)
            for change in written:
                if _is(store, change.new_name, change.new_digest):
                    store.delete(change.new_name)
            raise
    changed = ApplyResult(len(plan.changes))
    for change in moved:
        if _is(store, change.name, change.digest):
            store.delete(change.name)
        elif store.get(change.name) is not None:
            changed.left.append(store.location(change.name))
        progress(done := done + 1, steps)
    remove_empty(store, (change.name for change in moved))
    return changed


def remove_empty(store: Store, names: Iterable[str]) -> None:
    """Remove the directories in which those recordings were, where nothing is left in them."""
    if isinstance(store, DirectoryStore):
        for folder in {Path(store.location(name)).parent for name in names}:
            with suppress(OSError):  # it holds something still
                folder.rmdir()


def _place(store: Store, change: Change, rewrite: Rewrite, written: list[Change]) -> None:
    """Write a recording at its new place, if it is not there already, and note that."""
    _, new = _again(store, change, rewrite)
    if (there := _obstacle(store, change)) is not None:
        raise Refused(store.location(change.name), there)
    if store.get(change.new_name) is None:
        written.append(change)
        store.put(change.new_name, new)


def _again(store: Store, change: Change, rewrite: Rewrite) -> tuple[bytes, bytes]:
    """The bytes that a change was planned for, and the new ones."""
    location = store.location(change.name)
    data = read(store, change.name)
    if data is None or sha256(data).digest() != change.digest:
        raise Refused(location, "was changed by somebody else meanwhile: run it again")
    return data, render(rewrite(parse(data, location)))


def _is(store: Store, name: str, digest: bytes) -> bool:
    data = store.get(name)
    return data is not None and sha256(data).digest() == digest
