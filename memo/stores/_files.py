"""Files that are whole at any instant: written aside, flushed to disk, and moved into place."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from memo.errors import RecordingDamaged, StoreError, StoreFull, StoreLocked, StoreNotWritable
from memo.stores._folder_lock import locked

__all__ = [
    "AT_ONCE",
    "READ",
    "contents",
    "create_unnamed",
    "failure",
    "link",
    "place",
    "replace",
    "replace_locked",
    "rest",
    "rewrite",
]

_TRIES = 10
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES})
"""Errors of file systems without hard links (FAT, some network and container mounts)."""
_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS
READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _FLAGS
"""Without blocking: opening a pipe in the place of a file would block until somebody writes into the pipe."""
AT_ONCE = 1 << 16
"""Bytes of one read, which most recordings need."""


def place(path: str, data: bytes, move: Callable[[str, str], bool], rights: int) -> bool:
    """Write the bytes to a temporary file, flush it to disk, and move it into place; return whether it was moved."""
    folder = os.path.dirname(path)  # noqa: PTH120
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


def create_unnamed(path: str, data: bytes, rights: int) -> bool | None:
    """Write the bytes to a file without a name, flush it to disk, and link it to the path; return False if that exists.

    Return None where the system cannot do this. The flush takes three quarters of the time that it takes for a file with
    a name, and a process that is killed leaves nothing behind.
    """
    folder = os.path.dirname(path)  # noqa: PTH120
    try:
        unnamed = getattr(os, "O_TMPFILE", 0)  # Linux has it, and so have most of its file systems
        if not unnamed:
            return None
        flags = unnamed | os.O_WRONLY | _FLAGS
        try:
            file = os.open(folder, flags, rights)
        except FileNotFoundError:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103
            file = os.open(folder, flags, rights)
    except OSError:
        return None
    try:
        _fill(file, data)
        # By the descriptor's own name. Python follows the link only if a directory is given, which nothing looks at.
        os.link(f"/proc/self/fd/{file}", path, src_dir_fd=file)
    except FileExistsError:
        return False
    except OSError:  # without links or /proc, or no space
        return None
    finally:
        os.close(file)
    return True


def rewrite(path: str, change: Callable[[], bytes | None], rights: int) -> None:
    """Replace a file with the bytes that `change` returns, called under the lock of its folder; no bytes delete the file.

    None leaves the file as it is. The temporary file comes first: a folder that is not empty cannot be removed in the meantime,
    so that all who write hold the lock of one and the same folder.
    """
    folder = os.path.dirname(path)  # noqa: PTH120
    temporary = f"{folder}{os.sep}.{os.urandom(8).hex()}.tmp"
    file = _create_in(folder, temporary, rights)
    try:
        with locked(folder):
            data = change()
            if data:
                _fill(file, data)
                replace(temporary, path)
                return
            if data is not None:
                os.unlink(path)  # noqa: PTH108
    except BaseException:
        os.unlink(temporary)  # noqa: PTH108
        raise
    else:
        os.unlink(temporary)  # noqa: PTH108
    finally:
        os.close(file)


def contents(path: str) -> bytes | None:
    """Return the bytes of a small file, None if there is no file."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(AT_ONCE)
    except (FileNotFoundError, NotADirectoryError):
        return None


def rest(file: int, data: bytes, path: str) -> bytes:
    """Return all of a file of which `data` was read. Raises `RecordingDamaged` for anything but a file."""
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


def replace(temporary: str, path: str) -> bool:
    os.replace(temporary, path)  # noqa: PTH105
    return True


def replace_locked(temporary: str, path: str) -> bool:
    """Move a file into place under the lock of its folder, so never between the two steps of a swap."""
    with locked(os.path.dirname(path)):  # noqa: PTH120
        return replace(temporary, path)


def link(temporary: str, path: str) -> bool:
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
                return replace(temporary, path)
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


def failure(error: OSError, path: str) -> StoreError:
    """Return the error of a store whose file could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(
            path, f"cannot be written: {error.strerror}", "to record where there is space: MEMO_STORE=DIRECTORY"
        )
    if isinstance(error, TimeoutError):
        return StoreLocked(path, f"cannot be written: {error.strerror}")
    return StoreNotWritable(path, f"cannot be written: {error.strerror}", "to record elsewhere: MEMO_STORE=DIRECTORY")
