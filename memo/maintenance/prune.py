"""Delete recordings that are no longer needed: the old, or the unused."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import orjson

from memo._calls.digest import KEY_CHARACTERS
from memo._recordings.document import parse
from memo.errors import InvalidOption, MemoError, Refused, StoreError
from memo.maintenance.changes import Progress, remove_empty
from memo.maintenance.entries import is_where_replay_looks, read, recorded_at
from memo.maintenance.trees import StoreTree, file_of
from memo.stores import DirectoryStore, JsonLinesStore, Store

__all__ = [
    "PrunePlan",
    "PruneResult",
    "RetentionRule",
    "Unneeded",
    "not_used_by",
    "not_used_since",
    "older_than",
    "plan_prune",
    "prune",
    "tagged",
]

_MARGIN = timedelta(days=1)
"""On a `relatime` mount, as nearly all are, access times are updated once a day."""


_OF_FILES = DirectoryStore | JsonLinesStore
_ABANDONED = 86400.0
"""Seconds after which a temporary file is no write in progress."""


@dataclass(frozen=True, slots=True)
class Unneeded:
    """A recording that is to be deleted."""

    name: str
    function: str
    key: str
    size: int
    """Bytes."""
    recorded_at: datetime | None
    digest: bytes


@dataclass(slots=True)
class PrunePlan:
    """The recordings of a store that are not needed."""

    unneeded: list[Unneeded] = field(default_factory=list)
    kept: int = 0
    """Number of recordings that are needed."""
    kept_size: int = 0
    left: dict[str, str] = field(default_factory=dict)
    """Location to reason, for damaged files and files that are no recordings: they are never deleted."""
    abandoned: list[str] = field(default_factory=list)
    """Paths of temporary files that killed writers left behind more than a day ago: nothing reads them."""

    @property
    def size(self) -> int:
        """Return how many bytes would be freed."""
        return sum(recording.size for recording in self.unneeded)


@dataclass(slots=True)
class PruneResult:
    """The result of a deletion."""

    deleted: int = 0
    size: int = 0
    left: dict[str, str] = field(default_factory=dict)
    """Location to reason, for recordings that could not be deleted, or changed in the meantime and so are needed."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """Decides which recordings are needed: by key, time of recording, and (with `accessed`) time of the last access."""

    needs: Callable[[str, datetime | None, datetime | None], bool]
    accessed: bool = False
    """True if the last access matters, so memo's own read must not count."""
    keys: frozenset[str] | None = None
    """The keys in a list of what is used, cut to the length that names a file."""
    tags: frozenset[str] | None = None
    """The tags of which a recording has one, if it is not needed."""


def older_than(age: timedelta, now: datetime | None = None) -> RetentionRule:
    """Return the rule that keeps recordings made within `age`, and those without a time of recording."""
    before = (now or datetime.now(UTC)) - age
    return RetentionRule(lambda key, recorded, accessed: recorded is None or recorded >= before)


def not_used_by(lists: Iterable[Path]) -> RetentionRule:
    """Return the rule that keeps the recordings which lists of what is used name.

    A list is text with a name on each line (empty lines and lines that begin with `#` are skipped), or a JSON list of names.
    A name ends in a key: `function/key`, the path of a file, or a key alone, with 32 or all 64 characters. Raises
    `InvalidOption` for a line without a key: a misread line must not delete a recording.
    """
    keys = frozenset(key for path in lists for key in _keys(path))
    return RetentionRule(lambda key, recorded, accessed: key[:KEY_CHARACTERS] in keys, keys=keys)


def not_used_since(moment: datetime, now: datetime | None = None) -> RetentionRule:
    """Return the rule that keeps the recordings which were read or written since `moment`.

    The file system notes accesses to the day, and of every reader: a search through the files, a backup and `memo verify`
    count as use, and so does a fresh copy. So more is kept than necessary, but nothing that was replayed since is deleted.
    `plan_prune` checks that the file system notes accesses. Raises `InvalidOption` for a moment in the future.
    """
    if moment > (now or datetime.now(UTC)):
        raise InvalidOption("unused-since", moment.isoformat(), ["a date in the past"])
    before = moment - _MARGIN

    def needs(_: str, recorded: datetime | None, accessed: datetime | None) -> bool:
        return accessed is None or max(accessed, recorded or accessed) >= before

    return RetentionRule(needs, accessed=True)


def tagged(tags: Iterable[str]) -> RetentionRule:
    """Return the rule that keeps the recordings without any of these tags."""
    return RetentionRule(lambda key, recorded, accessed: False, tags=frozenset(tags))


_NAME = re.compile(rf"(?:.*[/\\])?([0-9a-f]{{{KEY_CHARACTERS},64}})(?:\.json)?", re.DOTALL)


def _keys(path: Path) -> Iterable[str]:
    try:
        data = path.read_bytes()
    except OSError as error:
        unreadable = InvalidOption("used-list", str(path), ["a file that can be read"])
        unreadable.args = (f"the list {path} cannot be read: {error.strerror}",)
        raise unreadable from error
    names: list[object]
    try:
        if data.lstrip().startswith(b"["):
            names = orjson.loads(data)
        else:
            lines = (line.strip() for line in data.decode("utf-8-sig").splitlines())
            names = [line for line in lines if line and not line.startswith("#")]
    except ValueError as error:
        raise InvalidOption("used-list", str(path), [f"a name a line, or a JSON list of names ({error})"]) from None
    for name in names:
        found = _NAME.fullmatch(name) if isinstance(name, str) else None
        if found is None:
            raise InvalidOption("used-list", name, [f"function/key, a key, or the path of a recording (in {path})"])
        yield found[1][:KEY_CHARACTERS]


