"""Many stores under one directory, as the pytest plugin writes them.

They are directories, `recordings/<module>/<test>/<function>/<key>.json`, or files, `recordings/<module>/<test>.jsonl`. A tree
may hold both: each is read and written as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from memo.stores import DirectoryStore, JsonLinesStore, Store
from memo.stores.file_names import JSON_LINES, PENDING_FOLDER

__all__ = [
    "SEPARATOR",
    "StoreTree",
    "file_of",
    "folder_of",
    "open_directory",
    "part_of",
    "pending_folder",
    "recordings_below",
    "sibling",
    "with_pending",
]

_RECORDINGS = "recordings"
"""The name of the directories in which the pytest plugin keeps recordings, one beside each folder of tests."""
_NOT_SEARCHED = frozenset({"node_modules", "__pycache__", "site-packages"})
_SUFFIX = ".json"
SEPARATOR = "//"
"""Separates a store's folder from the entry's name: no path of a folder holds an empty part."""


class StoreTree:
    """A view of all stores under one directory, directories and files of JSON lines, as a single store.

    An entry's name is `folder//function/key`; the folder (or the file), relative to the root, is the entry's store. Recordings are
    read, written and deleted in the store that the name says, so a command works on every test's recordings in one step.
    """

    reads_in_place = True
    writes_in_place = False

    def __init__(self, root: str | os.PathLike[str], folders: list[str]) -> None:
        self._root = os.path.abspath(os.path.expanduser(root))  # noqa: PTH100, PTH111 - as text, like a store's own paths
        self.folders = sorted(folders)
        """The folders and files that are stores, relative to the root."""
        self._pending: StoreTree | None = None
        self._parts = {folder: self._part(folder) for folder in self.folders}

    def __repr__(self) -> str:
        return f"StoreTree({self._root!r})"

    def part(self, name: str) -> tuple[DirectoryStore | JsonLinesStore, str]:
        """Return the store that a name belongs to, and the entry's name there."""
        folder, _, entry = name.partition(SEPARATOR)
        store = self._parts.get(folder)
        if store is None:
            store = self._parts[folder] = self._part(folder)
        return store, entry

    def parts(self) -> Iterator[DirectoryStore | JsonLinesStore]:
        """Yield every store of the tree."""
        for folder in self.folders:
            yield self._parts[folder]

    def get(self, name: str) -> bytes | None:
        """Return the bytes under that name, or None."""
        store, entry = self.part(name)
        return store.get(entry)

    def put(self, name: str, data: bytes) -> None:
        """Store the bytes under that name."""
        store, entry = self.part(name)
        store.put(entry, data)

    def create(self, name: str, data: bytes) -> bytes | None:
        """Store the bytes unless the name has some, in one step; return None, or the bytes that were there."""
        store, entry = self.part(name)
        return store.create(entry, data)

    def delete(self, name: str) -> bool:
        """Delete the entry; return whether it existed."""
        store, entry = self.part(name)
        return store.delete(entry)

    def scan(self, prefix: str = "") -> Iterator[str]:
        """Yield the names of all entries; with a prefix (`function/`), those whose name in their own store begins with it."""
        for folder in self.folders:
            for entry in self._parts[folder].scan(prefix):
                yield f"{folder}{SEPARATOR}{entry}"

    def location(self, name: str = "") -> str:
        """Return the path of an entry, or of the root."""
        if not name:
            return self._root
        store, entry = self.part(name)
        return store.location(entry)

    def pending(self) -> StoreTree:
        """Return the tree of what is pending in the stores of this tree, under the same names."""
        if self._pending is None:
            self._pending = _PendingTree(self._root, self.folders)
        return self._pending

    def swap(self, name: str, expected: bytes | None, data: bytes) -> bytes | None:
        """Replace the bytes if they are `expected`, in one step, and return None; else return the bytes that are there."""
        store, entry = self.part(name)
        return store.swap(entry, expected, data)

    def discard(self, name: str, expected: bytes) -> bool:
        """Delete the entry if its bytes are `expected`; return whether it was deleted."""
        store, entry = self.part(name)
        return store.discard(entry, expected)

    def _part(self, folder: str) -> DirectoryStore | JsonLinesStore:
        path = os.path.join(self._root, *folder.split("/"))  # noqa: PTH118
        return JsonLinesStore(path) if folder.endswith(JSON_LINES) else DirectoryStore(path)


class _PendingTree(StoreTree):
    """The pending recordings of a tree."""

    def _part(self, folder: str) -> DirectoryStore | JsonLinesStore:
        return super()._part(folder).pending()


def open_directory(directory: str | os.PathLike[str]) -> Store:
    """Return the recordings under a directory: a store, or a tree of stores if it holds stores deeper down.

    A directory that holds only pending recordings is a store, too.

    Where a directory holds directories named `recordings`, only these are searched: other JSON files beside tests are none
    of memo's. Hidden directories are skipped, and linked ones are entered once.
    """
    root = Path(directory).expanduser()
    below = [] if root.name == _RECORDINGS else recordings_below(root)
    folders = {found for start in below or [root] for found in _stores(root, start)}
    return DirectoryStore(root) if folders <= {""} else StoreTree(root, sorted(folders))


