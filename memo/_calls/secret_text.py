r"""Credentials in a text: by their shape, and as the value of a name, as in JSON, headers, forms and variables that a text quotes.

`{"api_key": "…"}`, `{\"api_key\": \"…\"}`, `X-Api-Key: …`, `client_secret=…&`, `DB_PASSWORD=…`. JSON and YAML in a text are read in
`secret_json` and `secret_yaml`, for what is no line of a name and its value.
"""

from __future__ import annotations

import html
import re

from memo._calls import (
    secret_encoded,
    secret_json,
    secret_languages,
    secret_pairs,
    secret_shapes,
    secret_tables,
    secret_wallets,
    secret_yaml,
)
from memo._calls.secret_expressions import Expression
from memo._calls.secret_forms import ANY, CHOSEN, LOGIN, PASSWORD, RANDOM, SCHEMES, TOKEN, Form, is_code, is_given
from memo._calls.secret_names import judge, judge_after
from memo._calls.secret_search import STEMS

__all__ = ["merged", "spans"]

_ASSIGNED = Expression(
    r"""(?P<tail>(?u:[\w.\u0300-\u036f-]){0,24})
    (?: (?:\\{0,8}["'])(?:\s{0,8}(?::|=>|->|=(?!=))|\]\s{0,8}[?|]{0,2}=(?!=)|[\])]\s{0,4}(?:\|\||\?\?|or(?=\s)|\.(?:unwrap_or|orElse|getOrElse|withDefault)\())\s{0,8}[bBrRuUfFN]{0,2}(?P<quote>\\{0,8}["'])(?P<quoted>[^\n]{1,4096}?)(?:(?P=quote)|(?=\n)|\Z)
      | (?:\s[^<>\n]{1,128})?>(?:<!\[CDATA\[)?(?P<element>[^<>\n]{1,4096}?)(?:</|\]\]>)
      | \s{0,2}[:=]\s{0,4}(?:[A-Z]\w{0,31}\(){1,2}\\{0,8}["'](?P<wrapped>[^\s"'\\]{6,4096})
      | (?:[*_]{0,3}\]?\s{0,8}(?:=>|<-|->(?=\s)|[?:|]{0,2}[=:\uff1a\u2192])[*_]{0,3}|(?:\s{0,2}:|\s[aA]s)\s?(?:&(?:'\w{1,16}\s)?)?[A-Za-z][\w.]{0,32}(?:[\[<][\w\s&'.,|()]{1,32}[\]>])?\??(?:\s?\|\s?[A-Za-z]{1,32})?\s?=
          |\s{1,4}(?:\|\||\?\?|or\s|(?:[\w-]{1,16}\s){0,2}<<<)|\s?\{\s?get;[^{}"'\n]{0,32}\}\s?=)\s{0,8}@YAML@(?:[bBrRuUfFNL@]{0,2}|Some\(|<<(?=\\{0,8}"))
        (?P<opening>\\{0,8}(?:["']{3}|["']))(?P<literal>(?:(?!(?P=opening))[^\s\\]){6,4096})(?P=opening)
      | [({]\s{0,4}[bBrRuUfFN@]{0,2}(?P<ends>\\{0,8}["'])(?P<called>[^\s"'\\]{6,4096})(?P=ends)
      | \s{0,32}[|\u2502\u2503]\s{1,4}`?(?P<cell>[^\s"'`\\|\u2502\u2503]{6,4096})`?(?=\s{0,32}(?:[|\u2502\u2503\n"]|\\[nr]|\Z))
      | \s[\u2013\u2014-]\s{1,2}[`"'*]{0,3}(?P<dashed>[^\s"'`*&;,<>(){}\[\]\\]{8,4096})
      | =(?P<around>["'])(?P<variable>[^"'\n\\]{4,4096})(?P=around)(?=\s|\\[nr]|\Z)
      | \s?[:=]\s{0,4}[\w.$]{1,64}(?:\([^()\n]{0,64}\)|\[[^\[\]\n]{0,64}\])?\s{1,4}(?:\?:|\?\?|\|\||or\s)\s{0,4}(?P<either>\\{0,8}["'])(?P<fallback>[^\s"'\\]{6,4096})(?P=either)
      | (?P<flag>\s{1,2}|[ \t]{3,32})(?P<quoting>\\{0,8}["'])?(?P<given>[^\s"'&;,<>(){}\[\]\\=:|-][^\s"'&;,<>(){}\[\]\\]{5,4095})
      | [*_]{0,3}\]?\s{0,8}(?:=>|<-|->(?=\s)|[?:|]{0,2}[=:\uff1a\u2192])[*_]{0,3}\s{0,8}@YAML@(?:<(?:b|i|em|strong|code|tt|span)>\s{0,4})?(?:[bBrRuUfFN]{1,2}(?=["'])|`)?\\{0,8}["']?(?:(?i:@SCHEMES@)[\x20\t]{1,4})?\\{0,8}["']?(?P<bare>[^\s"'`&;,<>(){}\[\]\\]{6,4096})
    )""".replace("@SCHEMES@", SCHEMES).replace(
        "@YAML@",
        r"(?:(?!!(?:Ref|Sub|GetAtt|ImportValue|FindInMap|secret|vault|reference|env\w*)\b)[&!]{1,2}\w{1,32}\s{1,4})?",
    ),
    re.VERBOSE | re.ASCII,
)
"""What follows the stem of a name: the rest of the name, and its value."""
_GROUPS = (
    "quoted",
    "element",
    "wrapped",
    "literal",
    "called",
    "cell",
    "dashed",
    "variable",
    "fallback",
    "given",
    "bare",
)
_ESCAPED = Expression(
    r"%[2-7][0-9A-Fa-f]|&(?:quot|apos|amp|lt|gt|#\d\d|#x[2-7][0-9a-fA-F]);|\x1b\[[\d;]{0,16}m", re.ASCII
)
"""A character of ASCII as URLs and HTML escape it, and what sets a colour of a terminal."""
_LONGEST_NAME = 64
_WORD_BEFORE = Expression(r"[A-Za-z0-9]+\Z")
_GETS = Expression(
    r"(?:get|read|load|fetch|find|look_?up|resolve|has|is|require|from|env|use|ask|prompt|print|log)", re.IGNORECASE
)
_SETS = Expression(r"set|with|pass", re.IGNORECASE)
"""How the name of a function begins that takes a credential."""
_LEVELS = 3
"""Of JSON within JSON."""
_STEM = Expression(STEMS.replace(" ", "|"))
"""In each name that holds a credential."""
_PAIR = Expression(
    r"""(?:[aA](?:uth|UTH)\\{0,8}["']?\s{0,4}[=:]\s{0,4}|(?:Basic|Digest)Auth)(?P<bracket>[(\[])\s{0,4}
    \\{0,8}["'][^"'\n\\]{0,128}\\{0,8}["']\s{0,4},\s{0,4}\\{0,8}["'](?P<secret>[^"'\n\\]{1,256})""",
    re.VERBOSE | re.ASCII,
)
"""A user and a password where code or JSON gives both: `auth=("ann", "…")`."""


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

    return (
        secret_json.spans(text, more, fewer, inside)
        + secret_yaml.spans(text, more, fewer)
        + secret_yaml.sections(text, more, fewer)
        + secret_tables.spans(text, more, fewer)
        + secret_pairs.spans(text, more, fewer)
    )


