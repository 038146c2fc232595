r"""Credentials in a text: by their shape, and as the value of a name, as in JSON, headers, forms and variables that a text quotes.

`{"api_key": "…"}`, `{\"api_key\": \"…\"}`, `X-Api-Key: …`, `client_secret=…&`, `DB_PASSWORD=…`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from memo._calls import secret_encoded, secret_shapes
from memo._calls.secret_forms import ANY, PASSWORD, is_given
from memo._calls.secret_names import judge
from memo._calls.secret_shapes import search_for
from memo._values.scalars import is_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MASK", "may_hold", "may_hold_in_json", "merged", "spans"]

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
_STEMS = "pass Pass PASS pwd Pwd PWD hrase HRASE ecret ECRET oken OKEN key Key KEY redential REDENTIAL uthorization UTHORIZATION ookie OOKIE"
_STEM = re.compile(_STEMS.replace(" ", "|"))
"""In each name that holds a credential where a text quotes it: `auth` and `session` stand before a colon in prose, too."""
_IN_TEXT = r"""[0-9A-Za-z_.-]*(?:\\*["']?\s*[=:]|>)"""
_IN_JSON = r"""[0-9A-Za-z_.-]*(?:(?:\\+["']|')?\s*[=:]|>)"""


_PAIR = re.compile(
    r"""(?:[aA](?:uth|UTH)\\{0,8}["']?\s{0,4}[=:]\s{0,4}|(?:Basic|Digest)Auth)(?P<bracket>[(\[])\s{0,4}
    \\{0,8}["'][^"'\n\\]{0,128}\\{0,8}["']\s{0,4},\s{0,4}\\{0,8}["'](?P<secret>[^"'\n\\]{1,256})""",
    re.VERBOSE | re.ASCII,
)
"""A user and a password where code or JSON gives both: `auth=("ann", "…")`."""
_PAIR_MARK = r"""(?:[aA](?:uth|UTH)\\*["']?\s*[=:]\s*|(?:Basic|Digest)Auth)[(\[]"""


def may_hold(text: str) -> bool:
    """Return whether a text may hold a credential. Never wrong when it says no."""
    # What has lone surrogates is not searched by Rust's engine.
    return _search(_IN_TEXT)(text) or secret_encoded.may_hold(text) or not (text.isascii() or is_text(text))


def may_hold_in_json(text: str) -> bool:
    """Return whether a text in some JSON may hold a credential, whatever the names in the JSON are. Never wrong when it says no."""
    return _search(_IN_JSON)(text) or secret_encoded.may_hold(text)


@cache
def _search(assigned: str) -> Callable[[str], bool]:
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
        + secret_encoded.places(text, lambda decoded: bool(_plain_spans(decoded, more, fewer)))
    )


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
