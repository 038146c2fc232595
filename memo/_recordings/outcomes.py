"""Outcomes: how a call ended, as it is recorded and as it is replayed.

    {"value": …}                                                 what was returned
    {"error": {"__type__": …, "args": […], …}}                   what was raised
    {"stream": {"of": …, "items": […], "end": "complete"}}       what was yielded, and how it ended:
                                                                 "complete", "closed" (its consumer left), "error"

each with `"seconds"`, and where it applies `"awaited": true` (a plain function returned an awaitable), `"redacted"` (the
paths of masked secrets), `"allowed_secrets"` (the paths of what `allow_secrets=` left), `"test"` (where it is not the
recording's), `"holds"` (the paths of streams inside the value), `"inside"` (how many draws of which calls were taken inside it, by `function/key`), `"calls"` and `"draw"`
(see `draws`); in a stream `"error"`, `"iterated": "sync"`,
`"returned"` (by a generator, at its end), `"response"` (the HTTP response that an SDK's stream came in), `"offsets"`
(seconds, with `timings=True`), and `"answered"` (after how many items something was thrown in that the stream answered).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NoReturn

import orjson

from memo._calls.secret_streams import mask_across
from memo._calls.secrets import SecretRules, may_hold_secret, redact
from memo._recordings.unread import refuse_unread
from memo._values.paths import path_text
from memo.codecs.decoder import CutShort
from memo.codecs.errors import left_out_paths
from memo.codecs.items import Items, Packer
from memo.codecs.streams import cut_short
from memo.codecs.values import Values
from memo.errors import DataMismatch, ErrorNotWholeWarning, MemoError, RecordingDamaged, UnrecordableValue

__all__ = [
    "Outcome",
    "StreamWriter",
    "error_outcome",
    "fingerprint",
    "is_answer",
    "is_untyped",
    "loss_warning",
    "raise_recorded",
    "value_outcome",
    "why_no_answer",
]


_NOTHING: Mapping[str, int] = MappingProxyType({})
_MOST_INSIDE = 10_000_000


class Outcome:
    """A recorded outcome, ready to be replayed: any number of times, or only `once`, of the recording that is given there.

    `locate` gives where the recording is, which only errors need.
    """

    read: Callable[[], Any] | None = None
    """Gives a fresh value, of an outcome that is one."""
    error: Callable[[], Any] | None = None
    """Gives a fresh exception: what was raised, or how the stream ended."""
    items: Items | None = None
    """The items, of an outcome that is a stream."""
    returned: Callable[[], Any] | None = None
    """Gives what a generator returned at its end."""
    response: Callable[[], Any] | None = None
    """Gives the HTTP response that an SDK's stream came in."""
    awaited = False
    inside: Mapping[str, int] = _NOTHING
    """How many draws of which calls were taken inside the call, by `function/key`."""
    end = ""
    offsets: Sequence[float] = ()
    answered: Sequence[int] = ()
    """After how many items something was thrown into the stream that it answered by what comes next."""
    sync = False
    holds = False
    """Whether the value holds streams."""
    written: Any = None
    """What a driver made of the outcome, which is all that it needs for further replays."""
    hold: Callable[[Outcome], None] | None = None
    """Holds an outcome that is given once for further replays, as it was `written`."""
    cut_short: CutShort | None = None
    """Makes the error for a stream in the value that is read further than it was recorded."""

    def __init__(
        self, tree: dict[str, Any], values: Values, locate: Callable[[], str], *, once: bytes | None = None
    ) -> None:
        self.seconds: float = tree.get("seconds", 0.0)
        if "awaited" in tree:
            self.awaited = bool(tree["awaited"])
        if "inside" in tree:
            self.inside = _counts(tree["inside"])
        try:
            if "value" in tree:
                if "holds" in tree:
                    self.holds = True
                    values = values.cutting_short(self._error_cut_short)
                self.read = values.reader(tree["value"], once=once)
            elif "error" in tree:
                self.error = _error(values.reader(tree["error"]), locate)
            else:
                self._read_stream(tree["stream"], values, locate, once=once)
        except DataMismatch as error:  # of what is checked before a value is built: the form, which memo writes
            raise RecordingDamaged(locate(), f"holds what memo never writes ({error.reason})") from error

    def _error_cut_short(self, count: int) -> MemoError:
        return (self.cut_short or cut_short)(count)

    def keep(self, written: Any) -> None:
        """Keep what a driver made of the outcome."""
        self.written = written
        hold, self.hold = self.hold, None
        if hold is not None:
            self.read = self.items = self.response = None  # nobody else has it
            hold(self)

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


