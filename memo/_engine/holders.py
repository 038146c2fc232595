"""Who holds a claim: tokens that name a process, and whether that process is still there."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

__all__ = ["is_gone", "is_on_this_machine", "is_this_process", "new_token"]

_PROCESSES = Path("/proc")
_MOST_PROCESSES = 1 << 22
"""Linux gives no higher numbers."""


def new_token() -> str:
    """Return a token that nobody has had: `host:process:machine.start:random`."""
    return f"{_here(os.getpid())}:{os.urandom(12).hex()}"


def is_this_process(holder: str) -> bool:
    """Return whether the token is one of this process."""
    return holder.startswith(f"{_here(os.getpid())}:")


def is_on_this_machine(holder: str) -> bool:
    """Return whether the token is one of a process that `is_gone` can look for."""
    return _process(holder) is not None


def is_gone(holder: str) -> bool:
    """Return whether the process of a token has ended for certain: one of another machine may be alive, and so may any other.

    A process that was killed and not yet waited for by its parent is gone. Another process with the same number is another.
    """
    found = _process(holder)
    if found is None:
        return False
    process, start = found
    try:
        return _start(process) != start
    except OSError:  # it has ended, or other users' processes are hidden
        return not _exists(process)


def _process(holder: str) -> tuple[int, str] | None:
    """Return number and start of the process of a token, None if the process cannot be looked up here."""
    parts = holder.rsplit(":", 3)
    if len(parts) != 4:
        return None
    _, process, place, _ = parts
    machine, _, start = place.partition(".")
    if not start or not process.isdecimal() or machine != _machine():
        return None
    return int(process), start


@lru_cache(maxsize=4)
def _here(process: int) -> str:
    start = ""  # without /proc, nobody can look
    with suppress(OSError):
        start = _start(process)
    return f"{socket.gethostname()}:{process}:{_machine()}.{start}"


@lru_cache(maxsize=1)
def _machine() -> str:
    """Return what only processes share that see the same process numbers: the boot, and the container."""
    marks = [socket.gethostname()]
    with suppress(OSError):
        marks.append((_PROCESSES / "sys/kernel/random/boot_id").read_text().strip())
        marks.append(str((_PROCESSES / "self/ns/pid").readlink()))
    return sha256(" ".join(marks).encode()).hexdigest()[:12]


def _start(process: int) -> str:
    """Return when a process started, in the clock of the system, "" if it has ended. Raises `OSError` if it cannot be seen."""
    state = (_PROCESSES / str(process) / "stat").read_text()
    fields = state.rpartition(")")[2].split()  # the name before it may hold anything
    return "" if fields[0] in ("Z", "X") else fields[19]


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # not ours, but there
        return process < _MOST_PROCESSES
    return True
