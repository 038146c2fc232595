"""Credentials whose name is a value beside them: `{"name": "X-Api-Key", "value": "…"}`, `setenv("API_KEY", "…")`, fields of a form.

In trees by the fields of a mapping, in text by how HAR, YAML, XML, HTML, code and `multipart/form-data` write such a pair. The keys of a JWK are here, too: they are
credentials only beside its `kty`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from memo._calls.secret_forms import ANY, PASSWORD, TOKEN, Form
from memo._calls.secret_names import judge

__all__ = ["JWK", "JWK_FIELDS", "NAMES", "VALUES", "Beside", "beside", "is_jwk", "paired", "spans"]

_FIELDS = {
    "name": "value",
    "Name": "Value",
    "key": "value",
    "Key": "Value",
    "header": "value",
    "field": "value",
    "variable": "value",
    "ParameterKey": "ParameterValue",
    "parameterKey": "parameterValue",
}
NAMES = frozenset(_FIELDS)
"""Fields whose value may name what is in another field of the mapping."""
VALUES = frozenset(_FIELDS.values())
"""That other field."""
JWK = "kty"
JWK_FIELDS = frozenset(("d", "p", "q", "dp", "dq", "qi", "k"))
"""What is private in a JSON Web Key (RFC 7518), which says its `kty`."""


class Beside(NamedTuple):
    """A field that holds a credential because of what another one says."""

    field: str
    form: Form


def paired(name: str, more: frozenset[str], fewer: frozenset[str]) -> Form | None:
    """Return the form of a credential of which a value is the name: people write rules and schemas in this way, too."""
    form = judge(name, more, fewer)
    return PASSWORD if form is ANY else form


def beside(node: Mapping[str, Any], more: frozenset[str], fewer: frozenset[str]) -> Beside | None:
    """Return which field of a mapping holds a credential whose name is in another field; None if none does."""
    for name, value in _FIELDS.items():
        named = node.get(name)
        if type(named) is str and value in node:
            form = paired(named, more, fewer)
            if form is not None:
                return Beside(value, form)
    return None


def is_jwk(node: Mapping[str, Any]) -> bool:
    """Return whether a mapping is a JSON Web Key."""
    return type(node.get(JWK)) is str and not JWK_FIELDS.isdisjoint(node)


_SETS = re.compile(r"set|put|define|add|append|insert|header", re.IGNORECASE)
"""In the names of functions that take a name and its value."""
_QUOTE = r"""\\{0,8}["']"""
_IN_TEXT = [
    (mark, re.compile(expression, re.VERBOSE | re.ASCII))
    for mark, expression in (
        # <add key="ApiKey" value="…"/>, <input type="password" name="x" value="…">, <meta name="csrf-token" content="…">
        (
            "=",
            rf"""\b(?:name|key|type(?=\s?=\s?{_QUOTE}password))\s?=\s?(?P<q>{_QUOTE})(?P<name>[\w.:-]{{1,64}})(?P=q)
        (?:\s{{1,8}}(?!value|content)[\w-]{{1,32}}\s?=\s?{_QUOTE}[^<>"'\\\n]{{0,64}}{_QUOTE}){{0,4}}
        \s{{1,8}}(?:value|content)\s?=\s?{_QUOTE}(?P<value>[^<>"'\\\n]{{1,4096}})""",
        ),
        # - name: DB_PASSWORD         {name: DB_PASSWORD, value: …}
        #   value: …
        (
            "value:",
            r"""\b(?:name|key):\s{1,4}["']?(?P<name>[\w.-]{1,64})["']?(?:,|[ \t]{0,8}\r?\n)\s{0,64}value:\s{1,4}["']?(?P<value>[^\s"',{}\[\]]{1,4096})""",
        ),
        # setenv("API_KEY", "…"), define('DB_PASSWORD', '…'), (b'cookie', b'…')
        (
            "(",
            rf"""(?P<call>[\w.]{{0,64}})\(\s{{0,64}}[bBrRuUfF]{{0,2}}(?P<q>{_QUOTE})(?P<name>[\w.-]{{1,64}})(?P=q)\s{{0,4}},\s{{0,64}}
        [bBrRuUfF]{{0,2}}(?P<o>{_QUOTE})(?P<value>[^"'\\\n]{{1,4096}})(?P=o)""",
        ),
        # Content-Disposition: form-data; name="password"
        #
        # …
        ('name="', r"""\bname="(?P<name>[\w.-]{1,64})"(?:[^\r\n]{0,128}\r?\n){1,4}?\r?\n(?P<value>[^\r\n]{1,4096})"""),
        # <key>ApiKey</key> <string>…</string>
        ("<key>", r"""<key>(?P<name>[^<>]{1,64})</key>\s{0,64}<string>(?P<value>[^<>]{1,4096})<"""),
    )
]


def spans(text: str, more: frozenset[str], fewer: frozenset[str]) -> list[tuple[int, int]]:
    """Return where credentials stand whose name is beside them in a text."""
    return [
        found.span("value")
        for mark, expression in _IN_TEXT
        if mark in text
        for found in expression.finditer(text)
        if (form := _form(found, more, fewer)) is not None and form(found["value"])
    ]


def _form(found: re.Match[str], more: frozenset[str], fewer: frozenset[str]) -> Form | None:
    """Return the form of a credential by its name in a text; what a call is given beside the name is mostly a default or a label."""
    form = paired(found["name"], more, fewer)
    call = found.groupdict().get("call")
    return TOKEN if form is PASSWORD and call and _SETS.search(call) is None else form
