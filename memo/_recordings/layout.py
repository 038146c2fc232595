"""The lines of a recording's file: what fits is on one line, and each item of a stream has one, so that a diff shows what changed."""

from __future__ import annotations

from typing import Any

import orjson

__all__ = ["LINE", "LINES", "NESTED", "laid_out", "laid_out_outcome"]

LINE = 110
"""The characters that a line may have."""


def laid_out_outcome(outcome: dict[str, Any]) -> Any:
    """Return an outcome as it is laid out in the list of outcomes: what `orjson` is to write with `LINES`."""
    if "stream" not in outcome:
        return laid_out(outcome, 4)
    stream = orjson.dumps(_stream(outcome["stream"], 6), option=LINES).removesuffix(b"\n}").replace(b"\n", b"\n    ")
    rest = [
        b", %b: %b" % (orjson.dumps(name), orjson.dumps(member)) for name, member in outcome.items() if name != "stream"
    ]
    return orjson.Fragment(b'{"stream": %b}%b}' % (stream, b"".join(rest)))


def _stream(stream: dict[str, Any], indent: int) -> dict[str, Any]:
    """Return a stream with an item a line."""
    return {
        name: [item if type(item) in _ON_A_LINE else orjson.Fragment(orjson.dumps(item)) for item in part]
        if name == "items" and type(part) is list
        else laid_out(part, indent)
        if type(part) in NESTED
        else part
        for name, part in stream.items()
    }


def laid_out(node: Any, indent: int) -> Any:
    """Return an object or array with what fits on one line, or is a row of numbers, written so; the rest is an entry a line."""
    if type(node) is dict and node.get("__type__") == "stream":  # an item a line, wherever it is
        return _stream(node, indent + 2)
    flat = orjson.dumps(node)
    if len(flat) <= LINE - indent or (not flat.isascii() and len(flat.decode()) <= LINE - indent):
        return orjson.Fragment(flat)
    indent += 2
    if type(node) is dict:
        return {name: laid_out(part, indent) if type(part) in NESTED else part for name, part in node.items()}
    if _NUMBERS.issuperset(map(type, node)):
        return orjson.Fragment(flat)
    return [laid_out(part, indent) if type(part) in NESTED else part for part in node]


_ON_A_LINE = frozenset({orjson.Fragment, str, int, float, bool, type(None)})
"""What JSON has on one line, however it is laid out."""
NESTED, _NUMBERS = frozenset({dict, list}), frozenset({int, float})
LINES = orjson.OPT_INDENT_2
