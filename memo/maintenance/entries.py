"""Read a store entry by entry, whatever its files hold."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from memo._calls.digest import entry_name
from memo._recordings.ages import moment
from memo._recordings.document import Document, parse
from memo.errors import MemoError, RecordingDamaged, StoreNotReadable
from memo.maintenance.trees import part_of, sibling
from memo.stores import DirectoryStore, JsonLinesStore, Store
from memo.stores.file_names import JSON_LINES

__all__ = ["LARGEST", "Entry", "at", "display_path", "entries", "is_where_replay_looks", "read", "recorded_at"]

LARGEST = 100 * 1024 * 1024
"""Bytes read as one recording unless the caller says otherwise: parsed JSON takes ten times the memory."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in a store, and the recording or the damage found under it."""

    name: str
    """The entry's name in the store."""
    size: int
    """Bytes; 0 if the entry could not be read."""
    document: Document | None
    """The recording, complete and with its key checked; None if the entry is damaged."""
    problem: MemoError | None
    """The damage, or None."""

    @property
    def reason(self) -> str:
        """The problem as text, without the location; empty if there is none."""
        return "" if self.problem is None else str(getattr(self.problem, "reason", self.problem))


def entries(store: Store, prefix: str = "", *, largest: int = LARGEST) -> Iterator[Entry]:
    """Yield every entry of a store, read and parsed, in the order of its scan, with one entry in memory at a time.

    A damaged entry has a `problem` and stops nothing; an entry that disappears in the meantime is skipped. Raises `StoreError` if
    the store cannot be listed.
    """
    for name in store.scan(prefix):
        size = 0
        try:
            data = read(store, name, largest=largest)
            if data is None:
                continue
            size = len(data)
            document = parse(data, store.location(name))
        except MemoError as error:
            yield Entry(name, size, None, error)
        else:
            yield Entry(name, size, document, None)


def read(store: Store, name: str, *, largest: int = LARGEST) -> bytes | None:
    """Return the bytes under that name, or None.

    Raises what `get` raises, and `RecordingDamaged` for an entry of more than `largest` bytes and, in a directory, for
    anything but a file and for a link that leads out of the store. None of these is opened.
    """
    store, name = part_of(store, name)
    location = store.location(name)
    if isinstance(store, DirectoryStore):
        path = display_path(store, name)
        reason = _no_recording(path, store.location(), largest)
        if reason is None and path != location and os.path.lexists(path):
            reason = "has a name that memo gives no recording, so no replay finds it"
        if reason is not None:
            raise RecordingDamaged(path, reason)
    data = store.get(name)
    if data is not None and len(data) > largest:
        raise RecordingDamaged(location, _too_large(len(data), largest))
    return data


def display_path(store: Store, name: str) -> str:
    """Return the path of a scanned entry for people, even of a file whose name memo would not have chosen."""
    store, name = part_of(store, name)
    return f"{store.location()}{os.sep}{name}.json" if isinstance(store, DirectoryStore) else store.location(name)


def at(location: str) -> tuple[Store, str] | None:
    """Return the store and the name of the recording at a location `FILE.jsonl#function/key`; None for another location."""
    file, mark, name = location.partition(f"{JSON_LINES}#")
    return (JsonLinesStore(f"{file}{JSON_LINES}"), unquote(name, errors="surrogatepass")) if mark else None


def _no_recording(path: str, root: str, largest: int) -> str | None:
    # Not pathlib: of a hundred thousand paths, it takes longer than what is done with them.
    try:
        state = os.lstat(path)
        if stat.S_ISLNK(state.st_mode) or os.path.islink(os.path.dirname(path)):  # noqa: PTH114, PTH120
            if not Path(path).resolve(strict=True).is_relative_to(Path(root).resolve()):
                return f"is a link that leads out of the store, to {os.path.realpath(path)}"
            state = os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        return "is a link that leads nowhere" if os.path.lexists(path) else None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "is a link that leads nowhere"
        raise StoreNotReadable(path, f"cannot be read: {error.strerror}") from error
    except RuntimeError:  # a loop of links, before Python 3.13
        return "is a link that leads nowhere"
    if stat.S_ISDIR(state.st_mode):
        return "is a directory, where a recording should be"
    if not stat.S_ISREG(state.st_mode):
        return "is not a file, where a recording should be"
    return _too_large(state.st_size, largest) if state.st_size > largest else None


def _too_large(size: int, largest: int) -> str:
    return f"is too large to be read ({size:,} bytes, the limit is {largest:,})"


def recorded_at(document: Document) -> datetime | None:
    """Return when the recording says it was made, or None if it does not say."""
    at = moment(document.recorded_at)
    return datetime.fromtimestamp(at, UTC) if at is not None else None


def is_where_replay_looks(store: Store, name: str, function: str, key: str) -> bool:
    """Return whether a recording has the name under which replay looks for its call."""
    return store.location(name) == store.location(sibling(store, name, entry_name(function, key)))
