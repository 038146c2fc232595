r"""The file: one call, its outcomes, as JSON that a person can read and a diff can show.

Format version 1 (an object, UTF-8, `\n`, ends in a newline):

    memo          1
    function      the call's name
    version       the function's `version=`, where one was given
    key           sha256 hex over the canonical JSON of {arguments, function[, version]}
    arguments     exactly the canonical arguments that were hashed
    watched       {path: fingerprint} of the fields that `watch` keeps out of the key, where there are any
    recorded_at   UTC, to the second
    test          the test that made the recording, where one did
    outcomes      [{"value": …} | {"error": …} | {"stream": {…}}, each with "seconds"], in the order of the calls

Canonical JSON is UTF-8 with sorted keys, no white space, and the shortest floats that read back equal (orjson).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from memo._calls.digest import KEY_CHARACTERS, call_key
from memo._json import canonical_json
from memo.errors import KeyMismatch, NewerFormat, NotARecording, RecordingDamaged

__all__ = [
    "FORMAT_VERSION",
    "parse",
    "render",
    "timestamp",
]

FORMAT_VERSION = 1
_LINE = 110


def timestamp() -> str:
    """Now, as `recorded_at` has it."""
    return _of_second(int(time.time()))


@lru_cache(maxsize=1)
def _of_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def render(document: dict[str, Any]) -> bytes:
    """The bytes of the file of a recording."""
    laid_out = {name: _laid_out(each, 2) for name, each in document.items() if name != "outcomes"}
    laid_out["outcomes"] = [_moved(_outcome(each), b"\n    ") for each in document["outcomes"]]
    return orjson.dumps(laid_out, option=_LINES | orjson.OPT_APPEND_NEWLINE)


def _outcome(outcome: dict[str, Any]) -> bytes:
    if "stream" not in outcome:
        return _pretty(outcome, 4)
    stream = {
        name: [orjson.Fragment(orjson.dumps(item)) for item in each] if name == "items" else _laid_out(each, 6)
        for name, each in outcome["stream"].items()
    }
    rest = [
        b", %b: %b" % (orjson.dumps(name), orjson.dumps(each)) for name, each in outcome.items() if name != "stream"
    ]
    return b'{"stream": %b}%b}' % (orjson.dumps(stream, option=_LINES).removesuffix(b"\n}"), b"".join(rest))


def _pretty(node: Any, indent: int) -> bytes:
    """`node` on one line where it fits or is a row of numbers; else one entry a line, further in than what `node` is in."""
    kind = type(node)
    if kind not in _NESTED or (kind is list and _NUMBERS.issuperset(map(type, node))):
        return orjson.dumps(node)
    flat = orjson.dumps(node)
    if indent + len(flat) <= _LINE or (not flat.isascii() and indent + len(flat.decode()) <= _LINE):
        return flat
    entries = (
        {name: _laid_out(each, indent + 2) if type(each) in _NESTED else each for name, each in node.items()}
        if kind is dict
        else [_laid_out(each, indent + 2) if type(each) in _NESTED else each for each in node]
    )
    return orjson.dumps(entries, option=_LINES)


def _laid_out(node: Any, indent: int) -> Any:
    return _moved(_pretty(node, indent), b"\n  ") if type(node) in _NESTED else node


def _moved(text: bytes, line: bytes) -> orjson.Fragment:
    # No text in JSON holds a line break: all of them are between its parts.
    return orjson.Fragment(text.replace(b"\n", line))


_NESTED, _NUMBERS = frozenset({dict, list}), frozenset({int, float})
_LINES = orjson.OPT_INDENT_2


def parse(data: bytes, location: str | Callable[[], str], call: tuple[Any, ...] | None = None) -> dict[str, Any]:
    """The document in `data`, whole and of the version that this memo knows.

    Its key is checked against its arguments; with `call` (function, key, arguments as canonical JSON, version, …) also
    against the call that it was looked up for. Raises `RecordingDamaged` (`NotARecording`, `KeyMismatch`) or `NewerFormat`,
    naming `location`, which may be what gives it.
    """
    try:
        tree = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        reason = f"is no whole JSON ({error})" if data.strip() else "is empty"
        raise RecordingDamaged(_place(location), reason) from None
    if call is not None and _is_of(tree, call):
        return tree  # type: ignore[no-any-return]
    return _checked(tree, _place(location), call)


def _place(location: str | Callable[[], str]) -> str:
    return location if isinstance(location, str) else location()


def _is_of(tree: Any, call: tuple[Any, ...]) -> bool:
    """Whether it is, whole, the recording of that call: what nearly every replay finds.

    The call was hashed just now, so that one with equal arguments needs no second hash.
    """
    try:
        return (
            tree["memo"] == FORMAT_VERSION
            and tree["key"] == call[1]
            and tree["function"] == call[0]
            and orjson.dumps(tree["arguments"], option=orjson.OPT_SORT_KEYS) == call[2]
            and tree.get("version") == call[3]
            and ("watched" not in tree or type(tree["watched"]) is dict)
            and _are_outcomes(tree["outcomes"])
        )
    except (KeyError, TypeError, AttributeError):  # orjson's errors are TypeErrors
        return False


def _checked(tree: Any, location: str, call: tuple[Any, ...] | None) -> dict[str, Any]:
    """The same document, or what is wrong with it."""
    document: dict[str, Any] = tree if isinstance(tree, dict) else {}
    written = document.get("memo")
    if written is None:
        raise NotARecording(location, "is JSON, but no recording of memo's")
    if written != FORMAT_VERSION:
        if type(written) is int and written > FORMAT_VERSION:
            raise NewerFormat(location, written, FORMAT_VERSION)
        raise NotARecording(location, f"has the unknown format version {written!r}")
    function, stored_key, found = document.get("function"), document.get("key"), document.get("arguments")
    if not (
        isinstance(function, str)
        and isinstance(stored_key, str)
        and isinstance(found, dict)
        and _are_outcomes(document.get("outcomes"))
        and isinstance(document.get("watched", {}), dict)
    ):
        raise RecordingDamaged(location, "lacks its function, key, arguments or outcomes, or has them in another form")
    if call is not None and stored_key != call[1]:
        raise KeyMismatch(location, f"has the key {stored_key[:KEY_CHARACTERS]}, not that of the call it lies at")
    try:
        canonical = canonical_json(found)
    except orjson.JSONEncodeError as error:  # what it reads may be nested deeper than what it writes
        raise RecordingDamaged(location, f"has arguments that memo never wrote ({error})") from None
    version = document.get("version")
    if call_key(function, canonical, version) != stored_key:
        raise KeyMismatch(location, "has a key that is not the key of its arguments")
    return document


_SECONDS = (int, float)


def _are_outcomes(trees: Any) -> bool:
    if type(trees) is not list or not trees:
        return False
    for tree in trees:
        if not (
            type(tree) is dict
            and ("value" in tree or "error" in tree or "stream" in tree)
            and isinstance(tree.get("seconds", 0.0), _SECONDS)
        ):
            return False
    return True
