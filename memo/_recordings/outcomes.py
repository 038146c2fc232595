"""Outcomes: how a call ended, as it is recorded and as it is replayed.

    {"value": …}                                                 what was returned
    {"error": {"__type__": …, "args": […], …}}                   what was raised
    {"stream": {"of": …, "items": […], "end": "complete"}}       what was yielded, and how it ended:
                                                                 "complete", "closed" (its consumer left), "error"

each with `"seconds"`, and where it applies `"awaited": true` (a plain function returned an awaitable), `"redacted"` (the
paths of masked secrets), `"allowed_secrets"` (the paths of what `allow_secrets=` left as it was), `"test"` (if it is not the
recording's), `"holds"` (the paths of streams inside the value), `"given"` (the paths of objects that the caller passed in, each
with its path in the arguments, or "" for the object whose method was called), `"of_object": true` (types are named that only
that object leads to), `"inside"` (how many draws of which calls were taken inside the call, by `function/key`), `"calls"` and
`"draw"` (see `draws`), and `"after"` (the call that ended last while this one ran: `{"call": "function/key", "draw": 0}`, with
`"thread": true` if it ended in another thread); in a stream `"error"`, `"iterated": "sync"`, `"returned"` (by a generator, at its end), `"response"` (the
HTTP response that an SDK's stream came in), `"offsets"` (seconds, with `timings=True`), and `"answered"` (after how many items
the stream handled an exception that was thrown in).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

import orjson

from memo.codecs.decoder import CutShort, Further
from memo.codecs.items import Items
from memo.codecs.streams import cut_short, marked
from memo.codecs.values import Values
from memo.errors import DataMismatch, MemoError, RecordingDamaged

__all__ = ["Outcome", "Predecessor", "fingerprint", "is_untyped", "raise_recorded"]


_NOTHING: Mapping[str, int] = MappingProxyType({})
_MOST_INSIDE = 10_000_000


class Predecessor(NamedTuple):
    """The call that ended last while another one ran."""

    call: str
    """`function/key`."""
    draw: int
    is_in_thread: bool
    """Whether it ended in another thread."""


class Outcome:
    """A recorded outcome, ready to be replayed: any number of times, or only `once`, of the recording that is given there.

    `locate` gives where the recording is, which only errors need.
    """

    read: Callable[[], Any] | None
    """Gives a fresh value, of an outcome that is one."""
    error: Callable[[], Any] | None = None
    """Gives a fresh exception: what was raised, or how the stream ended."""
    items: Items | None
    """The items, of an outcome that is a stream."""
    returned: Callable[[], Any] | None = None
    """Gives what a generator returned at its end."""
    response: Callable[[], Any] | None = None
    """Gives the HTTP response that an SDK's stream came in."""
    awaited = False
    inside: Mapping[str, int]
    """How many draws of which calls were taken inside the call, by `function/key`."""
    after: Predecessor | None
    """The call that ended last while this one ran."""
    end = ""
    unit = "item"
    """What `items` are: "byte" of a body in pieces."""
    offsets: Sequence[float] = ()
    answered: Sequence[int] = ()
    """After how many items something was thrown into the stream that it answered by what comes next."""
    sync = False
    is_masked = False
    """Whether secrets are masked in it, so that it may be of another length."""
    is_more: bool
    """Whether the value holds streams, or the caller's own objects."""
    given: Mapping[str, Any] = MappingProxyType({})
    """The places of the caller's own objects in the value, each with its place in the arguments; "" is the method's object."""
    written: Any = None
    """What a driver made of the outcome, which is all that it needs for further replays."""
    hold: Callable[[Outcome], None] | None = None
    """Holds an outcome that is given once for further replays, as it was `written`."""
    cut_short: CutShort | None = None
    """Makes the error for a stream in the value that is read further than it was recorded."""
    further: Further | None = None
    """Goes on with such a stream."""
    parts: Sequence[dict[str, Any]] = ()
    """The forms of the streams in the value, if the consumer left one of them."""

    def __init__(
        self, tree: dict[str, Any], values: Values, locate: Callable[[], str], *, once: bytes | None = None
    ) -> None:
        # What every replay reads is never left to the class: Python finds it there in four times the time.
        self.read = self.items = None
        self.is_more = False
        self.after = _predecessor(tree["after"], locate) if "after" in tree else None
        self.inside = _counts(tree["inside"]) if "inside" in tree else _NOTHING
        self.seconds: float = tree.get("seconds", 0.0)
        if "awaited" in tree:
            self.awaited = bool(tree["awaited"])
        if "redacted" in tree:
            self.is_masked = True
        try:
            if "value" in tree:
                if "holds" in tree:
                    self.is_more = True
                    values = values.going_on(self._goes_on, self._cut)
                    parts = marked(tree["value"], tree["holds"] if type(tree["holds"]) is list else ())
                    self.parts = parts if any(part.get("end") == "closed" for part in parts) else ()
                elif type(tree.get("given")) is dict:
                    self.is_more, self.given = True, tree["given"]
                self.read = values.reader(tree["value"], once=once)
            elif "error" in tree:
                self.error = _error(values.reader(tree["error"]), locate)
            else:
                self._read_stream(tree["stream"], values, locate, once=once)
        except DataMismatch as error:  # of what is checked before a value is built: the form, which memo writes
            raise RecordingDamaged(locate(), f"holds what memo never writes ({error.reason})") from error

    def keep(self, written: Any) -> None:
        """Keep what a driver made of the outcome."""
        self.written = written
        hold, self.hold = self.hold, None
        if hold is not None:
            self.read = self.items = self.response = None  # nobody else has it
            hold(self)

    def _goes_on(self) -> Further | None:
        return self.further

    def _cut(self, count: int, unit: str) -> MemoError:
        return (self.cut_short or cut_short)(count, unit)

    def _read_stream(self, stream: Any, values: Values, locate: Callable[[], str], *, once: bytes | None) -> None:
        if not isinstance(stream, dict) or not isinstance(stream.get("items"), list):
            raise RecordingDamaged(locate(), "holds a stream without items")
        self.end = stream.get("end", "")
        # Of a stream that was left, the items may be read again, to be compared with those of a live call.
        self.items = Items(stream, values, once=once if self.end != "closed" else None)
        if self.end not in ("complete", "closed", "error") or (self.end == "error") != ("error" in stream):
            raise RecordingDamaged(locate(), f"holds a stream with the unknown end {self.end!r}")
        if self.end == "error":
            self.error = _error(values.reader(stream["error"]), locate)
        if "returned" in stream:
            self.returned = values.reader(stream["returned"])
        if "response" in stream:
            self.response = values.reader(stream["response"])
        if "offsets" in stream:
            self.offsets = stream["offsets"]
            if not isinstance(self.offsets, list) or not all(type(offset) in _NUMBERS for offset in self.offsets):
                raise RecordingDamaged(locate(), "holds a stream with offsets that are no numbers")
        if "answered" in stream:
            self.answered = stream["answered"]
            if not isinstance(self.answered, list) or not all(type(count) is int for count in self.answered):
                raise RecordingDamaged(locate(), "holds a stream that answered after what is no number")
        self.sync = stream.get("iterated") == "sync"


