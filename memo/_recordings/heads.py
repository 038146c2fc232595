"""Heads of HTTP responses in outcomes, as they are compared."""

from __future__ import annotations

from typing import Any

__all__ = ["with_plain_heads"]


def with_plain_heads(outcome: dict[str, Any]) -> dict[str, Any]:
    """Return an outcome whose HTTP responses have headers with names in lower case, in one order and without the date.

    Clients spell the names as they like, and no two answers have one date: neither says anything of an answer.
    """
    out = dict(outcome)
    if "value" in out:
        out["value"] = _plain_head(out["value"])
    held = out.get("stream")
    if isinstance(held, dict) and "response" in held:
        out["stream"] = {**held, "response": _plain_head(held["response"])}
    return out


def _plain_head(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if isinstance(tree.get("value"), dict) and "__type__" in tree:
        return {**tree, "value": _plain_head(tree["value"])}
    headers, status = tree.get("headers"), tree.get("status", tree.get("status_code"))
    if not isinstance(headers, dict) or not isinstance(status, int):
        return tree
    named = sorted((name.lower(), text) for name, text in headers.items() if name.lower() != "date")
    head = {**tree, "headers": dict(named)}
    if isinstance(tree.get("history"), list):
        head["history"] = [_plain_head(passed) for passed in tree["history"]]
    return head