def loss_warning(function: str, outcome: dict[str, Any]) -> ErrorNotWholeWarning | None:
    """Return what to warn of, if an error (or the error at the end of a stream) could not be recorded whole."""
    error = outcome.get("error") or outcome.get("stream", {}).get("error")
    paths = left_out_paths(error)
    return ErrorNotWholeWarning(function, error["__type__"], paths) if paths else None


def value_outcome(value: Any, values: Values, secrets: SecretRules) -> dict[str, Any]:
    """Return the outcome of a call that returned. Raises `UnrecordableValue`."""
    tree = values.encode(value)
    written = _written(tree)
    refuse_unread(tree, written)
    if not may_hold_secret(written.decode(), secrets):
        return {"value": tree}
    masks = _Masks(values, secrets)
    return {"value": masks.of(tree), **masks.report()}


def error_outcome(
    error: BaseException, values: Values, secrets: SecretRules, *, outside: BaseException | None = None
) -> dict[str, Any]:
    """Return the outcome of a call that raised. Raises `UnrecordableValue`.

    `outside` is the exception that the caller was handling when it made the call: no part of the outcome.
    """
    masks = _Masks(values, secrets)
    return {"error": masks.without_secrets(values.encode_error(error, outside=outside)), **masks.report()}


class StreamWriter:
    """Encodes the items of a stream as they pass. An item that cannot be recorded is reported at the end and stops nothing."""

    def __init__(self, values: Values, secrets: SecretRules) -> None:
        self._values = values
        self._secrets = secrets
        self._packer = Packer()
        self.count = 0
        self.failure: Exception | None = None
        self._last: Any = None

    def add(self, item: Any) -> None:
        """Add an item as it is now: what its consumer does to it later is not recorded."""
        if self.failure is None:
            try:
                tree = self._values.encode(item)
                if item is self._last:
                    tree = self._values.again(item, tree)
                self._last = item
                self._packer.add(tree)
            except Exception as error:  # noqa: BLE001 - whatever a value of anybody's does: the stream goes on
                if isinstance(error, UnrecordableValue):
                    error.path = f"[{self.count}]{error.path}"
                self.failure = error
                self._packer = Packer()
        self.count += 1

    def outcome(
        self,
        end: str,
        error: BaseException | None = None,
        *,
        returned: Any = None,
        sync: bool = False,
        outside: BaseException | None = None,
    ) -> dict[str, Any]:
        """Return the outcome of the stream. Raises `UnrecordableValue` if an item, or the error, cannot be recorded."""
        if self.failure is not None:
            raise self.failure
        masks = _Masks(self._values, self._secrets)
        stream = {**self._without_secrets(masks).packed(), "end": end}
        if error is not None:
            stream["error"] = masks.without_secrets(self._values.encode_error(error, outside=outside))
        if returned is not None:
            stream["returned"] = masks.without_secrets(self._values.encode(returned))
        if sync:
            stream["iterated"] = "sync"
        return {"stream": stream, **masks.report()}

    def _without_secrets(self, masks: _Masks) -> Packer:
        """Return the items without secrets, those cut over several items included.

        What passed stays as it is: more of the stream may come. All items are searched at once: one by one takes ten times as long.
        """
        packer = self._packer
        if len(packer) > 1:
            items = packer.trees()
            if masks.across(items):
                packer = Packer()
                for item in items:
                    packer.add(item)
        if not may_hold_secret(packer.text(), self._secrets):
            return packer
        masked = Packer()
        for index, item in enumerate(packer):
            masked.add(masks.without_secrets(item, index))
        return masked


