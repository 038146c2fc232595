"""Numbers in place of ids: what links the parts of one request, and is new in every run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

__all__ = ["CallIds", "Ids", "numbered"]

_LINKS = frozenset(
    {"tool_call_id", "toolCallId", "tool_use_id", "toolUseId", "call_id", "callId", "approval_request_id"}
)
"""Fields that name a call."""
_OF_CALLS = frozenset(
    {"tool_calls", "toolCalls", "functionCall", "functionResponse", "function_call", "function_response"}
)
"""Fields that hold calls, with an `id` in each."""
_PARTS = frozenset({"message", "reasoning", "mcp_approval_request"})
_DATA = frozenset(
    {
        "arguments",
        "args",
        "input_schema",
        "inputSchema",
        "json",
        "json_schema",
        "metadata",
        "parameters",
        "schema",
        "tools",
    }
)
"""Fields whose content is the program's own: an id in the arguments of a tool is data."""
_DATA_IF_MAPPING = frozenset({"input", "response"})


class Ids:
    """Replaces the text in fields of these names by `<id 1>`, `<id 2>`, … in the order in which the ids first appear.

    Mappings are gone through in the order of their keys' names, so that equal values give equal numbers.
    """

    def __init__(self, fields: Iterable[str] = (), pattern: str | None = None) -> None:
        self._fields = frozenset(fields)
        self._pattern = re.compile(pattern) if pattern is not None else None

    def __call__(self, value: Any) -> Any:
        """Return the value with numbers in place of ids: the same object where there is none."""
        if isinstance(value, str) and self._pattern is None:
            return _number(value, {})  # the path names the id itself
        return self._numbered(value, {}, "")

    def _numbered(self, node: Any, seen: dict[str, str], holder: str) -> Any:
        if isinstance(node, dict):
            return self._mapping(node, seen, holder)
        if isinstance(node, list | tuple):
            items = [self._numbered(item, seen, holder) for item in node]
            return node if all(map(_is, items, node)) else items
        if self._pattern is not None and isinstance(node, str):
            return self._pattern.sub(lambda found: _number(found[0], seen), node)
        return node

    def _mapping(self, node: dict[Any, Any], seen: dict[str, str], holder: str) -> Any:
        changed: dict[Any, Any] = {}
        for name in sorted(node, key=str):
            item = node[name]
            if isinstance(item, str) and name != "__type__" and self._is_id(name, node, holder):
                changed[name] = _number(item, seen)
            elif not self._is_data(name, item):
                inner = self._numbered(item, seen, name if isinstance(name, str) else "")
                if inner is not item:
                    changed[name] = inner
        return {**node, **changed} if changed else node

    def _is_id(self, name: Any, node: dict[Any, Any], holder: str) -> bool:
        return name in self._fields

    def _is_data(self, name: Any, item: Any) -> bool:
        return False


class CallIds(Ids):
    """Numbers the ids by which the requests of LLM APIs link calls of tools, their results and earlier parts."""

    def _is_id(self, name: Any, node: dict[Any, Any], holder: str) -> bool:
        if name != "id":
            return name in _LINKS
        kind = node.get("type")
        return holder in _OF_CALLS or (
            isinstance(kind, str) and (kind in _PARTS or kind.endswith(("_call", "tool_use")))
        )

    def _is_data(self, name: Any, item: Any) -> bool:
        return name in _DATA or (name in _DATA_IF_MAPPING and isinstance(item, dict))


def _number(text: str, seen: dict[str, str]) -> str:
    return seen.setdefault(text, f"<id {len(seen) + 1}>")


def _is(one: Any, other: Any) -> bool:
    return one is other


numbered = CallIds()
"""Numbers the ids in what a preset's call sends."""
