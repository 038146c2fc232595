"""What has changed between the recorded outcomes of a call and a new one: pure, of the JSON of both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from memo._recordings.changes import Change, Rules, Tier, from_shapes, under, value_changes, worst
from memo._recordings.heads import without_headers
from memo._recordings.plain import plain, type_name, unpacked, unshared
from memo._recordings.shapes import shape_changes
from memo._recordings.stream_changes import item_changes
from memo._values.paths import Step

__all__ = ["compare", "places"]

_KINDS = ("value", "error", "stream")
_TELLING = frozenset({"code", "status", "status_code", "type"})
"""What programs decide by in an error: another one is another error."""


def compare(recorded: Sequence[dict[str, Any]], new: dict[str, Any], rules: Rules | None = None) -> list[Change]:
    """Return what differs between a new outcome and the recorded one that is most like it; nothing for an equal shape and value.

    `recorded` are the outcomes of one recording, at least one, as they are in its document, and `new` is one that has the
    same form. How long the call took, which test made it and the headers of HTTP responses do not count.
    """
    rules = rules or Rules()
    new = _read(new)
    found = (
        [change for change in _changes(_read(outcome), new, rules) if not rules.ignores(change)] for outcome in recorded
    )
    return min(found, key=worst)


def places(outcome: dict[str, Any]) -> set[tuple[Step, ...]]:
    """Return the places in an outcome that a change can be in, an index being None."""
    read = _read(outcome)
    found = set[tuple[Step, ...]]()
    if "error" in read:
        _add_places(_error(read["error"]), ("error",), found)
    elif "value" in read:
        _add_places(_response(read["value"]) or _content(read["value"]), (), found)
    else:
        _add_places(_items(read["stream"]), (), found)
    return found


def _add_places(tree: Any, steps: tuple[Step, ...], found: set[tuple[Step, ...]]) -> None:
    found.add(steps)
    members = (
        tree.items() if isinstance(tree, dict) else ((None, item) for item in tree) if isinstance(tree, list) else ()
    )
    for step, member in members:
        _add_places(member, (*steps, step), found)


def _read(outcome: dict[str, Any]) -> dict[str, Any]:
    """Return an outcome as plain JSON (what is to be written may be in fragments), in which each item stands alone."""
    read = without_headers(orjson.loads(orjson.dumps(outcome)))
    out = {name: unpacked(unshared(read[name])) for name in _KINDS if name in read}
    failed = out["value"].get("failed") if isinstance(out.get("value"), dict) else None
    return {"error": _of_aws(failed)} if isinstance(failed, dict) and isinstance(failed.get("error"), dict) else out


def _of_aws(failed: dict[str, Any]) -> dict[str, Any]:
    """Return the error that a recorded answer of AWS's raises: its class is made of the code by the client."""
    error: dict[str, Any] = failed["error"]
    stated = error.get("Error")
    body: dict[str, Any] = stated if isinstance(stated, dict) else {}
    status = error.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return {
        "__type__": f"botocore:{body.get('Code', 'ClientError')}",
        "attributes": {"status_code": status, "body": body},
    }


def _changes(before: dict[str, Any], after: dict[str, Any], rules: Rules) -> Iterator[Change]:
    kind = next(name for name in _KINDS if name in before)
    if kind not in after:
        tier = Tier.ERROR if "error" in before or "error" in after else Tier.STREAM
        yield Change(tier, "", _summary(before), _summary(after))
    elif kind == "error":
        yield from _error_changes(before["error"], after["error"], rules)
    elif kind == "value":
        yield from _value_changes(before["value"], after["value"], rules)
    else:
        yield from _stream_changes(before["stream"], after["stream"], rules)


def _summary(outcome: dict[str, Any]) -> str:
    if "error" in outcome:
        return _raised(outcome["error"])
    return "a stream" if "stream" in outcome else "an answer"


def _raised(tree: Any) -> str:
    args = plain(tree.get("args")) if isinstance(tree, dict) else None
    text = f": {args[0]}" if isinstance(args, list) and args else ""
    return f"{type_name(tree) or 'an error'}{text}".removeprefix("builtins.")


def _value_changes(before: Any, after: Any, rules: Rules) -> Iterator[Change]:
    one, other = _response(before), _response(after)
    if one is not None and other is not None:
        if one["status_code"] != other["status_code"]:
            yield Change(Tier.ERROR, "status_code", one["status_code"], other["status_code"])
            return
        yield from _plain_changes(one, other, rules)
        return
    if (statuses := _statuses(before, after)) is not None:
        yield Change(Tier.ERROR, "status", *statuses)
        return
    names = [_class_name(tree) for tree in (before, after)]
    if names[0] != names[1] and "" not in names:
        yield Change(Tier.TYPE, "", *names)
    yield from _plain_changes(_content(before), _content(after), rules)


