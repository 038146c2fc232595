"""Secrets: what can only be a credential, by its name or by its shape, is never written.

This module applies the rules. The names are in `secret_names`, the shapes in `secret_shapes`, the forms of what has a name
that may be data in `secret_forms`, credentials inside a text in `secret_text`, and those cut by a stream in
`secret_streams`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

import orjson

from memo._calls import secret_pairs, secret_text
from memo._calls.key_rules import as_names
from memo._calls.secret_encoded import readable
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
from memo._calls.secret_names import describes, holds_headers, judge, judge_below, plain_names
from memo._calls.secret_text import MASK
from memo._values.paths import Step, steps_of
from memo._values.scalars import bytes_form, bytes_of, is_text_form, text_form, text_of
from memo._values.secrets import SECRET_TYPES
from memo.errors import InvalidOption

__all__ = [
    "INNER",
    "MASK",
    "NO_RULES",
    "SecretRules",
    "header_text",
    "is_header",
    "looks_secret",
    "mask",
    "masked_form",
    "may_hold_secret",
    "redact",
]


T = TypeVar("T")


class SecretRules(NamedTuple):
    """What a user says of secrets: more names of credentials, and what is none. As `secrets=` and `allow_secrets=`."""

    names: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()
    """Names, in the form of `plain_names`."""
    allowed_paths: tuple[tuple[Step, ...], ...] = ()

    @classmethod
    def of(cls, secrets: str | Iterable[str] = (), allow_secrets: str | Iterable[str] = ()) -> SecretRules:
        """Return the rules that a user writes. Raise `InvalidOption` for an `allow_secrets=` that is neither name nor path."""
        if not (secrets or allow_secrets):
            return NO_RULES
        allowed: list[str] = []
        paths: list[tuple[Step, ...]] = []
        for path in as_names(allow_secrets):
            steps = steps_of(path)
            if not steps:
                raise InvalidOption("allow_secrets", path, ["name", "name.key", "[0].key", "name[*].key"])
            if len(steps) == 1 and isinstance(steps[0], str):
                allowed.append(steps[0])
            else:
                paths.append(steps)
        return cls(plain_names(as_names(secrets)), plain_names(allowed), tuple(paths))

    def __or__(self, other: SecretRules) -> SecretRules:
        if not other:
            return self
        return SecretRules(
            self.names | other.names, self.allowed | other.allowed, (*self.allowed_paths, *other.allowed_paths)
        )

    def __bool__(self) -> bool:
        return any(self)

    def judge(self, name: str) -> Form | None:
        """Return the form that a credential has under a name, None if the name holds none."""
        return judge(name, self.names, self.allowed)

    def beside(self, node: dict[str, Any]) -> secret_pairs.Beside | None:
        """Return which field of a mapping holds a credential whose name is in another field."""
        return secret_pairs.beside(node, self.names, self.allowed)

    def after_options(self, node: list[Any]) -> dict[int, Form]:
        """Return the forms of the credentials in a command's arguments that have their name before them, by their index."""
        return secret_pairs.after_options(node, self.names, self.allowed)

    def allows(self, steps: tuple[Step, ...]) -> bool:
        """Return whether the user says that what is at a path is no secret."""
        return any(
            len(path) <= len(steps) and all(one is None or one == step for one, step in zip(path, steps, strict=False))
            for path in self.allowed_paths
        )


NO_RULES = SecretRules()


def is_header(name: Any, value: Any, rules: SecretRules = NO_RULES, *, named: bool) -> bool:
    """Return whether a pair is a header, cookie or variable that holds a credential.

    `named` says that the pairs are under a name like `headers`. Elsewhere a pair is a header only if the value has the form
    of a credential: `["authorization", "required"]` is a rule of a form. Both may be bytes, as servers and HTTP clients have
    them, or what memo writes for bytes.
    """
    name, value = header_text(name), header_text(value)
    form = rules.judge(name) if isinstance(name, str) else None
    if form is None:
        return False
    if type(value) is not str:
        return (named and form is ANY) or (form is LOGIN and (is_login(value) or _is_login_form(_pair(value))))
    return form(value) if named else (PASSWORD if form is ANY else form)(value)


def header_text(part: Any) -> Any:
    """Return the text of a part of a header that is bytes; anything else as it is."""
    if type(part) is bytes:
        return part.decode("latin-1")
    if type(part) is dict and part.get("__type__") == "bytes":
        return part.get("text", part)
    return part


def looks_secret(json: str) -> bool:
    """Return whether a text in some JSON may hold a credential. Fast, and never wrong when it says no."""
    return secret_text.may_hold_in_json(json)


def mask(text: str, rules: SecretRules = NO_RULES, replace: Callable[[str], str] | None = None) -> str:
    """Return a text with the credentials in it replaced: by a mask, or by what `replace` makes of each."""
    if not secret_text.may_hold(text, rules.names):
        return text
    parts: list[str] = []
    at = 0
    for start, end in secret_text.spans(text, rules.names, rules.allowed):
        parts += text[at:start], secret_text.hidden(text, start, end) if replace is None else replace(text[start:end])
        at = end
    return "".join([*parts, text[at:]]) if at else text


def _mask_bytes(data: bytes, rules: SecretRules = NO_RULES, replace: Callable[[str], str] | None = None) -> bytes:
    """Return bytes with the credentials in their printable ASCII replaced, as `mask` does it."""
    text = readable(data)
    if not secret_text.may_hold(text, rules.names):
        return data
    parts: list[bytes] = []
    at = 0
    for start, end in secret_text.spans(text, rules.names, rules.allowed):
        parts += data[at:start], (MASK if replace is None else replace(text[start:end])).encode()
        at = end
    return b"".join([*parts, data[at:]])


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


def may_hold_secret(json: str, rules: SecretRules = NO_RULES) -> bool:
    """Return whether there may be anything in some JSON that `redact` would mask. Never wrong when it says no.

    One search through all of it, not one through each text in it.
    """
    return secret_text.may_hold_in_json(json, rules.names)


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
        pairs = bool(node) and all(_pair(member) is not None for member in node)
        beside_id = has_aws_id(node)
        after = self._rules.after_options(node)
        for index, member in enumerate(node):
            inner = (*steps, index)
            pair = _pair(member) if pairs else None
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
        elif form is LOGIN and kind == "tuple" and _is_login_form(node.get("value")):
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


def _is_login_form(value: Any) -> bool:
    return type(value) is list and is_login(tuple(value))


def _pair(node: Any) -> list[Any] | None:
    if type(node) is dict and node.get("__type__") == "tuple":
        node = node.get("value")
    return node if type(node) is list and len(node) == 2 else None
