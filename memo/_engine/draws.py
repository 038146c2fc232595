"""The identical calls of a session, numbered in the order in which they are made."""

from __future__ import annotations

import threading
from collections import defaultdict
from heapq import heappop, heappush

from memo._calls.call import Call

__all__ = ["DrawNumbers"]


class DrawNumbers:
    """Numbers the identical calls of a session from 0. Safe for threads.

    A number that was given back, because its call was not recorded, is the next one: whoever repeats the call takes its place.
    """

    def __init__(self) -> None:
        self._next: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """By function, then by key."""
        self._returned: dict[str, list[int]] = {}
        # Reentrant: the garbage collector may end a call at any time.
        self._lock = threading.RLock()

    def take(self, call: Call) -> int:
        """Return the number of a call that is being made now."""
        with self._lock:
            if self._returned:
                returned = self._returned.get(call.key)
                if returned:
                    return heappop(returned)
            numbers = self._next[call.function]
            number = numbers.get(call.key, 0)
            numbers[call.key] = number + 1
            return number

    def give_back(self, call: Call, number: int) -> None:
        """Let the next identical call have the number of a call that was not recorded."""
        with self._lock:
            if number < self._next[call.function].get(call.key, 0):  # else the numbers have been restarted
                heappush(self._returned.setdefault(call.key, []), number)

    def restart(self, call: Call) -> None:
        """Begin with 0 again for this key."""
        with self._lock:
            self._next[call.function].pop(call.key, None)
            self._returned.pop(call.key, None)

    def restart_function(self, function: str) -> None:
        """Begin with 0 again for every key of a function."""
        with self._lock:
            for key in self._next.pop(function, {}):
                self._returned.pop(key, None)
