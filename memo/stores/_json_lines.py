"""Recordings in one file of JSON lines: `<test>.jsonl`, as the pytest plugin writes them with `memo_layout = "test"`."""

from __future__ import annotations

import json
import os
from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from memo._calls.digest import entry_name
from memo.errors import EntryVanished, RecordingDamaged, StoreNotReadable
from memo.stores._directory import DirectoryStore
from memo.stores._files import READ, failure, link, place, rest, rewrite
from memo.stores.file_names import PENDING_FOLDER, shown

__all__ = ["JsonLinesStore"]

_RECORDINGS = "recordings"
_ATTRIBUTES = ".gitattributes"
_MERGE = b"# Two branches that each add recordings are merged line by line.\n*.jsonl merge=union\n"
_DAMAGED = "damaged line"
"""Stands for the function in the name of a line that is no recording."""
_UNLIKE = frozenset({"recorded_at", "test"})
"""Fields in which two recordings of a call may differ."""


class _Lines(NamedTuple):
    """The lines of a file by the names of their entries: more than one for a call that two branches recorded."""

    version: tuple[int, ...]
    """Inode, size and time of the file: every write makes another file."""
    lines: dict[str, list[bytes]]
    numbers: dict[str, list[int]]
    damaged: list[int]
    """The numbers of the lines that are no recordings."""


_NOTHING = _Lines((), {}, {}, [])


class JsonLinesStore:
    r"""One file with a line for each recording, sorted by function and key: what a test recorded, in one place.

    A line is the recording as a directory's file has it, with tabs for line breaks: `tr '\t' '\n' < FILE` lays it out. Each
    recording is one line, so that git merges two branches that each added some (`merge=union`, which the store writes into
    `recordings/.gitattributes`): lines of different recordings cannot mix. If both branches recorded the same call with
    other outcomes, the call has two lines, which is `RecordingDamaged` until one of them is deleted.

    A write replaces the file under the lock of its folder, flushed to disk: of any number of writers in any number of
    processes, none undoes what another wrote, and a process killed at any instant leaves the old file or the new one. A
    write takes as long as the file is large: for many recordings, take a directory or SQLite. What is not a recording of
    the name it is stored under is kept in base64.
    """

    reads_in_place = True
    writes_in_place = False

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 - as text, like a directory's
        self._folder = os.path.dirname(self._path)  # noqa: PTH120
        self._beside = DirectoryStore(self._folder)
        self._lines = _NOTHING
        self._pending: JsonLinesStore | None = None

    def __repr__(self) -> str:
        return f"JsonLinesStore({self._path!r})"

    def get(self, name: str) -> bytes | None:
        """Return the bytes under a name, None if there is no such entry.

        Raises `RecordingDamaged` for a call with two lines, and for an absent one if a line of the file cannot be read.
        """
        return self._entry(self._read(), name)

    def put(self, name: str, data: bytes) -> None:
        """Store the bytes under a name: flushed to disk and in place when `put` returns."""
        line = _line(name, data)
        self._change(lambda found: {**found.lines, name: [line]})

    def create(self, name: str, data: bytes) -> bytes | None:
        """Store the bytes if there is no entry of that name, and return None; else return the bytes that are there."""
        return self.swap(name, None, data)

    def swap(self, name: str, expected: bytes | None, data: bytes) -> bytes | None:
        """Replace the bytes if they are `expected`, and return None; else return the bytes that are there."""
        line = _line(name, data)
        kept: bytes | None = None

        def change(found: _Lines) -> dict[str, list[bytes]] | None:
            nonlocal kept
            kept = self._entry(found, name)
            return {**found.lines, name: [line]} if kept == expected else None

        self._change(change)
        if kept == expected:
            return None
        if kept is None:
            raise EntryVanished(self.location(name))
        return kept

    def delete(self, name: str) -> bool:
        """Delete the entry; return whether it existed. The file goes with its last entry."""
        existed = name in self._read().lines

        def change(found: _Lines) -> dict[str, list[bytes]] | None:
            nonlocal existed
            existed = name in found.lines
            return {other: lines for other, lines in found.lines.items() if other != name} if existed else None

        if existed:
            self._change(change)
        return existed

    def discard(self, name: str, expected: bytes) -> bool:
        """Delete the entry if its bytes are `expected`; return whether it was deleted. One step, as `swap` is."""
        was_there = self.get(name) == expected

        def change(found: _Lines) -> dict[str, list[bytes]] | None:
            nonlocal was_there
            was_there = self._entry(found, name) == expected
            return {other: lines for other, lines in found.lines.items() if other != name} if was_there else None

        if was_there:
            self._change(change)
        return was_there

    def pending(self) -> JsonLinesStore:
        """Return the store of recordings that wait for a review: a file of the same name, in the folder `.pending`."""
        if self._pending is None:
            store = self._pending = JsonLinesStore(Path(self._folder, PENDING_FOLDER, Path(self._path).name))
            store._beside = self._beside  # its salt, and its files' rights
        return self._pending

    def scan(self, prefix: str = "") -> Iterator[str]:
        """Iterate over the names of entries, sorted. A line that is no recording has a name, too: reading it raises."""
        found = self._read()
        names = [*found.lines, *(f"{_DAMAGED}/{number}" for number in found.damaged)]
        return (name for name in sorted(names) if name.startswith(prefix))

    def salt(self) -> bytes:
        """Return the 32 random bytes of the file's directory, kept in its `.memo/salt`, which git ignores."""
        return self._beside.salt()

    @property
    def has_salt(self) -> bool:
        """True if the file's directory has a salt, so that its files are closed to other users."""
        return self._beside.has_salt

    def abandoned(self, seconds: float) -> list[str]:
        """Return the paths of temporary files older than so many seconds, which writers left that were killed."""
        return self._beside.abandoned(seconds)

    def location(self, name: str = "") -> str:
        """Return `FILE#function/key`; without a name, the path of the file; of a line that is no recording, `FILE:LINE`."""
        if name.startswith(f"{_DAMAGED}/"):
            return f"{self._path}:{shown(name.removeprefix(_DAMAGED)[1:])}"
        return f"{self._path}#{shown(name)}" if name else self._path

    def _entry(self, found: _Lines, name: str) -> bytes | None:
        """Return the bytes of an entry, None if the file has none. Raises `RecordingDamaged`."""
        lines = found.lines.get(name, [])
        if len(lines) > 1:
            numbers = " and ".join(map(str, found.numbers[name]))
            raise RecordingDamaged(
                self.location(name),
                f"has different outcomes in the lines {numbers} of its file, as a merge leaves the recordings of two "
                "branches: delete one of these lines",
            )
        if not lines and found.damaged:
            function, _, key = name.rpartition("/")
            number = int(key) if function == _DAMAGED and key.isdecimal() else 0
            raise self._damage(number if number in found.damaged else found.damaged[0])
        return _data(lines[0]) if lines else None

    def _damage(self, number: int) -> RecordingDamaged:
        return RecordingDamaged(f"{self._path}:{number}", "is no recording in one line of JSON")

    def _read(self) -> _Lines:
        """Return what is in the file: read again if it is another file now."""
        try:
            state = os.stat(self._path)  # noqa: PTH116 - as text, a replay passes here
            version = (state.st_ino, state.st_size, state.st_mtime_ns)
            if version == self._lines.version:
                return self._lines
            file = os.open(self._path, READ)
            try:
                self._lines = found = _parsed(rest(file, b"", self._path), _version(file))
            finally:
                os.close(file)
        except (FileNotFoundError, NotADirectoryError):
            return _NOTHING
        except OSError as error:
            raise StoreNotReadable(self._path, f"cannot be read: {error.strerror}") from error
        return found

    def _change(self, change: Callable[[_Lines], dict[str, list[bytes]] | None]) -> None:
        """Write what `change` makes of the lines, None for no change. Raises `RecordingDamaged` if a line cannot be read."""

        def changed() -> bytes | None:
            found = self._read()
            if found.damaged:
                raise self._damage(found.damaged[0])
            lines = change(found)
            if lines is None:
                return None
            return b"".join(b"%b\n" % line for name in sorted(lines) for line in lines[name])

        try:
            is_new = not os.path.isdir(self._folder)  # noqa: PTH112
            rewrite(self._path, changed, self._beside.rights)
            self._tell_git(is_new=is_new)
        except OSError as error:
            raise failure(error, self._path) from error

    def _tell_git(self, *, is_new: bool) -> None:
        """Write how git is to merge these files: in the directory named `recordings`, else in a directory of their own."""
        folder = Path(self._folder)
        named = next((above for above in (folder, *folder.parents) if above.name == _RECORDINGS), None)
        if named is None and not is_new:
            return
        path = str((named or folder) / _ATTRIBUTES)
        if not os.path.lexists(path):
            with suppress(FileNotFoundError):  # the directory was removed in the meantime
                place(path, _MERGE, link, 0o666)


