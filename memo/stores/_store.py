"""The protocol that every store keeps, and the optional powers: what only some stores can do, each a protocol of its own.

A store claims a power by having its methods, and only if it keeps what they promise: a session asks once, when it is made,
which of them its store has, and gets along without the others. The same test class (`tests/stores/contract.py`) holds every
store to all of it.

Only reading and waiting have an `async` form. Writes, claims and the like follow or precede a live call, and are made in
worker threads through the ordinary methods: so they can not be torn by a cancellation, and work on every event loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

__all__ = [
    "AsyncReads",
    "Claims",
    "Closes",
    "Creates",
    "Expires",
    "Held",
    "ReadsMany",
    "Remote",
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
    """Whether `get` is so quick that an event loop may call it directly; otherwise a worker thread does."""

    writes_in_place: bool
    """The same of `put` and `create`."""

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
        """Where the entry of that name lies, for people: a path, a URL without credentials. Of the store itself without one."""
        ...


@runtime_checkable
class Creates(Store, Protocol):
    """The first write wins, in the whole fleet. Without it, a session looks before it writes, which two may do at once."""

    def create(self, name: str, data: bytes) -> bytes | None:
        """Keep the bytes under that name if there are none, for good when this returns None.

        Otherwise nothing is changed, and these are the bytes that are there. One step: of any number of writers in any number
        of processes, exactly one gets None, and all others get its bytes. An entry that is damaged counts as there.
        """
        ...


@runtime_checkable
class Swaps(Creates, Protocol):
    """Compares and swaps: what was read is replaced only if nobody has changed it meanwhile. So entries can be added to."""

    def swap(self, name: str, expected: bytes | None, data: bytes) -> bytes | None:
        """Replace the bytes under that name if they are `expected`, for good when this returns None.

        Otherwise nothing is changed, and these are the bytes that are there: try again with them. With `expected=None`,
        the same as `create`. One step, also beside `put`, `create` and `delete` of any number of threads and processes: no
        write is ever undone by one that did not know it. Whoever is killed, at any instant, blocks nobody.

        Raises `EntryVanished`, and writes nothing, where bytes were expected and there is no entry any more: it was
        deleted (or has expired), and would otherwise come back.

        Where the server's answer is lost, a swap may have been made and still raise, or return the bytes that it wrote.
        """
        ...


class Held(NamedTuple):
    """A claim that somebody else holds."""

    holder: str
    """Its token, which says who that is: `host:process:…`."""
    seconds: float
    """How long it lasts yet, unless it is renewed."""


@runtime_checkable
class Claims(Creates, Protocol):
    """One live call per name in the whole fleet: whoever makes it holds a claim, for so long as it renews it.

    A claim is a lease: a token under the name, which ends by itself after `lease` seconds. It is no lock: a leader that was
    paused for longer than that does not know it, and `finish` still keeps the first write only. Tokens are random and never
    used twice. Time is the server's where there is one.
    """

    lease: float
    """How many seconds a claim lasts unless it is renewed: `?lease=` of the store's URL, else 15."""

    def claim(self, name: str, token: str) -> bytes | Held | None:
        """Claim that name, in one step. None: it is the caller's now, for `lease` seconds (also if it was already).

        Otherwise the bytes, where there is an entry (then nothing is claimed), or who holds it. A claim that has ended is
        as none.
        """
        ...

    def renew(self, name: str, token: str) -> bool:
        """Let the claim last for `lease` seconds from now. False if it is not this token's any more: then nothing changes."""
        ...

    def finish(self, name: str, token: str, data: bytes) -> bytes | None:
        """As `create`, and in the same step the claim ends (if it is still this token's) and who waits for it is woken."""
        ...

    def release(self, name: str, token: str) -> None:
        """The claim ends without an entry, and who waits for it is woken. Nothing happens if it is not this token's."""
        ...


@runtime_checkable
class Wakes(Claims, Protocol):
    """The server tells those who wait. Without it they ask again and again, ever more seldom."""

    def wait(self, name: str, holder: str, seconds: float) -> None:
        """Block until that holder's claim of the name has been finished or released, or for so many seconds.

        It may return earlier: the caller claims again in any case. What happens between the caller's `claim` and this must
        not be missed: listen first, then look whether the claim is still that holder's, then wait.
        """
        ...

    async def await_(self, name: str, holder: str, seconds: float) -> None:
        """The same without blocking. Only called in asyncio. Cancelling it leaves nothing behind."""
        ...


@runtime_checkable
class AsyncReads(Store, Protocol):
    """Reads natively in asyncio. (In trio, worker threads call `get`.)"""

    async def aget(self, name: str) -> bytes | None:
        """As `get`, without blocking. Only called in asyncio.

        Many concurrent reads of one event loop go out together, where the server can answer several at once. Clients are
        bound to the loop that uses them by the store itself: the same store may be used from several loops, in several
        threads, one after the other or at once, and a loop that ends leaves no connection and no warning behind.
        """
        ...


@runtime_checkable
class ReadsMany(Store, Protocol):
    """Reads many entries in one round trip: what copies a store uses it."""

    def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        """As `get` of each name, in their order. What `get` would raise of any of them is raised."""
        ...


@runtime_checkable
class Expires(Store, Protocol):
    """Its entries end by themselves, by the server's own means (`?ttl=` of the store's URL)."""

    ttl: float | None
    """Seconds after which an entry is gone, counted from when it was written; None: never.

    What a session keeps in memory does not outlive it either.
    """


@runtime_checkable
class Salted(Store, Protocol):
    """Keeps its salt apart from its entries: `memo.stores.salt` says what that is for."""

    def salt(self) -> bytes:
        """Return the 32 random bytes of the store. They are made once: of any number of makers, the first wins.

        `scan` never gives them, and no entry's name reaches them. A store in which only file rights protect them keeps
        them, and all entries that it writes from then on, from other users.
        """
        ...


@runtime_checkable
class Closes(Store, Protocol):
    """Holds files or connections open, which the end of a scope closes if the scope has opened the store."""

    def close(self) -> None:
        """Close what is open, in whichever thread it was opened, but for what is in use just now.

        Whoever uses the store afterwards opens it again. To close twice is to close once.
        """
        ...


@runtime_checkable
class Remote(Store, Protocol):
    """Lies behind a network: it may not be there, be slow, or go away.

    In replay that is one clear error; in recording modes the answers are kept in a local spool until `memo push` delivers
    them.
    """

    timeout: float
    """Seconds within which every operation is over, retries and connecting included: `?timeout=` of the URL, else 5.

    What takes longer raises `StoreError`. (`wait` may take as long as it is told to.)
    """
