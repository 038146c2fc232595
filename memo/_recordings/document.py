r"""The file of a recording: one call, its outcomes, as JSON that a person can read and a diff can show.

Format version 1 (an object, UTF-8, `\n`, ends in a newline):

    memo          1
    function      the call's name
    version       the function's `version=`, where one was given
    key           sha256 hex over the canonical JSON of {arguments, function[, version]}
    arguments     exactly the canonical arguments that were hashed
    watched       {path: fingerprint} of the fields that `watch` keeps out of the key, where there are any
    watched_values  {path: [value, …]} of these fields, with masked secrets: what a warning shows, and nothing compares
    recorded_at   UTC, to the second
    test          the test that made the recording, where one did
    parent        the name of the entry inside whose call it was recorded, where there is one
    tags          the names by which it can be invalidated together with others, where it has any
    pending       what put it aside, where it waits for a review
    outcomes      [{"value": …} | {"error": …} | {"stream": {…}}, each with "seconds"], in the order of the calls

Canonical JSON is UTF-8 with sorted keys, no white space, and the shortest floats that read back equal (orjson).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from memo._calls.call import NOTHING_WATCHED, Call
from memo._calls.digest import KEY_CHARACTERS, call_key
from memo._calls.secrets import redact
from memo._json import canonical_json
from memo._recordings.layout import LINE, LINES, NESTED, laid_out, laid_out_outcome
from memo.errors import KeyMismatch, MemoError, NewerFormat, NotARecording, RecordingDamaged

__all__ = ["FORMAT_VERSION", "Document", "masked_values", "parse", "parse_head", "render", "render_new", "timestamp"]

FORMAT_VERSION = 1
NOTHING_MORE: Mapping[str, Any] = MappingProxyType({})


def timestamp(seconds: float | None = None) -> str:
    """Return a time (seconds since 1970; by default now) as `recorded_at` has it."""
    return _of_second(int(time.time() if seconds is None else seconds))


@lru_cache(maxsize=1)
def _of_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Document(NamedTuple):
    """A recording as it is written: one call, and its outcomes."""

    function: str
    key: str
    arguments: dict[str, Any]
    """Exactly the canonical arguments that were hashed."""
    outcomes: list[dict[str, Any]]
    """At least one, in the order of the calls."""
    version: str | int | None = None
    watched: Mapping[str, str] = NOTHING_WATCHED
    """Path to fingerprint."""
    recorded_at: str | None = None
    test: str | None = None
    source: Mapping[str, Any] = NOTHING_MORE
    """The JSON object that it was read from, for what else that says: fields of a newer memo, or of somebody else."""

    @classmethod
    def of(
        cls,
        call: Call,
        outcomes: list[dict[str, Any]],
        *,
        recorded_at: str | None = None,
        test: str | None = None,
        parent: str | None = None,
        tags: tuple[str, ...] = (),
    ) -> Document:
        """Return a new document: the outcomes of a call, by default recorded now."""
        arguments = orjson.loads(call.arguments)
        recorded_at = recorded_at or timestamp()
        parts = (("watched_values", masked_values(call.watched_values)), ("parent", parent), ("tags", list(tags)))
        more = {name: part for name, part in parts if part} or NOTHING_MORE
        return cls(
            call.function, call.key, arguments, outcomes, call.version, call.watched, recorded_at, test or None, more
        )

    @property
    def watched_values(self) -> dict[str, list[Any]]:
        """Path to the recorded values of watched fields, with their secrets masked; only of those that are known."""
        values = self.source.get("watched_values")
        known = values.items() if isinstance(values, dict) else ()
        return {path: found for path, found in known if path in self.watched and isinstance(found, list)}

    def with_watched(self, watched: Mapping[str, str], values: Mapping[str, list[Any]]) -> Document:
        """Return the recording with other fingerprints, and the values that are known of them."""
        source = {name: part for name, part in self.source.items() if name != "watched_values"}
        kept = masked_values({path: found for path, found in values.items() if path in watched})
        return self._replace(watched=watched, source={"watched_values": kept, **source} if kept else source)

    @property
    def parent(self) -> str | None:
        """The name of the entry whose call was being made when this one was recorded."""
        parent = self.source.get("parent")
        return parent if isinstance(parent, str) else None

    @property
    def tags(self) -> frozenset[str]:
        """The names by which the recording can be invalidated."""
        tags = self.source.get("tags")
        return frozenset(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else frozenset()

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any]) -> Document:
        """Return the document of a JSON object. Its key is not checked. Raises `ValueError` if it is not one."""
        document = _read(dict(tree))
        if document is None:
            raise ValueError("is not a recording")
        return document

    def tree(self) -> dict[str, Any]:
        """Return the document as a JSON object, in the order of the file."""
        tree: dict[str, Any] = {"memo": FORMAT_VERSION, "function": self.function}
        if self.version is not None:
            tree["version"] = self.version
        tree |= {"key": self.key, "arguments": self.arguments}
        if self.watched:
            tree["watched"] = dict(self.watched)
        if self.recorded_at is not None:
            tree["recorded_at"] = self.recorded_at
        if self.test is not None:
            tree["test"] = self.test
        if self.source:
            tree |= {name: part for name, part in self.source.items() if name not in _FIELDS}
        tree["outcomes"] = self.outcomes
        return tree

    def with_call(self, function: str, arguments: bytes, version: str | int | None) -> Document:
        """Return the recording of another call, given by its canonical arguments: its key is theirs."""
        key = call_key(function, arguments, version)
        return self._replace(function=function, key=key, arguments=orjson.loads(arguments), version=version)


def masked_values(values: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Return the values of watched fields as they are stored and shown: with their secrets masked."""
    if not values:
        return {}
    masked: list[Any] = [orjson.loads(orjson.dumps(dict(values)))]
    redact(masked)
    found: dict[str, list[Any]] = masked[0]
    return found


