"""A store whose recordings stay as they are: what a session records is put aside as pending, beside them."""

from __future__ import annotations

from typing import Any, Literal

from memo._engine.numbering.shared_draws import SharedDraws
from memo._recordings.changed import differs
from memo._recordings.document import parse
from memo.errors import EntryVanished, MemoError, NoReviews
from memo.stores import Closes, DirectoryStore, Reviews, Store, salt

__all__ = ["PendingStore"]


class PendingStore:
    """A store as a session with `pending=True` has it. Safe for threads and processes as far as the store is.

    A session reads what it has put aside itself, so that its own calls go on as if that were recorded. What an earlier session
    put aside is never read, and is replaced by what is recorded now. What does not differ from the recording is not pending, nor,
    unless `volatile` is set, what differs in ids and times alone.
    Raises `NoReviews` for a store that cannot hold pending recordings.
    """

    def __init__(self, store: Store, *, volatile: bool = False) -> None:
        if not isinstance(store, Reviews):
            raise NoReviews("store of a recorder with pending=True", store.location())
        self.beneath: Store = store
        self.reads_in_place = store.reads_in_place
        self.writes_in_place = store.writes_in_place
        self.shared: SharedDraws | None = None
        """What other processes of the scope have put aside, if other processes have it."""
        self.aside = store.pending()
        """What is pending."""
        self.volatile: set[str] = set()
        """The names of what is not put aside since it differs in ids and times alone."""
        self._puts_volatile_aside = volatile
        self._begun: set[str] = set()
        """The names of what this session has put aside, or found to be recorded as it is."""

    @classmethod
    def of(cls, store: Store, pending: Literal[True, False, "all"]) -> PendingStore | None:
        """Return the store that the option `pending` asks for, None for False."""
        return cls(store, volatile=pending == "all") if pending else None

    def __repr__(self) -> str:
        return f"PendingStore({self.beneath!r})"

    def get(self, name: str) -> bytes | None:
        """Return what this scope recorded under a name, else the recording."""
        aside = self.aside.get(name) if self._is_begun(name) else None
        return aside if aside is not None else self.beneath.get(name)

    def put(self, name: str, data: bytes) -> None:
        """Put the bytes aside, whatever is pending."""
        self._begin(name)
        self._replace(name, data)
        self._written(name)

    def create(self, name: str, data: bytes) -> bytes | None:
        """Put the bytes aside and return None, unless there is a recording, or this scope has put some aside: return these."""
        there = self.get(name)
        if there is not None:
            return there
        if self._is_begun(name) or not self._begin(name):
            return self.aside.create(name, data)
        self._replace(name, data)
        self._written(name)
        return None

    def swap(self, name: str, expected: bytes | None, data: bytes) -> bytes | None:
        """Put the bytes aside if `get` returns `expected`, and return None; else return what is there."""
        if expected is None:
            return self.create(name, data)
        if self._is_begun(name) and self.aside.get(name) is not None:
            if self._is_recorded(name, data):
                return None if self.aside.discard(name, expected) else self.get(name)
            return self.aside.swap(name, expected, data)
        there = self.beneath.get(name)
        if there is None:
            raise EntryVanished(self.location(name))
        if there != expected:
            return there
        if self._is_begun(name) or not self._begin(name):
            return None if self._is_recorded(name, data) else self.aside.create(name, data)
        self._replace(name, data)
        self._written(name)
        return None

    def delete(self, name: str) -> bool:
        """Delete the recording, as a program asks for by itself, and what is pending with it; return whether either existed."""
        pending = self.aside.delete(name)
        return self.beneath.delete(name) or pending

    def scan(self, prefix: str = "") -> Any:
        """Iterate over the names of recordings."""
        return self.beneath.scan(prefix)

    def location(self, name: str = "") -> str:
        """Return where a recording is, or would be once it is accepted."""
        return self.beneath.location(name)

    def salt(self) -> bytes:
        """Return the salt of the store. What is pending is from then on as closed to other users as entries are."""
        if not isinstance(self.beneath, DirectoryStore):
            salt(self.aside)
        return salt(self.beneath)

    def close(self) -> None:
        """Close what the store holds open."""
        if isinstance(self.beneath, Closes):
            self.beneath.close()

    def begun(self) -> list[str]:
        """Return the names of what this session has recorded."""
        return list(self._begun)

    def _is_begun(self, name: str) -> bool:
        return name in self._begun or (self.shared is not None and self.shared.has_begun(name))

    def _begin(self, name: str) -> bool:
        """Note that this scope records under a name; return whether no other process of it has done so before."""
        self._begun.add(name)
        return self.shared is None or self.shared.begin(name)

    def _written(self, name: str) -> None:
        if self.shared is not None:
            self.shared.written(name)

    def _replace(self, name: str, data: bytes) -> None:
        """Let the bytes be what is pending, or nothing if they are what is recorded."""
        if self._is_recorded(name, data):
            self.aside.delete(name)
        else:
            self.aside.put(name, data)

    def _is_recorded(self, name: str, data: bytes) -> bool:
        from memo._recordings.volatile import differs_in_volatile_only

        recorded = self.beneath.get(name)
        self.volatile.discard(name)
        try:
            if recorded is None:
                return False
            before, after = parse(recorded, name), parse(data, name)
            if not differs(before, after):
                return True
            if self._puts_volatile_aside or not differs_in_volatile_only(before, after):
                return False
        except MemoError:
            return False
        self.volatile.add(name)
        return True