def recordings_below(root: Path) -> list[Path]:
    """Return the directories named `recordings` under a directory, but for those inside another."""
    found: list[Path] = []
    for folder, names, _ in os.walk(root):
        if _RECORDINGS in names and not any(map(_is_entry, _listed(os.path.join(folder, _RECORDINGS)))):  # noqa: PTH118
            found.append(Path(folder, _RECORDINGS))
            names.remove(_RECORDINGS)
        names[:] = sorted(
            name
            for name in names
            if not name.startswith(".")
            and name not in _NOT_SEARCHED
            and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))  # noqa: PTH110, PTH118
        )
    return sorted(found)


def _stores(root: Path, start: Path) -> Iterator[str]:
    """Yield the folders under `start` that hold a function's folder, and the files of JSON lines, relative to `root`."""
    entered: set[tuple[int, int]] = set()
    waiting = [start]
    while waiting:
        folder = waiting.pop()
        try:
            state = folder.stat()
        except OSError:
            continue
        if (state.st_dev, state.st_ino) in entered:
            continue
        entered.add((state.st_dev, state.st_ino))
        names = _listed(folder)
        if PENDING_FOLDER in names:
            if _holds_entries(folder / PENDING_FOLDER):
                yield "" if folder == root else folder.relative_to(root).as_posix()
            aside = [name for name in _listed(folder / PENDING_FOLDER) if name.endswith(JSON_LINES)]
            yield from ((folder / name).relative_to(root).as_posix() for name in aside)
        if folder != root and any(map(_is_entry, names)):
            yield "" if folder.parent == root else folder.parent.relative_to(root).as_posix()
        yield from (file.relative_to(root).as_posix() for file in _files_of_lines(folder, names))
        waiting += [
            folder / name
            for name in names
            if not name.startswith(".") and not name.endswith(_SUFFIX) and (folder / name).is_dir()
        ]


def _holds_entries(folder: Path) -> bool:
    return any(any(map(_is_entry, _listed(folder / name))) for name in _listed(folder) if not name.startswith("."))


def pending_folder(folder: str) -> str:
    """Return the folder, or the file, of what is pending in a store of a tree."""
    if folder.endswith(JSON_LINES):
        above, _, file = folder.rpartition("/")
        return f"{above}/{PENDING_FOLDER}/{file}".removeprefix("/")
    return f"{folder}/{PENDING_FOLDER}".removeprefix("/")


def with_pending(store: Store) -> Store:
    """Return a view of a store of files or a tree that holds what is pending as well: for code that reads every file.

    Any other store is returned as it is.
    """
    if isinstance(store, StoreTree):
        root, folders = store.location(), store.folders
    elif isinstance(store, DirectoryStore):
        root, folders = store.location(), [""]
    elif isinstance(store, JsonLinesStore):
        root, folders = str(Path(store.location()).parent), [Path(store.location()).name]
    else:
        return store
    pending = [pending_folder(folder) for folder in folders]
    pending = [
        folder
        for folder in pending
        if (Path(root, folder).is_file() if folder.endswith(JSON_LINES) else _holds_entries(Path(root, folder)))
    ]
    return StoreTree(root, [*folders, *pending]) if pending else store


def _files_of_lines(folder: Path, names: list[str]) -> Iterator[Path]:
    """Yield the files of JSON lines in a folder: outside directories named `recordings`, only those with recordings."""
    for name in names:
        if name.endswith(JSON_LINES) and not name.startswith("."):
            file = folder / name
            if _RECORDINGS in folder.parts or _begins_as_recording(file):
                yield file


def _begins_as_recording(file: Path) -> bool:
    try:
        with file.open("rb") as lines:
            return _HEAD.match(lines.read(_HEAD_BYTES)) is not None
    except OSError:
        return False


_HEAD, _HEAD_BYTES = re.compile(rb'\s*\{\s*"memo":|<<<<<<< '), 100


def _is_entry(name: str) -> bool:
    return name.endswith(_SUFFIX) and not name.startswith(".")


def _listed(folder: str | os.PathLike[str]) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names, as text
    except OSError:  # no permission, or gone: reading the store raises the reason
        return []


def part_of(store: Store, name: str) -> tuple[Store, str]:
    """Return the store that holds an entry, and the entry's name there: of a tree, one of its stores."""
    return store.part(name) if isinstance(store, StoreTree) else (store, name)


def folder_of(store: Store, name: str) -> str:
    """Return the folder of an entry's store in a tree; an empty text in any other store."""
    return name.partition(SEPARATOR)[0] if isinstance(store, StoreTree) else ""


def sibling(store: Store, name: str, entry: str) -> str:
    """Return the name of `entry` in the same store as the entry `name`."""
    return f"{folder_of(store, name)}{SEPARATOR}{entry}" if isinstance(store, StoreTree) else entry


def file_of(store: Store, name: str) -> str:
    """Return the path of the file that holds an entry, where the store is made of files; else the entry's location."""
    store, name = part_of(store, name)
    return store.location() if isinstance(store, JsonLinesStore) else store.location(name)