_FIELDS = frozenset({"memo", *Document._fields})


def render(document: Document) -> bytes:
    """Return the bytes of the file of a recording."""
    parts = {
        name: laid_out(part, 2) if type(part) in NESTED else part
        for name, part in document.tree().items()
        if name != "outcomes"
    }
    parts["outcomes"] = [laid_out_outcome(outcome) for outcome in document.outcomes]
    return orjson.dumps(parts, option=LINES | orjson.OPT_APPEND_NEWLINE)


def render_new(
    call: Call,
    outcome: dict[str, Any],
    *,
    test: str | None = None,
    parent: str | None = None,
    tags: tuple[str, ...] = (),
) -> bytes:
    """Return the bytes of the file of a new recording: as `render(Document.of(call, [outcome], …))`, in half the time."""
    tree: dict[str, Any] = {"memo": FORMAT_VERSION, "function": call.function}
    if call.version is not None:
        tree["version"] = call.version
    tree["key"] = call.key
    fits = len(call.arguments) + 2 <= LINE
    tree["arguments"] = orjson.Fragment(call.arguments) if fits else laid_out(orjson.loads(call.arguments), 2)
    if call.watched:
        tree["watched"] = laid_out(dict(call.watched), 2)
    tree["recorded_at"] = timestamp()
    if test:
        tree["test"] = test
    if call.watched_values:
        tree["watched_values"] = laid_out(masked_values(call.watched_values), 2)
    if parent:
        tree["parent"] = parent
    if tags:
        tree["tags"] = laid_out(list(tags), 2)
    tree["outcomes"] = [laid_out_outcome(outcome)]
    return orjson.dumps(tree, option=LINES | orjson.OPT_APPEND_NEWLINE)


