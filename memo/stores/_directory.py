"""Recordings as files: `<directory>/<function>/<key>.json`."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator

from memo._calls.digest import KEY_CHARACTERS
from memo.errors import EntryVanished, StoreNotReadable
from memo.stores._files import (
    AT_ONCE,
    READ,
    contents,
    create_unnamed,
    failure,
    link,
    place,
    replace,
    replace_locked,
    rest,
)
from memo.stores._folder_lock import locked
from memo.stores._salt import checked_salt, new_salt
from memo.stores.file_names import PENDING_FOLDER, safe_name

__all__ = ["DirectoryStore"]

_SUFFIX = ".json"
_END = b"\n}\n"
"""The end of every recording. No earlier line looks like this: all of them are indented."""
_SALT_FOLDER = ".memo"
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp")


class DirectoryStore:
    """A directory of JSON files, one a recording, made to be read, reviewed and committed.

    Writes go to a temporary file in the same directory (without a name, where the system has that), are flushed to disk and
    moved into place: a process killed at any instant leaves the old recording or the new one. Names come from data and
    cannot leave the directory: a name that is not a plain file name is replaced, with a digest, so that two names never share a file.
    (Where the file system ignores case, functions that differ only in case share a folder; their keys still differ.)

    Links are followed, wherever they lead: a user may link recordings in. A link to anything but a file is damage.
    """

    reads_in_place = True
    writes_in_place = False

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._root = os.path.abspath(os.path.expanduser(directory))  # noqa: PTH100, PTH111 - as text, it is joined at each read
        self._folders: dict[str, str] = {}
        """Paths by the names of functions."""
        self._links_unnamed = True
        self._pending: DirectoryStore | None = None
        self._salt: bytes | None = None
        self._salt_folders = [f"{self._root}{os.sep}{_SALT_FOLDER}"]
        """Directories of which any that exists closes new files to other users."""

    def __repr__(self) -> str:
        return f"DirectoryStore({self._root!r})"

    def get(self, name: str) -> bytes | None:
        """Return the bytes under a name, None if there is no such entry."""
        path = self._path(name)
        try:
            file = os.open(path, READ)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreNotReadable(path, f"cannot be read: {error.strerror}") from error
        try:
            # One read takes half as long as open() with its buffer. Bytes that end as recordings end are whole.
            try:
                data = os.read(file, AT_ONCE)
            except OSError:
                data = b""  # perhaps no file: `rest` looks
            return data if data.endswith(_END) and len(data) < AT_ONCE else rest(file, data, path)
        except OSError as error:
            raise StoreNotReadable(path, f"cannot be read: {error.strerror}") from error
        finally:
            os.close(file)

    def head(self, name: str, size: int) -> bytes | None:
        """Return the first `size` bytes under a name, None if there is no such entry: for a look at many entries."""
        try:
            file = os.open(self._path(name), READ)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreNotReadable(self._path(name), f"cannot be read: {error.strerror}") from None
        try:
            return os.read(file, size)
        except OSError as error:
            raise StoreNotReadable(self._path(name), f"cannot be read: {error.strerror}") from None
        finally:
            os.close(file)

    def entries(self, function: str) -> Iterator[str]:
        """Iterate over the names of a function's recordings, in any order. The first comes at once, however many there are."""
        folder = safe_name(function)
        path = f"{self._root}{os.sep}{folder}"
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.name.endswith(_SUFFIX) and not entry.name.startswith("."):
                        yield f"{folder}/{entry.name.removesuffix(_SUFFIX)}"
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise StoreNotReadable(path, f"cannot be read: {error.strerror}") from error

    def functions(self) -> list[str]:
        """Return the names of the functions that have a folder, as the folders are called."""
        try:
            with os.scandir(self._root) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StoreNotReadable(self._root, f"cannot be read: {error.strerror}") from error

    def put(self, name: str, data: bytes) -> None:
        """Store the bytes under a name: flushed to disk and in place when `put` returns."""
        path = self._path(name)
        try:
            place(path, data, replace_locked, self.rights)
        except OSError as error:
            raise failure(error, path) from error

    def create(self, name: str, data: bytes) -> bytes | None:
        """Store the bytes if there is no entry of that name, and return None; else return the bytes that are there.

        One step: by a hard link, or under the lock of the folder on a file system without links.
        """
        path = self._path(name)
        while True:
            try:
                created = create_unnamed(path, data, self.rights) if self._links_unnamed else None
                if created is None:
                    self._links_unnamed = False
                    created = place(path, data, link, self.rights)
                if created:
                    return None
            except OSError as error:
                raise failure(error, path) from error
            kept = self.get(name)
            if kept is not None:
                return kept
            if os.path.islink(path):  # noqa: PTH114
                self.put(name, data)  # replaces a link that leads nowhere
                return None
            # The entry was deleted just now: try again.

    def swap(self, name: str, expected: bytes | None, data: bytes) -> bytes | None:
        """Replace the bytes if they are `expected`, and return None; else return the bytes that are there.

        The folder is locked (by `flock`) for the moment in which the bytes are compared and the file is moved into place.
        On a file system that locks no folders, and on Windows, that reaches the processes of one machine only.
        """
        if expected is None:
            return self.create(name, data)
        path = self._path(name)

        def move(temporary: str, path: str) -> bool:
            with locked(os.path.dirname(path)):  # noqa: PTH120
                if self.get(name) == expected:
                    return replace(temporary, path)
            os.unlink(temporary)  # noqa: PTH108
            return False

        while (kept := self.get(name)) == expected:
            try:
                if place(path, data, move, self.rights):
                    return None
            except OSError as error:
                raise failure(error, path) from error
        if kept is None:
            raise EntryVanished(path)
        return kept

    def salt(self) -> bytes:
        """Return the 32 random bytes of the directory, kept in `.memo/salt`, which git ignores.

        All files that are written from then on are closed to other users (0600).
        """
        if self._salt is None:
            folder = f"{self._root}{os.sep}{_SALT_FOLDER}"
            path = f"{folder}{os.sep}salt"
            try:
                kept = contents(path)
                if kept is None:
                    os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
                    place(f"{folder}{os.sep}.gitignore", b"*\n", link, 0o600)
                    place(path, new_salt(), link, 0o600)
                    kept = contents(path)
            except OSError as error:
                raise failure(error, path) from error
            self._salt = checked_salt(kept or b"", path)
        return self._salt

    @property
    def has_salt(self) -> bool:
        """True if the directory has a salt, so that its files are closed to other users."""
        return self._salt is not None or any(map(os.path.exists, self._salt_folders))

    @property
    def rights(self) -> int:
        """Rights of new files, before the umask of the process."""
        return 0o600 if self.has_salt else 0o666

    def delete(self, name: str) -> bool:
        """Delete the entry; return whether it existed."""
        path = self._path(name)
        try:
            with locked(os.path.dirname(path)):  # noqa: PTH120
                os.unlink(path)  # noqa: PTH108
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise failure(error, path) from error
        return True

    def discard(self, name: str, expected: bytes) -> bool:
        """Delete the entry if its bytes are `expected`; return whether it was deleted. One step, as `swap` is."""
        path = self._path(name)
        if self.get(name) != expected:
            return False
        try:
            with locked(os.path.dirname(path)):  # noqa: PTH120
                if self.get(name) != expected:
                    return False
                os.unlink(path)  # noqa: PTH108
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise failure(error, path) from error
        return True

    def pending(self) -> DirectoryStore:
        """Return the store of recordings that wait for a review: files under the same names, in the folder `.pending`."""
        if self._pending is None:
            store = self._pending = DirectoryStore(f"{self._root}{os.sep}{PENDING_FOLDER}")
            store._salt_folders += self._salt_folders
        return self._pending

    def scan(self, prefix: str = "") -> Iterator[str]:
        """Iterate over the names of entries, sorted within each function. Skip files that are no recordings."""
        function, slash, key = prefix.rpartition("/")
        folders = [safe_name(function)] if slash else self._starting(self._root, prefix)
        for folder in folders:
            for file in self._starting(os.path.join(self._root, folder), key if slash else ""):  # noqa: PTH118
                if file.endswith(_SUFFIX):
                    yield f"{folder}/{file.removesuffix(_SUFFIX)}"

    def abandoned(self, seconds: float) -> list[str]:
        """Return the paths of temporary files older than so many seconds, which writers left that were killed.

        Linked directories are skipped.
        """
        before, found = time.time() - seconds, list[str]()
        pending = f"{self._root}{os.sep}{PENDING_FOLDER}"
        if os.path.isdir(pending) and not os.path.islink(pending):  # noqa: PTH112, PTH114
            found += self.pending().abandoned(seconds)
        folders = [f"{self._root}{os.sep}{function}" for function in self.functions()]
        for folder in (self._root, *(path for path in folders if not os.path.islink(path))):  # noqa: PTH114
            try:
                with os.scandir(folder) as entries:
                    found += [
                        entry.path
                        for entry in entries
                        if _TEMPORARY.fullmatch(entry.name)
                        and entry.is_file(follow_symlinks=False)
                        and entry.stat(follow_symlinks=False).st_mtime < before
                    ]
            except OSError:
                continue  # gone in the meantime, or closed to this process, which then cannot remove anything
        return sorted(found)

    def location(self, name: str = "") -> str:
        """Return the path of an entry; without a name, of the directory."""
        return self._path(name) if name else self._root

    def _starting(self, folder: str, prefix: str) -> list[str]:
        try:
            names = os.listdir(folder)  # noqa: PTH208
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StoreNotReadable(folder, f"cannot be read: {error.strerror}") from error
        return sorted(name for name in names if name.startswith(prefix) and not name.startswith("."))

    def _path(self, name: str) -> str:
        function, _, key = name.rpartition("/")
        folder = self._folders.get(function)
        if folder is None:
            folder = self._folders[function] = f"{self._root}{os.sep}{safe_name(function)}{os.sep}"
        if len(key) != KEY_CHARACTERS or not key.isalnum() or not key.isascii():
            key = safe_name(key)
        return f"{folder}{key}{_SUFFIX}"
