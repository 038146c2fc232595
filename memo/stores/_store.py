"""The protocol of every store, and the optional capabilities: a small protocol for each thing that only some stores can do.

A store has a capability by having its methods, and must then keep what they promise. A session asks its store once for the
capabilities, and does without those that are missing. `tests/stores` holds every store to all of them.

Only reading and waiting have an `async` form. Writes and claims follow or precede a live call, and are made in worker threads
through the ordinary methods: a cancellation cannot tear them, and they work on every event loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

__all__ = [
    "AsyncReads",
    "Bounded",
    "Claims",
    "Closes",
    "Creates",
    "Discards",
    "Expires",
    "HeldClaim",
    "ReadsMany",
    "Remote",
    "Reviews",
    "Salted",
    "Store",
    "Swaps",
    "Wakes",
]


@runtime_checkable
class Store(Protocol):
    """Bytes under names of the form `function/key`, both of them text that may hold anything (lone surrogates too).

    All methods may be called from several threads and processes at once, and in a process that was forked. Whatever fails
    in the store itself is a `StoreError` naming `location()`: `StoreNotReadable`, `StoreNotWritable`, `StoreFull`. An entry
    that is there but not whole is `RecordingDamaged`, one that a newer memo wrote `NewerFormat`; neither is ever taken for
    absent. An entry is replaced whole: a reader sees the old bytes or the new ones, and a process killed in the middle of a
    `put` leaves one of the two.
    """

    reads_in_place: bool
    """True if `get` is so quick that an event loop may call it directly; otherwise a worker thread does."""

    writes_in_place: bool
    """True if `put` and `create` are so quick that an event loop may call them directly."""

    def get(self, name: str) -> bytes | None:
        """Return the bytes under a name, None if there is no such entry."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Store the bytes under a name, for good when `put` returns."""
        ...

    def delete(self, name: str) -> bool:
        """Delete the entry; return whether it existed."""
        ...

    def scan(self, prefix: str = "") -> Iterator[str]:
        """Iterate over the names of entries, with `prefix="function/"` those of one function.

        Entries that are added in the meantime may be missing.
        """
        ...

    def location(self, name: str = "") -> str:
        """Return where an entry is, for people: a path, or a URL without credentials. Without a name, where the store is."""
        ...


@runtime_checkable
class Creates(Store, Protocol):
    """The first write wins, in the whole fleet. Without it, a session looks before it writes, which two may do at once."""

    def create(self, name: str, data: bytes) -> bytes | None:
        """Store the bytes if there is no entry of that name, for good when `create` returns None.

        Otherwise change nothing, and return the bytes that are there. One step: of any number of writers in any number of
        processes, exactly one gets None, and all others get the bytes of that one. A damaged entry counts as there.
        """
        ...


@runtime_checkable
class Swaps(Creates, Protocol):
    """Compares and swaps: replaces what was read only if nobody has changed it in the meantime. So several can add to one entry."""

    def swap(self, name: str, expected: bytes | None, data: bytes) -> bytes | None:
        """Replace the bytes under a name if they are `expected`, for good when `swap` returns None.

        Otherwise change nothing, and return the bytes that are there, for another try. With `expected=None`, do what `create`
        does. One step, also beside `put`, `create` and `delete` of any number of threads and processes: no write is ever
        undone by a swap that did not know of it. A process that is killed, at any instant, blocks nobody.

        Raises `EntryVanished`, and writes nothing, where bytes were expected and there is no entry any more: it was
        deleted (or has expired), and would otherwise come back.

        Where the server's answer is lost, a swap may have been made and still raise, or return the bytes that it wrote.
        """
        ...


@runtime_checkable
class Discards(Swaps, Protocol):
    """Compares and deletes: what was written in the meantime stays."""

    def discard(self, name: str, expected: bytes) -> bool:
        """Delete the entry if its bytes are `expected`; return whether it was deleted. One step, as `swap` is."""
        ...


@runtime_checkable
class Reviews(Store, Protocol):
    """Keeps recordings that wait for a review apart from its entries."""

    def pending(self) -> Discards:
        """Return the store of what is pending: under the name of its entry, in the same form and as safe as entries are.

        `scan`, `get` and all other methods of the store itself do not know of what is pending. Nothing is made until
        something is put aside. Asking again gives the same entries.
        """
        ...


class HeldClaim(NamedTuple):
    """A claim that somebody else holds."""

    holder: str
    """The token of the holder: `host:process:…`."""
    seconds: float
    """How long the claim still lasts, unless it is renewed."""