def _version(file: int) -> tuple[int, ...]:
    state = os.fstat(file)
    return state.st_ino, state.st_size, state.st_mtime_ns


def _parsed(data: bytes, version: tuple[int, ...]) -> _Lines:
    found = _Lines(version, {}, {}, [])
    for number, line in enumerate(data.split(b"\n"), 1):
        line = line.removesuffix(b"\r")  # noqa: PLW2901 - git on Windows writes these
        if not line:
            continue
        name = _name(line)
        if name is None:
            found.damaged.append(number)
            continue
        lines = found.lines.setdefault(name, [])
        if not any(_are_alike(line, other) for other in lines):
            lines.append(line)
            found.numbers.setdefault(name, []).append(number)
    return found


def _line(name: str, data: bytes) -> bytes:
    """Return the line of an entry: JSON that `_data` turns into the same bytes."""
    if data.endswith(b"\n") and not any(mark in data for mark in (b"\t", b"\r", b"\n\n")):
        line = data[:-1].replace(b"\n", b"\t")
        if _name(line) == name and _data(line) == data:
            return line
    return json.dumps({"entry": name, "base64": b2a_base64(data, newline=False).decode()}).encode()


def _data(line: bytes) -> bytes:
    """Return the bytes of an entry as they were stored."""
    if line.startswith(b'{"entry": '):
        with suppress(ValueError, LookupError, TypeError, Error):
            return a2b_base64(json.loads(line)["base64"])
    return line.replace(b"\t", b"\n") + b"\n"


def _name(line: bytes) -> str | None:
    """Return the name of a line's entry, None if the line is no entry."""
    try:
        tree: Any = json.loads(line) if line.startswith(b'{"entry": ') else orjson.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(tree, dict):
        return None
    entry, function, key = map(tree.get, ("entry", "function", "key"))
    if isinstance(entry, str) and isinstance(tree.get("base64"), str):
        return entry
    return entry_name(function, key) if isinstance(function, str) and isinstance(key, str) else None


def _are_alike(line: bytes, other: bytes) -> bool:
    """Return whether two lines replay alike: they differ in nothing but when, and by which test, they were recorded."""
    return line == other or _content(line) == _content(other)


def _content(line: bytes) -> Any:
    try:
        tree = orjson.loads(line)
        outcomes = [{name: part for name, part in outcome.items() if name != "seconds"} for outcome in tree["outcomes"]]
        return {name: part for name, part in tree.items() if name not in _UNLIKE} | {"outcomes": outcomes}
    except (ValueError, LookupError, TypeError, AttributeError):
        return line
