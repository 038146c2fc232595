"""Where recordings lie: bytes under names. `DirectoryStore` is the default, `MemoryStore` keeps nothing."""

from memo.stores._directory import DirectoryStore
from memo.stores._memory import MemoryStore
from memo.stores._store import Store, as_store

__all__ = ["DirectoryStore", "MemoryStore", "Store", "as_store"]
