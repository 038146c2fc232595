"""A lock on a folder, for threads and processes. It leaves no file in the folder, and ends with the process that holds it."""

from __future__ import annotations

import errno
import os
import random
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["locked"]

_WAIT_SECONDS = 5.0
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.0005, 0.01
_HELD = frozenset({errno.EAGAIN, errno.EACCES, errno.EDEADLK})
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)


@contextmanager
def locked(folder: str) -> Generator[None]:
    """Hold the folder's lock inside the `with`. Not reentrant. Raises `OSError` (`ETIMEDOUT`) after five seconds.

    The lock is polled: a holder that is paused by a signal must not block everybody else for good.
    """
    file = _acquired(folder)
    try:
        yield
    finally:
        # A process that was forked in the meantime has the descriptor, too: to close it would not be enough.
        _unlock(file)
        os.close(file)


def _acquired(folder: str) -> int:
    """Return a descriptor that holds the lock: of the folder, or of a file elsewhere if the system does not lock folders."""
    try:
        return _polled(os.open(folder, os.O_RDONLY | _CLOEXEC))
    except (FileNotFoundError, TimeoutError):
        raise
    except OSError:  # Windows opens no folders, and some network file systems lock none
        name = sha256(os.path.realpath(folder).encode(errors="surrogateescape")).hexdigest()[:32]
        path = os.path.join(tempfile.gettempdir(), f"memo-{name}.lock")  # noqa: PTH118 - text, as in the directory
        return _polled(os.open(path, os.O_RDWR | os.O_CREAT | _CLOEXEC, 0o666))


def _polled(file: int) -> int:
    end = time.monotonic() + _WAIT_SECONDS
    pause = _SHORTEST_PAUSE_SECONDS
    try:
        while not (held := _lock(file)) and time.monotonic() < end:
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - so that not all of them try at once
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
    except BaseException:
        os.close(file)
        raise
    if held:
        return file
    os.close(file)
    raise OSError(errno.ETIMEDOUT, f"another process has kept its folder locked for {_WAIT_SECONDS:g} seconds")


def _lock(file: int) -> bool:
    """Take the lock if nobody has it; return whether it was taken."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise
    return True


def _unlock(file: int) -> None:
    if sys.platform == "win32":
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_UN)
