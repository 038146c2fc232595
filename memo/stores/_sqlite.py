"""Recordings in one SQLite file: for very many small ones, and for the processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import unquote

from memo.errors import EntryVanished, InvalidOption
from memo.stores._entry import pack, unpack
from memo.stores._salt import checked_salt, new_salt
from memo.stores._sqlite_eviction import evict
from memo.stores._sqlite_file import SqliteFile
from memo.stores._store import HeldClaim
from memo.stores._urls import masked, options
from memo.stores.file_names import shown

__all__ = ["SqliteStore"]

_STATE = "SELECT (SELECT entry FROM entries WHERE name = ?), token, until FROM (SELECT 1) LEFT JOIN claims ON claims.name = ?"
_RELEASE = "DELETE FROM claims WHERE name = ? AND token = ?"
_SALT = "SELECT salt FROM salt"
_HAS_SALT = "SELECT 1 FROM sqlite_master WHERE name = 'salt'"
_PAGE = 1000
_LEAST = 512
"""Bytes. Smaller entries are not compressed: several fit into a page of the file."""


class SqliteStore:
    """One file, in WAL mode: readers never wait, and writers of any number of processes wait for one another.

    What was put is flushed to disk (`synchronous=FULL`). A process killed at any instant leaves whole entries. Each thread
    has its own connection, made when it is needed; so has a forked process. The file is made by the first write: a
    read of one that is not there finds nothing. It belongs on a local disk: SQLite's locks do not reach across machines.

    `sqlite:///file.db` is relative to the working directory, `sqlite:////tmp/file.db` absolute. In the query, `timeout` is
    how many seconds a write waits for others before it is `StoreNotWritable` (5), `lease` how long a claim lasts (15), and
    `max_bytes` how large all entries together may be (no limit): a write evicts those that were written longest ago, in its own
    transaction. The space is used again; the file does not shrink.
    """

    reads_in_place = True
    writes_in_place = False

    def __init__(
        self, file: str | os.PathLike[str], *, timeout: float = 5.0, lease: float = 15.0, max_bytes: float | None = None
    ) -> None:
        path = os.path.abspath(os.path.expanduser(file))  # noqa: PTH100, PTH111 - as text, as in the directory
        self.file = SqliteFile(path, timeout)
        self.lease = lease
        self.max_bytes = max_bytes
        self._timeout = timeout
        self._pending: SqliteStore | None = None
        self._salt: bytes | None = None

    @classmethod
    def from_url(cls, url: str) -> SqliteStore:
        """Return the store of a URL, without opening it. Raises `InvalidOption`."""
        path = url.partition("://")[2].partition("?")[0]
        if not path.startswith("/") or not path.strip("/"):
            raise InvalidOption("store", masked(url), ["sqlite:///relative.db", "sqlite:////absolute.db"])
        return cls(unquote(path[1:]), **options(url, timeout=5.0, lease=15.0, max_bytes=None))

    def __repr__(self) -> str:
        return f"SqliteStore({self.file.path!r})"

    def get(self, name: str) -> bytes | None:
        """Return the bytes under a name, None if there is no such entry."""
        rows = self.file.read("SELECT entry FROM entries WHERE name = ?", (_encoded(name),))
        return unpack(rows[0][0], partial(self.location, name)) if rows else None

    def put(self, name: str, data: bytes) -> None:
        """Store the bytes under a name, flushed to disk when `put` returns."""
        values = (_encoded(name), pack(data, least=_LEAST))

        def put(connection: sqlite3.Connection) -> None:
            self._replace(connection, *values)

        self.file.write(put)

    def create(self, name: str, data: bytes) -> bytes | None:
        """Store the bytes if there is no entry of that name, and return None; else return the bytes that are there."""
        kept = self.get(name)  # a late caller need not wait for writers
        return kept if kept is not None else self._create(name, data, token=None)

    def swap(self, name: str, expected: bytes | None, data: bytes) -> bytes | None:
        """Replace the bytes if they are `expected`, and return None; else return the bytes that are there."""
        if expected is None:
            return self.create(name, data)
        kept = self.get(name)  # a late caller need not wait for writers
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
            self._replace(connection, encoded, packed)
            return expected

        return self.file.write(swap)

    def _replace(self, connection: sqlite3.Connection, encoded: bytes, packed: bytes) -> None:
        """Store an entry as the newest one: its row comes last."""
        connection.execute("DELETE FROM entries WHERE name = ?", (encoded,))
        connection.execute("INSERT INTO entries VALUES (?, ?)", (encoded, packed))
        evict(connection, self.max_bytes)

    def delete(self, name: str) -> bool:
        """Delete the entry; return whether it existed."""
        if not self.file.exists():
            return False
        query, values = "DELETE FROM entries WHERE name = ?", (_encoded(name),)
        return self.file.write(lambda connection: connection.execute(query, values).rowcount > 0)

    def discard(self, name: str, expected: bytes) -> bool:
        """Delete the entry if its bytes are `expected`; return whether it was deleted."""
        encoded = _encoded(name)

        def discard(connection: sqlite3.Connection) -> bool:
            row = connection.execute("SELECT entry FROM entries WHERE name = ?", (encoded,)).fetchone()
            if row is None or unpack(row[0], partial(self.location, name)) != expected:
                return False
            return connection.execute("DELETE FROM entries WHERE name = ?", (encoded,)).rowcount > 0

        return self.get(name) == expected and self.file.write(discard)

    def pending(self) -> SqliteStore:
        """Return the store of recordings that wait for a review: a file beside this one, `FILE-pending`."""
        if self._pending is None:
            self._pending = SqliteStore(f"{self.file.path}-pending", timeout=self._timeout)
        return self._pending

    def scan(self, prefix: str = "") -> Iterator[str]:
        """Iterate over the names of entries, sorted, a page at a time: a long scan holds no transaction open."""
        start = _encoded(prefix)
        end = start + b"\xff"  # no name contains this byte
        last = b""
        while True:
            page = self.file.read(
                "SELECT name FROM entries WHERE name >= ? AND name > ? AND name < ? ORDER BY name LIMIT ?",
                (start, last, end, _PAGE),
            )
            for (name,) in page:
                try:
                    text = name.decode(errors="surrogatepass")
                except UnicodeDecodeError as error:
                    raise self.file.damaged(error) from error
                yield text
            if len(page) < _PAGE:
                return
            last = page[-1][0]

    def location(self, name: str = "") -> str:
        """Return the file as a URL, and the name in the file."""
        return f"{self.file.location}/{shown(name)}" if name else self.file.location

    def close(self) -> None:
        """Close the connections of all threads, but for those in use. They are opened again when they are needed."""
        self.file.close()
        if self._pending is not None:
            self._pending.close()

    def salt(self) -> bytes:
        """Return the 32 random bytes of the file, kept in a table. From then on, the file is closed to other users (0600)."""
        if self._salt is None:
            rows = self.file.read(_SALT) if self.file.read(_HAS_SALT) else []
            self._salt = checked_salt(rows[0][0] if rows else self._make_salt(), self.location())
        return self._salt

    def _make_salt(self) -> bytes:
        def make(connection: sqlite3.Connection) -> bytes:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS salt (id INTEGER PRIMARY KEY CHECK (id = 1), salt BLOB NOT NULL)"
            )
            connection.execute("INSERT OR IGNORE INTO salt VALUES (1, ?)", (new_salt(),))
            return bytes(connection.execute(_SALT).fetchone()[0])

        salt = self.file.write(make)
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError, PermissionError):  # another user may own the file
                os.chmod(self.file.path + suffix, 0o600)  # noqa: PTH101
        return salt

    # Claims

    def claim(self, name: str, token: str) -> bytes | HeldClaim | None:
        """Claim a name and return None; else return the bytes of its entry, or the claim that somebody else holds."""
        encoded = _encoded(name)

        def claim(connection: sqlite3.Connection) -> Any:
            row = connection.execute(_STATE, (encoded, encoded)).fetchone()
            if not _is_free(row, token):
                return row
            now = time.time()
            connection.execute("DELETE FROM claims WHERE until <= ?", (now,))
            connection.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?)", (encoded, token, now + self.lease))
            return None

        rows = self.file.read(_STATE, (encoded, encoded))
        row = rows[0] if rows else None
        if row is None or _is_free(row, token):
            row = self.file.write(claim, flushed=False)
        if row is None:
            return None
        entry, holder, until = row
        if entry is not None:
            return unpack(entry, partial(self.location, name))
        return HeldClaim(holder, until - time.time())

    def renew(self, name: str, token: str) -> bool:
        """Extend the claim to `lease` seconds from now; return False if the claim is no longer this token's."""
        now = time.time()
        query = "UPDATE claims SET until = ? WHERE name = ? AND token = ? AND until > ?"
        values = (now + self.lease, _encoded(name), token, now)
        return self.file.write(lambda connection: connection.execute(query, values).rowcount > 0, flushed=False)

    def finish(self, name: str, token: str, data: bytes) -> bytes | None:
        """Do what `create` does, and end the claim in the same transaction."""
        return self._create(name, data, token)

    def release(self, name: str, token: str) -> None:
        """End the claim without an entry."""
        self.file.write(lambda connection: connection.execute(_RELEASE, (_encoded(name), token)), flushed=False)

    def _create(self, name: str, data: bytes, token: str | None) -> bytes | None:
        encoded, packed = _encoded(name), pack(data, least=_LEAST)

        def create(connection: sqlite3.Connection) -> bytes | None:
            query = "INSERT INTO entries VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
            created = connection.execute(query, (encoded, packed)).rowcount > 0
            if token is not None:
                connection.execute(_RELEASE, (encoded, token))
            if created:
                evict(connection, self.max_bytes)
                return None
            (entry,) = connection.execute("SELECT entry FROM entries WHERE name = ?", (encoded,)).fetchone()
            return bytes(entry)

        entry = self.file.write(create)
        return unpack(entry, partial(self.location, name)) if entry is not None else None


def _encoded(name: str) -> bytes:
    return name.encode(errors="surrogatepass")


def _is_free(row: Any, token: str) -> bool:
    """Return whether a name in this state can be claimed."""
    entry, holder, until = row
    return entry is None and (holder in (None, token) or until <= time.time())
