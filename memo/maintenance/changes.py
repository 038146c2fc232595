"""Change recordings, all of them or none. A recording whose call changes gets another key, and so another place.

A change is planned first: every recording is read, its successor is computed, and nothing is written. Then every successor is
written, and only when all of them are on disk the old recordings are deleted. At last, recordings that name the moved ones name them by
their new names. However the process ends, each recording is at
its old place, at its new place or, unchanged, at both: running the same change again completes it.
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
from memo.errors import MemoError, RecordingDamaged, Refused
from memo.maintenance._references import rename_references
from memo.maintenance.entries import is_where_replay_looks, read
from memo.maintenance.trees import StoreTree, file_of, sibling
from memo.stores import DirectoryStore, Store

__all__ = ["ApplyResult", "Change", "Document", "Plan", "Progress", "Rewrite", "apply", "plan_changes", "remove_empty"]

Progress = Callable[[int, int], None]
"""Called with the number of entries done, and the number of all entries."""

Rewrite = Callable[[Document], Document]
"""Returns a recording's successor as a new document, or the same object if nothing changes. Must be idempotent, so that an
interrupted change can be run again. Raises `Refused`, without a location, for a recording that cannot be changed."""


@dataclass(frozen=True, slots=True)
class Change:
    """The planned change of one recording."""

    name: str
    """The recording's name in the store."""
    new_name: str
    function: str
    key: str
    new_function: str
    new_key: str
    digest: bytes
    """Digest of the bytes that were planned for."""
    new_digest: bytes
    moves: bool
    """True if the recording gets another place: its call changes, or its test."""


@dataclass(slots=True)
class Plan:
    """What a change does to a store, or what prevents the change."""

    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0
    """Number of recordings that were read and stay as they are."""
    obstacles: dict[str, str] = field(default_factory=dict)
    """Location to reason, for recordings that cannot be changed (damaged, refused, in conflict). With any, nothing changes."""


@dataclass(slots=True)
class ApplyResult:
    """The result of a change."""

    changed: int = 0
    left: list[str] = field(default_factory=list)
    """Locations of old recordings that another process changed in the meantime: they stay, beside their successors."""


def plan_changes(
    store: Store,
    names: Iterable[str],
    rewrite: Rewrite,
    progress: Progress = lambda done, total: None,
    *,
    rename: Callable[[str], str] = str,
) -> Plan:
    """Return what `rewrite` does to the recordings with those names. Writes nothing; holds one recording in memory at a time.

    `rename` maps a successor's name to another one, by default to itself. Raises `StoreError` if the store cannot be read; a
    recording that cannot be changed is an obstacle.
    """
    plan = Plan()
    targets: dict[str, str] = {}
    listed = list(names)
    for done, name in enumerate(listed, 1):
        location = store.location(name)
        try:
            change = _planned(store, name, rewrite, rename)
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
            first = targets.setdefault(change.new_name, change.name)
            same = f"would be the same call as {_short(first.rpartition('/')[2])}"
            there = same if first is not change.name else _obstacle(store, change)
        if there is None:
            plan.changes.append(change)
        else:
            plan.obstacles[location] = there
    return plan


def _planned(store: Store, name: str, rewrite: Rewrite, rename: Callable[[str], str]) -> Change | None:
    data = read(store, name)
    if data is None:
        return None
    document = parse(data, store.location(name))
    function, key = document.function, document.key
    if not is_where_replay_looks(store, name, function, key):
        raise Refused(store.location(name), "is not where replay looks for it: its name is not that of its key")
    new = rewrite(document)
    old_name = sibling(store, name, entry_name(function, key))
    new_name = rename(sibling(store, name, entry_name(new.function, new.key)))
    moves = new_name != old_name
    if new is document and not moves:
        return None
    digests = sha256(data).digest(), sha256(render(new)).digest()
    return Change(name, new_name, function, key, new.function, new.key, *digests, moves)


def _obstacle(store: Store, change: Change) -> str | None:
    """Return why a recording cannot be moved: another one has its place. Its own successor, moved before, is none."""
    try:
        data = store.get(change.new_name)
    except RecordingDamaged as error:  # another line of the file that it would go to
        return f"would go to {error.location}, which {error.reason}"
    if data is None or sha256(data).digest() == change.new_digest:
        return None
    return f"would be the same call as {_short(change.new_key)}, which is there"


def _short(key: str) -> str:
    """Return as much of a key as people are shown."""
    return key[:12]


def apply(
    store: Store,
    plan: Plan,
    rewrite: Rewrite,
    progress: Progress = lambda done, total: None,
    *,
    undo: Store | None = None,
) -> ApplyResult:
    """Apply a plan: write and flush every successor, then delete the old recordings.

    Whatever fails before the first deletion (a full disk, an interrupt, a recording that changed since it was planned) is
    undone and raised: as `Refused`, or as it was. Recordings that keep their place are kept in `undo` until then, by default
    a temporary directory.
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
            _undo(store, before, replaced, written)
            raise
    changed = ApplyResult(len(plan.changes))
    for change in moved:
        if _is(store, change.name, change.digest):
            store.delete(change.name)
        elif store.get(change.name) is not None:
            changed.left.append(store.location(change.name))
        progress(done := done + 1, steps)
    remove_empty(store, (change.name for change in moved))
    renamed = {
        f"{change.function}/{change.key}": f"{change.new_function}/{change.new_key}"
        for change in moved
        if (change.function, change.key) != (change.new_function, change.new_key)
    }
    if renamed:
        rename_references(store, renamed)
    return changed


def _undo(store: Store, before: Store, replaced: list[Change], written: list[Change]) -> None:
    """Put back what was replaced, and delete what was written, unless another process changed the recording in the meantime."""
    for change in replaced:
        old_data = before.get(change.name)
        if old_data is not None and _is(store, change.name, change.new_digest):
            store.put(change.name, old_data)
    for change in written:
        if _is(store, change.new_name, change.new_digest):
            store.delete(change.new_name)


def remove_empty(store: Store, names: Iterable[str]) -> None:
    """Remove the directories that held those recordings if they are empty; of a tree, the emptied stores too."""
    if not isinstance(store, DirectoryStore | StoreTree):
        return
    root = Path(store.location())
    for folder in {Path(file_of(store, name)).parent for name in names}:
        with suppress(OSError):  # not empty
            while folder != root and folder.is_relative_to(root):
                folder.rmdir()
                folder = folder.parent  # noqa: PLW2901


def _place(store: Store, change: Change, rewrite: Rewrite, written: list[Change]) -> None:
    """Write a successor at its new place unless it is there already; add the change to `written`."""
    _, new = _again(store, change, rewrite)
    if (there := _obstacle(store, change)) is not None:
        raise Refused(store.location(change.name), there)
    if store.get(change.new_name) is None:
        written.append(change)
        store.put(change.new_name, new)


def _again(store: Store, change: Change, rewrite: Rewrite) -> tuple[bytes, bytes]:
    """Return the bytes that a change was planned for, and their successor's."""
    location = store.location(change.name)
    data = read(store, change.name)
    if data is None or sha256(data).digest() != change.digest:
        raise Refused(location, "was changed by somebody else in the meantime: run it again")
    return data, render(rewrite(parse(data, location)))


def _is(store: Store, name: str, digest: bytes) -> bool:
    data = store.get(name)
    return data is not None and sha256(data).digest() == digest
