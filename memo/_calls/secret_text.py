r"""Credentials in a text: by their shape, and as the value of a name, as in JSON, headers, forms and variables that a text quotes.

`{"api_key": "…"}`, `{\"api_key\": \"…\"}`, `X-Api-Key: …`, `client_secret=…&`, `DB_PASSWORD=…`. JSON and YAML in a text are read in
`secret_json` and `secret_yaml`, for what is no line of a name and its value.
"""

from __future__ import annotations

import html
import re
from functools import cache
from typing import TYPE_CHECKING

from memo._calls import (
    secret_encoded,
    secret_json,
    secret_languages,
    secret_pairs,
    secret_search,
    secret_shapes,
    secret_tables,
    secret_yaml,
)
from memo._calls.secret_forms import ANY, PASSWORD, RANDOM, SCHEMES, TOKEN, Form, is_code, is_given
from memo._calls.secret_names import judge, judge_after
from memo._calls.secret_shapes import search_at_once, search_for
from memo._values.scalars import is_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MASK", "hidden", "may_hold", "may_hold_in_json", "merged", "spans"]

MASK = "<secret>"

_ASSIGNED = re.compile(
    r"""(?P<tail>(?u:[\w.\u0300-\u036f-]){0,24})
    (?: (?:\\{0,8}["'])(?:\s{0,8}(?::|=>)|\]\s{0,8}[?|]{0,2}=(?!=))\s{0,8}[bBrRuUfFN]{0,2}(?P<quote>\\{0,8}["'])(?P<quoted>[^\n]{1,4096}?)(?:(?P=quote)|(?=\n)|\Z)
      | (?:\s[^<>\n]{1,128})?>(?:<!\[CDATA\[)?(?P<element>[^<>\n]{1,4096}?)(?:</|\]\]>)
      | \s{0,2}[:=]\s{0,4}(?:[A-Z]\w{0,31}\(){1,2}\\{0,8}["'](?P<wrapped>[^\s"'\\]{6,4096})
      | (?:[*_]{0,3}\]?\s{0,8}(?:=>|<-|->(?=\s)|[?:|]{0,2}[=:\uff1a\u2192])[*_]{0,3}|\s{0,2}:\s?[A-Za-z][\w.]{0,32}(?:\s?\|\s?[A-Za-z]{1,32})?\s?=)\s{0,8}@YAML@[bBrRuUfFN]{0,2}
        (?P<opening>\\{0,8}(?:["']{3}|["']))(?P<literal>(?:(?!(?P=opening))[^\s\\]){6,4096})(?P=opening)
      | =(?P<around>["'])(?P<variable>[^"'\n\\]{4,4096})(?P=around)(?=\s|\\[nr]|\Z)
      | (?P<flag>\s{1,2})(?P<quoting>\\{0,8}["'])?(?P<given>[^\s"'&;,<>(){}\[\]\\=:|-][^\s"'&;,<>(){}\[\]\\]{5,4095})
      | [*_]{0,3}\]?\s{0,8}(?:=>|<-|->(?=\s)|[?:|]{0,2}[=:\uff1a\u2192])[*_]{0,3}\s{0,8}@YAML@(?:[bBrRuUfFN]{1,2}(?=["'])|`)?\\{0,8}["']?(?:(?i:@SCHEMES@)\s{1,4})?\\{0,8}["']?(?P<bare>[^\s"'`&;,<>(){}\[\]\\]{6,4096})
    )""".replace("@SCHEMES@", SCHEMES).replace("@YAML@", r"(?:[&!]{1,2}\w{1,32}\s{1,4})?"),
    re.VERBOSE | re.ASCII,
)
"""What follows the stem of a name: the rest of the name, and its value."""
_GROUPS = ("quoted", "element", "wrapped", "literal", "variable", "given", "bare")
_ESCAPED = re.compile(
    r"%[2-7][0-9A-Fa-f]|&(?:quot|apos|amp|lt|gt|#\d\d|#x[2-7][0-9a-fA-F]);|\x1b\[[\d;]{0,16}m", re.ASCII
)
"""A character of ASCII as URLs and HTML escape it, and what sets a colour of a terminal."""
_LONGEST_NAME = 64
_WORD_BEFORE = re.compile(r"[A-Za-z0-9]+\Z")
_LEVELS = 3
"""Of JSON within JSON."""
_STEMS = "pass Pass PASS pwd Pwd PWD hrase HRASE ecret ECRET oken OKEN key Key KEY redential REDENTIAL uthorization UTHORIZATION ookie OOKIE _PAT"
_STEM = re.compile(_STEMS.replace(" ", "|"))
"""In each name that holds a credential where a text quotes it: `auth` and `session` come before a colon in prose, too."""
_QUOTED_STEMS = """
    uth UTH uthentication UTHENTICATION ogin OGIN otp OTP Otp pin PIN Pin ession ESSION sid SID Sid jwt JWT Jwt pat PAT Pat psk PSK Psk pw PW eed EED nemonic NEMONIC ords ORDS
    ode ODE odes ODES reds REDS srf SRF earer EARER esponse ESPONSE ssertion SSERTION erifier ERIFIER ignature IGNATURE
    nswer NSWER tring TRING
""".split()
"""In the other names, which count where a text quotes JSON or code, in three spellings."""
_ENCODED_AFTER = r"""%(?:2[27]|3[aAdD])|&(?:quot|apos|#3[49]|#x2[27]);|(?:\x1b|\\+u001[bB])\["""
_AFTER = rf"""\]?\s*(?:[?|]*=|:|<-|->\s|\x{{ff1a}}|\x{{2192}})|>|[*_]+\s*(?:=|:|\x{{ff1a}})|{_ENCODED_AFTER}|\s{{1,2}}(?:\\*["'][^\s"'\\]{{6}}|[^\s"'&;,<>(){{}}\[\]\\]{{16}})"""
_ASSIGNS_IN_TEXT = rf"""(?:\\*["'])?{_AFTER}"""
_ASSIGNS_IN_JSON = rf"""(?:\\+["']|')?{_AFTER}"""
_IN_TEXT = rf"[0-9A-Za-z_.-]*(?:{_ASSIGNS_IN_TEXT})"
_IN_JSON = rf"[0-9A-Za-z_.-]*(?:{_ASSIGNS_IN_JSON})"
_ANY_STEM = rf"(?:{'|'.join([*_STEMS.split(), *_QUOTED_STEMS])})[0-9A-Za-z_.:-]*"
_NAMED = [
    rf"""(?:[nN]ame|[kK]ey|header|field|variable)\\*["']\s*:\s*\\*["'][^"'\\]*{_ANY_STEM}\\*["']""",
    rf"""["'](?:label|path|element|selector|target|type)\\*["']\s*:\s*\\*["'][^"'\\]*(?:{_STEMS.replace(" ", "|")})[0-9A-Za-z_]*\]?(?:\s(?:[fF]ield|[iI]nput|(?:[tT]ext)?[bB]ox))?\\*["']""",
    rf"""\(\s*[bBrRuUfF]*\\*["'][0-9A-Za-z_.-]*{_ANY_STEM}\\*["']\s*,""",
    rf"""(?:name|key|type)\s?=\s?\\*["'][0-9A-Za-z_.:-]*{_ANY_STEM}\\*["']""",
    rf"""(?:name|key):\s+\\*["']?[0-9A-Za-z_.-]*{_ANY_STEM}""",
    r"""<key>""",
    rf"""{_ANY_STEM}:?</(?:name|td|th|dt|label)>""",
    r"""kind\\*["']?\s*:\s*\\*["']?Secret\b""",
    r"""kty\\*["']\s*:""",
]
"""Names that are the value of another field: see `secret_pairs`."""
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
        _marked_text()(text)
        or _named_text(more)(text)
        or not (text.isascii() or is_text(text))  # what has lone surrogates is not searched by Rust's engine
        or secret_languages.may_hold(text)
    )


