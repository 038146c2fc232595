"""The protocol that every store keeps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from memo.errors import InvalidOption

__all__ = ["Store", "as_store"]


@runtime_checkable
class Store(Protocol):
    """Bytes under names of the form `function/key`, both of them text that may hold anything.

    All methods may be called from several threads and processes at once. Whatever fails in the store itself is a
    `StoreError`. An entry is replaced whole: a reader sees the old bytes or the new ones.
    """

    reads_in_place: bool
    """Whether `get` is so quick that an event loop may call it directly; otherwise a worker thread does."""

    writes_in_place: bool
    """The same of `put`."""

    def get(self, name: str) -> bytes | None:
        """The bytes of that name, None where there are none."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Keep the bytes under that name, for good when this returns."""
        ...

    def delete(self, name: str) -> bool:
        """Forget that name. Whether there was anything."""
        ...

    def scan(self, prefix: str = "") -> Iterator[str]:
        """The names there are, of one function with `prefix="function/"`. What is added meanwhile may be missing."""
        ...

    def location(self, name: str = "") -> str:
        """Where the entry of that name lies, for people: a path, without credentials. Of the store itself without one."""
        ...


def as_store(store: Store | str | os.PathLike[str]) -> Store:
    """A store as users may write it: a directory's path (`~` is expanded), `memory://`, or a store."""
    from memo.stores._directory import DirectoryStore
    from memo.stores._memory import MemoryStore

    if store == "memory://":
        return MemoryStore()
    if isinstance(store, str) and "://" in store:
        raise InvalidOption(
            "store", store, ["a directory's path", "memory://", "an object with get, put, delete and scan"]
        )
    if isinstance(store, str | os.PathLike):
        return DirectoryStore(store)
    if isinstance(store, Store):
        return store
    raise InvalidOption("store", store, ["a directory's path", "memory://", "an object with get, put, delete and scan"])
