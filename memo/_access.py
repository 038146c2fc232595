"""A store as a session uses it: what it can do is asked once, and what it can not do is done without."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import anyio.to_thread

from memo.stores import AsyncReads, Claims, Creates, Expires, Remote, Store, Wakes

__all__ = ["Access", "on_asyncio"]

_POWERS: tuple[Any, ...] = (AsyncReads, Claims, Creates, Expires, Remote, Wakes)
_known: WeakKeyDictionary[type, frozenset[Any]] = WeakKeyDictionary()


def _powers(store: Store) -> frozenset[Any]:
    """What a store can do: asked once a class, since asking takes a tenth of a millisecond."""
    powers = _known.get(type(store))
    if powers is None:
        powers = _known[type(store)] = frozenset(power for power in _POWERS if isinstance(store, power))
    return powers


def on_asyncio() -> bool:
    """Whether an asyncio event loop runs here. (Clients of servers know no other.)"""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Access:
    """What a session asks of its store."""

    def __init__(self, store: Store) -> None:
        powers = _powers(store)
        self.store = store
        self.get: Callable[[str], bytes | None] = store.get
        self._aget = store.aget if isinstance(store, AsyncReads) and AsyncReads in powers else None
        self._create = store.create if isinstance(store, Creates) and Creates in powers else self._look_and_put

    async def aget(self, name: str) -> bytes | None:
        """The bytes of that name, without blocking the event loop."""
        if self._aget is not None and on_asyncio():
            return await self._aget(name)
        return await anyio.to_thread.run_sync(self.get, name)

    def create(self, name: str, data: bytes) -> bytes | None:
        """Keep the bytes if there are none under that name: None; otherwise the ones that are there."""
        return self._create(name, data)

    def _look_and_put(self, name: str, data: bytes) -> bytes | None:
        kept = self.store.get(name)
        if kept is None:
            self.store.put(name, data)
        return kept
