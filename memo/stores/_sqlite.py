"""Recordings in one SQLite file: for very many small ones, and for the processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar, cast
from urllib.parse import quote, unquote

from memo.errors import (
    EntryVanished,
    InvalidOption,
    NewerFormat,
    StoreError,
    StoreFull,
    StoreNotReadable,
    StoreNotWritable,
)
from memo.stores._entry import pack, unpack
from memo.stores._salt import checked_salt, new_salt
from memo.stores._store import Held
from memo.stores._urls import masked, options, shown

__all__ = ["SqliteStore"]

T = TypeVar("T")

_APPLICATION = int.from_bytes(b"memo", "big")
_VERSION = 1
_SCHEMA = (
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
    "CREATE TABLE entries (name BLOB NOT NULL UNIQUE, entry BLOB NOT NULL)",
    "CREATE TABLE claims (name BLOB PRIMARY KEY, token TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID",
)
_STATE = "SELECT (SELECT entry FROM entries WHERE name = ?1), token, until FROM (SELECT 1) LEFT JOIN claims ON claims.name = ?1"
_RELEASE = "DELETE FROM claims WHERE name = ? AND token = ?"
_SALT = "SELECT salt FROM salt"
_HAS_SALT = "SELECT 1 FROM sqlite_master WHERE name = 'salt'"
_PAGE = 1000
_LEAST = 512
"""What is smaller is not compressed: several of them fit into a page of the file."""


class SqliteStore:
    """One file, in WAL mode: readers never wait, and writers of any number of processes wait for one another.

    What was put is flushed to disk (`synchronous=FULL`). A process killed at any instant leaves whole entries. Each thread
    has a connection of its own, made when it is needed; so has a forked process. The file is made by the first write: a
    read of one that is not there finds nothing. It belongs on a local disk: SQLite's locks do not reach across machines.

    `sqlite:///file.db` is relative to the working directory, `sqlite:////tmp/file.db` absolute. In the query, `timeout` is
    how many seconds a write waits for others before it is `StoreNotWritable` (5), `lease` how long a claim lasts (15).
    """

    reads_in_place = True
    writes_in_place = False

    def __init__(self, file: str | os.PathLike[str], *, timeout: float = 5.0, lease: float = 15.0) -> None:
        self._path = os.path.abspath(os.path.expanduser(file))  # noqa: PTH100, PTH111 - as text, as in the directory
        self._timeout = timeout
        self.lease = lease
        self._salt: bytes | None = None
        self._reset()

    @classmethod
    def from_url(cls, url: str) -> SqliteStore:
        """The store of that URL. Raises `InvalidOption`."""
        path = url.partition("://")[2].partition("?")[0]
        if not path.startswith("/") or not path.strip("/"):
            raise InvalidOption("store", masked(url), ["sqlite:///relative.db", "sqlite:////absolute.db"])
        return cls(unquote(path[1:]), **options(url, timeout=5.0, lease=15.0))

    def __repr__(self) -> str:
        return f"SqliteStore({self._path!r})"

    def get(self, name: str) -> bytes | None:
        """The bytes of that name, None where there are none."""
        row = self._read("SELECT entry FROM entries WHERE name = ?", (_encoded(name),))
        return unpack(row[0], partial(self.location, name)) if row is not None else None

    def put(self, name: str, data: bytes) -> None:
        """Keep the bytes under that name: flushed to disk when this returns."""
        query = "INSERT INTO entries VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET entry = excluded.entry"
        values = (_encoded(name), pack(data, least=_LEAST))
        self._write(lambda connection: connection.execute(query, values))

    def create(self, name: str, data: bytes) -> bytes | None:
        """Keep the bytes under that name if there are none: None; otherwise the ones that are there. One transaction."""
        kept = self.get(name)  # who comes late need not wait for those who write
        return kept if kept is not None else self._create(name, data, token=None)

    def swap(self, name: str, expected: bytes | None, data: bytes) -> bytes | None:
        """Replace the bytes under that name if they are `expected`: None; otherwise the ones that are there."""
        if expected is None:
            return self.create(name, data)
        kept = self.get(name)  # who is late need not wait for those who write
        if kept == expected:
            kept = self._swap(name, expected, data)
            if kept is expected:
                return None
        if kept is None:
            raise EntryVanished(self.location(name))
        return kept

    def _swap(self, name: str, expected: bytes, data: bytes) -> bytes | None:
        """Replace the bytes if they are `expected`, and return what was there: `expected` itself, if they were."""
        encoded, packed = _encoded(name), pack(data, least=_LEAST)

        def swap(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute("SELECT entry FROM entries WHERE name = ?", (encoded,)).fetchone()
            kept = unpack(row[0], partial(self.location, name)) if row is not None else None
            if kept != expected:
                return kept
            connection.execute("UPDATE entries SET entry = ? WHERE name = ?", (packed, encoded))
            return expected

        return self._write(swap)

    def delete(self, name: str) -> bool:
        """Forget that name. Whether there was anything."""
        if self._connection() is None:
            return False
        query, values = "DELETE FROM entries WHERE name = ?", (_encoded(name),)
        return self._write(lambda connection: connection.execute(query, values).rowcount > 0)

    def scan(self, prefix: str = "") -> Iterator[str]:
        """The names there are, sorted. Read in pages: a long scan holds no transaction open."""
        start = _encoded(prefix)
        end = start + b"\xff"  # which is in no name
        last = b""
        while True:
            connection = self._connection()
            if connection is None:
                return
            try:
                page = connection.execute(
                    "SELECT name FROM entries WHERE name >= ? AND name > ? AND name < ? ORDER BY name LIMIT ?",
                    (start, last, end, _PAGE),
                ).fetchall()
            except sqlite3.Error as error:
                raise self._failure(error, StoreNotReadable) from error
            for (name,) in page:
                yield name.decode(errors="surrogatepass")
            if len(page) < _PAGE:
                return
            last = page[-1][0]

    def location(self, name: str = "") -> str:
        """The file as a URL, and the name in it."""
        root = f"sqlite:///{quote(self._path)}"
        return f"{root}/{shown(name)}" if name else root

    def salt(self) -> bytes:
        """The 32 random bytes of the file, in a table of their own. From then on, the file is its owner's alone (0600)."""
        if self._salt is None:
            row = self._read(_SALT, ()) if self._read(_HAS_SALT, ()) is not None else None
            self._salt = checked_salt(row[0] if row is not None else self._make_salt(), self.location())
        return self._salt

    def _make_salt(self) -> bytes:
        def make(connection: sqlite3.Connection) -> bytes:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS salt (id INTEGER PRIMARY KEY CHECK (id = 1), salt BLOB NOT NULL)"
            )
            connection.execute("INSERT OR IGNORE INTO salt VALUES (1, ?)", (new_salt(),))
            return bytes(connection.execute(_SALT).fetchone()[0])

        salt = self._write(make)
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError, PermissionError):  # the last are another user's, who made the file
                os.chmod(self._path + suffix, 0o600)  # noqa: PTH101
        return salt

    # Claims

    def claim(self, name: str, token: str) -> bytes | Held | None:
        """Claim that name. None if it is claimed now, else its bytes, or who holds it."""
        encoded = _encoded(name)

        def claim(connection: sqlite3.Connection) -> Any:
            row = connection.execute(_STATE, (encoded,)).fetchone()
            if not _is_free(row, token):
                return row
            now = time.time()
            connection.execute("DELETE FROM claims WHERE until <= ?", (now,))
            connection.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?)", (encoded, token, now + self.lease))
            return None

        row = self._read(_STATE, (encoded,))
        if row is None or _is_free(row, token):
            row = self._write(claim, flushed=False)
        if row is None:
            return None
        entry, holder, until = row
        if entry is not None:
            return unpack(entry, partial(self.location, name))
        return Held(holder, until - time.time())

    def renew(self, name: str, token: str) -> bool:
        """Let the claim last for `lease` seconds from now. False if it is not this token's any more."""
        now = time.time()
        query = "UPDATE claims SET until = ? WHERE name = ? AND token = ? AND until > ?"
        values = (now + self.lease, _encoded(name), token, now)
        return self._write(lambda connection: connection.execute(query, values).rowcount > 0, flushed=False)

    def finish(self, name: str, token: str, data: bytes) -> bytes | None:
        """As `create`, and the claim ends in the same transaction."""
        return self._create(name, data, token)

    def release(self, name: str, token: str) -> None:
        """The claim ends without an entry."""
        self._write(lambda connection: connection.execute(_RELEASE, (_encoded(name), token)), flushed=False)

    def _create(self, name: str, data: bytes, token: str | None) -> bytes | None:
        encoded, packed = _encoded(name), pack(data, least=_LEAST)

        def create(connection: sqlite3.Connection) -> bytes | None:
            query = "INSERT INTO entries VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
            created = connection.execute(query, (encoded, packed)).rowcount > 0
            if token is not None:
                connection.execute(_RELEASE, (encoded, token))
            if created:
                return None
            (entry,) = connection.execute("SELECT entry FROM entries WHERE name = ?", (encoded,)).fetchone()
            return bytes(entry)

        entry = self._write(create)
        return unpack(entry, partial(self.location, name)) if entry is not None else None

    # Transactions

    def _read(self, query: str, values: tuple[Any, ...]) -> Any:
        """A row, None where there is none, or no file."""
        connection = self._connection()
        if connection is None:
            return None
        try:
            return connection.execute(query, values).fetchone()
        except sqlite3.Error as error:
            raise self._failure(error, StoreNotReadable) from error

    def _write(self, run: Callable[[sqlite3.Connection], T], *, flushed: bool = True) -> T:
        """What that returns, in a transaction, which is over when this returns.

        The threads of a process share transactions: whoever comes first writes for all who wait, and the disk is flushed
        once. What need not be flushed may be undone by a loss of power, but not by the end of the process.
        """
        connection = self._connection(make=True)
        assert connection is not None
        if connection.in_transaction:
            return run(connection)  # a stream has just been ended by the garbage collector, in the middle of another's
        job = _Job(run, flushed=flushed)
        self._jobs.append(job)
        with self._turn:
            if not job.done:
                self._commit(connection)
        if job.error is not None:
            if isinstance(job.error, sqlite3.Error):
                raise self._failure(job.error, StoreNotWritable) from job.error
            raise job.error
        return cast(T, job.result)

    def _commit(self, connection: sqlite3.Connection) -> None:
        jobs: list[_Job] = []
        with suppress(IndexError):
            while True:
                jobs.append(self._jobs.popleft())
        if not jobs:
            return
        try:
            self._transaction(connection, jobs)
            if len(jobs) > 1 and jobs[0].error is not None:
                for job in jobs:  # one of them may be to blame for all
                    self._transaction(connection, [job])
        except BaseException:
            self._jobs.extend(job for job in jobs if not job.done)  # whoever waits for his own does it
            raise
        for job in jobs:
            job.done = True

    def _transaction(self, connection: sqlite3.Connection, jobs: list[_Job]) -> None:
        try:
            flushed = any(job.flushed for job in jobs)
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
            for job in jobs:
                job.error = error

    # Connections

    def _reset(self) -> None:
        self._process = os.getpid()
        self._local = threading.local()
        # Writers of one process take turns here: SQLite's own way to wait is to sleep, and is unfair.
        # Reentrant: the garbage collector, which ends streams, may come at any time.
        self._turn = threading.RLock()
        self._jobs: deque[_Job] = deque()

    def _connection(self, *, make: bool = False) -> sqlite3.Connection | None:
        """This thread's connection to the file that is there now. None if there is none and it is not to be made."""
        if self._process != os.getpid():
            _of_other_processes.append(self._local)  # which must not be closed here
            self._reset()
        try:
            status = os.stat(self._path)  # noqa: PTH116
            file = (status.st_dev, status.st_ino) if status.st_size else None
        except OSError:
            file = None
        kept: _Kept | None = getattr(self._local, "kept", None)
        if kept is not None and kept.file == file:
            return kept.connection
        if file is None and not make:
            return None
        try:
            connection = self._open(make=make)
            status = os.stat(self._path)  # noqa: PTH116
        except sqlite3.Error as error:
            raise self._failure(error, StoreNotWritable if make else StoreNotReadable) from error
        except OSError as error:
            raise StoreNotWritable(self.location(), f"can not be made: {error.strerror}") from error
        if connection is None:
            return None
        self._local.kept = _Kept(connection, (status.st_dev, status.st_ino))
        return connection

    def _open(self, *, make: bool) -> sqlite3.Connection | None:
        folder = os.path.dirname(self._path)  # noqa: PTH120
        if make:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        mode = "rwc" if make else "rw"
        if not make and not (os.access(self._path, os.W_OK) and os.access(folder, os.W_OK)):
            # Nobody can be writing what lies in a place that is read-only: SQLite need not look for that.
            mode = "ro" if os.path.exists(f"{self._path}-wal") else "ro&immutable=1"  # noqa: PTH110
        connection = sqlite3.connect(
            f"file:{quote(self._path)}?mode={mode}",
            uri=True,
            timeout=self._timeout,
            isolation_level=None,
            check_same_thread=False,  # the garbage collector closes it, in any thread
        )
        try:
            if self._prepare(connection, make=make):
                return connection
        except BaseException:
            connection.close()
            raise
        connection.close()  # whoever was making it was killed before it held anything
        return None

    def _prepare(self, connection: sqlite3.Connection, *, make: bool) -> bool:
        """See that it is a database of memo's, of a version that is known; make it one if it is new. Whether it is one."""
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
            raise NewerFormat(self.location(), version, _VERSION)
        if make:
            self._turn_to_wal(connection)
        return version > 0

    def _turn_to_wal(self, connection: sqlite3.Connection) -> None:
        """Once in a file's life. SQLite does not wait for others by itself here."""
        end = time.monotonic() + self._timeout
        while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            try:
                connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.005)

    def _version(self, connection: sqlite3.Connection) -> int:
        """The version of its tables, 0 if it has none."""
        # One statement: another process may be making it.
        application, version, tables = connection.execute(
            "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), "
            "(SELECT count(*) FROM sqlite_master)"
        ).fetchone()
        if application != _APPLICATION and (tables or application):
            raise StoreNotReadable(self.location(), "is a database of another program's. Choose another file")
        return int(version)

    def _failure(self, error: sqlite3.Error, kind: type[StoreError]) -> StoreError:
        name = getattr(error, "sqlite_errorname", "")
        doing = "read" if kind is StoreNotReadable else "written"
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return kind(
                self.location(), f"can not be {doing}: another process has kept it locked for {self._timeout:g} seconds"
            )
        if name == "SQLITE_FULL":
            return StoreFull(
                self.location(), "can not be written: the disk is full. Free some space, or choose another"
            )
        if name == "SQLITE_NOTADB":
            return StoreNotReadable(self.location(), "is no SQLite database. Choose another file")
        if name.startswith("SQLITE_CORRUPT"):
            return StoreNotReadable(
                self.location(), f"is damaged ({error}). Rescue what can be: sqlite3 '{self._path}' .recover"
            )
        return kind(self.location(), f"can not be {doing}: {error}")


class _Job:
    """Something to be written by whoever writes next."""

    def __init__(self, run: Callable[[sqlite3.Connection], Any], *, flushed: bool) -> None:
        self.run = run
        self.flushed = flushed
        self.done = False
        self.result: Any = None
        self.error: Exception | None = None


class _Kept:
    """A thread's connection, closed with the thread."""

    def __init__(self, connection: sqlite3.Connection, file: tuple[int, int]) -> None:
        self.connection = connection
        self.file = file

    def __del__(self) -> None:
        self.connection.close()


_of_other_processes: list[threading.local] = []


def _encoded(name: str) -> bytes:
    return name.encode(errors="surrogatepass")


def _is_free(row: Any, token: str) -> bool:
    """Whether a name, in the state that it has, can be claimed."""
    entry, holder, until = row
    return entry is None and (holder in (None, token) or until <= time.time())
