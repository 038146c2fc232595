"""Who holds a claim: tokens that name a process, and whether that process is still there.

Linux says when a process started, and so whether it is the one that made a token. Elsewhere, and where /proc is not mounted, only whether
there is a process of that number is known: another process that got the number in the meantime is taken for the holder, until
the lease is over.
"""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

__all__ = ["is_gone", "is_on_this_machine", "is_this_process", "look_in", "new_token"]

_processes = Path("/proc")
_UNKNOWN = "unknown"
"""The start of a process, where the system does not say it."""
_NO_CARD = 1 << 40
"""A bit of `getnode()` that says that the number is a random one."""
_MOST_PROCESSES = 1 << 22
"""Linux gives no higher numbers."""


def look_in(folder: str | os.PathLike[str]) -> None:
    """Look for processes in another folder than /proc from now on: one that does not exist is a system without /proc."""
    global _processes  # noqa: PLW0603
    _processes = Path(folder)
    _here.cache_clear()
    _machine.cache_clear()


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
    if start == _UNKNOWN:
        return not _exists(process)
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
    try:
        start = _start(process)
    except OSError:
        start = _UNKNOWN if _can_ask() else ""  # nobody can look
    return f"{socket.gethostname()}:{process}:{_machine()}.{start}"


@lru_cache(maxsize=1)
def _machine() -> str:
    """Return what only processes share that see the same process numbers: the boot and the container, else the network card."""
    marks = [socket.gethostname()]
    try:
        marks.append((_processes / "sys/kernel/random/boot_id").read_text().strip())
        marks.append(str((_processes / "self/ns/pid").readlink()))
    except OSError:
        marks.append(f"{_card():x}")
    return sha256(" ".join(marks).encode()).hexdigest()[:12]


def _start(process: int) -> str:
    """Return when a process started, in the clock of the system, "" if it has ended. Raises `OSError` if it cannot be seen."""
    state = (_processes / str(process) / "stat").read_text()
    fields = state.rpartition(")")[2].split()  # the name before it may hold anything
    return "" if fields[0] in ("Z", "X") else fields[19]


def _can_ask() -> bool:
    """Return whether `_exists` can ask for a process: on Windows, the signal 0 is one that ends it."""
    return os.name == "posix" and not _card() & _NO_CARD


@lru_cache(maxsize=1)
def _card() -> int:
    """Return the number of a network card, or a random one. It may take a program of the system: only where there is no /proc."""
    from uuid import getnode

    return getnode()


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # not ours, but there
        return process < _MOST_PROCESSES
    return True