def _content(tree: Any) -> Any:
    """Return a value as JSON: of bytes, which are what a server sent, the JSON that they hold."""
    return _body(tree["text"]) if _class_name(tree) == "bytes" and isinstance(tree.get("text"), str) else plain(tree)


def _items(stream: Any) -> list[Any]:
    """Return the items of a stream as JSON: of the lines of server-sent events, their data."""
    items = [plain(item) for item in stream["items"]]
    lines = [item for item in items if item]
    if not lines or not all(
        isinstance(line, str) and line.startswith(("data:", "event:", "id:", ":")) for line in lines
    ):
        return items
    data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
    try:
        return [json.loads(text) for text in data if text != "[DONE]"]
    except ValueError:
        return items


def _statuses(before: Any, after: Any) -> tuple[int, int] | None:
    """Return the statuses of two answers over HTTP as the preset `http` records them, if these differ."""
    one, other = _status(before), _status(after)
    return None if one is None or other is None or one == other else (one, other)


def _status(tree: Any) -> int | None:
    status = tree.get("status") if isinstance(tree, dict) else None
    return status if type(status) is int and 100 <= status < 600 else None


def _plain_changes(before: Any, after: Any, rules: Rules, tier: Tier | None = None) -> Iterator[Change]:
    yield from from_shapes(shape_changes([before], [after]), tier)
    yield from value_changes(before, after, (), rules.tolerance)


def _class_name(tree: Any) -> str:
    """Return the name of a value's class without its module: a class may be moved."""
    name = tree.get("__type__") if isinstance(tree, dict) else None
    return name.partition("[")[0].rpartition(":")[2] if isinstance(name, str) else ""


def _response(tree: Any) -> dict[str, Any] | None:
    """Return the status and the body of an HTTP response, its JSON read; None for anything else."""
    held = tree.get("value") if isinstance(tree, dict) else None
    if not (isinstance(held, dict) and "status_code" in held and _class_name(tree) == "Response"):
        return None
    return {"status_code": held["status_code"], "body": _body(plain(held.get("body")))}


def _body(text: Any) -> Any:
    """Return the JSON of a body, or of the events that it consists of; any other body as it is."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        lines = [line.removeprefix("data:").strip() for line in text.splitlines() if line.startswith(("data:", "{"))]
    try:
        return [json.loads(line) for line in lines if line != "[DONE]"] or text
    except ValueError:
        return text


def _error_changes(before: Any, after: Any, rules: Rules) -> Iterator[Change]:
    one, other = _error(before), _error(after)
    changed = [name for name in ("class", "status_code") if one.get(name) != other.get(name)]
    if changed:
        for name in changed:
            yield Change(Tier.ERROR, f"error.{name}", one.get(name), other.get(name))
        return
    for change in under("error", _plain_changes(one, other, rules)):
        is_telling = change.tier is not Tier.VALUE or change.path.rpartition(".")[2] in _TELLING
        yield Change(Tier.ERROR if is_telling else Tier.VALUE, change.path, change.before, change.after)


def _error(tree: Any) -> dict[str, Any]:
    """Return what counts of an error: its class, and its status and body, or else its arguments and attributes."""
    if not isinstance(tree, dict):
        return {}
    attributes = tree.get("attributes")
    held = attributes if isinstance(attributes, dict) else {}
    response = next(filter(None, map(_response, held.values())), None)
    form: dict[str, Any] = {"class": _class_name(tree)}
    status, body = plain(held.get("status_code")), plain(held.get("body"))
    if response is not None:
        status, body = response["status_code"], response["body"] if body is None else body
    elif status is None and type(held.get("code")) is int:  # google's
        status, body = held["code"], plain(held.get("details"))
    if status is not None:
        form["status_code"] = status
    if body is not None:
        return {**form, "body": body}
    data = {name: plain(part) for name, part in held.items() if _response(part) is None and "request" not in name}
    return {**form, "args": plain(tree.get("args")), **data}


def _stream_changes(before: Any, after: Any, rules: Rules) -> Iterator[Change]:
    if (statuses := _statuses(before.get("response"), after.get("response"))) is not None:
        yield Change(Tier.ERROR, "status", *statuses)
        return
    one, other = map(_items, (before, after))
    ends = before.get("end"), after.get("end")
    is_whole = ends[0] != "closed" and ends[1] != "closed"
    if is_whole and ends[0] != ends[1]:
        raised = [
            _raised(stream["error"]) if "error" in stream else end
            for stream, end in zip((before, after), ends, strict=True)
        ]
        yield Change(Tier.ERROR, "", *raised)
        return
    if "error" in before and "error" in after:
        yield from _error_changes(before["error"], after["error"], rules)
    yield from item_changes(one, other, is_whole=is_whole, tolerance=rules.tolerance)
    if "returned" in before and "returned" in after:
        yield from under("returned", _plain_changes(plain(before["returned"]), plain(after["returned"]), rules))
