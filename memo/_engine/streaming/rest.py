"""What follows in a live HTTP body after the bytes that its consumer has got of a recorded one."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable
from itertools import islice
from typing import Any

from memo.errors import StreamCutShort

__all__ = ["Rest", "end_of_items"]

# Where a line ends in `\r\n`, a match begins at its `\n`: each branch begins with a character, which Python finds in half the time.
_EVENT_END = re.compile(rb"\n\r?\n|\r\r(?!\n)")
_LINE_END = re.compile(rb"\n")

_LINES = re.compile("ndjson|jsonl|json-?lines")

log = logging.getLogger("memo")


def end_of_items(content_type: str) -> re.Pattern[bytes] | None:
    """Return what ends an event, or a line of JSON, in bodies of that type; None for bodies that are one piece."""
    kind = content_type.lower()
    return _EVENT_END if "event-stream" in kind else _LINE_END if _LINES.search(kind) else None


class Rest:
    """The rest of a body, after what its consumer has got of a recorded one.

    A body that begins with the same bytes goes on after them. One that differs goes on after as many whole events; where
    the consumer has got no whole events, it raises `StreamCutShort`.
    """

    def __init__(self, given: Iterable[bytes], content_type: str, function: str) -> None:
        self._given = b"".join(given)
        self._end = end_of_items(content_type)
        self._function = function
        self._at = 0
        self._is_past = False
        self._other: bytes | None = None
        self._count = 0

    def of(self, content: bytes) -> bytes:
        """Return the rest of a whole body."""
        return self._add(content)

    def pieces(self, pieces: Iterable[bytes], close: Callable[[], Any]) -> Generator[bytes, None, None]:
        """Yield the rest of a body that comes piece by piece. Close it at the end."""
        try:
            for piece in pieces:
                if rest := self._add(piece):
                    yield rest
        finally:
            close()

    async def apieces(self, pieces: AsyncIterable[bytes], close: Callable[[], Any]) -> AsyncGenerator[bytes, None]:
        """Async twin of `pieces`."""
        try:
            async for piece in pieces:
                if rest := self._add(piece):
                    yield rest
        finally:
            closing = close()
            if closing is not None:
                await closing

    def _add(self, piece: bytes) -> bytes:
        """Return what the consumer has not got of a piece."""
        if self._is_past:
            return piece
        if self._other is None:
            expected = self._given[self._at : self._at + len(piece)]
            if piece.startswith(expected):
                self._at += len(expected)
                self._is_past = self._at == len(self._given)
                return piece[len(expected) :]
            self._differ()
        self._other = (self._other or b"") + piece
        assert self._end is not None
        ends = list(islice(self._end.finditer(self._other), self._count))
        if len(ends) < self._count:
            return b""
        self._is_past = True
        return self._other[ends[-1].end() :]

    def _differ(self) -> None:
        ends = [] if self._end is None else list(self._end.finditer(self._given))
        if not ends or ends[-1].end() != len(self._given):
            raise StreamCutShort(self._function, len(self._given), "byte")
        self._other, self._count = self._given[: self._at], len(ends)
        log.warning(
            "%s: a consumer left the recorded stream, and the live call that goes on with it gave other items",
            self._function,
        )
