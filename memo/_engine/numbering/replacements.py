"""What a session replaces of an earlier session of this process: in `record` the later outcomes win, and a replay has no others."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from memo._recordings.changed import identity
from memo._recordings.document import Document, parse
from memo.stores import MemoryStore, Store

__all__ = ["Replacements"]

_MOST = 65536
"""How many entries are remembered. Beyond that all are forgotten: a missing warning is better than memory without a bound."""
_Recorded = dict[str, "weakref.ref[Replacements]"]
"""The entries that were recorded in this process, by location, and by which session."""
_elsewhere: _Recorded = {}
_in_memory: weakref.WeakKeyDictionary[Store, _Recorded] = weakref.WeakKeyDictionary()
"""For stores in memory, whose locations are no names."""


class Replacements:
    """The recordings that one session replaces although another session of this process made them."""

    def __init__(self, store: Store, test: str | None) -> None:
        self._store = store
        self._test = test
        self._recorded = _in_memory.setdefault(store, {}) if isinstance(store, MemoryStore) else _elsewhere
        self._before: dict[str, list[Any]] = {}
        """The outcomes that were replaced, by the name of their entry."""

    def note(self, name: str, read: Callable[[str], bytes | None]) -> None:
        """Note that an entry is about to be replaced whole."""
        location = self._store.location(name)
        recorder = self._recorded.get(location)
        if recorder is not None and recorder() is not self:
            document = self._parsed(name, read)
            # A test that is run again replaces what it made.
            if document is not None and (self._test is None or document.test != self._test):
                self._before[name] = identity(document)
        if len(self._recorded) >= _MOST:
            self._recorded.clear()
        self._recorded[location] = weakref.ref(self)

    def lost(self, read: Callable[[str], bytes | None]) -> list[str]:
        """Return the functions whose earlier outcomes differ from those that are there now. Once."""
        before, self._before = self._before, {}
        functions: dict[str, None] = {}
        for name, outcomes in before.items():
            document = self._parsed(name, read)
            if document is not None and identity(document) != outcomes:
                functions[document.function] = None
        return list(functions)

    def _parsed(self, name: str, read: Callable[[str], bytes | None]) -> Document | None:
        data = read(name)
        return parse(data, lambda: self._store.location(name)) if data is not None else None
