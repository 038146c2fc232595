"""The JSON inside the typed JSON of recordings. No type is looked up, nothing is imported."""

from __future__ import annotations

from typing import Any

import orjson

from memo.errors import DataMismatch

__all__ = ["of_one_form", "plain", "redacted_paths", "type_name", "unpacked", "unshared"]


def redacted_paths(outcome: dict[str, Any]) -> list[str]:
    """Return the paths to what was masked in a stored outcome; none that are no text, where the recording is damaged."""
    paths = outcome.get("redacted")
    return [path for path in paths if type(path) is str] if type(paths) is list else []


def unpacked(tree: Any, depth: int = 0) -> Any:
    """Return typed JSON in which every item of a list or a stream stands alone, complete and with its type.

    Raises `DataMismatch` for JSON that is nested deeper than anything that memo writes.
    """
    if depth > _DEEPEST:
        raise DataMismatch("JSON", "it is nested too deep to be shown")
    if isinstance(tree, list):
        return [unpacked(item, depth + 1) for item in tree]
    if not isinstance(tree, dict):
        return tree
    out = {name: unpacked(member, depth + 1) for name, member in tree.items()}
    of, items = tree.get("of"), out.get("items")
    if not (isinstance(of, str) and isinstance(items, list)):
        return out
    base, count = tree.get("base"), {"set": tree["set"]} if "set" in tree else {}
    out["items"] = [
        item
        if isinstance(item, dict) and "__type__" in item
        else {"__type__": of, "value": _merged(base, item), **count}
        for item in items
    ]
    return {name: member for name, member in out.items() if name not in ("of", "base", "set")}


_DEEPEST = 230


def unshared(tree: Any) -> Any:
    """Return typed JSON in which an object that is in several places has its form in each of them.

    An object that holds itself keeps the reference to itself.
    """
    forms: dict[Any, Any] = {}
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            if node.get("__type__") == "shared" and "value" in node:
                forms[node.get("at")] = node["value"]
            pending += node.values()
    return _unshared(tree, forms, frozenset())


def _unshared(tree: Any, forms: dict[Any, Any], inside: frozenset[Any]) -> Any:
    if isinstance(tree, list):
        return [_unshared(item, forms, inside) for item in tree]
    if not isinstance(tree, dict):
        return tree
    at = tree.get("at")
    if tree.get("__type__") == "shared" and isinstance(at, int) and at in forms and at not in inside:
        return _unshared(forms[at], forms, inside | {at})
    if tree.get("__type__") in ("again", "sharing") and "value" in tree:
        return _unshared(tree["value"], forms, inside)
    return {name: _unshared(member, forms, inside) for name, member in tree.items()}


def _merged(base: Any, item: Any) -> Any:
    return {**base, **item} if isinstance(base, dict) and isinstance(item, dict) else item


def type_name(tree: Any) -> str | None:
    """Return the type's name in unpacked typed JSON as code writes it: `openai.types:Model` is `openai.types.Model`."""
    name = tree.get("__type__") if isinstance(tree, dict) else None
    return name.replace(":", ".") if isinstance(name, str) and name != "json" else None


def plain(tree: Any) -> Any:
    """Return the JSON in unpacked typed JSON: a model as its fields, a tuple as a list, a time as its text."""
    if isinstance(tree, list):
        return [plain(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if "__type__" not in tree:
        return {name: plain(member) for name, member in tree.items()}
    if isinstance(tree.get("exact"), dict):
        return plain({**_set_fields(tree["exact"], tree.get("set")), **_mapping(tree.get("extra"))})
    if isinstance(tree.get("items"), list):
        return plain(tree["items"])
    if "args" in tree:
        return plain({"args": tree["args"], **_mapping(tree.get("attributes"))})
    value = tree.get("value")
    if tree["__type__"] == "dict" and isinstance(value, list):
        return {_key(pair[0]): plain(pair[1]) for pair in value if isinstance(pair, list) and len(pair) == 2}
    for name in ("value", "text", "base64", "name"):
        if name in tree:
            return plain(tree[name])
    return {name: plain(member) for name, member in tree.items() if name != "__type__"}


def of_one_form(before: Any, after: Any) -> tuple[Any, Any]:
    """Return two trees of unpacked typed JSON in which a model that is exact in one of them only is plain in both.

    A model whose field has a value of another type than declared is written exactly, field by field: the fields are compared.
    """
    if isinstance(before, list) and isinstance(after, list):
        pairs = [of_one_form(*pair) for pair in zip(before, after, strict=False)]
        count = len(pairs)
        return [one for one, _ in pairs] + before[count:], [other for _, other in pairs] + after[count:]
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return before, after
    if before.get("__type__") == after.get("__type__") and ("exact" in before) != ("exact" in after):
        return _plain_model(before), _plain_model(after)
    both = {name: of_one_form(before[name], after[name]) for name in before if name in after}
    return (
        {name: both[name][0] if name in both else member for name, member in before.items()},
        {name: both[name][1] if name in both else member for name, member in after.items()},
    )


def _plain_model(tree: dict[str, Any]) -> dict[str, Any]:
    rest: dict[str, Any] = {name: tree[name] for name in ("__type__", "attributes") if name in tree}
    return {**rest, "value": plain(tree)}


def _set_fields(fields: dict[str, Any], names: Any) -> dict[str, Any]:
    """Return the fields that the model was given, as its plain form has them."""
    return {name: fields[name] for name in fields if name in names} if isinstance(names, list) else fields


def _mapping(tree: Any) -> dict[str, Any]:
    return tree if isinstance(tree, dict) else {}


def _key(tree: Any) -> str:
    key = plain(tree)
    return key if isinstance(key, str) else orjson.dumps(key).decode()