def parse(data: bytes, location: str | Callable[[], str], call: Call | None = None) -> Document:
    """Return the document in `data`, whole and of the version that this memo knows.

    Its key is checked against its arguments; with `call` also against the call that it was looked up for. Raises
    `RecordingDamaged` (`NotARecording`, `KeyMismatch`) or `NewerFormat`, naming `location`, which may be what gives it.
    """
    try:
        tree = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise RecordingDamaged(_place(location), _broken(data, error)) from None
    document = _read(tree)
    if document is None:
        raise _no_document(tree, _place(location))
    if call is not None and document.key != call.key:
        raise KeyMismatch(
            _place(location), f"has the key {document.key[:KEY_CHARACTERS]}, not that of the call in its name"
        )
    try:
        canonical = canonical_json(document.arguments)
    except orjson.JSONEncodeError as error:  # what it reads may be nested deeper than what it writes
        raise RecordingDamaged(_place(location), f"has arguments that memo never wrote ({error})") from None
    # The call was hashed just now, so that one with equal arguments needs no second hash.
    if (
        call is not None
        and canonical == call.arguments
        and document.function == call.function
        and document.version == call.version
    ):
        return document
    if call_key(document.function, canonical, document.version) != document.key:
        raise KeyMismatch(_place(location), "has a key that is not the key of its arguments")
    return document


def _broken(data: bytes, error: orjson.JSONDecodeError) -> str:
    if not data.strip():
        return "is empty"
    if data.startswith(_OURS) or b"\n" + _OURS in data:
        line = data[: data.index(_OURS)].count(b"\n") + 1
        return f"holds a merge conflict (line {line})"
    return f"is not valid JSON ({error})"


_OURS = b"<<<<<<< "
"""What git writes before the first side of a conflict, at the beginning of a line."""


def parse_head(data: bytes) -> Document:
    """Return the document in the first bytes of a file, without its outcomes, which may be large, and unchecked.

    Raises `ValueError` where they are no document's, or end in its arguments.
    """
    head, found, _ = data.partition(b',\n  "outcomes": [')
    tree = orjson.loads(head + b"}" if found else data)
    if isinstance(tree, dict):
        document = _read({"memo": FORMAT_VERSION, "function": "", "key": "", **tree, "outcomes": [{"value": None}]})
        if document is not None:
            return document._replace(outcomes=[])
    raise ValueError("is not a recording")


def _place(location: str | Callable[[], str]) -> str:
    return location if isinstance(location, str) else location()


_needed = itemgetter("memo", "function", "key", "arguments", "outcomes")


def _read(tree: Any) -> Document | None:
    """Return the tree as a document, None if the tree is none."""
    try:
        written, function, key, arguments, outcomes = _needed(tree)
    except (KeyError, TypeError, IndexError):
        return None
    if (
        written != FORMAT_VERSION
        or type(function) is not str
        or type(key) is not str
        or type(arguments) is not dict
        or not _are_outcomes(outcomes)
    ):
        return None
    version = tree.get("version")
    watched = tree.get("watched")
    recorded_at = tree.get("recorded_at")
    test = tree.get("test")
    if version is not None and not isinstance(version, str | int):
        return None
    if watched is None:
        watched = NOTHING_WATCHED
    elif type(watched) is not dict:
        return None
    if type(recorded_at) is not str:
        recorded_at = None
    if test is not None and type(test) is not str:
        test = None
    # Every replay of a file comes by here: half as long as by the names of the fields.
    return tuple.__new__(Document, (function, key, arguments, outcomes, version, watched, recorded_at, test, tree))


def _no_document(tree: Any, location: str) -> MemoError:
    """Return what is wrong with a tree that could not be read."""
    written = tree.get("memo") if isinstance(tree, dict) else None
    if written is None:
        return NotARecording(location, "is JSON, but not a memo recording")
    if written == FORMAT_VERSION:
        return RecordingDamaged(location, "lacks its function, key, arguments or outcomes, or has them in another form")
    if type(written) is int and written > FORMAT_VERSION:
        return NewerFormat(location, written, FORMAT_VERSION)
    return NotARecording(location, f"has the unknown format version {written!r}")


_SECONDS = frozenset({int, float})


def _are_outcomes(trees: Any) -> bool:
    if type(trees) is not list or not trees:
        return False
    for tree in trees:
        if type(tree) is not dict or type(tree.get("seconds", 0.0)) not in _SECONDS:
            return False
        if "stream" in tree:
            if not _is_stream(tree["stream"]):
                return False
        elif "value" not in tree and "error" not in tree:
            return False
    return True


def _is_stream(tree: Any) -> bool:
    return type(tree) is dict and type(tree.get("items")) is list