def _written(tree: Any) -> bytes:
    """Return the JSON of a tree. Raises `UnrecordableValue`."""
    try:
        return orjson.dumps(tree)
    except orjson.JSONEncodeError as error:
        raise UnrecordableValue("", f"cannot be written as JSON ({error})") from error


class _Masks:
    """What was masked in an outcome, and what was not because the user allows it."""

    def __init__(self, values: Values, rules: SecretRules) -> None:
        self._values = values
        self._rules = rules
        self._masked: dict[str, None] = {}
        self._allowed: dict[str, None] = {}

    def report(self) -> dict[str, Any]:
        """Return the paths as they are kept in the outcome."""
        if not self._masked and not self._allowed:
            return {}
        paths = {"redacted": [*self._masked], "allowed_secrets": [*self._allowed]}
        return {name: found for name, found in paths.items() if found}

    def across(self, items: list[Any]) -> bool:
        """Mask what is cut over several items, in place; return whether there was anything."""
        found = mask_across(items, self._rules)
        for steps in found:
            self._masked[path_text(steps)] = None
        for index in {steps[0]: None for steps in found}:
            self._check(items[index], path_text([index]))  # type: ignore[index]
        return bool(found)

    def without_secrets(self, tree: Any, *at: int) -> Any:
        """Return a tree without its secrets; `at` is the index of an item. Raises `UnrecordableValue`."""
        return self.of(tree, *at) if may_hold_secret(_written(tree).decode(), self._rules) else tree

    def of(self, tree: Any, *at: int) -> Any:
        """Return a tree, which may hold secrets, without them; `at` is the index of an item. Raises `UnrecordableValue`."""
        holder = [tree]
        masked, allowed = redact(holder, self._rules, at)
        paths = [path_text(steps) for steps in masked]
        if paths:
            self._check(holder[0], paths[0])
        self._masked.update(dict.fromkeys(paths))
        self._allowed.update(dict.fromkeys(path_text(steps) for steps in allowed))
        return holder[0]

    def _check(self, tree: Any, path: str) -> None:
        """Raise `UnrecordableValue` if a masked tree cannot be read back."""
        try:
            self._values.decode(tree)
        except MemoError as error:
            raise UnrecordableValue(path, f"holds a secret, and could not be read back masked ({error})") from error


def fingerprint(outcome: dict[str, Any]) -> bytes:
    """Equal for outcomes that replay alike, however long they took and whichever test made them."""
    compared = {name: part for name, part in outcome.items() if name not in ("calls", "draw", "seconds", "test")}
    if "stream" in compared:
        compared["stream"] = {name: part for name, part in compared["stream"].items() if name != "offsets"}
    return sha256(orjson.dumps(compared)).digest()


_TRANSIENT_STATUS = frozenset({408, 409, 425, 429})
_TRANSIENT_NAMES = frozenset(
    {
        "APIConnectionError",  # the SDKs built by Stainless
        "ClientConnectionError",  # aiohttp
        "ConnectionError",  # Python, requests, redis
        "NetworkError",
        "RateLimitError",
        "ServiceUnavailable",
        "Timeout",  # requests
        "TimeoutError",  # Python, redis, playwright
        "TooSlowError",  # trio
        "TransportError",  # httpx, elastic
        "gaierror",  # no answer from the name server
    }
)


def is_answer(error: BaseException) -> bool:
    """Return whether an error says something about the call, not about the moment: connections, 429 and 5xx do not."""
    if any(cls.__name__ in _TRANSIENT_NAMES for cls in type(error).__mro__):
        return False
    status = _status(error)
    return status is None or not (status in _TRANSIENT_STATUS or 500 <= status <= 599)


def why_no_answer(error: BaseException) -> str:
    """Return how a call ended whose error is no answer: `answered 429 (RateLimitError)`, `raised ConnectionError`."""
    status = _status(error)
    name = type(error).__name__
    return f"answered {status} ({name})" if status is not None and 400 <= status <= 599 else f"raised {name}"


def _status(error: BaseException) -> int | None:
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "status", "code"):
            status = getattr(holder, name, None)
            if type(status) is int:
                return status
    return None
