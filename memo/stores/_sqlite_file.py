"""A SQLite file of memo's: the connections of threads, the transactions that they share, and what failures mean."""

from __future__ import annotations

import os
import shlex
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast
from urllib.parse import quote
from weakref import WeakSet

from memo.errors import NewerFormat, StoreError, StoreFull, StoreLocked, StoreNotReadable, StoreNotWritable
from memo.stores._sqlite_connections import Connection, Kept, Patience

__all__ = ["SqliteFile"]

T = TypeVar("T")

_APPLICATION = int.from_bytes(b"memo", "big")
_VERSION = 1
_SCHEMA = (
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
    "CREATE TABLE entries (name BLOB NOT NULL UNIQUE, entry BLOB NOT NULL)",
    "CREATE TABLE claims (name BLOB PRIMARY KEY, token TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID",
)
_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What Python's module raises: of a damaged schema, it cannot decode SQLite's own message."""
_ELSEWHERE = "to record elsewhere: MEMO_STORE=sqlite:///FILE"


class SqliteFile:
    """A database file, and its own connection for each thread (and each forked process), made when it is needed.

    Whoever waits for a lock of another process waits for `timeout` seconds at most, and all callers do so together: once
    that was in vain, those who come within the next `timeout` seconds hardly wait.
    """

    def __init__(self, path: str, timeout: float) -> None:
        self.path = path
        self.location = f"sqlite:///{quote(path)}"
        self._timeout = timeout
        self._reading, self._writing = Patience(timeout), Patience(timeout)
        self._reset()

    def exists(self) -> bool:
        """Return whether there is a database. Raises `StoreError` where it cannot be opened."""
        kept = self._held(make=False)
        if kept is not None:
            kept.using.release()
        return kept is not None

    def read(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """Return the rows that a query gives; none where there is no file."""
        kept = self._held(make=False)
        if kept is None:
            return []
        try:
            rows = kept.waiting(self._reading.seconds()).execute(query, values).fetchall()
        except _ERRORS as error:
            raise self._failure(error, self._reading, StoreNotReadable) from error
        finally:
            kept.using.release()
        self._reading.rest()
        return rows

    def write(self, run: Callable[[sqlite3.Connection], T], *, flushed: bool = True) -> T:
        """Return what `run` returns, in a transaction, which is over when this returns.

        The threads of a process share transactions: the first thread writes for all that wait, and the disk is flushed
        once. What need not be flushed may be undone by a loss of power, but not by the end of the process.
        """
        kept = self._held(make=True)
        assert kept is not None
        try:
            if kept.connection.in_transaction:
                return run(
                    kept.connection
                )  # a stream that the garbage collector ends in the middle of another's transaction
            job = _Job(run, flushed=flushed)
            self._jobs.append(job)
            with self._turn:
                if not job.done:
                    self._commit(kept)
        finally:
            kept.using.release()
        if job.error is not None:
            if isinstance(job.error, _ERRORS):
                raise self._failure(job.error, self._writing, StoreNotWritable) from job.error
            raise job.error
        return cast(T, job.result)

    def close(self) -> None:
        """Close all connections of this process that are not in use just now. They are made again when they are needed."""
        with self._opening:
            connections = list(self._connections)
        for kept in connections:
            kept.close()

    def damaged(self, error: Exception) -> StoreNotReadable:
        """Return the error for a file whose content cannot be right."""
        rescue = f"to rescue what can be: sqlite3 {shlex.quote(self.path)} .recover"
        return StoreNotReadable(self.location, f"is damaged ({error})", rescue)

    # Transactions

    def _commit(self, kept: Kept) -> None:
        jobs: list[_Job] = []
        with suppress(IndexError):
            while True:
                jobs.append(self._jobs.popleft())
        if not jobs:
            return
        try:
            self._transaction(kept, jobs)
            if len(jobs) > 1 and jobs[0].error is not None and not _is_lock(jobs[0].error):
                for job in jobs:  # one of them may be to blame for all
                    self._transaction(kept, [job])
        except BaseException:
            self._jobs.extend(job for job in jobs if not job.done)  # those who wait for these jobs do them
            raise
        for job in jobs:
            job.done = True

    def _transaction(self, kept: Kept, jobs: list[_Job]) -> None:
        try:
            flushed = any(job.flushed for job in jobs)
            connection = kept.waiting(self._writing.seconds())
            connection.execute(f"PRAGMA synchronous = {'FULL' if flushed else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                for job in jobs:
                    job.error, job.result = None, job.run(connection)
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except Exception as error:  # noqa: BLE001 - raised where each of them waits
            if _is_lock(error):
                self._writing.give_up()  # before those who wait for their turn begin to wait for the lock
            for job in jobs:
                job.error = error
        else:
            self._writing.rest()

    # Connections

    def _reset(self) -> None:
        self._process = os.getpid()
        self._local = threading.local()
        self._connections: WeakSet[Kept] = WeakSet()
        # Writers of one process take turns here: SQLite's own way to wait is to sleep, and is unfair.
        # Reentrant: the garbage collector, which ends streams, may come at any time.
        self._turn, self._opening = threading.RLock(), threading.RLock()
        self._jobs: deque[_Job] = deque()

    def _held(self, *, make: bool) -> Kept | None:
        """Return this thread's connection, which nobody closes until it is released. None if there is no file to connect to."""
        while (kept := self._connected(make=make)) is not None:
            kept.using.acquire()
            if not kept.closed:
                return kept
            kept.using.release()
        return None

    def _connected(self, *, make: bool) -> Kept | None:
        """Return this thread's connection to the file that is there now. None if there is none and it is not to be made."""
        if self._process != os.getpid():
            _of_other_processes.append((self._local, list(self._connections)))  # which must not be closed here
            self._reset()
        try:
            status = os.stat(self.path)  # noqa: PTH116
            file = (status.st_dev, status.st_ino) if status.st_size else None
        except OSError:
            file = None
        kept: Kept | None = getattr(self._local, "kept", None)
        if kept is not None and kept.file == file and not kept.closed:
            return kept
        if file is None and not make:
            return None
        try:
            connection = self._open(make=make)
            status = os.stat(self.path)  # noqa: PTH116
        except _ERRORS as error:
            patience, kind = (self._writing, StoreNotWritable) if make else (self._reading, StoreNotReadable)
            raise self._failure(error, patience, kind) from error
        except OSError as error:
            raise StoreNotWritable(self.location, f"cannot be made: {error.strerror}") from error
        if connection is None:
            return None
        kept = self._local.kept = Kept(connection, (status.st_dev, status.st_ino))
        with self._opening:
            self._connections.add(kept)
        return kept

    def _open(self, *, make: bool) -> sqlite3.Connection | None:
        folder = os.path.dirname(self.path)  # noqa: PTH120
        if make:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        mode = "rwc" if make else "rw"
        if not make and not (os.access(self.path, os.W_OK) and os.access(folder, os.W_OK)):
            # Nobody can be writing a file in a place that is read-only: SQLite need not look for that.
            mode = "ro" if os.path.exists(f"{self.path}-wal") else "ro&immutable=1"  # noqa: PTH110
        patience = self._writing if make else self._reading
        connection = sqlite3.connect(
            f"file:{quote(self.path)}?mode={mode}",
            uri=True,
            timeout=patience.seconds(),
            isolation_level=None,
            check_same_thread=False,  # the garbage collector closes it, in any thread
            factory=Connection,
        )
        try:
            if self._prepare(connection, make=make):
                return connection
        except BaseException:
            connection.close()
            raise
        connection.close()  # the process that was making it was killed before it held anything
        return None

    def _prepare(self, connection: sqlite3.Connection, *, make: bool) -> bool:
        """Check that the file is a database of memo of a known version; make a new file one. Return whether it is one."""
        version = self._version(connection)
        if version == 0 and make:
            connection.execute("BEGIN EXCLUSIVE")
            version = self._version(connection)  # another process may have been quicker
            if version == 0:
                for statement in _SCHEMA:
                    connection.execute(statement)
                version = _VERSION
            connection.execute("COMMIT")
        if version > _VERSION:
            raise NewerFormat(self.location, version, _VERSION)
        if make:
            self._turn_to_wal(connection)
        return version > 0

    def _turn_to_wal(self, connection: sqlite3.Connection) -> None:
        """Switch to WAL, once per file. SQLite ignores its busy timeout here, so retry."""
        end = time.monotonic() + self._writing.seconds()
        while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            try:
                connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.005)

    def _version(self, connection: sqlite3.Connection) -> int:
        """Return the version of the tables, 0 if there are none."""
        # One statement: another process may be making it.
        application, version, tables = connection.execute(
            "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), "
            "(SELECT count(*) FROM sqlite_master)"
        ).fetchone()
        if application != _APPLICATION and (tables or application):
            raise StoreNotReadable(self.location, "is a database of another program", _ELSEWHERE)
        return int(version)

    def _failure(
        self, error: sqlite3.Error | UnicodeDecodeError, patience: Patience, kind: type[StoreError]
    ) -> StoreError:
        name = getattr(error, "sqlite_errorname", "")
        doing = "read" if kind is StoreNotReadable else "written"
        if _is_lock(error):
            patience.give_up()
            return StoreLocked(
                self.location, f"cannot be {doing}: another process has kept it locked for {self._timeout:g} seconds"
            )
        if name == "SQLITE_FULL":
            return StoreFull(self.location, "cannot be written: the disk is full", _ELSEWHERE)
        if name == "SQLITE_NOTADB":
            return StoreNotReadable(self.location, "is not a SQLite database", _ELSEWHERE)
        if name.startswith("SQLITE_CORRUPT") or isinstance(error, UnicodeDecodeError):
            return self.damaged(error)
        return kind(self.location, f"cannot be {doing}: {error}")


class _Job:
    """A write that waits for the next transaction."""

    def __init__(self, run: Callable[[sqlite3.Connection], Any], *, flushed: bool) -> None:
        self.run = run
        self.flushed = flushed
        self.done = False
        self.result: Any = None
        self.error: Exception | None = None


_of_other_processes: list[tuple[threading.local, list[Kept]]] = []


def _is_lock(error: Exception) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
