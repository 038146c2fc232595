"""Where recordings lie: bytes under names. `DirectoryStore` is the default, `MemoryStore` keeps nothing; others by URL."""

from memo.stores._directory import DirectoryStore
from memo.stores._memory import MemoryStore
from memo.stores._salt import salt
from memo.stores._store import (
    AsyncReads,
    Claims,
    Closes,
    Creates,
    Expires,
    Held,
    ReadsMany,
    Remote,
    Salted,
    Store,
    Swaps,
    Wakes,
)
from memo.stores._urls import as_store

__all__ = [
    "AsyncReads",
    "Claims",
    "Closes",
    "Creates",
    "DirectoryStore",
    "Expires",
    "Held",
    "MemoryStore",
    "ReadsMany",
    "Remote",
    "Salted",
    "Store",
    "Swaps",
    "Wakes",
    "as_store",
    "salt",
]
