"""The draws of a scope that several processes have: one log, which all of them append to and read in the same order.

A process takes a number by appending a line, and by reading the log up to that line: the order of the lines says which
number it is, in every process.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
import weakref
from collections import deque
from heapq import heappop, heappush
from itertools import count
from typing import Any

import orjson

from memo._calls.call import Call
from memo._engine.numbering.draws import DrawNumbers
from memo._engine.numbering.journal import appended

__all__ = ["SharedDraws"]

_WAIT_SECONDS = 2.0
_PAUSE_SECONDS = 0.002


class SharedDraws(DrawNumbers):
    """Numbers the identical calls of a scope, whichever process makes them. Safe for threads and processes."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._file = appended(path)
        self._reader = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        for file in (self._file, self._reader):
            weakref.finalize(self, os.close, file)  # a task may go on in a scope that is over
        self._rest = b""
        """What has been read of a line that is not whole yet."""
        self._lines: deque[bytes] = deque()
        self._name = secrets.token_hex(4)
        self._next: dict[str, int] = {}
        self._free: dict[str, list[int]] = {}
        self._begun: dict[str, str] = {}
        """Which line began to replace the recording of each key, in `record`."""
        self._written: set[str] = set()
        self._taken: dict[str, int] = {}
        self._tokens = count()
        # Reentrant: the garbage collector may close a stream at any time, which gives its number back.
        self._lock = threading.RLock()

    def seed(self, numbers: DrawNumbers, begun: list[str]) -> None:
        """Go on from the numbers that one process has given so far, and from the keys that it has begun to record."""
        for key, (taken, returned) in numbers.counts().items():
            self._append("seed", key, taken, returned)
        for key in begun:
            self._append("begin", key, "")
            self._append("written", key)

    def take(self, call: Call) -> int:
        """Return the number of a call that is being made now, in any of the processes."""
        self._keys[call.function].add(call.key)
        token = self._token()
        with self._lock:
            self._append("take", call.key, token)
            self._read(token)
            return self._taken.pop(token)

    def taken(self, key: str) -> int:
        """Return how many numbers a key has had, in any of the processes, that were not given back."""
        with self._lock:
            self._read(None)
            return self._next.get(key, 0) - len(self._free.get(key, ()))

    def give_back(self, call: Call, number: int) -> None:
        """Let the next identical call have the number of a call that was not recorded."""
        self._append("free", call.key, number)

    def restart(self, call: Call) -> None:
        """Begin with 0 again for this key."""
        self._append("restart", call.key)

    def restart_function(self, function: str) -> None:
        """Begin with 0 again for every key of a function that this process has called."""
        for key in self._keys.pop(function, ()):
            self._append("restart", key)

    def begin(self, key: str) -> bool:
        """Return whether the caller is the first of all processes to record this call, and so replaces its recording.

        Otherwise wait until the first one has written, for two seconds at most: it may have been killed.
        """
        token = self._token()
        with self._lock:
            self._append("begin", key, token)
            self._read(token)
            if self._begun[key] == token:
                return True
        end = time.monotonic() + _WAIT_SECONDS
        while key not in self._written and time.monotonic() < end:
            time.sleep(_PAUSE_SECONDS)
            with self._lock:
                self._read(None)
        return False

    def has_begun(self, key: str) -> bool:
        """Return whether any process has begun to record under this key."""
        with self._lock:
            self._read(None)
            return key in self._begun

    def written(self, key: str) -> None:
        """Let the processes go on that wait in `begin`."""
        self._append("written", key)

    def _token(self) -> str:
        return f"{self._name}-{next(self._tokens)}"

    def _append(self, *line: Any) -> None:
        os.write(self._file, b"\n%b\n" % orjson.dumps(line))

    def _read(self, token: str | None) -> None:
        """Follow the log: to the line with that token, or to its end."""
        while True:
            if not self._lines:
                data = os.read(self._reader, 4096)
                if not data:
                    return
                whole, _, self._rest = (self._rest + data).rpartition(b"\n")
                self._lines.extend(line for line in whole.split(b"\n") if line)
                continue
            try:
                line = orjson.loads(self._lines.popleft())
            except orjson.JSONDecodeError:
                continue  # its process was killed
            self._follow(line)
            if token is not None and line[2:] == [token]:
                return

    def _follow(self, line: list[Any]) -> None:
        match line:
            case ["take", key, token]:
                free = self._free.get(key)
                number = heappop(free) if free else self._next.get(key, 0)
                self._next[key] = max(self._next.get(key, 0), number + 1)
                if token.startswith(self._name):
                    self._taken[token] = number
            case ["free", key, number]:
                if number < self._next.get(key, 0):  # else the numbers have been restarted
                    heappush(self._free.setdefault(key, []), number)
            case ["seed", key, taken, returned]:
                self._next[key], self._free[key] = taken, sorted(returned)
            case ["begin", key, token]:
                self._begun.setdefault(key, token)
            case ["written", key]:
                self._written.add(key)
            case ["restart", key]:
                self._next.pop(key, None)
                self._free.pop(key, None)
                self._begun.pop(key, None)
                self._written.discard(key)
            case _:
                pass
