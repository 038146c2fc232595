"""The lines of a recording's file: what fits is on one line, and each item of a stream has one, so that a diff shows what changed."""

from __future__ import annotations

from typing import Any

import orjson

__all__ = ["LINE", "LINES", "NESTED", "laid_out", "laid_out_outcome"]

LINE = 110
"""The characters that a line may have."""


def laid_out_outcome(outcome: dict[str, Any]) -> orjson.Fragment:
    """Return an outcome as it is laid out in the list of outcomes."""
    if "stream" not in outcome:
        return laid_out(outcome, 4, b"\n    ")
    stream = _stream(outcome["stream"], 6)
    rest = [
        b", %b: %b" % (orjson.dumps(name), orjson.dumps(member)) for name, member in outcome.items() if name != "stream"
    ]
    return _moved(b'{"stream": %b}%b}' % (stream.removesuffix(b"\n}"), b"".join(rest)), b"\n    ")


def _stream(stream: dict[str, Any], indent: int) -> bytes:
    """Return a stream with an item a line."""
    entries = {
        name: [item if type(item) in _ON_A_LINE else orjson.Fragment(orjson.dumps(item)) for item in part]
        if name == "items" and type(part) is list
        else laid_out(part, indent)
        if type(part) in NESTED
        else part
        for name, part in stream.items()
    }
    return orjson.dumps(entries, option=LINES)


def laid_out(node: Any, indent: int, line: bytes = b"\n  ") -> orjson.Fragment:
    """Return an object or array on one line where it fits, or is a row of numbers; else an entry a line.

    The entries are further in than what the node is in.
    """
    if type(node) is dict and node.get("__type__") == "stream":  # an item a line, wherever it is
        return _moved(_stream(node, indent + 2), line)
    flat = orjson.dumps(node)
    if len(flat) <= LINE - indent or (not flat.isascii() and len(flat.decode()) <= LINE - indent):
        return orjson.Fragment(flat)
    if type(node) is dict:
        entries: Any = {
            name: laid_out(part, indent + 2) if type(part) in NESTED else part for name, part in node.items()
        }
    elif _NUMBERS.issuperset(map(type, node)):
        return orjson.Fragment(flat)
    else:
        entries = [laid_out(part, indent + 2) if type(part) in NESTED else part for part in node]
    return _moved(orjson.dumps(entries, option=LINES), line)


def _moved(text: bytes, line: bytes) -> orjson.Fragment:
    # No text in JSON holds a line break: all of them are between its parts.
    return orjson.Fragment(text.replace(b"\n", line))


_ON_A_LINE = frozenset({orjson.Fragment, str, int, float, bool, type(None)})
"""What JSON has on one line, however it is laid out."""
NESTED, _NUMBERS = frozenset({dict, list}), frozenset({int, float})
LINES = orjson.OPT_INDENT_2
