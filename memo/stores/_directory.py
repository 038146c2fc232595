"""Recordings as files: `<directory>/<function>/<key>.json`."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Callable, Iterator

from memo._calls.digest import KEY_CHARACTERS
from memo.errors import (
    EntryVanished,
    RecordingDamaged,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreNotReadable,
    StoreNotWritable,
)
from memo.stores._folder_lock import locked
from memo.stores._salt import checked_salt, new_salt
from memo.stores.file_names import safe_name

__all__ = ["DirectoryStore"]

_TRIES = 10
_SUFFIX = ".json"
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES})
"""Errors of file systems without hard links (FAT, some network and container mounts)."""
_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _FLAGS
"""Without blocking: opening a pipe in the place of a file would block until somebody writes into the pipe."""
_AT_ONCE = 1 << 16
_END = b"\n}\n"
"""The end of every recording. No earlier line looks like this: all of them are indented."""
_UNNAMED = os.O_TMPFILE | os.O_WRONLY | _FLAGS if hasattr(os, "O_TMPFILE") else 0
"""Opens a new file without a name in a directory. Linux has it, and so have most of its file systems."""
_SALT_FOLDER = ".memo"
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp")


class DirectoryStore:
    """A directory of JSON files, one a recording, made to be read, reviewed and committed.

    Writes go to a temporary file in the same directory (without a name, where the system has that), are flushed to disk and
    moved into place: a process killed at any instant leaves the old recording or the new one. Names come from data and
    cannot leave the directory: what is no plain file name is replaced and given a digest, so that two names never share a file.
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
        self._salt: bytes | None = None

    def __repr__(self) -> str:
        return f"DirectoryStore({self._root!r})"

    def get(self, name: str) -> bytes | None:
        """Return the bytes under a name, None if there is no such entry."""
        path = self._path(name)
        try:
            file = os.open(path, _READ)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreNotReadable(path, f"cannot be read: {error.strerror}") from error
        try:
            # One read takes half as long as open() with its buffer. Bytes that end as recordings end are whole.
            try:
                data = os.read(file, _AT_ONCE)
            except OSError:
                data = b""  # perhaps no file: `_rest` looks
            return data if data.endswith(_END) and len(data) < _AT_ONCE else _rest(file, data, path)
        except OSError as error:
            raise StoreNotReadable(path, f"cannot be read: {error.strerror}") from error
        finally:
            os.close(file)

    def head(self, name: str, size: int) -> bytes | None:
        """Return the first `size` bytes under a name, None if there is no such entry: for a look at many entries."""
        try:
            file = os.open(self._path(name), _READ)
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
            self._place(path, data, _replace_locked)
        except OSError as error:
            raise _failure(error, path) from error

    def create(self, name: str, data: bytes) -> bytes | None:
        """Store the bytes if there is no entry of that name, and return None; else return the bytes that are there.

        One step: by a hard link, or under the lock of the folder on a file system without links.
        """
        path = self._path(name)
        while True:
            try:
                created = self._create_unnamed(path, data)
                if created is None:
                    created = self._place(path, data, _link)
                if created:
                    return None
            except OSError as error:
                raise _failure(error, path) from error
            kept = self.get(name)
            if kept is not None:
                return kept
            if os.path.islink(path):  # noqa: PTH114
                self.put(name, data)  # replaces a link that leads nowhere
                return None
            # The entry was deleted just now: try again.

    def _create_unnamed(self, path: str, data: bytes) -> bool | None:
        """Write the bytes to a file without a name, flush it to disk, and link it to the path; return False if that exists.

        Return None where the system cannot do this. The flush takes three quarters of the time that it takes for a file with
        a name, and a process that is killed leaves nothing behind.
        """
        if not (_UNNAMED and self._links_unnamed):
            return None
        try:
            file = os.open(os.path.dirname(path), _UNNAMED, self._rights)  # noqa: PTH120
        except OSError:
            return None
        try:
            _fill(file, data)
            # By the descriptor's own name. Python follows the link only if a directory is given, which nothing looks at.
            os.link(f"/proc/self/fd/{file}", path, src_dir_fd=file)
        except FileExistsError:
            return False
        except OSError as error:
            # Without links or /proc, do not try again. Other errors may pass: a full disk, for one.
            self._links_unnamed = error.errno not in {*_NO_LINKS, errno.ENOENT}
            return None
        finally:
            os.close(file)
        return True

    def _place(self, path: str, data: bytes, move: Callable[[str, str], bool], *, rights: int | None = None) -> bool:
        """Write the bytes to a temporary file, flush it to disk, and move it into place; return whether it was moved."""
        folder = os.path.dirname(path)  # noqa: PTH120
        rights = self._rights if rights is None else rights
        temporary = f"{folder}{os.sep}.{os.urandom(8).hex()}.tmp"
        try:
            file = os.open(temporary, _CREATE, rights)
        except FileNotFoundError:
            file = _create_in(folder, temporary, rights)
        try:
            try:
                _fill(file, data)
            finally:
                os.close(file)
            return move(temporary, path)
        except BaseException:
            os.unlink(temporary)  # noqa: PTH108
            raise

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
                    return _replace(temporary, path)
            os.unlink(temporary)  # noqa: PTH108
            return False

        while (kept := self.get(name)) == expected:
            try:
                if self._place(path, data, move):
                    return None
            except OSError as error:
                raise _failure(error, path) from error
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
                kept = _contents(path)
                if kept is None:
                    os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
                    self._place(f"{folder}{os.sep}.gitignore", b"*\n", _link)
                    self._place(path, new_salt(), _link, rights=0o600)
                    kept = _contents(path)
            except OSError as error:
                raise _failure(error, path) from error
            self._salt = checked_salt(kept or b"", path)
        return self._salt

    @property
    def _rights(self) -> int:
        """Rights of new files, before the umask of the process."""
        if self._salt is None and not os.path.exists(f"{self._root}{os.sep}{_SALT_FOLDER}"):  # noqa: PTH110
            return 0o666
        return 0o600

    def delete(self, name: str) -> bool:
        """Delete the entry; return whether it existed."""
        path = self._path(name)
        try:
            with locked(os.path.dirname(path)):  # noqa: PTH120
                os.unlink(path)  # noqa: PTH108
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise _failure(error, path) from error
        return True

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
                continue  # gone meanwhile, or closed to this process, which then cannot remove anything
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


