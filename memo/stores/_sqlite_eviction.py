"""A SQLite file of a limited size: the entries that were written longest ago go first."""

from __future__ import annotations

import sqlite3

__all__ = ["evict"]

# The file itself keeps the total, whichever process writes to it, and whether that process has a limit or not.
_TOTAL = (
    "CREATE TABLE size (id INTEGER PRIMARY KEY CHECK (id = 1), bytes INTEGER NOT NULL)",
    "INSERT INTO size SELECT 1, coalesce(sum(length(entry)), 0) FROM entries",
    "CREATE TRIGGER size_inserted AFTER INSERT ON entries BEGIN UPDATE size SET bytes = bytes + length(new.entry); END",
    (
        "CREATE TRIGGER size_updated AFTER UPDATE ON entries BEGIN "
        "UPDATE size SET bytes = bytes + length(new.entry) - length(old.entry); END"
    ),
    "CREATE TRIGGER size_deleted AFTER DELETE ON entries BEGIN UPDATE size SET bytes = bytes - length(old.entry); END",
)
_OLDEST = (
    "SELECT rowid, length(entry) FROM entries WHERE rowid < (SELECT max(rowid) FROM entries) ORDER BY rowid LIMIT 100"
)


def evict(connection: sqlite3.Connection, max_bytes: float | None) -> None:
    """Delete the oldest entries where all together have more bytes than that; never the newest one.

    Called within the transaction of each write. The first call for a file adds up its entries.
    """
    if max_bytes is None:
        return
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'size'").fetchone() is None:
        for statement in _TOTAL:
            connection.execute(statement)
    (size,) = connection.execute("SELECT bytes FROM size").fetchone()
    while size > max_bytes:
        oldest = connection.execute(_OLDEST).fetchall()
        if not oldest:
            return
        for row, length in oldest:
            connection.execute("DELETE FROM entries WHERE rowid = ?", (row,))
            size -= length
            if size <= max_bytes:
                return
