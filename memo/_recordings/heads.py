"""Heads of HTTP responses in outcomes, as they are compared."""

from __future__ import annotations

from typing import Any

__all__ = ["with_plain_heads", "without_headers"]


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


def without_headers(outcome: dict[str, Any]) -> dict[str, Any]:
    """Return an outcome without the headers of its HTTP responses: ids, dates and sizes, spelled as the client likes.

    These are the responses that presets record: with a status, as google-genai has them, or with AWS's `ResponseMetadata`.
    """
    out = dict(outcome)
    if "value" in out:
        out["value"] = _bare(out["value"])
    held = out.get("stream")
    if isinstance(held, dict):
        parts = {"items": [_bare(item) for item in held["items"]]} if isinstance(held.get("items"), list) else {}
        out["stream"] = {**held, **parts, **({"response": _bare(held["response"])} if "response" in held else {})}
    return out


_NESTED = ("answer", "failed", "error")
"""Where AWS's responses are in what is recorded of a call."""


def _bare(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if isinstance(tree.get("value"), dict) and "__type__" in tree:
        return {**tree, "value": _bare(tree["value"])}
    bare = dict(tree)
    if _is_head(tree):
        del bare["headers"]
    if isinstance(tree.get("history"), list):
        bare["history"] = [_bare(passed) for passed in tree["history"]]
    metadata = tree.get("ResponseMetadata")
    if isinstance(metadata, dict):
        bare["ResponseMetadata"] = {name: metadata[name] for name in ("HTTPStatusCode",) if name in metadata}
    return {**bare, **{name: _bare(tree[name]) for name in _NESTED if isinstance(tree.get(name), dict)}}


def _is_head(tree: dict[str, Any]) -> bool:
    if not isinstance(tree.get("headers"), dict):
        return False
    status = tree.get("status", tree.get("status_code"))
    return isinstance(status, int) or tree.keys() in ({"headers", "body"}, {"headers", "body", "form"})