def _contents(path: str) -> bytes | None:
    """Return the bytes of a small file, None if there is no file."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(_AT_ONCE)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _rest(file: int, data: bytes, path: str) -> bytes:
    """Return all of a file of which `data` was read. Raises `RecordingDamaged` for what is no file."""
    state = os.fstat(file)
    if not stat.S_ISREG(state.st_mode):
        what = "a directory" if stat.S_ISDIR(state.st_mode) else "no file"
        raise RecordingDamaged(path, f"is {what}, where a recording should be")
    while len(data) < state.st_size:
        more = os.read(file, state.st_size - len(data))
        if not more:
            break
        data += more
    return data


def _replace(temporary: str, path: str) -> bool:
    os.replace(temporary, path)  # noqa: PTH105
    return True


def _replace_locked(temporary: str, path: str) -> bool:
    """Move a file into place under the lock of its folder, so never between the two steps of a swap."""
    with locked(os.path.dirname(path)):  # noqa: PTH120
        return _replace(temporary, path)


def _link(temporary: str, path: str) -> bool:
    """Move a file to a free path, in one step. If the path is taken, delete the file and return False."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with locked(os.path.dirname(path)):  # noqa: PTH120
            if not os.path.lexists(path):
                return _replace(temporary, path)
    else:
        os.unlink(temporary)  # noqa: PTH108
        return True
    os.unlink(temporary)  # noqa: PTH108
    return False


def _fill(file: int, data: bytes) -> None:
    """Write the bytes to a file, and flush them to disk."""
    written = os.write(file, data)
    while written < len(data):
        written += os.write(file, memoryview(data)[written:])
    os.fsync(file)


def _create_in(folder: str, path: str, rights: int) -> int:
    """Open a new file in a new directory, which `memo prune` may delete while it is empty."""
    for _ in range(_TRIES):
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        try:
            return os.open(path, _CREATE, rights)
        except FileNotFoundError:
            continue
    return os.open(path, _CREATE, rights)


def _failure(error: OSError, path: str) -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(
            path, f"cannot be written: {error.strerror}", "to record where there is space: MEMO_STORE=DIRECTORY"
        )
    if isinstance(error, TimeoutError):
        return StoreLocked(path, f"cannot be written: {error.strerror}")
    return StoreNotWritable(path, f"cannot be written: {error.strerror}", "to record elsewhere: MEMO_STORE=DIRECTORY")
