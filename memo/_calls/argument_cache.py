"""A cache of keys: found by the arguments as they are given, not by their canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from marshal import dumps
from typing import Any, Generic, TypeVar

__all__ = ["ArgumentCache", "written"]

T = TypeVar("T")

_BYTES = 1 << 20
_LARGEST = 2048
"""Bytes of arguments: to compare more takes as long as to make the key again."""
_PARTS = 32
_FORMAT = 2
"""The last one that does not depend on which objects are one: equal arguments give equal bytes."""
_MOST_PARTS = 10_000


class ArgumentCache(Generic[T]):
    """What was made of plain and small arguments, up to a megabyte of them. Safe for threads.

    Arguments are compared as `marshal` writes them, which is fast, and exact: what it writes can be read back, though nobody does
    that, so two different values never give the same bytes. Dicts in another order, and tuples instead of lists, are different here.
    """

    def __init__(self) -> None:
        self._made: dict[bytes, T] = {}
        self._size = 0

    def look_up(self, function: str, arguments: Mapping[str, Any]) -> tuple[bytes | None, T | None]:
        """Return what to `store` under, None if the arguments are not plain and small, and what was made of them before."""
        for value in arguments.values():
            kind = type(value)
            if kind is str:
                if len(value) > _LARGEST:
                    return None, None
            elif kind not in _SCALARS and not _is_plain(value, _PARTS):
                return None, None
        pair: Any = (function, arguments)
        try:
            asked = dumps(pair, _FORMAT)
        except ValueError:  # nested too deep
            return None, None
        return asked, self._made.get(asked)

    def store(self, asked: bytes, made: T) -> None:
        """Remember what was made of arguments."""
        if len(asked) > _LARGEST:
            return
        if self._size + len(asked) > _BYTES:
            self._made.clear()
            self._size = 0
        self._size += len(asked)
        self._made[asked] = made


def written(*values: Any) -> bytes | None:
    """Return the same bytes for the same plain values, and only for these; None if one is not plain."""
    if not _is_plain(
        values, _MOST_PARTS
    ):  # first, since marshal never comes to the end of what holds itself, and through nested sets
        return None
    try:
        return dumps(values, _FORMAT)
    except ValueError:  # nested too deep
        return None


_SCALARS = frozenset({type(None), bool, int, float, str})
_TEXT, _DICT = frozenset({str}), frozenset({dict})


def _is_plain(value: Any, most: int) -> bool:
    """Return whether a value is plain: None, a boolean, a number, text, or a list, tuple or dict of these with names that are text.

    What has more than `most` parts is not, so that what holds itself is not either.
    """
    parts = [value]
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
            if not part:
                continue
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
