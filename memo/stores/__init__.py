"""Stores of recordings: bytes under names.

`DirectoryStore` is the default, `JsonLinesStore` keeps one file, and `MemoryStore` ends with the process; `as_store` returns the others by their URLs.

A new store is a module here with a class that keeps the promises of `Store` (`memo.stores._store`), and a line in `_urls.py`;
docs/CONTRIBUTING.md has the recipe, and `tests/stores` the tests that every store passes.
"""

import warnings
from typing import Any

from memo.stores._directory import DirectoryStore
from memo.stores._json_lines import JsonLinesStore
from memo.stores._layered import LayeredStore, StoreLike, as_layers, layer_of, layers_of
from memo.stores._memory import MemoryStore
from memo.stores._salt import salt
from memo.stores._store import (
    AsyncReads,
    Bounded,
    Claims,
    Closes,
    Creates,
    Discards,
    Expires,
    HeldClaim,
    ReadsMany,
    Remote,
    Reviews,
    Salted,
    Store,
    Swaps,
    Wakes,
)
from memo.stores._urls import as_store

__all__ = [
    "AsyncReads",
    "Bounded",
    "Claims",
    "Closes",
    "Creates",
    "DirectoryStore",
    "Discards",
    "Expires",
    "HeldClaim",
    "JsonLinesStore",
    "LayeredStore",
    "MemoryStore",
    "ReadsMany",
    "Remote",
    "Reviews",
    "Salted",
    "Store",
    "StoreLike",
    "Swaps",
    "Wakes",
    "as_layers",
    "as_store",
    "layer_of",
    "layers_of",
    "salt",
]


def __getattr__(name: str) -> Any:
    if name == "Held":
        warnings.warn("memo.stores.Held is now memo.stores.HeldClaim", DeprecationWarning, stacklevel=2)
        return HeldClaim
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
