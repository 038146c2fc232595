"""A store as a session uses it: what it can do is asked once, and what it can not do is done without."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import anyio.to_thread

from memo._engine.flights import Claim
from memo._engine.threads import on_asyncio
from memo.errors import EntryVanished, RecordingsSpooledWarning, StoreError, StoreLocked, StoreNotWritable
from memo.stores import AsyncReads, Claims, Closes, Creates, DirectoryStore, Expires, Remote, Store, Swaps

__all__ = ["StoreGateway"]

log = logging.getLogger("memo")

_CAPABILITIES: tuple[Any, ...] = (AsyncReads, Claims, Closes, Creates, Expires, Remote, Swaps)
_known: WeakKeyDictionary[type, frozenset[Any]] = WeakKeyDictionary()


def _capabilities(store: Store) -> frozenset[Any]:
    """What a store can do: asked once a class, since asking takes a fifth of a millisecond."""
    capabilities = _known.get(type(store))
    if capabilities is None:
        capabilities = _known[type(store)] = frozenset(kind for kind in _CAPABILITIES if isinstance(store, kind))
    return capabilities


class StoreGateway:
    """What a session asks of its store.

    A store behind a network may fail. Without recording, that is an error, and for the next seconds the same one at once: a
    test suite does not wait for each of its calls. While recording, reads find what is in the spool, a local directory, and
    writes go there, until the store is asked again.
    """

    def __init__(self, store: Store, *, recording: bool, claims: bool, patience: float) -> None:
        capabilities = _capabilities(store)
        any_store: Any = store
        self._store = store
        self._patience = patience
        self._recording = recording
        self.in_place = store.reads_in_place
        self.ttl: float | None = any_store.ttl if Expires in capabilities else None
        """Seconds that the store keeps an entry."""
        self._claims: Claims | None = any_store if Claims in capabilities and claims else None
        self._remote = Remote in capabilities
        self._get: Callable[[str], bytes | None] = store.get
        self.get: Callable[[str], bytes | None] = self._get_or_spooled if self._remote or recording else store.get
        """The bytes of that name, None where there are none."""
        self._aget: Callable[[str], Awaitable[bytes | None]] | None = (
            any_store.aget if AsyncReads in capabilities else None
        )
        self._create: Callable[[str, bytes], bytes | None] = (
            any_store.create if Creates in capabilities else self._look_and_put
        )
        self.close: Callable[[], None] = any_store.close if Closes in capabilities else _nothing
        """Close what the store holds open. The store may still be used."""
        self._swap: Callable[[str, bytes, bytes], bytes | None] = (
            any_store.swap if Swaps in capabilities else self._compare_and_put
        )
        self._reads, self._writes = CircuitBreaker(), CircuitBreaker()
        self._spooled: set[str] = set()

    # Reading

    def _get_or_spooled(self, name: str) -> bytes | None:
        if self._reads.is_open(raising=not self._recording):
            return self._spool.get(name)
        try:
            return self._get(name)
        except StoreError as error:
            return self.missed(name, error)

    def _may_recover(self, error: StoreError) -> bool:
        """True if the store may work again in a moment, so that the spool is the place for what is recorded meanwhile."""
        return self._remote or isinstance(error, StoreLocked)

    def aget(self, name: str) -> Awaitable[bytes | None]:
        """The same without blocking the event loop: to be awaited, and if that raises a `StoreError`, to be `missed`."""
        if self._aget is None or not on_asyncio():
            return anyio.to_thread.run_sync(self.get, name)
        if self._reads.error is not None and self._reads.is_open(raising=not self._recording):
            return _now(self._spool.get(name))
        return self._aget(name)

    def missed(self, name: str, error: StoreError) -> bytes | None:
        """What is there in place of what could not be read. Raises the error, where nothing is recorded."""
        if not self._may_recover(error):
            raise error
        if not self._reads.is_open():
            self._reads.trip(error)
        if not self._recording:
            raise error
        return self._spool.get(name)

    # Writing

    def put(self, name: str, data: bytes) -> None:
        """Keep the bytes under that name."""
        self._write(name, data, self._store.put, DirectoryStore.put)

    def create(self, name: str, data: bytes, claim: Claim | None) -> bytes | None:
        """Keep the bytes if there are none under that name: None; otherwise the ones that are there. Ends the claim."""
        if claim is not None:
            return self._write(name, data, lambda _, data: claim.finish(data), DirectoryStore.create)
        return self._write(name, data, self._create, DirectoryStore.create)

    def swap(self, name: str, expected: bytes, data: bytes) -> bytes | None:
        """Replace the bytes that are expected under that name: None; otherwise return the ones that are there.

        Raises `EntryVanished` where there are none.
        """

        def swap(name: str, data: bytes) -> bytes | None:
            return self._swap(name, expected, data)

        def swap_spooled(spool: DirectoryStore, name: str, data: bytes) -> bytes | None:
            # What was read there, or what was read in the store before that went away.
            return spool.swap(name, expected if spool.get(name) is not None else None, data)

        return self._write(name, data, swap, swap_spooled)

    def _compare_and_put(self, name: str, expected: bytes, data: bytes) -> bytes | None:
        there = self._get(name)
        if there is None:
            raise EntryVanished(self._store.location(name))
        if there != expected:
            return there
        self._store.put(name, data)
        return None

    def _write(
        self,
        name: str,
        data: bytes,
        write: Callable[[str, bytes], bytes | None],
        spool: Callable[[DirectoryStore, str, bytes], bytes | None],
    ) -> bytes | None:
        if not self._writes.is_open():
            try:
                return write(name, data)
            except EntryVanished:
                raise
            except StoreError as error:
                if not self._may_recover(error):
                    raise
                self._writes.trip(error)
        self._make_spool()
        kept = spool(self._spool, name, data)
        self._spooled.add(name)
        return kept

    def _look_and_put(self, name: str, data: bytes) -> bytes | None:
        kept = self._get(name)
        if kept is None:
            self._store.put(name, data)
        return kept

    # The spool

    @cached_property
    def _spool(self) -> DirectoryStore:
        return DirectoryStore(os.environ.get("MEMO_SPOOL") or ".memo-spool")

    def _make_spool(self) -> None:
        folder = Path(self._spool.location())
        ignore = folder / ".gitignore"  # as other tools' caches have it: nobody means to commit this one
        try:
            if not ignore.exists():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it may hold what the store hides
                ignore.write_text("*\n")
        except OSError as error:
            raise StoreNotWritable(str(folder), f"can not be the spool (MEMO_SPOOL): {error.strerror}") from error

    def undelivered(self) -> RecordingsSpooledWarning | None:
        """What is in the spool instead of in the store. Told once."""
        spooled, self._spooled = self._spooled, set()
        if not spooled:
            return None
        reason = self._writes.error.reason if self._writes.error is not None else "it failed"
        return RecordingsSpooledWarning(self._store.location(), self._spool.location(), len(spooled), reason)

    # Claims

    @property
    def claims(self) -> Claims | None:
        """Where calls are claimed, if they are."""
        return None if self._writes.is_open() else self._claims

    def claim(self, name: str, draw: int) -> Claim | bytes | None:
        """Claim a draw of a call; return the bytes instead if it is the first and was recorded, None if there is no claim.

        A later draw may have been recorded although it could be claimed: look once more.
        """
        if self.claims is None:
            return self.get(name)
        from memo._engine.claims import claim

        try:
            return claim(self.claims, _claimed(name, draw), self._patience)
        except StoreError as error:
            return self._unclaimed(name, error)

    async def aclaim(self, name: str, draw: int) -> Claim | bytes | None:
        """Async twin of `claim`."""
        if self.claims is None:
            if self.in_place:
                return self.get(name)
            try:
                return await self.aget(name)
            except StoreError as error:
                return self.missed(name, error)
        from memo._engine.claims import aclaim

        try:
            return await aclaim(self.claims, _claimed(name, draw), self._patience)
        except StoreError as error:
            return self._unclaimed(name, error)

    def _unclaimed(self, name: str, error: StoreError) -> bytes | None:
        log.warning("%s is called without a claim: %s", name, error)
        if self._may_recover(error):
            self._writes.trip(error)
        return self._spool.get(name)


def _nothing() -> None: ...


def _claimed(name: str, draw: int) -> str:
    """Return the name under which a draw is claimed: no entry ever has the name of a later one."""
    return f"{name}~{draw}" if draw else name


async def _now(data: bytes | None) -> bytes | None:
    return data


class CircuitBreaker:
    """A store that does not work, and until when it is not asked again."""

    _SECONDS = 5.0

    def __init__(self) -> None:
        self.error: StoreError | None = None
        self._until = 0.0
        self._lock = threading.RLock()

    def trip(self, error: StoreError) -> None:
        """It failed."""
        with self._lock:
            said = self.is_open()  # by another of many calls that were made at once
            self.error = error
            self._until = time.monotonic() + self._SECONDS
        if not said:
            log.warning("%s; it is asked again in %g seconds", error, self._SECONDS)

    def is_open(self, *, raising: bool = False) -> bool:
        """Whether it failed just now. Raises its error again if that is wished."""
        if self.error is None or time.monotonic() >= self._until:
            return False
        if raising:
            raise copy(self.error)
        return True