def may_hold_in_json(text: str, more: frozenset[str] | None = None) -> bool:
    """Return whether a text in some JSON may hold a credential. Never wrong when it says no.

    With `more`, the names that a user adds, also whether a name in the JSON may be that of a credential.
    """
    return _marked_json()(text) or _named_json(more)(text) or secret_languages.may_hold(text)


@cache
def _marked_text() -> Callable[[str], bool]:
    return _marked(_IN_TEXT)


@cache
def _marked_json() -> Callable[[str], bool]:
    return _marked(_IN_JSON)


def _marked(assigned: str) -> Callable[[str], bool]:
    return search_for(
        [
            *secret_shapes.marks(),
            *(stem + assigned for stem in _STEMS.split()),
            rf"--[0-9A-Za-z_-]*(?:{_STEMS.replace(' ', '|')})[0-9A-Za-z_-]*(?:\s|\\*[\"'],)",
            _PAIR_MARK,
            secret_encoded.IN_JSON,
        ]
    )


@cache
def _named_text(more: frozenset[str]) -> Callable[[str], bool]:
    if not secret_search.are_found(more):
        return bool
    return search_at_once([*_frequent(r"""\\*["']""", _ASSIGNS_IN_TEXT), *secret_search.names_in_text(more)])


@cache
def _named_json(more: frozenset[str] | None) -> Callable[[str], bool]:
    if more is not None and not secret_search.are_found(more):
        return bool
    names = [] if more is None else secret_search.names_in_json(more)
    return search_at_once([*_frequent(r"""(?:\\+["']|')""", _ASSIGNS_IN_JSON), *names])


def _frequent(quote: str, assigned: str) -> list[str]:
    """Return expressions that begin with what is frequent; `quote` is one that a text, or a text in JSON, quotes."""
    quoted = rf"(?:{'|'.join(_QUOTED_STEMS)})[0-9A-Za-z_.-]*{quote}\s*(?::|=>)"
    return [
        quoted,
        *_NAMED,
        secret_encoded.BEGINNING,
        secret_languages.plain_names(assigned),
        *secret_tables.MARKS,
        *secret_shapes.marks_of_commands(),
    ]


