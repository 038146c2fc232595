"""Functions for a recorder's `keep=`, which decide whether an outcome is stored.

    with recording("recordings", mode="record-if-missing", keep=keep.finished):

A function takes a `memo.CallRecord` and returns True to keep the outcome, or False, or a text that says why not. The caller
gets an outcome that is not kept, the end of the scope reports it, and the next run makes the call again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["finished"]

_CUT_OFF = frozenset({"length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "model_context_window_exceeded"})
_REFUSED = frozenset(
    {"content_filter", "refusal", "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY"}
)
_REASONS = ("finish_reason", "stop_reason", "finishReason", "done_reason", "reason")
_TEXTS = ("content", "text", "response", "thinking", "delta", "arguments", "partial_json", "functionCall", "tool_calls")
"""The fields that hold what a model answered, or the tools that it calls."""


def finished(call: Any) -> bool | str:
    """Keep what a model finished: no refusal, no answer that ended at `max_tokens`, no empty answer.

    Answers of openai, anthropic, google and ollama are judged, plain and streamed. What is no answer of a model is kept.
    """
    nodes = list(_nodes([call.value, call.items]))
    for node in nodes:
        for name in _REASONS:
            if node.get(name) in _CUT_OFF:
                return f"ended at its limit ({name} = {node[name]})"
            if node.get(name) in _REFUSED:
                return f"was refused ({name} = {node[name]})"
        if isinstance(node.get("refusal"), str) and node["refusal"]:
            return "was refused"
        if node.get("blockReason") or node.get("block_reason"):
            return "was refused (blocked)"
    is_answer = any(name in node for node in nodes for name in _REASONS[:4])
    if is_answer and not any(_says(node) for node in nodes):
        return "was an empty answer"
    return True


def _says(node: Mapping[str, Any]) -> bool:
    """Return whether an object holds a text that is not blank, or a call of a tool."""
    if node.get("type") in ("tool_use", "function_call", "server_tool_use"):
        return True
    return any(
        bool(value.strip()) if isinstance(value, str) else name in ("functionCall", "tool_calls") and bool(value)
        for name in _TEXTS
        if (value := node.get(name)) is not None
    )


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        tree = tree.values()
    elif not isinstance(tree, list):
        return
    for child in tree:
        yield from _nodes(child)
