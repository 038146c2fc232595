"""What was called: the calls of a session in order, as plain data, read from the store when they are asked for."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import orjson

from memo._calls.call import Call
from memo._calls.digest import entry_name
from memo._recordings.document import Document, parse
from memo._recordings.draws import Draws
from memo._recordings.tokens import tokens_of
from memo.errors import MemoError
from memo.stores import Store

__all__ = ["CallLog", "CallRecord", "LiveCall", "record_of"]

_KEPT = 100_000
"""Calls that are kept, the newest; of a live call, its arguments too."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call that was made under a recorder, as plain data. Comparing records ignores `seconds`."""

    function: str
    arguments: dict[str, Any] | None = None
    """As they are in a recording; None where they have no such form."""
    replayed: bool = True
    """False if the real function was called."""
    value: Any = None
    """What was returned, as the JSON of the recording."""
    items: list[Any] | None = None
    """The items of a stream, as JSON; None if the call gave no stream."""
    end: str | None = None
    """How the stream ended: `complete`, `closed` (its consumer left) or `error`."""
    error: str | None = None
    """The type of the exception that was raised: `openai:RateLimitError`."""
    tokens: int = 0
    """The tokens that the answer reports."""
    seconds: float = field(default=0.0, compare=False)
    """How long the call took, when it was recorded or now."""


def record_of(
    function: str, arguments: dict[str, Any] | None, outcome: dict[str, Any], *, replayed: bool
) -> CallRecord:
    """Return the record of a call that has that outcome."""
    stream = outcome.get("stream")
    raised = outcome.get("error") if stream is None else stream.get("error")
    return CallRecord(
        function=function,
        arguments=arguments,
        replayed=replayed,
        value=_plain(outcome.get("value")),
        items=None if stream is None else [_plain(item) for item in stream["items"]],
        end=None if stream is None else stream["end"],
        error=raised.get("__type__") if isinstance(raised, dict) else None,
        tokens=tokens_of(outcome),
        seconds=outcome.get("seconds", 0.0),
    )


def _plain(tree: Any) -> Any:
    """Return the JSON of a value without the name of its type, which is around it."""
    return tree["value"] if isinstance(tree, dict) and tree.keys() >= {"__type__", "value"} else tree


class LiveCall:
    """A live call: where its outcome is, once it is recorded."""

    __slots__ = ("call", "function", "place", "seconds")

    def __init__(self, function: str, call: Call) -> None:
        self.function = function
        self.call = call
        self.place: int | None = None
        self.seconds = 0.0


class CallLog:
    """The calls of a session, in the order in which they began, without what they returned: that is in the store."""

    def __init__(self) -> None:
        self._calls: deque[LiveCall | tuple[str, str, int]] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def replayed(self, call: Call, index: int) -> None:
        """Note a call that was replayed with the outcome at that index."""
        self._calls.append((call.function, call.key, index))

    def live(self, function: str, call: Call) -> LiveCall:
        """Note a call that goes to the real function."""
        made = LiveCall(function, call)
        self._calls.append(made)
        return made

    def records(self, store: Store) -> list[CallRecord]:
        """Return the calls, with what the store has of them by now."""
        documents: dict[tuple[str, str], Document | None] = {}
        return [_record(made, documents, store) for made in list(self._calls)]


def _record(
    made: LiveCall | tuple[str, str, int], documents: dict[tuple[str, str], Document | None], store: Store
) -> CallRecord:
    function, key, index = (made.function, made.call.key, None) if isinstance(made, LiveCall) else made
    if isinstance(made, LiveCall) and made.place is None:
        arguments = orjson.loads(made.call.arguments) if key else None
        return CallRecord(function, arguments, replayed=False, seconds=made.seconds)
    if (function, key) not in documents:
        documents[function, key] = _document(function, key, store)
    document = documents[function, key]
    if document is None:
        return CallRecord(function, replayed=index is not None)
    if isinstance(made, LiveCall):
        index = Draws(document.outcomes).index(made.place or 0)
    outcomes = document.outcomes
    outcome = outcomes[min(index, len(outcomes) - 1)] if index is not None else outcomes[-1]
    return record_of(function, document.arguments, outcome, replayed=not isinstance(made, LiveCall))


def _document(function: str, key: str, store: Store) -> Document | None:
    name = entry_name(function, key)
    try:
        data = store.get(name)
        return parse(data, name) if data is not None else None
    except MemoError:
        return None
