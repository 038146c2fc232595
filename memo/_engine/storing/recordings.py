"""The recordings of a store, as a session has them: found and claimed, held in memory, and deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from memo._calls.call import Call
from memo._calls.digest import entry_name
from memo._engine.storing.expiry import Expiry, checked_renewal
from memo._engine.storing.gateway import StoreGateway
from memo._engine.storing.memory import Memory, Recording
from memo._engine.storing.tags import tagged
from memo._engine.waiting.flights import Claim, Flight
from memo._recordings.document import Document, parse, render
from memo.stores import Store

__all__ = ["Recordings"]


class Recordings:
    """The recordings of a store. Safe for threads."""

    def __init__(self, store: Store, entries: Store, gateway: StoreGateway, memory: Memory) -> None:
        self._store = store
        self._entries = entries
        """The store, or where what is recorded is put aside."""
        self._gateway = gateway
        self._memory = memory
        self.on_read: Callable[[str, bytes], None] | None = None
        """Called with the name and the bytes of each recording that is read to be replayed."""

    # Reading

    def fetch(self, call: Call) -> Recording | None:
        """Return the recording of a call from the store, whatever is in memory."""
        name = entry_name(call.function, call.key)
        data = self._gateway.get(name)
        return self._keep(call, name, data) if data is not None else None

    async def afetch(self, call: Call) -> Recording | None:
        """Async twin of `fetch`: off the event loop where the store is not quick."""
        if self._gateway.in_place:
            return self.fetch(call)
        name = entry_name(call.function, call.key)
        data = await self._gateway.aget(name)
        return self._keep(call, name, data) if data is not None else None

    def has(self, call: Call) -> bool:
        """Return whether a call has a recording, which is not read."""
        return self._memory.get(call) is not None or self._gateway.get(entry_name(call.function, call.key)) is not None

    async def ahas(self, call: Call) -> bool:
        """Async twin of `has`: off the event loop where the store is not quick."""
        if self._gateway.in_place or self._memory.get(call) is not None:
            return self.has(call)
        return await self._gateway.aget(entry_name(call.function, call.key)) is not None

    def rewrite(self, call: Call, change: Callable[[Document], Document | None]) -> None:
        """Change the recording of a call, if there is one, and `change` returns another. Raises what reading and writing do."""
        name = entry_name(call.function, call.key)
        self._memory.drop(call.key)
        found = self._gateway.get(name)
        while found is not None:
            changed = change(parse(found, lambda: self._store.location(name), call))
            if changed is None:
                return
            found = self._gateway.swap(name, found, render(changed))

    def document(self, name: str, call: Call | None = None) -> Document | None:
        """Return what is recorded under a name, without holding it in memory."""
        data = self._gateway.get(name)
        return parse(data, lambda: self._store.location(name), call) if data is not None else None

    def keep(self, call: Call, data: bytes) -> Recording:
        """Read a recording, and hold it in memory if it is not too large."""
        return self._keep(call, entry_name(call.function, call.key), data)

    def _keep(self, call: Call, name: str, data: bytes) -> Recording:
        if self.on_read is not None:
            self.on_read(name, data)
        held = len(data) <= self._memory.limit
        recording = Recording(data, self._entries, name, call, held=held)
        if held:
            if self._gateway.ttl is not None:
                recording.until = time.monotonic() + self._gateway.ttl
            self._memory.put(call.key, recording)
        return recording

    # Claiming

    def claim(self, call: Call, flight: Flight, number: int | None, expiry: Expiry | None = None) -> Recording | None:
        """Return what has been recorded in the meantime; else claim the draw for the fleet, where the store can.

        The first draw is claimed as the call, for which memoizers wait, and as a draw: once other draws, which were made at the
        same time, are recorded, the claim of the call keeps nobody from making it.
        What has expired is claimed under its own name. Raises `RefreshedElsewhere` for a call behind a replay that
        another process makes, or has made.
        """
        name = entry_name(call.function, call.key)
        found = self._gateway.claim(name, number or None)
        if isinstance(found, bytes):
            recording = self._keep(call, name, found)
            if number == 0 and expiry is None and recording.draws.index(0) is None:
                flight.hold(_apart(self._gateway.claim(name, 0)))
                return self.fetch(call)
            if expiry is None or not expiry.is_over(recording):
                return checked_renewal(recording, expiry)
            flight.hold(self._gateway.claim_renewal(name, waits=not expiry.is_behind))
            return checked_renewal(self.fetch(call), expiry)
        flight.hold(found)
        if number is None or found is None:
            return None
        if number == 0:
            flight.hold(_apart(self._gateway.claim(name, 0)), of_draw=True)
        return self.fetch(call)

    async def aclaim(
        self, call: Call, flight: Flight, number: int | None, expiry: Expiry | None = None
    ) -> Recording | None:
        """Async twin of `claim`. Cancelled, it claims nothing."""
        name = entry_name(call.function, call.key)
        found = await self._gateway.aclaim(name, number or None)
        if isinstance(found, bytes):
            recording = self._keep(call, name, found)
            if number == 0 and expiry is None and recording.draws.index(0) is None:
                flight.hold(_apart(await self._gateway.aclaim(name, 0)))
                return await self.afetch(call)
            if expiry is None or not expiry.is_over(recording):
                return checked_renewal(recording, expiry)
            flight.hold(await self._gateway.aclaim_renewal(name, waits=not expiry.is_behind))
            return checked_renewal(await self.afetch(call), expiry)
        flight.hold(found)
        if number is None or found is None:
            return None
        if number == 0:
            flight.hold(_apart(await self._gateway.aclaim(name, 0)), of_draw=True)
        return await self.afetch(call)

    # Deleting

    def delete(self, call: Call) -> bool:
        """Delete the recording of a call; return whether there was one."""
        self._memory.drop(call.key)
        return self._entries.delete(entry_name(call.function, call.key))

    def delete_all(self, function: str) -> None:
        """Delete every recording of a function."""
        for name in self._store.scan(f"{function}/"):
            self._entries.delete(name)
        self._memory.drop_function(function)

    def delete_tagged(self, tag: str, function: str = "") -> Iterator[tuple[Call, bool]]:
        """Delete the recordings with a tag, those of one function or all: give each call, and whether its recording was there."""
        for name, document in tagged(self._store, tag, f"{function}/" if function else ""):
            call = Call(document["function"], document["key"], b"{}")
            self._memory.drop(call.key)
            yield call, self._entries.delete(name)


def _apart(claim: Claim | bytes | None) -> Claim | None:
    """Return the claim of a draw; None where nothing is claimed any more, and what is recorded came instead."""
    return None if isinstance(claim, bytes) else claim
