"""A cache of keys: found by the arguments as they are given, not by their canonical form."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from marshal import dumps, loads
from typing import Any, Generic, TypeVar

__all__ = ["ArgumentCache", "Snapshot", "written"]

T = TypeVar("T")

_BYTES = 1 << 20
_LARGEST = _BYTES // 4
_SMALL, _PARTS = 2048, 32
"""Bytes and parts of small arguments: to compare larger ones pays only where such are asked for again."""
_SEEN = 1024
"""How many keys are remembered, to know which are asked for again."""
_FORMAT = 2
"""The last one that does not depend on which objects are one: equal arguments give equal bytes."""
_MOST_PARTS = 10_000


class ArgumentCache(Generic[T]):
    """What was made of plain arguments, up to a megabyte of them, once some were asked for again. Safe for threads.

    Arguments are compared as `marshal` writes them, which is fast, and exact: what it writes can be read back, so two different
    values never give the same bytes. Dicts in another order, and tuples instead of lists, are different here.
    """

    def __init__(self) -> None:
        self._made: dict[bytes, T] = {}
        self._size = 0
        self._longest = self._most_parts = 0
        """How large the arguments are that are looked up: none are until some were asked for again, and then ones like these."""
        self._seen: set[str] = set()

    @property
    def is_used(self) -> bool:
        """True if arguments are looked up."""
        return bool(self._longest)

    def look_up(self, values: Iterable[Any], given: Any) -> tuple[bytes | None, T | None]:
        """Return what to `store` under, and what was made of the arguments before, which `given` holds in plain containers.

        None and None if a value is not plain or too large, and while nothing is looked up.
        """
        if not self._longest:
            return None, None
        for value in values:
            kind = type(value)
            if kind is str or kind is bytes:
                if len(value) > self._longest:
                    return None, None
            elif kind not in _SCALARS and not _are_plain([value], self._most_parts):
                return None, None
        try:
            asked = dumps(given, _FORMAT)
        except ValueError:  # nested too deep
            return None, None
        return asked, self._made.get(asked)

    def store(self, asked: bytes, made: T) -> None:
        """Remember what was made of arguments."""
        if len(asked) > self._longest:
            return
        if self._size + len(asked) > _BYTES:
            self._made.clear()
            self._size = 0
        self._size += len(asked)
        self._made[asked] = made

    def note(self, key: str, size: int) -> bool:
        """Note the key of arguments that were not looked up, with their size; return whether such are from now on."""
        if key in self._seen:
            small = size <= _SMALL
            self._longest = max(self._longest, _SMALL if small else _LARGEST)
            self._most_parts = max(self._most_parts, _PARTS if small else _MOST_PARTS)
            return True
        if len(self._seen) >= _SEEN:
            self._seen.clear()
        self._seen.add(key)
        return False


def written(*values: Any) -> bytes | None:
    """Return the same bytes for the same plain values, and only for these; None if one is not plain."""
    # First: marshal never comes to the end of what holds itself, or through nested sets.
    if not _are_plain([*values], _MOST_PARTS):
        return None
    try:
        return dumps(values, _FORMAT)
    except ValueError:  # nested too deep
        return None


class Snapshot:
    """Plain values as they were, to see whether anything changed them."""

    __slots__ = ("_copy", "_written")

    def __init__(self, written: bytes) -> None:
        self._written = written
        self._copy = loads(written)  # noqa: S302 - what `dumps` has just written here

    @classmethod
    def of(cls, values: tuple[Any, ...]) -> Snapshot | None:
        """Return a snapshot, None if a value is not plain."""
        data = written(*values)
        return None if data is None else cls(data)

    def is_of(self, values: tuple[Any, ...]) -> bool:
        """Return whether the values are still the same. Never wrong when it says yes."""
        try:
            # Compared first, which ends even with what holds itself by now; and then exactly, since 1 equals True.
            return values == self._copy and dumps(values, _FORMAT) == self._written
        except Exception:  # noqa: BLE001 - there may be anything in them by now
            return False


_SCALARS = frozenset({type(None), bool, int, float, str})
_TEXT, _DICT = frozenset({str}), frozenset({dict})


def _are_plain(parts: list[Any], most: int) -> bool:
    """Return whether values are plain: None, a boolean, a number, text, or a list, tuple or dict of these with names that are text.

    What has more than `most` parts is not, so that what holds itself is not either. The list is filled with the parts.
    """
    for part in parts:  # it grows
        kind = type(part)
        if kind in _SCALARS:
            continue
        if kind is list or kind is tuple:
            if len(part) > most:
                return False
            if _SCALARS.issuperset(map(type, part)) or (type(part[0]) is dict and _are_flat(part)):
                continue
        elif kind is dict:
            if not _TEXT.issuperset(map(type, part)):
                return False
            part = part.values()  # noqa: PLW2901
            if _SCALARS.issuperset(map(type, part)):
                continue
        else:
            return False
        if len(parts) + len(part) > most:
            return False
        parts += part
    return True


def _are_flat(parts: list[Any]) -> bool:
    """Return whether values are dicts of scalars, as messages are, without a loop in Python."""
    return (
        _DICT.issuperset(map(type, parts))
        and _TEXT.issuperset(map(type, chain.from_iterable(parts)))
        and _SCALARS.issuperset(map(type, chain.from_iterable(map(dict.values, parts))))
    )