def is_untyped(tree: dict[str, Any]) -> bool:
    """Return whether an outcome is plain JSON, or a stream of it, which is read as it was parsed where it is read once."""
    value = tree.get("value")
    return (
        "of" not in tree["stream"]
        if "stream" in tree
        else type(value) is list or (type(value) is dict and "__type__" not in value)
    )


_NUMBERS = (int, float)


def _counts(tree: Any) -> Mapping[str, int]:
    if not isinstance(tree, dict):
        return _NOTHING
    return {name: count for name, count in tree.items() if type(count) is int and 0 < count <= _MOST_INSIDE}


def _predecessor(tree: Any, locate: Callable[[], str]) -> Predecessor:
    match tree:
        case {"call": str(name), "draw": int(draw)} if draw >= 0 and type(draw) is int:
            return Predecessor(name, draw, bool(tree.get("thread")))
        case _:
            raise RecordingDamaged(locate(), "names the call that ended before it in a form that memo never writes")


def _error(read: Callable[[], Any], locate: Callable[[], str]) -> Callable[[], Exception]:
    def error() -> Exception:
        value = read()
        if not isinstance(value, Exception):
            raise RecordingDamaged(locate(), "holds an error that is none")
        return value

    return error


def raise_recorded(error: BaseException) -> NoReturn:
    """Raise a recorded error. What the caller is handling in the meantime comes after the recorded context, as it does live."""
    context = error.__context__
    try:
        raise error
    finally:
        handled = error.__context__
        if context is not None and handled is not context:
            last = context
            while last.__context__ is not None:
                last = last.__context__
            last.__context__ = handled
            error.__context__ = context


_ASIDE = frozenset({"after", "calls", "draw", "seconds", "test"})


def fingerprint(outcome: dict[str, Any]) -> bytes:
    """Equal for outcomes that replay alike, however long they took, among whichever others and in whichever test."""
    compared = {name: part for name, part in outcome.items() if name not in _ASIDE}
    if "stream" in compared:
        compared["stream"] = {name: part for name, part in compared["stream"].items() if name != "offsets"}
    return sha256(orjson.dumps(compared)).digest()
