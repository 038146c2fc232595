"""What was made of the same arguments before: found by the arguments as they are, and not by their canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from marshal import dumps
from typing import Any, Generic, TypeVar

__all__ = ["ArgumentCache", "written"]

T = TypeVar("T")

_BYTES = 1 << 20
_MOST = _BYTES // 4
_FORMAT = 2
"""The last one that does not depend on which objects are one: equal arguments give equal bytes."""


_MOST_PARTS = 10_000


class ArgumentCache(Generic[T]):
    """What was made of plain arguments (see `is_plain`), up to a megabyte of them.

    They are compared as `marshal` writes them, which is fast, and exact: what it writes can be read back (nobody does), so
    two different values never give the same bytes. Dicts in another order, and tuples instead of lists, are different here.
    """

    def __init__(self) -> None:
        self._made: dict[bytes, T] = {}
        self._size = 0

    def get(self, function: str, arguments: Mapping[str, Any]) -> T | None:
        """What was made of a call of that function with these arguments, if that is known."""
        if not self._made:
            return None
        for value in arguments.values():
            if type(value) not in _SCALARS and not _is_plain(value):
                return None
        pair: Any = (function, arguments)
        try:
            return self._made.get(dumps(pair, _FORMAT))
        except ValueError:  # nested too deep
            return None

    def add(self, function: str, arguments: Mapping[str, Any], made: T) -> None:
        """Remember what was made of it, if they are plain."""
        asked = written(function, arguments)
        if asked is None or len(asked) > _MOST:
            return
        if self._size + len(asked) > _BYTES:
            self._made.clear()
            self._size = 0
        self._size += len(asked)
        self._made[asked] = made


def written(*values: Any) -> bytes | None:
    """The same bytes for the same plain values, and only for these; None where one is not plain."""
    if not _is_plain(values):  # first, since marshal goes for ever through what holds itself, and through nested sets
        return None
    try:
        return dumps(values, _FORMAT)
    except ValueError:  # nested too deep
        return None


_SCALARS = frozenset({type(None), bool, int, float, str})
_TEXT, _DICT = frozenset({str}), frozenset({dict})


def _is_plain(value: Any) -> bool:
    """Whether it is None, a boolean, a number, text, or a list, tuple or dict of these, with names that are text: and not

    too large to be told quickly, as what holds itself is.
    """
    parts = [value]
    for part in parts:  # it grows
        kind = type(part)
        if kind in _SCALARS:
            continue
        if kind is list or kind is tuple:
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
        if len(parts) + len(part) > _MOST_PARTS:
            return False
        parts += part
    return True


def _are_flat(parts: list[Any]) -> bool:
    """Whether they are dicts of scalars, as messages are: found out without a loop of Python's."""
    return (
        _DICT.issuperset(map(type, parts))
        and _TEXT.issuperset(map(type, chain.from_iterable(parts)))
        and _SCALARS.issuperset(map(type, chain.from_iterable(map(dict.values, parts))))
    )
