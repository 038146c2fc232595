"""The contents of recordings for people."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Iterator
from typing import Any

import orjson

from memo._recordings.plain import plain, redacted_paths, type_name, unpacked

__all__ = ["Shown", "lines", "members", "raised", "shown"]

Shown = dict[str, Any]
"""An outcome for people, as JSON: its `kind` (value, stream, error), and its contents."""


def raised(tree: Any) -> str:
    """Return an error as Python shows it: `openai.NotFoundError: Error code: 404`, with its notes."""
    tree = unpacked(tree)
    name = (type_name(tree) or "an error without a type").removeprefix("builtins.")
    args = plain(tree.get("args", [])) if isinstance(tree, dict) else []
    if not isinstance(args, list):
        args = [args]
    message = "" if not args else str(args[0]) if len(args) == 1 else str(tuple(args))
    if isinstance(tree, dict) and "args" not in tree:  # its type has its own codec
        message = orjson.dumps(plain(tree)).decode()
    notes = plain(tree.get("notes", [])) if isinstance(tree, dict) else []
    line = f"{name}: {message}" if message else name
    return "\n".join([line, *map(str, notes if isinstance(notes, list) else [])])


def shown(outcome: dict[str, Any]) -> Shown:
    """Return an outcome for people, as JSON."""
    from memo.cli._assembled import assembled

    out: Shown = {"kind": next((kind for kind in ("value", "error", "stream") if kind in outcome), "unknown")}
    tree = unpacked(outcome.get(out["kind"]))
    if out["kind"] == "error":
        out |= {"raised": raised(tree), "type": type_name(tree), "attributes": _attributes(tree)}
    elif out["kind"] == "stream":
        stream = _mapping(tree)
        items = stream.get("items") if isinstance(stream.get("items"), list) else []
        assert isinstance(items, list)
        values = [plain(item) for item in items]
        types = {type_name(item) for item in items}
        out |= {"type": types.pop() if len(types) == 1 else None, "end": stream.get("end"), **assembled(values)}
        if "error" in stream:
            out["raised"] = raised(stream["error"])
        for name in ("returned", "response"):
            if name in stream:
                out[name] = plain(stream[name])
        out["items"] = values
    else:
        out |= {"type": type_name(tree), "value": plain(tree)}
    paths = redacted_paths(outcome)
    return (
        out
        | {name: outcome[name] for name in ("seconds", "test") if name in outcome}
        | ({"redacted": paths} if paths else {})
    )


def _mapping(tree: Any) -> dict[str, Any]:
    return tree if isinstance(tree, dict) else {}


def _attributes(tree: Any) -> Any:
    attributes = plain(_mapping(tree).get("attributes", {}))
    return attributes if isinstance(attributes, dict) else {}


# As lines

_SHORT = 76
_NUMBERS = 16
"""Numbers up to which a row is shown in full."""


def lines(node: Any, indent: int = 0, name: str = "") -> Iterator[str]:
    """Yield the lines of a JSON tree for reading: a member a line, text as it is, long rows of numbers summarized."""
    pad = " " * indent
    line = _inline(node, name, _SHORT - indent)
    if line is not None:
        yield from (pad + part for part in line.split("\n"))
    elif isinstance(node, dict):
        yield from members(node, indent)
    else:
        for item in node:
            inner = list(lines(item, indent + 2))
            yield f"{pad}- {inner[0][indent + 2 :]}"
            yield from inner[1:]


def members(node: dict[str, Any], indent: int = 0) -> Iterator[str]:
    """Yield the lines of a mapping, a member a line however short."""
    for key, member in node.items():
        line = str(key).replace("\n", "\\n")
        yield from _member(f"{' ' * indent}{line}:", member, indent + 2, str(key))


def _member(head: str, value: Any, indent: int, name: str) -> Iterator[str]:
    line = _inline(value, name, _SHORT - len(head))
    if line is not None and "\n" not in line:
        yield f"{head} {line}"
    else:
        yield head
        yield from lines(value, indent, name)


def _inline(node: Any, name: str, room: int) -> str | None:
    """Return a value on one line, or None if each of its members takes a line."""
    if isinstance(node, str):
        return _embedding(node) if name == "embedding" and len(node) > 200 else _quoted(node)
    if isinstance(node, list) and len(node) > _NUMBERS and all(type(item) in (int, float) for item in node):
        return _numbers(node)
    text = orjson.dumps(node).decode()
    if not isinstance(node, dict | list) or not node or (len(text) <= room and not _has_lines(node)):
        return text
    return None


def _has_lines(node: Any) -> bool:
    """Return whether a value holds text of several lines."""
    if isinstance(node, dict):
        return any(map(_has_lines, node.values()))
    return any(map(_has_lines, node)) if isinstance(node, list) else isinstance(node, str) and "\n" in node


def _quoted(text: str) -> str:
    """Return text as it is, in quotes if it could be taken for something else."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        is_other = text != text.strip() or not text
    else:
        is_other = True
    return orjson.dumps(text).decode() if is_other and "\n" not in text else text


def _numbers(row: list[int | float]) -> str:
    kind = "floats" if any(type(number) is float for number in row) else "integers"
    first = ", ".join(f"{number:.4g}" for number in row[:3])
    norm = math.hypot(*row)  # infinite, not an OverflowError, where it is too large
    return f"[{len(row):,} {kind}, first {first}, norm {norm:.4g}]"


def _embedding(text: str) -> str:
    """Return the summary of an embedding in base64, as OpenAI's SDK requests it."""
    try:
        data = base64.b64decode(text, validate=True)
        return _numbers([number for (number,) in struct.iter_unpack("<f", data)]) + " in base64"
    except (ValueError, struct.error, OverflowError):
        return _quoted(text)
