"""Bodies that come piece by piece, cut into the items that are recorded, and put together again to the letter.

An item is a server-sent event as its fields, `{"event": "delta", "data": {…}}`, a line of JSON as its value, or the text or
bytes of a piece. `style` in the head is how the bytes follow from the fields, where it is not the usual way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from memo._engine.streaming.begun import RecordedStream
from memo._engine.streaming.rest import end_of_items
from memo.patches._http.answers import Head, header
from memo.patches._text import dumped, form_of

__all__ = ["ItemBytes", "JoinedBody", "Splitter", "is_cut", "item_bytes"]


class Style:
    """How the bytes of events, or of lines of JSON, follow from what is recorded: as in the first that was recorded."""

    def __init__(self, recorded: dict[str, str] | None = None) -> None:
        known = recorded or {}
        self.eol: str | None = known.get("eol")
        self.colon: str | None = known.get("colon")
        self.json: str | None = known.get("json")

    def recorded(self) -> dict[str, str]:
        """Return what is not the usual way."""
        found = {"eol": self.eol, "colon": self.colon, "json": self.json}
        return {name: how for name, how in found.items() if how is not None and how != _USUAL[name]}

    def item(self, data: bytes, *, events: bool) -> Any:
        """Return what is recorded of an event or a line: its parts, if the bytes follow from them; else its text or bytes."""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return data
        item = self._event(text) if events else self._line(text)
        return text if item is None else item

    def _event(self, text: str) -> dict[str, Any] | None:
        eol = self.eol or ("\r\n" if "\r\n" in text else "\n")
        lines = text.removesuffix(eol + eol).split(eol)
        colon = self.colon or (": " if re.match(r"\w+: ", lines[0]) else ":")
        event: dict[str, Any] = {}
        form = self.json
        for line in lines:
            name, found, value = line.partition(colon)
            if not (found and name.isidentifier()) or name in event:
                return None
            event[name] = value
            if name == "data" and value[:1] in ("{", "["):
                body, how = form_of(value, _JSON if form is None else (form,))
                if how:
                    event[name], form = body, how
        if len(text) != sum(map(len, lines)) + (len(lines) + 1) * len(eol):  # it did not end in an empty line
            return None
        self.eol, self.colon, self.json = eol, colon, form
        return event

    def _line(self, text: str) -> Any:
        eol = self.eol or ("\r\n" if text.endswith("\r\n") else "\n")
        plain = text.removesuffix(eol)
        if plain[:1] not in ("{", "[") or plain == text:
            return None
        body, form = form_of(plain, _JSON if self.json is None else (self.json,))
        if not form:
            return None
        self.eol, self.json = eol, form
        return body

    def written(self, items: list[Any], *, events: bool) -> bytes:
        """Return the bytes of recorded items: of events, or of lines of JSON."""
        eol, form = (self.eol or "\n").encode(), self.json or "compact"
        if not events:
            lines = iter(dumped([item for item in items if type(item) not in _AS_SENT], form))
            return b"".join([_sent(item) if type(item) in _AS_SENT else next(lines) + eol for item in items])
        values = iter(
            dumped(
                [field for item in items if type(item) is dict for field in item.values() if type(field) is not str],
                form,
            )
        )
        starts: dict[str, bytes] = {}
        parts: list[bytes] = []
        for item in items:
            if type(item) is not dict:
                parts.append(_sent(item))
                continue
            for name, field in item.items():
                start = starts.get(name)
                if start is None:
                    start = starts[name] = f"{name}{self.colon or ': '}".encode()
                parts += (start, field.encode() if type(field) is str else next(values), eol)
            parts.append(eol)
        return b"".join(parts)


_AS_SENT = (str, bytes)
"""Items that are recorded as they were sent."""


def _sent(item: str | bytes) -> bytes:
    return item if isinstance(item, bytes) else item.encode()


_USUAL = {"eol": "\n", "colon": ": ", "json": "compact"}
_JSON = ("compact", "line", "ascii")


def is_cut(head: Head) -> bool:
    """Return whether the items are events or lines, not the pieces in which a body came."""
    return end_of_items(header(head, "content-type")) is not None


class Splitter:
    """Cuts a body that comes piece by piece into the items that are recorded: events, lines of JSON, or the pieces."""

    def __init__(self, head: Head) -> None:
        kind = header(head, "content-type").lower()
        self.events = "event-stream" in kind
        self._end = end_of_items(header(head, "content-type"))
        self.style = Style()
        self._rest = b""

    def add(self, data: bytes) -> list[Any]:
        """Return the items that are whole by now."""
        if self._end is None:
            return [_text(data)] if data else []
        data = self._rest + data
        items: list[Any] = []
        at = 0
        for found in self._end.finditer(data):
            items.append(self.style.item(data[at : found.end()], events=self.events))
            at = found.end()
        self._rest = data[at:]
        return items

    def rest(self) -> list[Any]:
        """Return what is left at the end of the body."""
        rest, self._rest = self._rest, b""
        return [self.style.item(rest, events=self.events)] if rest else []


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def item_bytes(items: Iterable[Any], head: Head, size: int = 1) -> Iterator[bytes]:
    """Yield the bytes of the items of a recorded body; of more than one at once where `size` says so, but for the first.

    The first comes alone: its reader waits for no other.
    """
    style, events = Style(head.get("style")), "event-stream" in header(head, "content-type").lower()
    rest = iter(items)
    some = [*islice(rest, 1)]
    while some:
        yield style.written(some, events=events)
        some = [*islice(rest, size)]


class ItemBytes:
    """The items of a recorded body, as bytes."""

    def __init__(self, items: Any, head: Head) -> None:
        self._items = items
        self._head = head

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[bytes]:
        return item_bytes(self._items, self._head)


class JoinedBody:
    """The body of a recorded stream that came to its end: its first item, then many at once, as a client has 6 generators for a piece."""

    def __init__(self, play: RecordedStream, head: Head, keep: Callable[[bytes], Any]) -> None:
        self._play = play
        self._head = head
        self._keep = keep
        """Called with the whole body, if it is short."""

    def __iter__(self) -> Iterator[bytes]:
        items = self._play.outcome.items or ()
        with self._play:
            pieces = item_bytes(items, self._head, _AT_ONCE)
            if not 1 < len(items) <= _AT_ONCE:
                yield from pieces
                return
            first = next(pieces)
            yield first
            rest = next(pieces)
            self._keep(first + rest)  # not later: a reader that knows the length of the body does not ask for more
            yield rest


_AT_ONCE = 256
"""The number of events that come at once at most: to write an event takes 1 to 3 µs."""
