"""The search for what a missed call may have meant: recordings of its function, the nearest first, in a bounded time."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from heapq import heappush, heapreplace
from itertools import chain, islice
from typing import NamedTuple

import orjson

from memo._calls.call import Call
from memo._calls.digest import call_key, entry_name
from memo._recordings.document import Document, parse_head, render
from memo.stores import DirectoryStore, Store

__all__ = ["Search", "first_line"]

_HEAD_BYTES = 8 * 1024
"""Read of every recording."""
_WHOLE_BYTES = 4 * 1024 * 1024
"""Read of the finalists at most."""
_FINALISTS = 5
"""Recordings that are compared argument by argument."""
_PATIENCE_IN_PLACE, _PATIENCE_ELSEWHERE = 3, 8
"""Times the allowed work that a search may last where the disk or the processor is shared."""
_LEAST_SECONDS = 0.001
"""With less time left a search ends."""
_FREE_STEPS, _STEPS_PER_LOOK = 200, 8
"""Steps that are made in place without a look at the clock, which costs as much as one; then steps between two looks."""
_NAMES_IN_PLACE, _NAMES_ELSEWHERE = 500, 3
"""Other functions and versions that are tried."""
_DIGEST = re.compile("-[0-9a-f]{12}$")
_FUNCTION = re.compile(rb'"function": ("(?:[^"\\]|\\.)*")')
_NUMBER_DIGITS = 10
_BYTES_BY_WORDS = 1024
"""Arguments up to this size are compared word by word, larger ones line by line."""


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the name of its type."""
    return (str(error).splitlines() or [""])[0] or type(error).__name__


class Candidate(NamedTuple):
    """A recording that may have been meant."""

    likeness: float
    name: str
    data: bytes


class Search:
    """Find what may have been meant in a store. What is found so far can be read from another thread at any time."""

    def __init__(self, call: Call, store: Store, seconds: float) -> None:
        self.names: list[str] = []
        self.seen: int | None = None
        """The number of recordings of the function, None while it is unknown."""
        self.looked_at = 0
        self.functions: list[str] = []
        self.same: Candidate | None = None
        """A recording of the same arguments, with another version or under the name of another function."""
        self.best: list[Candidate] = []
        self.unread: list[str] = []
        """What could not be read, and why."""
        self._call = call
        self._store = store
        self._seconds = seconds
        self._over = time.perf_counter() + seconds * (
            _PATIENCE_IN_PLACE if store.reads_in_place else _PATIENCE_ELSEWHERE
        )
        self._steps = 0
        self._sure = 0.0
        self._started = 0.0

    def finalists(self) -> Iterator[tuple[str, Document]]:
        """Yield the nearest recordings, without their outcomes, the one that is most similar first."""
        for candidate in sorted(self.best, reverse=True):
            yield from self.parsed(candidate)

    def parsed(self, candidate: Candidate) -> Iterator[tuple[str, Document]]:
        """Yield one recording, if it can be read."""
        try:
            data = candidate.data
            if isinstance(self._store, DirectoryStore) and len(data) == _HEAD_BYTES:
                data = self._store.head(candidate.name, _WHOLE_BYTES) or b""
            yield candidate.name, _document(data)
        except Exception as error:  # noqa: BLE001 - a damaged neighbour is no reason to report nothing
            self._could_not(candidate.name, error)

    def wait(self) -> None:
        """Search, and wait for it as long as the time allows: a store that does not read in place may hang."""
        if self._store.reads_in_place:
            self.run()
        else:
            thread = threading.Thread(target=self.run, name="memo-miss", daemon=True)
            thread.start()
            thread.join(self._seconds * _PATIENCE_ELSEWHERE)

    def run(self) -> None:
        """Search until everything is seen or the time is over."""
        self._started = time.thread_time()
        for step in (self._list, self._same_arguments, self._nearest):
            try:
                step()
            except Exception as error:  # noqa: BLE001 - a store is anybody's code
                self.unread.append(f"{self._store_location()} ({first_line(error)})")
                return

    def _store_location(self, name: str = "") -> str:
        try:
            return self._store.location(name)
        except Exception:  # noqa: BLE001
            return type(self._store).__name__

    def _in_time(self, part: float = 1.0) -> bool:
        self._steps += 1
        if self._store.reads_in_place and (self._steps < _FREE_STEPS or self._steps % _STEPS_PER_LOOK):
            return True
        now = time.perf_counter()
        if now < self._sure:
            return True  # it has worked no longer than the clock ran
        left = part * self._seconds - (time.thread_time() - self._started)
        self._sure = now + left
        return left > _LEAST_SECONDS and now < self._over

    def _list(self) -> None:
        store, function = self._store, self._call.function
        names = store.entries(function) if isinstance(store, DirectoryStore) else store.scan(f"{function}/")
        for name in names:
            self.names.append(name)
            if not self._in_time(0.5):
                return
        self.seen = len(self.names)

    def _same_arguments(self) -> None:
        """Look for the same arguments with another version, or under the name of another function."""
        call, quick = self._call, self._store.reads_in_place
        versions = ((call.function, version) for version in _near(call.version))
        functions = ((function, call.version) for function in self._functions() if function != call.function)
        for function, version in chain(
            islice(versions, None if quick else _NAMES_ELSEWHERE),
            islice(functions, _NAMES_IN_PLACE if quick else _NAMES_ELSEWHERE),
        ):
            if not self._in_time():
                return
            if function != call.function:
                self.functions.append(function)
            if self.same is None:
                name = entry_name(function, call_key(function, call.arguments, version))
                data = self._read(name)
                if data is not None:
                    self.same = Candidate(0.0, name, data)

    def _functions(self) -> Iterator[str]:
        """Yield the names of the functions that have recordings."""
        if isinstance(self._store, DirectoryStore):
            yield from map(self._named, self._store.functions())
            return
        last = None
        for name in self._store.scan():
            function = name.rpartition("/")[0]
            if function != last:
                last = function
                yield function
            if not self._in_time():
                return

    def _named(self, folder: str) -> str:
        """Return the function of a folder: where its name is no name of a file, the recordings in the folder hold it."""
        if not _DIGEST.search(folder) or not isinstance(self._store, DirectoryStore):
            return folder
        name = next(self._store.entries(folder), None)
        found = _FUNCTION.search(self._store.head(name, _HEAD_BYTES) or b"") if name is not None else None
        return str(orjson.loads(found[1])) if found else folder

    def _read(self, name: str) -> bytes | None:
        if isinstance(self._store, DirectoryStore):
            return self._store.head(name, _HEAD_BYTES)
        return self._store.get(name)

    def _nearest(self) -> None:
        asked = ByteLikeness(self._call)
        self._steps = 0
        for name in self.names:
            if not self._in_time():
                break
            try:
                data = self._read(name)
            except Exception as error:  # noqa: BLE001 - a neighbour that cannot be read is no reason to report nothing
                self._could_not(name, error)
                continue
            if data is None:
                continue  # gone in the meantime
            self.looked_at += 1
            candidate = Candidate(asked.of(data[:_HEAD_BYTES]), name, data)
            if len(self.best) < _FINALISTS:
                heappush(self.best, candidate)
            elif candidate > self.best[0]:
                heapreplace(self.best, candidate)

    def _could_not(self, name: str, error: Exception) -> None:
        location = self._store_location(name)
        message = first_line(error)
        reason = message.removeprefix(location).strip()
        self.unread.append(message if location in message else f"{location} ({reason})")


