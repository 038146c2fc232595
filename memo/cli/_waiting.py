"""What is pending in a store, with what is alike, and how a user names it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memo.cli._alike import Change, Groups, change
from memo.cli._found import ambiguous, not_found
from memo.cli._output import Progress, near, print_reasons
from memo.cli._text import count
from memo.errors import MemoError, Refused

if TYPE_CHECKING:
    from memo.maintenance.pending import Pending
    from memo.stores import Store

__all__ = ["Judged", "Waiting", "alike_to", "named", "place_of", "sizes", "waiting"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One pending recording."""

    pending: Pending
    change: Change | None
    """None if it cannot be read."""
    group: int
    """The number of those that are alike; -1 if it cannot be read, and so is like no other."""

    @property
    def words(self) -> str:
        """Return what changed, in a few words."""
        return self.change.words() if self.change is not None else f"damaged: {self.pending.problem}"


def waiting(store: Store) -> list[Waiting]:
    """Return what is pending, in the order of names. Raises `StoreError`, and `InvalidOption` for a store that cannot hold pending recordings."""
    from memo.maintenance.pending import all_pending, documents

    found: list[Waiting] = []
    groups = Groups()
    with Progress("pending recordings") as progress:
        listed = list(all_pending(store))
        for done, pending in enumerate(listed, 1):
            try:
                if pending.problem:
                    found.append(Waiting(pending, None, -1))
                else:
                    changed = change(*documents(store, pending))
                    found.append(Waiting(pending, changed, groups.group(changed)))
            except Refused:  # recorded again, or judged, just now
                continue
            except MemoError:  # nested deeper than what memo writes
                found.append(Waiting(pending, None, -1))
            progress(done, len(listed))
    return found


def alike_to(items: Iterable[Waiting], one: Waiting) -> list[Waiting]:
    """Return the items that changed as one of them did, itself included."""
    return [item for item in items if item is one or (item.group == one.group >= 0)]


def sizes(items: Iterable[Waiting]) -> Counter[int]:
    """Return how many items each group has."""
    return Counter(item.group for item in items if item.group >= 0)


def place_of(store: Store, item: Waiting) -> str:
    """Return where the recording is, or will be: a path relative to the working directory if that is shorter."""
    return near(store.location(item.pending.name))


def named(store: Store, items: list[Waiting], names: Iterable[str]) -> list[Waiting]:
    """Return the items that a user names: by the first characters of a key, `function/key`, or the file of the recording.

    Raises `InvalidOption` for a name that fits none of them, or several.
    """
    chosen: dict[int, Waiting] = {}
    for name in names:
        fitting = [item for item in items if _fits(store, item, name)]
        if not fitting:
            raise not_found(
                "key",
                name,
                "the first characters of a pending key",
                f"no pending recording has a key that begins with {name!r} (memo pending {near(store.location())} lists them)",
            )
        if len(fitting) > 1:
            places = [place_of(store, item) for item in fitting]
            raise ambiguous(name, places, same_key=len({item.pending.key for item in fitting}) == 1)
        chosen[id(fitting[0])] = fitting[0]
    return list(chosen.values())


def _fits(store: Store, item: Waiting, name: str) -> bool:
    from memo.maintenance.pending import pending_store

    pending = item.pending
    function, slash, key = name.rpartition("/")
    if pending.key.startswith(key) and key and (not slash or function == pending.function):
        return True
    paths = (store.location(pending.name), pending_store(store).location(pending.name))
    return "://" not in paths[0] and os.path.abspath(name) in paths  # noqa: PTH100 - text, as the store's paths


class Judged:
    """Judges pending recordings one by one, and counts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.accepted: list[str] = []
        """The locations of recordings that were accepted."""
        self.rejected: list[str] = []
        self.refused: dict[str, str] = {}
        """Location to reason, for recordings that could not be judged."""

    def accept(self, items: Iterable[Waiting]) -> None:
        """Let what is pending be the recordings."""
        from memo.maintenance.pending import accept

        for item in items:
            try:
                accept(self._store, item.pending)
            except MemoError as error:
                self._refuse(item, error)
            else:
                self.accepted.append(self._store.location(item.pending.name))

    def reject(self, items: Iterable[Waiting]) -> None:
        """Delete what is pending."""
        from memo.maintenance.pending import reject

        for item in items:
            try:
                reject(self._store, item.pending)
            except MemoError as error:
                self._refuse(item, error)
            else:
                self.rejected.append(self._store.location(item.pending.name))

    def _refuse(self, item: Waiting, error: MemoError) -> None:
        location = str(getattr(error, "location", "")) or self._store.location(item.pending.name)
        self.refused[location] = str(getattr(error, "reason", error))

    def words(self, left: int) -> str:
        """Return what was done, and how much is left."""
        done = (("accepted", self.accepted), ("rejected", self.rejected))
        parts = [f"{verb} {count(len(places), 'recording')}" for verb, places in done if places]
        if not parts and not left:
            return f"nothing is pending in {self._store.location()}"
        return f"{', '.join(parts) or 'judged nothing'}; {left:,} still pending"

    def print_refused(self) -> None:
        """Name what could not be judged on standard error."""
        print_reasons(f"not judged, {count(len(self.refused), 'recording')}", self.refused)