def spans(text: str, more: frozenset[str] = frozenset(), fewer: frozenset[str] = frozenset()) -> list[tuple[int, int]]:
    """Return where credentials are in a text: in order, none inside another."""
    return merged(
        _all_spans(text, more, fewer)
        + secret_encoded.places(text, lambda decoded: bool(_all_spans(decoded, more, fewer)))
    )


def _all_spans(text: str, more: frozenset[str], fewer: frozenset[str]) -> list[tuple[int, int]]:
    found = _plain_spans(text, more, fewer) + _structured_spans(text, more, fewer)
    if _ESCAPED.search(text) is None:
        return found

    def inside(plain: str) -> list[tuple[int, int]]:
        return _plain_spans(plain, more, fewer) + _structured_spans(plain, more, fewer)

    return found + secret_json.mapped(text, 0, inside, _ESCAPED, _character)


def _character(escape: str) -> str:
    """Return the character that is escaped in a URL or in HTML; what means nothing for one that sets a colour of a terminal."""
    if escape[0] == "%":
        return chr(int(escape[1:], 16))
    return html.unescape(escape) if escape[0] == "&" else "*"


def _structured_spans(
    text: str, more: frozenset[str], fewer: frozenset[str], levels: int = _LEVELS
) -> list[tuple[int, int]]:
    """Return where credentials are in JSON and YAML, and in text that is escaped in JSON, some levels deep."""

    def inside(escaped: str) -> list[tuple[int, int]]:
        return _structured_spans(escaped, more, fewer, levels - 1) if levels else []

    return secret_json.spans(text, more, fewer, inside) + secret_yaml.spans(text, more, fewer)


def hidden(text: str, start: int, end: int) -> str:
    """Return what takes, in a text, the place of a credential: a mask, or 0 for a number in JSON, which is to stay JSON."""
    return "0" if text[start:end].isdigit() and text[start - 1 : start] not in ('"', "'") else MASK


def _plain_spans(text: str, more: frozenset[str], fewer: frozenset[str]) -> list[tuple[int, int]]:
    """Return where credentials are that are not encoded."""
    found = secret_shapes.spans(text) + secret_pairs.spans(text, more, fewer) + secret_tables.spans(text, more, fewer)
    found += [
        pair.span("secret")
        for pair in _PAIR.finditer(text)
        if (is_given if pair["bracket"] == "(" else PASSWORD)(pair["secret"])
    ]
    foreign = secret_languages.stem(text)
    if foreign is not None:
        found += secret_languages.spans(text)
    for stems in (_STEM, foreign):
        if stems is not None:
            found += _named_spans(text, stems, more, fewer)
    return found


def _named_spans(
    text: str, stems: re.Pattern[str], more: frozenset[str], fewer: frozenset[str]
) -> list[tuple[int, int]]:
    """Return where credentials are that follow their name."""
    found: list[tuple[int, int]] = []
    stem = stems.search(text)
    while stem is not None:
        end = stem.end()
        assigned = _ASSIGNED.match(text, end)
        if assigned is not None:
            start = _beginning(text, stem.start())
            form = _judged(text, start, assigned.end("tail"), more, fewer)
            group = next(name for name in _GROUPS if assigned[name] is not None)
            if group == "variable" and not text[start : assigned.end("tail")].isupper():
                form = None  # what a page or a form says of the field
            elif form is ANY:
                form = _least(text, start, assigned, group)
            elif group == "given" and not _is_option(text, start):
                form = RANDOM if form is TOKEN else None
            if group == "bare" and is_code(text[assigned.start("bare") : assigned.end() + 1]):
                form = None
            if form is not None and form(assigned[group]):
                found.append(assigned.span(group))
                end = assigned.end()
        stem = stems.search(text, end)
    return found


def _judged(text: str, start: int, end: int, more: frozenset[str], fewer: frozenset[str]) -> Form | None:
    """Return the form of a credential under a name in a text, with the word before it where the name is one word."""
    name = text[start:end]
    if text.startswith("::", start - 2) or (name == "key" and text.startswith("did:", start - 4)):
        return None
    form = judge(name, more, fewer)
    if form is None or not name.isalpha() or text[start - 1 : start] not in (" ", "-"):
        return form
    word = _WORD_BEFORE.search(text, max(0, start - 24), start - 1)
    return form if word is None else judge_after(word[0], name, form)


def _least(text: str, start: int, assigned: re.Match[str], group: str) -> Form:
    """Return the form of a value under a name that holds nothing but credentials, by how a text writes it."""
    if group == "wrapped":
        return TOKEN
    if group == "given" and not assigned["quoting"] and not _is_option(text, start):
        return RANDOM if text[start : assigned.end("tail")].islower() else TOKEN  # the next word: of prose, mostly
    if group == "variable":
        return is_given
    # Anything but a word of prose or code, which the query of a URL does not have.
    return ANY if text[start - 1 : start] in ("?", "&") else PASSWORD


def _is_option(text: str, start: int) -> bool:
    return text.startswith("--", start) or (text[start] == "-" and (start == 0 or text[start - 1].isspace()))


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
