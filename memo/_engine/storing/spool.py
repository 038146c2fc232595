"""The spool: a local directory for what is recorded while the store cannot be reached."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from memo.errors import StoreNotWritable
from memo.stores import DirectoryStore

__all__ = ["Spool"]


class _OwnersDirectory(DirectoryStore):
    """A directory whose files only their owner reads, whatever its own rights are: the store they are meant for may be closed."""

    @property
    def rights(self) -> int:
        return 0o600


class Spool:
    """Recordings on their way to a store; `memo push` delivers them."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    @cached_property
    def _directory(self) -> DirectoryStore:
        return _OwnersDirectory(os.environ.get("MEMO_SPOOL") or ".memo-spool")

    def location(self) -> str:
        """Return where the spool is, for people."""
        return self._directory.location()

    def get(self, name: str) -> bytes | None:
        """Return the bytes of that name, None where there are none."""
        return self._directory.get(name)

    def write(
        self, name: str, data: bytes, write: Callable[[DirectoryStore, str, bytes], bytes | None]
    ) -> bytes | None:
        """Write by that method of a directory; return what the method returns."""
        self._make()
        kept = write(self._directory, name, data)
        self._names.add(name)
        return kept

    def take_count(self) -> int:
        """Return how many entries were written since the last time."""
        if not self._names:
            return 0
        names, self._names = self._names, set()
        return len(names)

    def _make(self) -> None:
        folder = Path(self.location())
        ignore = folder / ".gitignore"  # as the caches of other tools have one: nobody means to commit them
        try:
            if not ignore.exists():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it may hold what the store hides
                ignore.write_text("*\n")
        except OSError as error:
            raise StoreNotWritable(str(folder), f"cannot be the spool (MEMO_SPOOL): {error.strerror}") from error
