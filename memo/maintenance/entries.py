"""Going through a store: one entry at a time, whatever is in there."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from memo._calls.digest import entry_name
from memo._recordings.ages import moment
from memo._recordings.document import Document, parse
from memo.errors import MemoError, RecordingDamaged, StoreNotReadable
from memo.stores import DirectoryStore, Store

__all__ = ["LARGEST", "Entry", "display_path", "entries", "read", "recorded_at", "stands_at_its_name"]

LARGEST = 100 * 1024 * 1024
"""What is larger is not read unless somebody says so: as JSON it would take ten times as much memory."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a store, and what is there."""

    name: str
    """The name that the store gives it."""
    size: int
    """In bytes; 0 where it could not be read."""
    document: Document | None
    """The recording, whole, with a key that was checked; None where there is no such thing."""
    problem: MemoError | None
    """Why there is none."""

    @property
    def reason(self) -> str:
        """The problem in words, without the place; nothing where there is none."""
        return "" if self.problem is None else str(getattr(self.problem, "reason", self.problem))


def entries(store: Store, prefix: str = "", *, largest: int = LARGEST) -> Iterator[Entry]:
    """Every entry of a store, read and parsed, in the order of its scan; one is in memory at a time.

    What is damaged is an entry with a `problem` and stops nothing. What disappears meanwhile is passed over. Raises
    `StoreError` where the store can not even be listed.
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
    """The bytes of that name, None where there are none.

    Beside what `get` raises, raises `RecordingDamaged` for what no recording is: more bytes than `largest`, and in a
    directory anything but a file, or a link that leads out of it. None of those is read or opened.
    """
    location = store.location(name)
    if isinstance(store, DirectoryStore):
        path = display_path(store, name)
        reason = _no_recording(path, store.location(), largest)
        if reason is None and path != location and os.path.lexists(path):
            reason = "has a name that memo gives no recording, and no replay finds it"
        if reason is not None:
            raise RecordingDamaged(path, reason)
    data = store.get(name)
    if data is not None and len(data) > largest:
        raise RecordingDamaged(location, _too_large(len(data), largest))
    return data


def display_path(store: Store, name: str) -> str:
    """Where an entry of a scan lies, for people: of a file whose name memo would not have given, too."""
    return f"{store.location()}{os.sep}{name}.json" if isinstance(store, DirectoryStore) else store.location(name)


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
        raise StoreNotReadable(path, f"can not be read: {error.strerror}") from error
    except RuntimeError:  # what Python 3.11 and 3.12 say of a loop
        return "is a link that leads nowhere"
    if stat.S_ISDIR(state.st_mode):
        return "is a directory, where a recording should be"
    if not stat.S_ISREG(state.st_mode):
        return "is no file, where a recording should be"
    return _too_large(state.st_size, largest) if state.st_size > largest else None


def _too_large(size: int, largest: int) -> str:
    return f"is too large to be read ({size:,} bytes, the limit is {largest:,})"


def recorded_at(document: Document) -> datetime | None:
    """When it was recorded, by its own account; None where it does not say."""
    at = moment(document.recorded_at)
    return datetime.fromtimestamp(at, UTC) if at is not None else None


def stands_at_its_name(store: Store, name: str, function: str, key: str) -> bool:
    """Whether a recording lies where replay looks for it."""
    return store.location(name) == store.location(entry_name(function, key))
