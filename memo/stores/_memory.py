"""Recordings in memory: for tests, and for memoizing within one process."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from memo.errors import EntryVanished
from memo.stores._salt import new_salt
from memo.stores._urls import options

__all__ = ["MemoryStore"]


class MemoryStore:
    """Keeps recordings as long as it lives. Nothing reaches the disk.

    `memory://` is a new one each time, `memory://NAME` the same one in all of the process, until it ends. With
    `?max_bytes=1000000`, the entries that were written longest ago are evicted as soon as all are larger than that.
    """

    reads_in_place = True
    writes_in_place = True

    def __init__(self, name: str = "", *, max_bytes: float | None = None) -> None:
        self._name = name
        self.max_bytes = max_bytes
        self._size = 0
        self._entries: dict[str, bytes] = {}
        """In the order in which they were written."""
        self._pending: MemoryStore | None = None
        self._salt = new_salt()
        self._writing = threading.RLock()  # reentrant: the garbage collector ends streams at any time

    @classmethod
    def from_url(cls, url: str) -> MemoryStore:
        """Return the store of the URL: a new one without a name, else the one of that name, with the `max_bytes` of its first URL."""
        name = url.partition("://")[2].partition("?")[0]
        known = options(url, max_bytes=None)
        if not name:
            return cls(**known)
        with _naming:
            return _named.setdefault(name, cls(name, **known))

    def __repr__(self) -> str:
        return f"MemoryStore({self._name!r})"

    def get(self, name: str) -> bytes | None:
        """Return the bytes under a name, None if there is no such entry."""
        return self._entries.get(name)

    def put(self, name: str, data: bytes) -> None:
        """Store the bytes under a name."""
        with self._writing:
            self._keep(name, data)

    def create(self, name: str, data: bytes) -> bytes | None:
        """Store the bytes if there is no entry of that name, and return None; else return the bytes that are there."""
        with self._writing:
            kept = self._entries.get(name)
            if kept is None:
                self._keep(name, data)
        return kept

    def swap(self, name: str, expected: bytes | None, data: bytes) -> bytes | None:
        """Replace the bytes if they are `expected`, and return None; else return the bytes that are there."""
        with self._writing:
            kept = self._entries.get(name)
            if kept == expected:
                self._keep(name, data)
                return None
        if kept is None:
            raise EntryVanished(self.location(name))
        return kept

    def delete(self, name: str) -> bool:
        """Delete the entry; return whether it existed."""
        with self._writing:
            return self._drop(name)

    def discard(self, name: str, expected: bytes) -> bool:
        """Delete the entry if its bytes are `expected`; return whether it was deleted."""
        with self._writing:
            return self._entries.get(name) == expected and self._drop(name)

    def pending(self) -> MemoryStore:
        """Return the store of recordings that wait for a review."""
        with self._writing:
            if self._pending is None:
                self._pending = MemoryStore(f"{self._name}~pending")
            return self._pending

    def _keep(self, name: str, data: bytes) -> None:
        """Store the bytes as the newest entry, and evict the oldest ones where all are too large: never the newest."""
        self._drop(name)
        self._entries[name] = _exact(data)
        self._size += len(data)
        while self.max_bytes is not None and self._size > self.max_bytes and len(self._entries) > 1:
            self._drop(next(iter(self._entries)))

    def _drop(self, name: str) -> bool:
        dropped = self._entries.pop(name, None)
        self._size -= len(dropped) if dropped is not None else 0
        return dropped is not None

    def salt(self) -> bytes:
        """Return the 32 random bytes of this store."""
        return self._salt

    def scan(self, prefix: str = "") -> Iterator[str]:
        """Iterate over the names of entries."""
        return (name for name in list(self._entries) if name.startswith(prefix))

    def location(self, name: str = "") -> str:
        """Return a name for people."""
        return f"memory://{self._name}/{name}" if self._name and name else f"memory://{self._name}{name}"


def _exact(data: bytes) -> bytes:
    """Return a copy that takes as much memory as it is long: orjson's buffers take 4 KB each, whatever is in them."""
    return memoryview(data).tobytes()


_named: dict[str, MemoryStore] = {}
_naming = threading.Lock()