def plan_prune(store: Store, judge: RetentionRule, progress: Progress = lambda done, total: None) -> PrunePlan:
    """Return what a store has that is not needed. Deletes nothing; holds one recording in memory at a time.

    Raises `StoreError` if the store cannot be listed, and `Refused` if the rule cannot judge: because a list of what is used
    names no recording of the store (so it is the list of another store), or because files do not say when they were read.
    """
    if judge.accessed:
        _prove_access_times(store)
    pruning = PrunePlan()
    parts = list(store.parts()) if isinstance(store, StoreTree) else [store]
    pruning.abandoned = sorted(
        {path for part in parts if isinstance(part, _OF_FILES) for path in part.abandoned(_ABANDONED)}
    )
    times = _times_of_lines(parts) if judge.accessed else {}
    names = list(store.scan())
    for done, name in enumerate(names, 1):
        location = store.location(name)
        try:
            found = _judged(store, name, judge, times)
        except MemoError as error:
            pruning.left[getattr(error, "location", location)] = str(getattr(error, "reason", error))
            continue
        finally:
            progress(done, len(names))
        if isinstance(found, Unneeded):
            pruning.unneeded.append(found)
        elif found is not None:
            pruning.kept += 1
            pruning.kept_size += found
    if judge.keys is not None and pruning.unneeded and not pruning.kept:
        raise Refused(
            store.location(),
            f"has {len(pruning.unneeded):,} recordings, and none of them is in the list of what is used: "
            "is it the list of another store?",
        )
    return pruning


def _judged(store: Store, name: str, judge: RetentionRule, known: _AllTimes) -> Unneeded | int | None:
    """Return what is to be deleted, or the size of what is kept; None if the entry is gone."""
    location = store.location(name)
    file = file_of(store, name)
    times = (known.get(file) or _times(file)) if judge.accessed else None
    data = read(store, name)
    if data is None:
        return None
    if times is not None:
        _put_back(file, times)
    document = parse(data, location)
    function, key = document.function, document.key
    if not is_where_replay_looks(store, name, function, key):
        raise Refused(location, "is where replay does not look for it: its name does not match its key")
    recorded = recorded_at(document)
    accessed = datetime.fromtimestamp(max(times[1:]) / 1e9, UTC) if times is not None else None
    has_none = judge.tags is not None and judge.tags.isdisjoint(document.tags)
    if has_none or judge.needs(key, recorded, accessed):
        return len(data)
    return Unneeded(name, function, key, len(data), recorded, sha256(data).digest())


def prune(store: Store, pruning: PrunePlan, progress: Progress = lambda done, total: None) -> PruneResult:
    """Delete what is not needed, abandoned temporary files, and the directories that become empty.

    A recording that changed since it was planned is left. A failure to delete one recording is reported, not raised.
    """
    pruned = PruneResult()
    listed = pruning.unneeded
    gone: list[str] = []
    for done, recording in enumerate(listed, 1):
        location = store.location(recording.name)
        try:
            data = read(store, recording.name)
            if data is None:
                continue
            if sha256(data).digest() != recording.digest:
                pruned.left[location] = "was recorded again in the meantime"
            elif store.delete(recording.name):
                pruned.deleted += 1
                pruned.size += recording.size
                gone.append(recording.name)
        except MemoError as error:
            pruned.left[location] = str(getattr(error, "reason", error))
        progress(done, len(listed))
    for path in pruning.abandoned:
        try:
            Path(path).unlink(missing_ok=True)
        except OSError as error:
            pruned.left[path] = f"cannot be deleted: {error.strerror}"
    remove_empty(store, gone)
    return pruned


# When a file was read


_Times = tuple[int, int, int]
_AllTimes = dict[str, _Times]


def _times_of_lines(parts: Iterable[Store]) -> _AllTimes:
    """Return when the files of JSON lines were read: before they are, since each of them is read as a whole."""
    found = {part.location(): _times(part.location()) for part in parts if isinstance(part, JsonLinesStore)}
    return {path: times for path, times in found.items() if times is not None}


def _times(location: str) -> _Times | None:
    """Return the inode of a file, and when it was last read and written (ns)."""
    try:
        state = os.stat(location)  # noqa: PTH116 - as text, like all of the store's paths
    except OSError:
        return None  # reading it raises the reason
    return state.st_ino, state.st_atime_ns, state.st_mtime_ns


def _put_back(location: str, times: _Times) -> None:
    """Restore a file's access time after memo's own read; otherwise the first dry run would keep everything."""
    try:
        now = _times(location)
        if now is not None and now[0] == times[0] and now[2] == times[2] and now[1] != times[1]:
            os.utime(location, ns=times[1:])
    except OSError as error:
        raise StoreError(location, f"cannot be looked at without that counting as use: {error.strerror}") from error


def _prove_access_times(store: Store) -> None:
    """Raise `Refused` if the file system does not note when files are read, as many mounts do not (`noatime`)."""
    if not isinstance(store, _OF_FILES | StoreTree):
        raise Refused(store.location(), "does not say when recordings were read: --used-list and --stale need not know")
    root = Path(store.location()).parent if isinstance(store, JsonLinesStore) else Path(store.location())
    probe = root / f".{os.urandom(8).hex()}.tmp"
    try:
        probe.write_bytes(b"?")
        long_ago = 946684800  # 2000
        os.utime(probe, (long_ago, long_ago))
        probe.read_bytes()
        kept = probe.stat().st_atime > long_ago
    except OSError as error:
        raise StoreError(store.location(), f"does not say when files were read: {error.strerror}") from error
    finally:
        probe.unlink(missing_ok=True)
    if not kept:
        raise Refused(
            store.location(),
            "does not note when files are read (as it is mounted: noatime): --used-list and --stale need not know",
        )