def _document(data: bytes) -> Document:
    """Return a recording without its outcomes. Raises `ValueError`."""
    try:
        return parse_head(data)
    except orjson.JSONDecodeError:
        raise ValueError(
            "is not a complete recording" if len(data) < _WHOLE_BYTES else "is too large to be compared"
        ) from None


def _near(version: str | int | None) -> Iterator[str | int | None]:
    """Yield versions that may have been there before, or come after."""
    if version is not None:
        yield None
    digits = str(version)
    number = int(digits) if digits.isdecimal() and len(digits) < _NUMBER_DIGITS else 0
    for other in (number - 1, number + 1, *range(number - 2, max(number - 20, 0) - 1, -1)):
        if other >= 0 and not isinstance(version, str):
            yield other
        if other >= 0 and not isinstance(version, int):
            yield str(other)


class ByteLikeness:
    """How similar the arguments in a file are to those of a call, judged by the bytes: in microseconds, whatever the size."""

    def __init__(self, call: Call) -> None:
        self._region = _region(render(Document.of(call, []))[:_HEAD_BYTES])
        self._number = int.from_bytes(self._region, "big")
        self._by_line = len(self._region) > _BYTES_BY_WORDS
        self._tokens = set(self._split(self._region))

    def _split(self, region: bytes) -> list[bytes]:
        """Return the words, or the lines of a long text."""
        return region.split(b"\n") if self._by_line else region.split()

    def of(self, head: bytes) -> float:
        """Return 0 for nothing similar, about 2 for the same."""
        region = _region(head)
        size, mine = len(region), len(self._region)
        least = min(size, mine)
        if not least:
            return 0.0
        # As numbers all bytes are compared at once: their exclusive or is 0 where they are equal.
        number = int.from_bytes(region, "big")
        start = (number >> 8 * (size - least)) ^ (self._number >> 8 * (mine - least))
        end = number ^ self._number
        before = least - (start.bit_length() + 7) // 8
        behind = ((end & -end).bit_length() - 1) // 8 if end else least
        tokens = self._split(region)
        shared = len(self._tokens.intersection(tokens)) / max(len(tokens), len(self._tokens))
        return min(before + behind, least) / max(size, mine) + shared


def _region(head: bytes) -> bytes:
    start = head.find(b'"arguments": ')
    end = head.find(b'\n  "', start)
    return head[start + 13 : end if end > 0 else None].rstrip(b",")
