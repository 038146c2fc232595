"""What was made of the same arguments before: found by the arguments as they are, and not by their canonical form."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from marshal import dumps
from typing import Any, Generic, TypeVar

__all__ = ["Recall"]

T = TypeVar("T")

_BYTES = 1 << 20
_MOST = _BYTES // 4
_FORMAT = 2
"""The last one that does not depend on which objects are one: equal arguments give equal bytes."""


class Recall(Generic[T]):
    """What was made of flat arguments, for a megabyte of them: None, booleans, numbers and text, or lists, tuples and dicts of

    these, or lists of such dicts, as conversations are.

    They are compared as `marshal` writes them, which is fast, and exact: it can be read back (which nobody does), so two
    different values never give the same bytes. Dicts in another order and tuples instead of lists are different here.
    """

    def __init__(self) -> None:
        self._made: dict[bytes, T] = {}
        self._size = 0

    def get(self, function: str, arguments: Mapping[str, Any]) -> T | None:
        """What was made of a call of that function with these arguments, if that is known."""
        # Only of flat ones: marshal goes through what holds itself, or nested sets, for ever.
        if self._made and _are_flat(arguments):
            return self._made.get(_written((function, arguments)))
        return None

    def add(self, function: str, arguments: Mapping[str, Any], made: T) -> None:
        """Remember what was made of it, if they are flat."""
        if not _are_flat(arguments):
            return
        asked = _written((function, arguments))
        if len(asked) > _MOST:
            return
        if self._size + len(asked) > _BYTES:
            self._made.clear()
            self._size = 0
        self._size += len(asked)
        self._made[asked] = made


def _written(value: Any) -> bytes:
    return dumps(value, _FORMAT)


_SCALARS = frozenset({type(None), bool, int, float, str})
_DICT, _TEXT = {dict}, {str}


def _are_flat(arguments: Mapping[str, Any]) -> bool:
    for value in arguments.values():
        kind = type(value)
        if kind in _SCALARS:
            continue
        if kind is dict:
            if not (_TEXT.issuperset(map(type, value)) and _SCALARS.issuperset(map(type, value.values()))):
                return False
        elif kind is list or kind is tuple:
            if not _SCALARS.issuperset(map(type, value)) and not _are_flat_dicts(value):
                return False
        else:
            return False
    return type(arguments) is dict


def _are_flat_dicts(values: Any) -> bool:
    return (
        _DICT.issuperset(map(type, values))
        and _TEXT.issuperset(map(type, chain.from_iterable(values)))
        and _SCALARS.issuperset(map(type, chain.from_iterable(map(dict.values, values))))
    )
