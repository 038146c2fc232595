"""Credentials whose name is a value beside them: `{"name": "X-Api-Key", "value": "…"}`, `setenv("API_KEY", "…")`, fields of a form.

In trees by the fields of a mapping, in text by how HAR, YAML, XML, HTML, code and `multipart/form-data` write such a pair. The keys of a JWK are here, too: they are
credentials only beside its `kty`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from memo._calls.secret_expressions import Expression
from memo._calls.secret_forms import ANY, CHOSEN, PASSWORD, TOKEN, Form
from memo._calls.secret_names import judge

__all__ = [
    "COOKIE_FIELDS",
    "COOKIE_MARK",
    "COOKIE_VALUE",
    "GROUP_MARK",
    "JWK",
    "JWK_FIELDS",
    "NAMES",
    "SECRET_DATA",
    "SECRET_KIND",
    "VALUES",
    "Beside",
    "after_options",
    "beside",
    "is_cookie",
    "paired",
    "private_fields",
    "spans",
]

_FIELDS = {
    **dict.fromkeys(("name", "key", "header", "variable", "path", "type"), ("value",)),
    **dict.fromkeys(("field", "label"), ("value", "text")),
    **dict.fromkeys(("element", "selector", "target"), ("text", "value")),
    **dict.fromkeys(("Name", "Key"), ("Value",)),
    "ParameterKey": ("ParameterValue",),
    "parameterKey": ("parameterValue",),
}
NAMES = frozenset(_FIELDS)
"""Fields whose value may name what is in another field of the mapping."""
VALUES = frozenset(value for values in _FIELDS.values() for value in values)
"""That other field."""
_CONTROL = Expression(r"[\s_-](?:field|input|box|textbox)\Z", re.IGNORECASE)
"""After the name that a form has for a field."""
SECRET_DATA = frozenset(("data", "stringData"))
"""What holds the credentials of a `Secret` of Kubernetes."""
SECRET_KIND = Expression(r"""\bkind\\*["']?\s{0,8}:\s{0,8}\\*["']?Secret\b""")
_OF_COOKIES = frozenset(("httpOnly", "hostOnly", "sameSite", "expirationDate"))
COOKIE_FIELDS = frozenset(("name", "domain")) | _OF_COOKIES
"""Fields of a cookie as browsers and their drivers write it."""
COOKIE_VALUE = "value"
COOKIE_MARK = rf"""(?:{"|".join(sorted(_OF_COOKIES))})\\*["']\s*:"""
GROUP_MARK = r"""(?:ecrets?|ECRETS?|okens?|OKENS?|[kK]eys?|KEYS?|oauth)\\*["']\s*:\s*(?:[\[{]|\\*"[^"]{20})"""
"""An expression that matches in all JSON with a mapping or list of credentials under a name that may hold data."""
JWK = "kty"
JWK_FIELDS = frozenset(("d", "p", "q", "dp", "dq", "qi", "k"))
"""What is private in a JSON Web Key (RFC 7518), which says its `kty`."""


class Beside(NamedTuple):
    """A field that holds a credential because of what another one says."""

    field: str
    form: Form


def paired(name: str, more: frozenset[str], fewer: frozenset[str]) -> Form | None:
    """Return the form of a credential of which a value is the name: people write rules and schemas in this way, too."""
    form = judge(_CONTROL.sub("", name), more, fewer)
    return PASSWORD if form is ANY else form


def beside(node: Mapping[str, Any], more: frozenset[str], fewer: frozenset[str]) -> Beside | None:
    """Return which field of a mapping holds a credential whose name is in another field; None if none does."""
    for name, values in _FIELDS.items():
        named = node.get(name)
        if type(named) is str:
            field = next((value for value in values if value in node), None)
            if field is not None and (form := paired(named, more, fewer)) is not None:
                return Beside(field, form)
    return Beside(COOKIE_VALUE, TOKEN) if COOKIE_VALUE in node and is_cookie(node.keys()) else None


def is_cookie(names: Collection[str]) -> bool:
    """Return whether a mapping with some fields is a cookie: under any name, its value may be that of a session."""
    return "name" in names and "domain" in names and any(name in names for name in _OF_COOKIES)


def after_options(members: list[Any], more: frozenset[str], fewer: frozenset[str]) -> dict[int, Form]:
    """Return the forms of the credentials that come after the option of a command that names them, by their index.

    `--token=…` has its value itself, and `--password --depth=3` has none.
    """
    forms = (
        (index, paired(option, more, fewer))
        for index, (option, value) in enumerate(pairwise(members), 1)
        if type(option) is str
        and option.startswith("--")
        and "=" not in option
        and not (type(value) is str and _OPTION.match(value))
    )
    return {index: form for index, form in forms if form is not None}


_OPTION = Expression(r"--[a-z][a-z-]*(?:=|\Z)")


def private_fields(node: Mapping[str, Any]) -> frozenset[str]:
    """Return the fields of a mapping that hold credentials because of what the mapping says it is: a JSON Web Key, a `Secret`."""
    if type(node.get(JWK)) is str:
        return JWK_FIELDS
    return SECRET_DATA if node.get("kind") == "Secret" else frozenset()


_SETS = Expression(r"set|put|define|add|append|insert|header", re.IGNORECASE)
"""In the names of functions that take a name and its value."""
_DEFAULTS = Expression(r"env|config|setting|flag", re.IGNORECASE)
"""In the names of functions that take a name and what is used where it has no value."""
_QUOTE = r"""\\{0,8}["']"""
_IN_TEXT = [
    (mark, Expression(expression, re.VERBOSE | re.ASCII | re.MULTILINE))
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
            "alue:",
            r"""\b(?:name|key):\s{1,4}["']?(?P<name>[\w.-]{1,64})["']?(?:,|[ \t]{0,8}\r?\n)\s{0,64}(?:defaultV|v)alue:\s{1,4}["']?(?P<value>[^\s"',{}\[\]]{1,4096})""",
        ),
        # variable "db_password" { default = "…" }
        (
            "{",
            r"""\b(?:variable|output|resource\s"[\w-]{1,64}")\s{1,4}"(?P<name>[\w-]{1,64})"\s{0,4}\{[^{}]{0,1024}?\b(?:default|value)\s{0,32}=\s{0,8}"(?P<value>[^"\n]{1,4096})""",
        ),
        # an option of a command line: ("--api-key", default="…")
        (
            "default",
            rf"""{_QUOTE}--?(?P<name>[\w-]{{1,64}}){_QUOTE}[^\n()]{{0,256}}?\bdefault\s?=\s?(?P<call>env)?{_QUOTE}(?P<value>[^"'\\\n]{{1,4096}})""",
        ),
        # ~ password = "…" -> "…"
        (
            " -> ",
            rf"""(?<![\w.-])(?P<name>[\w.-]{{1,64}})\s{{0,32}}=\s{{1,4}}{_QUOTE}[^"'\\\n]{{0,512}}{_QUOTE}\s->\s{_QUOTE}(?P<value>[^"'\\\n]{{1,4096}})""",
        ),
        # <property name="password">…</property>, <string name="api_key">…</string>
        (
            "name=",
            rf"""<(?:[a-z]{{1,16}}:)?(?:property|string|param(?:eter)?|init-param|arg(?:ument)?|var(?:iable)?|header|secret|entry|value|field|setting|item|attribute)\s[^<>]{{0,64}}?\bname={_QUOTE}(?P<name>[\w.-]{{1,64}}){_QUOTE}[^<>]{{0,64}}>(?P<value>[^<>\n]{{1,4096}})</""",
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
        # <name>password</name><value><string>…</string>, <td>Password</td><td>…</td>
        (
            "</",
            r"""<(?P<tag>name|td|th|dt|label)(?:\s[^<>]{0,64})?>(?P<name>[\w\ .-]{1,64}):?</(?P=tag)>\s{0,64}
        <(?:value|td|dd|span)(?:\s[^<>]{0,64})?>\s{0,64}(?:<(?:string|code|b)>)?(?P<value>[^<>\n]{1,4096})<""",
        ),
        # ["password"]=> string(11) "…"
        (
            "]=>",
            r"""\["(?P<name>[\w.-]{1,64})"(?::[\w\\:"]{1,64})?\]=>\s{1,64}string\(\d{1,6}\)\s"(?P<value>[^"\n]{1,4096})""",
        ),
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
    if form is not PASSWORD or not call or _SETS.search(call) is not None:
        return form
    return CHOSEN if _DEFAULTS.search(call) is not None else TOKEN
