"""Connections to a SQLite file, one for each thread, and how long they wait for locks."""

from __future__ import annotations

import sqlite3
import threading
import time

__all__ = ["Connection", "Kept", "Patience"]

_IMPATIENT_SECONDS = 0.05


class Patience:
    """How long callers wait for a lock: all of them together for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._impatient_until = 0.0

    def seconds(self) -> float:
        """Return how long to wait now."""
        if self._impatient_until and time.monotonic() < self._impatient_until:
            return min(self._seconds, _IMPATIENT_SECONDS)
        return self._seconds

    def give_up(self) -> None:
        """Let others hardly wait for a while: somebody has waited in vain."""
        if not self._impatient_until or time.monotonic() >= self._impatient_until:
            self._impatient_until = time.monotonic() + self._seconds

    def rest(self) -> None:
        """Be patient again: the lock was there."""
        self._impatient_until = 0.0


class Connection(sqlite3.Connection):
    """A connection that is closed when nobody has it, in a cycle of references too: Python 3.13 warns of one that is open then."""

    _not_opened = sqlite3.ProgrammingError
    """Here, since the names of the module are gone at the exit of Python."""

    def __del__(self) -> None:
        try:  # noqa: SIM105 - for the same reason
            self.close()
        except self._not_opened:
            pass


class Kept:
    """A thread's connection, closed with the thread."""

    def __init__(self, connection: sqlite3.Connection, file: tuple[int, int]) -> None:
        self.connection = connection
        self.file = file
        self.closed = False
        self.using = threading.RLock()
        self._seconds = -1.0

    def waiting(self, seconds: float) -> sqlite3.Connection:
        """Return the connection, which waits for locks so long."""
        if seconds != self._seconds:
            self.connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
            self._seconds = seconds
        return self.connection

    def close(self) -> None:
        with self.using:
            self.closed = True
            self.connection.close()

    def __del__(self) -> None:
        self.connection.close()  # now: a connection is in a cycle with its own cache of statements
