"""Recordings in memory: for tests, and for memoizing within one process."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["MemoryStore"]


class MemoryStore:
    """Keeps recordings as long as it lives. Nothing reaches the disk; nothing is evicted."""

    reads_in_place = True
    writes_in_place = True

    def __init__(self) -> None:
        self._entries: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """The bytes of that name, None where there are none."""
        return self._entries.get(name)

    def put(self, name: str, data: bytes) -> None:
        """Keep the bytes under that name."""
        self._entries[name] = data

    def delete(self, name: str) -> bool:
        """Forget that name. Whether there was anything."""
        return self._entries.pop(name, None) is not None

    def scan(self, prefix: str = "") -> Iterator[str]:
        """The names there are."""
        return (name for name in list(self._entries) if name.startswith(prefix))

    def location(self, name: str = "") -> str:
        """A name for people."""
        return f"memory://{name}"
