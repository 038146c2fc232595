"""A store as a session uses it: its capabilities are asked for once, and what it cannot do is done without."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

from memo._engine.storing.circuit_breaker import CircuitBreaker
from memo._engine.storing.spool import Spool
from memo._engine.waiting.flights import Claim
from memo._engine.waiting.threads import in_thread, on_asyncio
from memo.errors import (
    EntryVanished,
    RecordingsSpooledWarning,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreNotWritable,
)
from memo.stores import (
    AsyncReads,
    Claims,
    Closes,
    Creates,
    DirectoryStore,
    Expires,
    LayeredStore,
    Remote,
    Store,
    Swaps,
    salt,
)

__all__ = ["SaltUnread", "StoreGateway"]

log = logging.getLogger("memo")

_CAPABILITIES: tuple[Any, ...] = (AsyncReads, Claims, Closes, Creates, Expires, Remote, Swaps)
_known: WeakKeyDictionary[type, frozenset[Any]] = WeakKeyDictionary()


def _capabilities(store: Store) -> frozenset[Any]:
    """Return what a store can do: asked once a class, since asking takes a fifth of a millisecond."""
    if isinstance(store, LayeredStore):  # what it can do depends on its layers
        return _asked(store)
    capabilities = _known.get(type(store))
    if capabilities is None:
        capabilities = _known[type(store)] = _asked(store)
    return capabilities


def _asked(store: Store) -> frozenset[Any]:
    return frozenset(kind for kind in _CAPABILITIES if isinstance(store, kind))


class SaltUnread(Exception):
    """The salt of the store is needed and was not read yet, and reading would block an event loop."""


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
        self.claims_nothing = self._claims is None
        self.is_remote = Remote in capabilities
        """Whether the store is on a server, which others use too."""
        self._aget: Callable[[str], Awaitable[bytes | None]] | None = (
            any_store.aget if AsyncReads in capabilities else None
        )
        # Methods of the store, never of the gateway: what holds itself is freed by the garbage collector alone.
        self._create: Callable[[str, bytes], bytes | None] | None = (
            any_store.create if Creates in capabilities else None
        )
        self._swap: Callable[[str, bytes, bytes], bytes | None] | None = (
            any_store.swap if Swaps in capabilities else None
        )
        self._close: Callable[[], None] | None = any_store.close if Closes in capabilities else None
        self._reads, self._writes = CircuitBreaker(), CircuitBreaker()
        self._spool = Spool()
        self._salt: bytes | None = None

    # Reading

    def get(self, name: str) -> bytes | None:
        """Return the bytes of that name, None where there are none."""
        if self._reads.error is not None and self._reads.is_open():
            return self._instead(name)
        try:
            return self._store.get(name)
        except StoreError as error:
            return self._after(error, name)

    async def aget(self, name: str) -> bytes | None:
        """Async twin of `get`: nothing blocks the event loop."""
        if self._aget is None or not on_asyncio():
            return await in_thread(lambda: self.get(name))
        if self._reads.is_open():
            return self._instead(name)
        try:
            return await self._aget(name)
        except StoreError as error:
            return self._after(error, name)

    def _after(self, error: StoreError, name: str) -> bytes | None:
        """Return what there is in place of what could not be read. Raises the error where nothing is recorded."""
        if not (self.is_remote or self._recording) or not self._may_recover(error):
            raise error
        if not self._reads.is_open():
            self._reads.trip(error)
        if not self._recording:
            raise error
        return self._spool.get(name)

    def _instead(self, name: str) -> bytes | None:
        """Return what is in the spool. Where nothing is recorded, raise the error of the store again."""
        if not self._recording:
            self._reads.check()
        return self._spool.get(name)

    def _may_recover(self, error: StoreError) -> bool:
        """Return whether the store may work again in a moment: the spool is the place for what is recorded in the meantime."""
        return self.is_remote or isinstance(error, StoreLocked)

    # The salt

    def salt(self) -> bytes:
        """Return the salt of the store, which is read once. Raises `StoreError`, for some seconds the same one at once."""
        if self._salt is None:
            self._reads.check()
            try:
                self._salt = salt(self._store)
            except StoreError as error:
                if self._may_recover(error):
                    self._reads.trip(error)
                raise
        return self._salt

    def salt_in_loop(self) -> bytes:
        """Return the salt of the store. Raises `SaltUnread` where that would block an event loop: `aread_salt` comes first."""
        if self._salt is None and not (self._store.reads_in_place and self._store.writes_in_place):
            raise SaltUnread
        return self.salt()

    async def aread_salt(self) -> None:
        """Read the salt of the store in a worker thread. Raises `StoreError`."""
        await in_thread(self.salt)

    def may_go_without_salt(self, error: StoreError) -> bool:
        """Return whether a call is made live whose key needs the salt that cannot be had: as if its outcome was not stored."""
        return self._recording and (self._may_recover(error) or isinstance(error, StoreNotWritable | StoreFull))

    # Writing

    def put(self, name: str, data: bytes) -> None:
        """Keep the bytes under that name."""
        self._write(name, data, self._store.put, DirectoryStore.put)

    def create(self, name: str, data: bytes, claim: Claim | None) -> bytes | None:
        """Keep the bytes if there are none under that name, and return None; else return those. Ends the claim."""
        if claim is not None:
            return self._write(name, data, lambda _, data: claim.finish(data), DirectoryStore.create)
        return self._write(name, data, self._create or self._look_and_put, DirectoryStore.create)

    def swap(self, name: str, expected: bytes, data: bytes) -> bytes | None:
        """Replace the bytes that are expected under that name, and return None; else return those that are there.

        Raises `EntryVanished` where there are none.
        """

        def swap(name: str, data: bytes) -> bytes | None:
            return (self._swap or self._compare_and_put)(name, expected, data)

        def swap_spooled(spool: DirectoryStore, name: str, data: bytes) -> bytes | None:
            # What was read there, or what was read in the store before that went away.
            return spool.swap(name, expected if spool.get(name) is not None else None, data)

        return self._write(name, data, swap, swap_spooled)

    def _compare_and_put(self, name: str, expected: bytes, data: bytes) -> bytes | None:
        there = self._store.get(name)
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
        if self._writes.error is None or not self._writes.is_open():
            try:
                return write(name, data)
            except EntryVanished:
                raise
            except StoreError as error:
                if not self._may_recover(error):
                    raise
                self._writes.trip(error)
        return self._spool.write(name, data, spool)

    def _look_and_put(self, name: str, data: bytes) -> bytes | None:
        kept = self._store.get(name)
        if kept is None:
            self._store.put(name, data)
        return kept

    def undelivered(self) -> RecordingsSpooledWarning | None:
        """Return a warning of what is in the spool instead of in the store. Once."""
        count = self._spool.take_count()
        if not count:
            return None
        reason = self._writes.error.reason if self._writes.error is not None else "it failed"
        return RecordingsSpooledWarning(self._store.location(), self._spool.location(), count, reason)

    def close(self) -> None:
        """Close what the store holds open. The store may still be used."""
        if self._close is None:
            return
        if self._claims is not None:
            from memo._engine.storing.claims import (
                flush,  # a claim that is handed over later would open the store again
            )

            flush()
        self._close()

    # Claims

    @property
    def claims(self) -> Claims | None:
        """Return where calls are claimed, if they are."""
        return None if self._claims is None or self._writes.is_open() else self._claims

    def claim(self, name: str, draw: int | None) -> Claim | bytes | None:
        """Claim a call, or a draw of one; return the bytes instead if the call was recorded, None if there is no claim.

        A draw may have been recorded although it could be claimed: look once more.
        """
        if self.claims is None:
            return self.get(name)
        from memo._engine.storing.claims import claim

        try:
            return claim(self.claims, _claimed(name, draw), self._patience)
        except StoreError as error:
            return self._unclaimed(name, error)

    async def aclaim(self, name: str, draw: int | None) -> Claim | bytes | None:
        """Async twin of `claim`."""
        if self.claims is None:
            return self.get(name) if self.in_place else await self.aget(name)
        from memo._engine.storing.claims import aclaim

        try:
            return await aclaim(self.claims, _claimed(name, draw), self._patience)
        except StoreError as error:
            return self._unclaimed(name, error)

    def claim_renewal(self, name: str, *, waits: bool) -> Claim | None:
        """Claim that an expired entry is made again. Without `waits`, raise `RefreshedElsewhere` if another process does that."""
        if self.claims is None:
            return None
        from memo._engine.storing.claims import claim, try_claim

        renewal = f"{name}~expired"
        try:
            if not waits:
                return try_claim(self.claims, renewal)
            claimed = claim(self.claims, renewal, self._patience)
        except StoreError as error:
            self._unclaimed(renewal, error)
            return None
        return None if isinstance(claimed, bytes) else claimed

    async def aclaim_renewal(self, name: str, *, waits: bool) -> Claim | None:
        """Async twin of `claim_renewal`."""
        if self.claims is None:
            return None
        from memo._engine.storing.claims import aclaim, atry_claim

        renewal = f"{name}~expired"
        try:
            if not waits:
                return await atry_claim(self.claims, renewal)
            claimed = await aclaim(self.claims, renewal, self._patience)
        except StoreError as error:
            self._unclaimed(renewal, error)
            return None
        return None if isinstance(claimed, bytes) else claimed

    def _unclaimed(self, name: str, error: StoreError) -> bytes | None:
        log.warning("%s is called without a claim: %s", name, error)
        if self._may_recover(error):
            self._writes.trip(error)
        return self._spool.get(name)


def _claimed(name: str, draw: int | None) -> str:
    """Return the name under which a draw is claimed: no entry ever has it, since other draws may be in the entry already."""
    return name if draw is None else f"{name}~{draw}"
