"""A recording's document without its secrets."""

from __future__ import annotations

from typing import Any

import orjson

from memo._calls.credentials import KEYED
from memo._calls.secret_forms import ANY, Form, has_aws_id, is_aws_secret, is_credential, is_hidden
from memo._calls.secret_names import holds_headers, judge, judge_below, judge_group
from memo._calls.secret_pairs import private_fields
from memo._calls.secret_streams import mask_across, mask_inside
from memo._calls.secrets import MASK, NO_RULES, header_text, is_header, mask, masked_form, redact
from memo._recordings.document import Document

__all__ = ["as_recorded_now", "escaped", "without", "without_secrets"]


def as_recorded_now(document: Document) -> Document:
    """Return the document as memo would record it now."""
    trees: list[Any] = [orjson.loads(orjson.dumps(outcome)) for outcome in document.outcomes]
    for tree in trees:
        for part in ("value", "error", "stream"):
            if part in tree:
                holder = [tree[part]]
                if part == "stream":
                    mask_across(tree[part]["items"])
                elif "holds" in tree:
                    mask_inside(tree[part])
                redact(holder)
                tree[part] = holder[0]
    document = document.with_watched(document.watched, document.watched_values)
    return document._replace(
        arguments=_as_keyed(document.arguments),
        test=document.test and mask(document.test),
        outcomes=trees,
    )


def _as_keyed(node: Any, group: Form | None = None, *, schema: bool = False, headers: bool = False) -> Any:
    """Return arguments without the credentials that a key leaves out by their names, and with masks for others."""
    if type(node) is str:
        return MASK if is_hidden(group, node) else mask(node)
    if type(node) is list:
        pairs = bool(node) and all(
            type(pair) is list and len(pair) == 2 and type(header_text(pair[0])) is str for pair in node
        )
        beside_id, after = has_aws_id(node), NO_RULES.after_options(node)
        return [
            MASK if is_hidden(after.get(index), item) else _member(item, group, beside_id=beside_id)
            for index, item in enumerate(node)
            if not (pairs and is_header(*item, named=headers))
        ]
    if type(node) is dict:
        if node.get("__type__") in (KEYED, "SecretStr", "SecretBytes"):
            return node
        if node.get("__type__") == "bytes" and type(node.get("base64")) is str:
            return masked_form(node)
        beside_id = has_aws_id(node.values())
        beside = NO_RULES.beside(node) if "__type__" not in node else None
        private = private_fields(node)
        return {
            mask(name): MASK
            if type(item) is str
            and (name in private or (beside is not None and name == beside.field and beside.form(item)))
            else _private(item)
            if name in private and type(item) is dict
            else _member(
                item,
                None if schema else judge_group(name, item, group),
                beside_id=beside_id,
                schema=name == "properties",
                headers=holds_headers(name),
            )
            for name, item in node.items()
            if schema or not _is_credential(name, item)
        }
    return node


def _private(node: dict[str, Any]) -> dict[str, Any]:
    """Return a mapping of credentials by their names, that of a `Secret` of Kubernetes, without them."""
    return {
        name: MASK if is_hidden(judge_below(name, ANY), item) else _member(item, beside_id=False)
        for name, item in node.items()
    }


def _member(
    item: Any, group: Form | None = None, *, beside_id: bool, schema: bool = False, headers: bool = False
) -> Any:
    return MASK if beside_id and is_aws_secret(item) else _as_keyed(item, group, schema=schema, headers=headers)


def _is_credential(name: str, item: Any) -> bool:
    form = judge(name)
    return form is not None and not (type(item) is dict and item.get("__type__") == KEYED) and is_credential(form, item)


def without_secrets(document: Document, found: dict[str, str]) -> Document:
    """Return the document without the secrets that were found, in every part that may be changed."""
    if not found:
        return document
    document = document.with_watched(document.watched, _tree_without(document.watched_values, found))
    return document._replace(
        arguments=_tree_without(document.arguments, found),
        test=document.test and without(document.test, found),
        outcomes=_tree_without(document.outcomes, found),
    )


def _tree_without(node: Any, found: dict[str, str]) -> Any:
    if type(node) is str:
        return without(node, found)
    if type(node) is list:
        return [_tree_without(item, found) for item in node]
    if type(node) is dict:
        return {without(key, found): _tree_without(value, found) for key, value in node.items()}
    return node


def without(text: str, found: dict[str, str]) -> str:
    """Return a text without the secrets, which are given as written in JSON."""
    if not found:
        return text
    plain = masked = escaped(text)
    for secret in found:
        masked = masked.replace(secret, MASK)
    if masked == plain:
        return text
    try:
        return str(orjson.loads(f'"{masked}"'))
    except orjson.JSONDecodeError:  # it began or ended within an escape
        return MASK


def escaped(text: str) -> str:
    return orjson.dumps(text).decode()[1:-1]
