"""Stores that fail, and changes of a store that are refused."""

from __future__ import annotations

from memo.errors._base import MemoError, in_quotes

__all__ = [
    "EntryVanished",
    "RecordingsSpooledWarning",
    "Refused",
    "StoreError",
    "StoreFull",
    "StoreLocked",
    "StoreNotReadable",
    "StoreNotWritable",
]


class StoreError(MemoError):
    """A store failed: not one recording, but the place that holds the recordings. `fix` is the line that fixes it, or ""."""

    def __init__(self, location: str, reason: str, fix: str = "") -> None:
        self.location = location
        self.reason = reason
        self.fix = fix
        super().__init__(f"{location} {reason}" + (f"\n  {fix}" if fix else ""))


class StoreNotReadable(StoreError):
    """A recording could not be read because the store refused it (permissions, I/O)."""


class StoreNotWritable(StoreError):
    """A recording could not be written (permissions, a read-only or missing place)."""


class StoreLocked(StoreNotWritable, StoreNotReadable):
    """Another process has kept a store locked for longer than callers wait: it may be free in a moment."""


class StoreFull(StoreError):
    """A recording could not be written because no space is left."""


class EntryVanished(StoreError):
    """An entry was deleted while it was being replaced: nothing was written (`Swaps.swap`)."""

    def __init__(self, location: str) -> None:
        super().__init__(location, "was deleted while it was being replaced")


class Refused(MemoError):
    """A change of the recordings of a store was refused, since some could have been lost or mixed up. Nothing was changed."""

    def __init__(self, location: str, reason: str) -> None:
        self.location = location
        self.reason = reason
        super().__init__(f"{location} {reason}")


class RecordingsSpooledWarning(MemoError, UserWarning):
    """The store could not be reached: recordings are kept in a local directory in the meantime. A warning.

    Every caller got the live answer, and nothing is lost: `memo push` delivers the recordings.
    """

    def __init__(self, store: str, spool: str, recordings: int, reason: str) -> None:
        self.store = store
        self.spool = spool
        self.recordings = recordings
        self.reason = reason
        super().__init__(
            f"{recordings} {'recording' if recordings == 1 else 'recordings'} could not be stored in {store} ({reason}) "
            f"and {'is' if recordings == 1 else 'are'} kept in {spool}\n"
            f"  when the store is back: memo push {in_quotes(spool)} STORE"
        )