@runtime_checkable
class Claims(Creates, Protocol):
    """One live call per name in the whole fleet: the process that makes the call holds a claim, and renews it until the call ends.

    A claim is a lease: a token under the name, which ends by itself after `lease` seconds. A claim is no lock: a leader that
    was paused for longer does not know that its claim has ended, and `finish` still keeps the first write only. Tokens are
    random and never used twice. Time is the server's where there is a server.
    """

    lease: float
    """How many seconds a claim lasts unless it is renewed: `?lease=` of the store's URL, else 15."""

    def claim(self, name: str, token: str) -> bytes | HeldClaim | None:
        """Claim a name, in one step, and return None: the claim is the caller's for `lease` seconds (also if it was before).

        Otherwise return the bytes, if there is an entry (then nothing is claimed), or the claim of the holder. A claim that
        has ended is no claim.
        """
        ...

    def renew(self, name: str, token: str) -> bool:
        """Extend the claim to `lease` seconds from now. If it is no longer this token's, return False and change nothing."""
        ...

    def finish(self, name: str, token: str, data: bytes) -> bytes | None:
        """Do what `create` does; in the same step, end the claim (if it is still this token's) and wake all who wait for it."""
        ...

    def release(self, name: str, token: str) -> None:
        """End the claim without an entry, and wake all who wait for it. Do nothing if it is not this token's."""
        ...


@runtime_checkable
class Wakes(Claims, Protocol):
    """Wakes those who wait for a claim. Without this capability, they ask again and again, ever more seldom."""

    def wait(self, name: str, holder: str, seconds: float) -> None:
        """Block until the holder's claim of the name has been finished or released, for so many seconds at most.

        May return earlier: the caller claims again in any case. An end between the caller's `claim` and `wait` must not be
        missed: listen first, then look whether the claim is still the holder's, then wait.
        """
        ...

    async def await_(self, name: str, holder: str, seconds: float) -> None:
        """Async twin of `wait`, called in asyncio only. Cancelling it leaves nothing behind."""
        ...


@runtime_checkable
class AsyncReads(Store, Protocol):
    """Reads natively in asyncio. (In trio, a worker thread calls `get`.)"""

    async def aget(self, name: str) -> bytes | None:
        """Async twin of `get`, called in asyncio only.

        Concurrent reads of one event loop go out together, where the server can answer several at once. The store itself
        binds clients to event loops: one store may be used from several loops, in several threads, one after the other or at
        once, and a loop that ends leaves no connection and no warning behind.
        """
        ...


@runtime_checkable
class ReadsMany(Store, Protocol):
    """Reads many entries in one round trip, for copying a store."""

    def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return what `get` returns for each name, in the order of the names. Raise what `get` raises for any of them."""
        ...


@runtime_checkable
class Expires(Store, Protocol):
    """Ends entries by itself, by the server's own means (`?ttl=` of the store's URL)."""

    ttl: float | None
    """Seconds from the write of an entry to its end; None for never. What a session keeps in memory ends with it."""


@runtime_checkable
class Bounded(Store, Protocol):
    """Evicts entries by itself as soon as all together are too large (`?max_bytes=` of the store's URL)."""

    max_bytes: float | None
    """How many bytes all entries may have together, as they are stored; None for any number.

    A write evicts, in the same step, the entries that were written longest ago, until the others fit: never the one that it
    wrote, however large that is. (By time of writing, since what is read often is read in the memory of each process.) A reader
    sees an entry whole or not at all. What is evicted is absent, as what is deleted is.
    """


@runtime_checkable
class Salted(Store, Protocol):
    """Keeps a salt apart from its entries: see `memo.stores.salt`."""

    def salt(self) -> bytes:
        """Return the 32 random bytes of the store. They are made once: of any number of makers, the first wins.

        `scan` never gives them, and no name of an entry reaches them. Where only file rights protect them, they and all
        entries that are written from then on are closed to other users.
        """
        ...


@runtime_checkable
class Closes(Store, Protocol):
    """Holds files or connections open, which the end of a scope closes if the scope has opened the store."""

    def close(self) -> None:
        """Close what is open, in whichever thread it was opened, but for what is in use just now.

        Whoever uses the store afterwards opens it again. Closing twice has no further effect.
        """
        ...


@runtime_checkable
class Remote(Store, Protocol):
    """Is behind a network: it may not be there, be slow, or go away.

    In replay that is one clear error; in recording modes, answers are kept in a local spool until `memo push` delivers them.
    """

    timeout: float
    """Seconds within which every operation is over, retries and connecting included: `?timeout=` of the URL, else 5.

    Whatever takes longer raises `StoreError`. (`wait` may take as long as its caller wants.)
    """
