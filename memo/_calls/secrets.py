"""Secrets: what can only be a credential, by its name or by its shape, is never written.

This module masks them. The rules of a user are in `secret_rules`, the names in `secret_names`, the forms of what has a name that may be
data in `secret_forms`, the quick look in `secret_search`, credentials inside a text in `secret_text` with their shapes in
`secret_shapes`, and those cut by a stream in `secret_streams`. What searches texts is loaded, and its expressions are compiled, when the
first text is searched.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import orjson

from memo._calls import secret_pairs
from memo._calls.secret_forms import (
    ANY,
    CODE,
    LOGIN,
    PASSWORD,
    Form,
    has_aws_id,
    is_aws_secret,
    is_given,
    is_login,
    stronger,
)
from memo._calls.secret_names import describes, holds_headers, judge_below
from memo._calls.secret_rules import MASK, NO_RULES, SecretRules, header_text, is_header, is_login_form, pair_of
from memo._values.paths import Step
from memo._values.scalars import bytes_form, bytes_of, is_text_form, text_form, text_of
from memo._values.secrets import SECRET_TYPES

__all__ = [
    "INNER",
    "MASK",
    "NO_RULES",
    "SecretRules",
    "header_text",
    "hidden",
    "is_header",
    "looks_secret",
    "mask",
    "masked_form",
    "may_hold",
    "may_hold_secret",
    "readable",
    "redact",
    "spans",
]


T = TypeVar("T")


@cache
def _in_json(more: frozenset[str] | None) -> Callable[[str], bool]:
    from memo._calls.secret_search import in_json

    return in_json(more)


@cache
def _in_text(more: frozenset[str]) -> Callable[[str], bool]:
    from memo._calls.secret_search import in_text

    return in_text(more)


def looks_secret(json: str) -> bool:
    """Return whether a text in some JSON may hold a credential. Fast, and never wrong when it says no."""
    return _in_json(None)(json)


def may_hold_secret(json: str, rules: SecretRules = NO_RULES) -> bool:
    """Return whether there may be anything in some JSON that `redact` would mask. Never wrong when it says no.

    One search through all of it, not one through each text in it.
    """
    return _in_json(rules.names)(json)


def may_hold(text: str, rules: SecretRules = NO_RULES) -> bool:
    """Return whether there may be anything in a text that `mask` would mask. Never wrong when it says no."""
    return _in_text(rules.names)(text)


def spans(text: str, rules: SecretRules = NO_RULES) -> list[tuple[int, int]]:
    """Return where credentials are in a text: in order, none inside another."""
    if not may_hold(text, rules):
        return []
    from memo._calls import secret_text

    return secret_text.spans(text, rules.names, rules.allowed)


def hidden(text: str, start: int, end: int) -> str:
    """Return what takes, in a text, the place of a credential: a mask, or 0 for a number in JSON, which is to stay JSON."""
    return "0" if text[start:end].isdigit() and text[start - 1 : start] not in ('"', "'") else MASK


def mask(text: str, rules: SecretRules = NO_RULES, replace: Callable[[str], str] | None = None) -> str:
    """Return a text with the credentials in it replaced: by a mask, or by what `replace` makes of each."""
    parts: list[str] = []
    at = 0
    for start, end in spans(text, rules):
        parts += text[at:start], hidden(text, start, end) if replace is None else replace(text[start:end])
        at = end
    return "".join([*parts, text[at:]]) if at else text


_UNPRINTABLE = bytes(byte if 32 <= byte < 127 else 10 for byte in range(256))


def readable(data: bytes) -> str:
    """Return the printable ASCII in some bytes, a line break for each other byte: an index is that of the byte."""
    return data.translate(_UNPRINTABLE).decode("ascii")


def _mask_bytes(data: bytes, rules: SecretRules = NO_RULES, replace: Callable[[str], str] | None = None) -> bytes:
    """Return bytes with the credentials in their printable ASCII replaced, as `mask` does it."""
    text = readable(data)
    parts: list[bytes] = []
    at = 0
    for start, end in spans(text, rules):
        parts += data[at:start], (MASK if replace is None else replace(text[start:end])).encode()
        at = end
    return b"".join([*parts, data[at:]]) if at else data


def masked_form(
    form: dict[str, Any], rules: SecretRules = NO_RULES, replace: Callable[[str], str] | None = None
) -> dict[str, Any]:
    """Return the form of bytes that are no text, with the credentials in them replaced."""
    try:
        data = bytes_of(form)
    except ValueError:  # damaged: no base64
        return form
    masked = _mask_bytes(data, rules, replace)
    return form if masked == data else {"__type__": form["__type__"], **bytes_form(masked)}


def redact(
    holder: list[Any], rules: SecretRules = NO_RULES, at: tuple[Step, ...] = ()
) -> tuple[list[tuple[Step, ...]], list[tuple[Step, ...]]]:
    """Mask the secrets in the tree of a recorded outcome, which a list of one holds, in place; `at` leads to the tree.

    Return the steps to what was masked, and to what was left because the rules allow it.
    """
    redactor = _Redactor(rules)
    holder[0] = redactor.tree(holder[0], at, None)
    return redactor.masked, redactor.allowed


class _Redactor:
    """Masks the secrets in a tree, and remembers where."""

    def __init__(self, rules: SecretRules, anything: Form = ANY) -> None:
        self._rules = rules
        self._anything = anything
        """The form of what is under a name that holds nothing but credentials."""
        self.masked: list[tuple[Step, ...]] = []
        self.allowed: list[tuple[Step, ...]] = []

    def tree(self, node: Any, steps: tuple[Step, ...], form: Form | None, *, headers: bool = False) -> Any:
        """Mask what is below a node; `form` is that of a credential under the name that leads to the node."""
        if type(node) is str:
            return self._text(node, steps, form)
        if type(node) is list:
            return self._list(node, steps, form, headers=headers)
        if type(node) is dict:
            return self._dict(node, steps, form, headers=headers)
        return node

    def _text(self, text: str, steps: tuple[Step, ...], form: Form | None) -> str:
        form = self._anything if form is ANY else form
        hides = form is not None and form(text)
        return self._chosen(text, MASK if hides else mask(self._in_json(text), self._rules), steps)

    def _in_json(self, text: str) -> str:
        """Return a text that is JSON, a tool call's arguments, without the credentials in it; any other text as it is."""
        if text[:1] + text[-1:] not in ("{}", "[]"):
            return text
        inner = _Redactor(self._rules, is_given)  # what people write has placeholders: `"password": "<yours>"`
        try:
            tree = inner.tree(orjson.loads(text), (), None)
        except (orjson.JSONDecodeError, RecursionError):
            return text
        if not inner.masked:
            return text
        written = orjson.dumps(tree).decode()
        # In the text itself where that hides as much: the rest stays to the byte.
        masked = mask(text, self._rules)
        return masked if _read(masked) == _read(mask(written, self._rules)) else written

    def _chosen(self, value: T, masked: T, steps: tuple[Step, ...]) -> T:
        """Return a value masked, or as it is if the rules allow it; remember which."""
        if masked == value:
            return value
        if self._rules.allows(steps):
            self.allowed.append(steps)
            return value
        self.masked.append(steps)
        return masked

    def _bytes(self, node: dict[str, Any], steps: tuple[Step, ...], form: Form | None) -> dict[str, Any]:
        """Mask bytes that are no text, or the credentials in them."""
        if form is ANY:
            return self._chosen(node, {"__type__": node["__type__"], "text": MASK}, steps)
        return self._chosen(node, masked_form(node, self._rules), steps)

    def _list(self, node: list[Any], steps: tuple[Step, ...], form: Form | None, *, headers: bool) -> list[Any]:
        if form is LOGIN and is_login(node):
            return [self.tree(node[0], (*steps, 0), None), self._text(node[1], (*steps, 1), ANY)]
        pairs = bool(node) and all(pair_of(member) is not None for member in node)
        beside_id = has_aws_id(node)
        after = self._rules.after_options(node)
        for index, member in enumerate(node):
            inner = (*steps, index)
            pair = pair_of(member) if pairs else None
            if form is None and pair and is_header(pair[0], pair[1], self._rules, named=headers):
                pair[:] = self.tree(pair[0], (*inner, 0), None), self.tree(pair[1], (*inner, 1), ANY)
            else:
                own = ANY if beside_id and is_aws_secret(member) else after.get(index, form)
                node[index] = self.tree(member, inner, own)
        return node

    def _dict(
        self, node: dict[str, Any], steps: tuple[Step, ...], form: Form | None, *, headers: bool
    ) -> dict[str, Any]:
        kind = node.get("__type__")
        if kind == "str" and type(node.get("value")) is str and is_text_form(node["value"]):
            # Escaped, since it has lone surrogates: what comes before a secret is no letter of an escape.
            node["value"] = text_form(self._text(text_of(node["value"]), steps, form))
            return node
        if type(kind) is str and kind in SECRET_TYPES:
            form = ANY
        elif kind in _BYTES and "text" not in node:
            return self._bytes(node, steps, form)
        elif form is LOGIN and kind == "tuple" and is_login_form(node.get("value")):
            node["value"][1] = self._text(node["value"][1], (*steps, 1), ANY)
            return node
        schema = (
            bool(steps) and steps[-1] == "properties"
        )  # JSON schema: what is named `password` is described, not given
        beside_id = has_aws_id(node.values())
        beside = self._rules.beside(node) if kind is None else None
        private = secret_pairs.private_fields(node) if kind is None else ()
        for name, member in [*node.items()]:
            if kind is None and _is_number(name, member) and not schema:
                node[name] = self._number(name, member, (*steps, name))
            elif name in _NAMING:
                node[name] = self.tree(member, (*steps, name), None)
            elif name in INNER and kind is not None:
                node[name] = self.tree(member, steps, form, headers=headers or kind == "dict")
            else:
                shown = mask(name, self._rules)
                inner = (*steps, shown)
                if shown != name:
                    self.masked.append(inner)
                    del node[name]
                own: Form | None
                if name in private or (beside_id and is_aws_secret(member)):
                    own = ANY
                else:
                    own = self._form(name, form, schema=schema)
                    if beside is not None and name == beside.field:
                        own = beside.form if own is None else stronger(own, beside.form)
                node[shown] = self.tree(member, inner, own, headers=holds_headers(name))
        return node

    def _number(self, name: str, number: int, steps: tuple[Step, ...]) -> int:
        form = self._rules.judge(name)
        holds = form is not None and form in (ANY, CODE) and form(str(number))
        return self._chosen(number, 0, steps) if holds else number

    def _form(self, name: str, outer: Form | None, *, schema: bool) -> Form | None:
        """Return the form of a credential under a name, which is below a name that holds one, perhaps."""
        if schema:
            return None if outer is None or describes(name) else PASSWORD
        return judge_below(name, outer, self._rules.names, self._rules.allowed)


def _read(text: str) -> Any:
    """Return what a text that is JSON holds; None for any other text."""
    try:
        return json.loads(text, parse_int=float)  # as large integers are where orjson has read them
    except (ValueError, RecursionError):
        return None


INNER = ("value", "items", "exact", "stream", "text", "base64")
"""What memo writes around a value: no step of a path in it."""
_BYTES = ("bytes", "bytearray")
_LEAST_NUMBER = 1000
_NAMING = ("__type__", "of", "zone")
"""What may name a type, or a time zone: a secret only by its shape."""


def _is_number(name: str, value: Any) -> bool:
    """Return whether a value is a number of four digits or more under a name that is no plural: a PIN, not a count."""
    return type(value) is int and value >= _LEAST_NUMBER and not name.endswith(("s", "S"))