def _plain_spans(text: str, more: frozenset[str], fewer: frozenset[str]) -> list[tuple[int, int]]:
    """Return where credentials are that are not encoded."""
    found = secret_shapes.spans(text)
    found += [
        pair.span("secret")
        for pair in _PAIR.finditer(text)
        if (is_given if pair["bracket"] == "(" else PASSWORD)(pair["secret"])
    ]
    found += secret_wallets.spans(text)
    foreign = secret_languages.stem(text)
    if foreign is not None:
        found += secret_languages.spans(text)
    for stems in (_STEM, foreign):
        if stems is not None:
            found += _named_spans(text, stems, more, fewer)
    return found


def _named_spans(text: str, stems: Expression, more: frozenset[str], fewer: frozenset[str]) -> list[tuple[int, int]]:
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
            elif (form is PASSWORD and text[start : assigned.end("tail")] == "PASS") or (
                form in (ANY, LOGIN)
                and group == "bare"
                and text[start : assigned.end("tail")].endswith(("auth", "Auth", "AUTH"))
            ):
                form = CHOSEN  # a test passes, a way to log in is version 2
            elif group == "called":
                form = _called(text[start : assigned.end("tail")], form)
            elif group in ("cell", "dashed"):
                form = CHOSEN if form in (ANY, PASSWORD) else RANDOM if form is TOKEN else form
            elif group == "given" and form is PASSWORD and len(assigned["flag"]) > 2:
                form = CHOSEN  # in a column
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
        if assigned["flag"].isspace() and _is_column(text[start : assigned.end("tail")], assigned["flag"]):
            return CHOSEN
        return RANDOM if text[start : assigned.end("tail")].islower() else TOKEN  # the next word: of prose, mostly
    if group == "variable":
        return is_given
    # Anything but a word of prose or code, which the query of a URL does not have.
    return ANY if text[start - 1 : start] in ("?", "&") else PASSWORD


def _called(name: str, form: Form | None) -> Form | None:
    """Return the form of what a function is called with: what one that gets a credential takes is the name of that."""
    name = name.rpartition(".")[2]
    if form is None or _GETS.match(name) is not None:
        return None
    return CHOSEN if form in (ANY, PASSWORD) and _SETS.match(name) is None else PASSWORD if form is ANY else form


def _is_column(name: str, gap: str) -> bool:
    """Return whether a value stands beside its name as in a table: far from it, or beside a variable."""
    return len(gap) > 2 or "\t" in gap or (name.isupper() and "_" in name)


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
