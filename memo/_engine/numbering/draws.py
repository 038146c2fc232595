"""The identical calls of a session, numbered in the order in which they are made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from heapq import heappop, heappush
from operator import length_hint

from memo._calls.call import Call

__all__ = ["DrawNumbers"]

_MOST = 2**62


class DrawNumbers:
    """Numbers the identical calls of a session from 0. Safe for threads: `next` of an iterator is one step.

    A number that was given back, because its call was not recorded, is the next one: the call that is repeated takes its place.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, Iterator[int]] = {}
        self._keys: defaultdict[str, set[str]] = defaultdict(set)
        """The keys that have numbers, by function."""
        self._returned: dict[str, list[int]] = {}

    def take(self, call: Call) -> int:
        """Return the number of a call that is being made now."""
        if self._returned:
            returned = self._returned.get(call.key)
            if returned:
                with suppress(IndexError):  # another thread has just taken it
                    return heappop(returned)
        numbers = self._numbers.get(call.key)
        if numbers is None:
            numbers = self._numbers.setdefault(call.key, iter(range(_MOST)))
            self._keys[call.function].add(call.key)
        return next(numbers)

    def give_back(self, call: Call, number: int) -> None:
        """Let the next identical call have the number of a call that was not recorded."""
        numbers = self._numbers.get(call.key)
        if numbers is not None and number < _MOST - length_hint(numbers):  # else the numbers have been restarted
            heappush(self._returned.setdefault(call.key, []), number)

    def taken(self, key: str) -> int:
        """Return how many numbers a key has had that were not given back."""
        numbers = self._numbers.get(key)
        return 0 if numbers is None else _MOST - length_hint(numbers) - len(self._returned.get(key, ()))

    def counts(self) -> dict[str, tuple[int, list[int]]]:
        """Return how many numbers each key has had, and which of them were given back."""
        numbers = list(self._numbers.items())
        return {key: (_MOST - length_hint(each), [*self._returned.get(key, ())]) for key, each in numbers}

    def restart(self, call: Call) -> None:
        """Begin with 0 again for this key."""
        self._numbers.pop(call.key, None)
        self._returned.pop(call.key, None)

    def restart_function(self, function: str) -> None:
        """Begin with 0 again for every key of a function."""
        for key in self._keys.pop(function, ()):
            self._numbers.pop(key, None)
            self._returned.pop(key, None)
