"""Recordings in memory: for tests, and for memoizing within one process."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from memo.errors import EntryVanished
from memo.stores._salt import new_salt

__all__ = ["MemoryStore"]


class MemoryStore:
    """Keeps recordings as long as it lives. Nothing reaches the disk; nothing is evicted.

    `memory://` is a new one each time, `memory://NAME` the same one in all of the process, until it ends.
    """

    reads_in_place = True
    writes_in_place = True

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._entries: dict[str, bytes] = {}
        self._salt = new_salt()
        self._writing = threading.RLock()  # reentrant: the garbage collector ends streams at any time

    @classmethod
    def from_url(cls, url: str) -> MemoryStore:
        """Return the store of the URL: a new one without a name, else the one of that name."""
        name = url.partition("://")[2]
        if not name:
            return cls()
        with _naming:
            return _named.setdefault(name, cls(name))

    def __repr__(self) -> str:
        return f"MemoryStore({self._name!r})"

    def get(self, name: str) -> bytes | None:
        """Return the bytes under a name, None if there is no such entry."""
        return self._entries.get(name)

    def put(self, name: str, data: bytes) -> None:
        """Store the bytes under a name."""
        with self._writing:
            self._entries[name] = _exact(data)

    def create(self, name: str, data: bytes) -> bytes | None:
        """Store the bytes if there is no entry of that name, and return None; else return the bytes that are there."""
        with self._writing:
            kept = self._entries.get(name)
            if kept is None:
                self._entries[name] = _exact(data)
        return kept

    def swap(self, name: str, expected: bytes | None, data: bytes) -> bytes | None:
        """Replace the bytes if they are `expected`, and return None; else return the bytes that are there."""
        with self._writing:
            kept = self._entries.get(name)
            if kept == expected:
                self._entries[name] = _exact(data)
                return None
        if kept is None:
            raise EntryVanished(self.location(name))
        return kept

    def delete(self, name: str) -> bool:
        """Delete the entry; return whether it existed."""
        with self._writing:
            return self._entries.pop(name, None) is not None

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
