r"""Credentials in a text: by their shape, and as the value of a name, as in JSON, headers, forms and variables that a text quotes.

`{"api_key": "…"}`, `{\"api_key\": \"…\"}`, `X-Api-Key: …`, `client_secret=…&`, `DB_PASSWORD=…`. JSON and YAML in a text are read in
`secret_json` and `secret_yaml`, for what is no line of a name and its value.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from memo._calls import secret_encoded, secret_json, secret_search, secret_shapes, secret_yaml
from memo._calls.secret_forms import ANY, PASSWORD, is_given
from memo._calls.secret_names import judge
from memo._calls.secret_shapes import search_for
from memo._values.scalars import is_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MASK", "hidden", "may_hold", "may_hold_in_json", "merged", "spans"]

MASK = "<secret>"

_ASSIGNED = re.compile(
    r"""(?P<tail>[\w.-]{0,24})
    (?: (?:\\{0,8}["'])\s{0,8}(?::|=>)\s{0,8}(?P<quote>\\{0,8}["'])(?P<quoted>[^\n]{1,4096}?)(?:(?P=quote)|(?=\n)|\Z)
      | >(?P<element>[^<>\n]{1,4096})</
      | (?P<flag>\s{1,2})(?P<given>[^\s"'&;,<>(){}\[\]\\=:-][^\s"'&;,<>(){}\[\]\\]{5,4095})
      | \s{0,2}(?:=>|[=:])\s{0,4}(?:(?:[Bb]asic|[Bb]earer|[Tt]oken|[Aa]pi[Kk]ey|Digest)\s{1,4})?\\{0,8}["']?(?P<bare>[^\s"'&;,<>(){}\[\]\\]{6,4096})
    )""",
    re.VERBOSE | re.ASCII,
)
"""What follows the stem of a name: the rest of the name, and its value."""
_LONGEST_NAME = 64
_LEVELS = 3
"""Of JSON within JSON."""
_STEMS = "pass Pass PASS pwd Pwd PWD hrase HRASE ecret ECRET oken OKEN key Key KEY redential REDENTIAL uthorization UTHORIZATION ookie OOKIE"
_STEM = re.compile(_STEMS.replace(" ", "|"))
"""In each name that holds a credential where a text quotes it: `auth` and `session` stand before a colon in prose, too."""
_QUOTED_STEMS = """
    uth UTH uthentication UTHENTICATION ogin OGIN otp OTP Otp pin PIN Pin ession ESSION sid SID Sid jwt JWT Jwt pat PAT Pat psk PSK Psk
    ode ODE odes ODES reds REDS srf SRF earer EARER esponse ESPONSE ssertion SSERTION erifier ERIFIER ignature IGNATURE
    nswer NSWER tring TRING
""".split()
"""In the other names, which count where a text quotes JSON or code: plain texts, in three spellings, are searched at once."""
_IN_TEXT = r"""[0-9A-Za-z_.-]*(?:\\*["']?\s*[=:]|>)"""
_IN_JSON = r"""[0-9A-Za-z_.-]*(?:(?:\\+["']|')?\s*[=:]|>)"""


_PAIR = re.compile(
    r"""(?:[aA](?:uth|UTH)\\{0,8}["']?\s{0,4}[=:]\s{0,4}|(?:Basic|Digest)Auth)(?P<bracket>[(\[])\s{0,4}
    \\{0,8}["'][^"'\n\\]{0,128}\\{0,8}["']\s{0,4},\s{0,4}\\{0,8}["'](?P<secret>[^"'\n\\]{1,256})""",
    re.VERBOSE | re.ASCII,
)
"""A user and a password where code or JSON gives both: `auth=("ann", "…")`."""
_PAIR_MARK = r"""(?:[aA](?:uth|UTH)\\*["']?\s*[=:]\s*|(?:Basic|Digest)Auth)[(\[]"""


def may_hold(text: str, more: frozenset[str] = frozenset()) -> bool:
    """Return whether a text may hold a credential; `more` are names that a user adds. Never wrong when it says no."""
    return (
        _search(in_json=False)(text)
        or secret_encoded.may_hold(text)
        or _may_quote(text, '"')
        or not (text.isascii() or is_text(text))  # what has lone surrogates is not searched by Rust's engine
        or (bool(more) and secret_search.names_in_text(more)(text))
    )


def may_hold_in_json(text: str) -> bool:
    """Return whether a text in some JSON may hold a credential, whatever the names in the JSON are. Never wrong when it says no."""
    return _search(in_json=True)(text) or secret_encoded.may_hold(text) or _may_quote(text, "\\")


def _may_quote(text: str, mark: str) -> bool:
    """Return whether a text may quote JSON or code with a name in it that `_search` does not look for.

    `mark` is a quote, or in JSON what escapes one.
    """
    return (mark in text or "'" in text) and _quoted_search(mark)(text)


@cache
def _quoted_search(mark: str) -> Callable[[str], bool]:
    # Apart from all others: among them, these short texts are searched for ten times as long.
    quote = r"""(?:\\+["']|')""" if mark == "\\" else r"""\\*["']"""
    return search_for([rf"{stem}[0-9A-Za-z_.-]*{quote}\s*(?::|=>)" for stem in _QUOTED_STEMS])


@cache
def _search(*, in_json: bool) -> Callable[[str], bool]:
    assigned = _IN_JSON if in_json else _IN_TEXT
    return search_for(
        [
            *secret_shapes.marks(),
            *(stem + assigned for stem in _STEMS.split()),
            rf"--[0-9A-Za-z_-]*(?:{_STEMS.replace(' ', '|')})[0-9A-Za-z_-]*\s",
            _PAIR_MARK,
            secret_encoded.IN_JSON,
        ]
    )


def spans(text: str, more: frozenset[str] = frozenset(), fewer: frozenset[str] = frozenset()) -> list[tuple[int, int]]:
    """Return where credentials stand in a text: in order, none inside of another."""
    return merged(
        _plain_spans(text, more, fewer)
        + _structured_spans(text, more, fewer)
        + secret_encoded.places(text, lambda decoded: bool(_all_spans(decoded, more, fewer)))
    )


def _all_spans(text: str, more: frozenset[str], fewer: frozenset[str]) -> list[tuple[int, int]]:
    return _plain_spans(text, more, fewer) + _structured_spans(text, more, fewer)


def _structured_spans(
    text: str, more: frozenset[str], fewer: frozenset[str], levels: int = _LEVELS
) -> list[tuple[int, int]]:
    """Return where credentials stand in JSON and YAML, and in text that is escaped in JSON, some levels deep."""

    def inside(escaped: str) -> list[tuple[int, int]]:
        return _structured_spans(escaped, more, fewer, levels - 1) if levels else []

    return secret_json.spans(text, more, fewer, inside) + secret_yaml.spans(text, more, fewer)


def hidden(text: str, start: int, end: int) -> str:
    """Return what stands in a text in the place of a credential: a mask, or 0 for a number in JSON, which is to stay JSON."""
    return "0" if text[start:end].isdigit() and text[start - 1 : start] not in ('"', "'") else MASK


def _plain_spans(text: str, more: frozenset[str], fewer: frozenset[str]) -> list[tuple[int, int]]:
    """Return where credentials stand that are not encoded."""
    found = secret_shapes.spans(text)
    found += [
        pair.span("secret")
        for pair in _PAIR.finditer(text)
        if (is_given if pair["bracket"] == "(" else PASSWORD)(pair["secret"])
    ]
    stem = _STEM.search(text)
    while stem is not None:
        end = stem.end()
        assigned = _ASSIGNED.match(text, end)
        if assigned is not None:
            start = _beginning(text, stem.start())
            form = judge(text[start : assigned.end("tail")], more, fewer)
            group = next(name for name in ("quoted", "element", "given", "bare") if assigned[name] is not None)
            if group == "given" and not text.startswith("--", start):
                form = None
            if form is ANY and text[start - 1 : start] not in ("?", "&"):
                form = PASSWORD  # anything but a word of prose or code, which the query of a URL does not have
            if form is not None and form(assigned[group]):
                found.append(assigned.span(group))
                end = assigned.end()
        stem = _STEM.search(text, end)
    return found


def _beginning(text: str, end: int) -> int:
    """Return where the name begins in which a stem stands."""
    start = end
    while start > 0 and end - start < _LONGEST_NAME and (text[start - 1].isalnum() or text[start - 1] in "_-."):
        start -= 1
    return start


def merged(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return places in order, those that overlap as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
