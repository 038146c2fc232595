"""HTTP responses whose body nobody has read: nothing of the body is there to record, and a replay could not give it."""

from __future__ import annotations

from typing import Any

from memo._values.paths import step_text
from memo.errors import UnrecordableValue

__all__ = ["refuse_unread"]

_RESPONSES = ("httpx:Response", "httpx2:Response")


def refuse_unread(tree: Any, written: bytes) -> None:
    """Raise `UnrecordableValue` if an encoded value, whose JSON is `written`, holds a response without its body."""
    # One search first: walking a large value takes fifty times as long.
    if b'"__type__":"httpx' in written:
        _walk(tree, "")


def _walk(node: Any, path: str) -> None:
    if isinstance(node, list):
        for index, item in enumerate(node):
            _walk(item, f"{path}[{index}]")
    elif isinstance(node, dict):
        if node.get("__type__") in _RESPONSES and "body" not in node["value"]:
            raise UnrecordableValue(
                path,
                "has a body that nobody has read",
                fix="to record it, read it first: response.read(), or await response.aread()",
            )
        for name, item in node.items():
            _walk(item, path if "__type__" in node and name in ("value", "items", "exact") else path + step_text(name))
