"""Recorded answers: the head of an HTTP response, and its body as a person can read it.

A body that is read as a whole is one value, beside the head:

    {"status": 200, "headers": {…}, "body": {…}, "form": "compact"}

One that comes piece by piece (server-sent events, lines of JSON, text, frames) is a stream of items (see `events`), and the
head is the stream's `response`.

The head has `status` and `headers` (without credentials), and where they apply `reason`, `version` (of HTTP),
`cookies_set` (without their values), `method` and `url` (of the last request, after redirects), `history` (the answers that
redirected) and `encoded` (the body is as it was sent, in an encoding that was not decoded).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import orjson

from memo._calls.secrets import MASK, SecretRules, may_hold_secret, redact
from memo.codecs.http import is_public_header
from memo.patches._http.naming import location

__all__ = [
    "Head",
    "encoding_of",
    "header",
    "phrase",
    "recorded_head",
    "sent_headers",
    "streams",
]

Head = dict[str, Any]
_MASKED_COOKIE = MASK.strip("<>")
"""What cookies hold that a replayed response sets: their values are never written."""
_PIECEMEAL = re.compile(r"text/(?!html)|.*(?:event-?stream|ndjson|jsonl|json-?lines|json-seq|stream\+json)")


def recorded_head(
    status: int,
    headers: Iterable[tuple[str, str]],
    rules: SecretRules,
    *,
    reason: str | None = None,
    version: str = "HTTP/1.1",
) -> Head:
    """Return the head of a response as it is recorded: no header that holds a credential, and no cookie's value."""
    kept: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    cookies: list[str] = []
    for name, text in headers:
        name, lower = str.__str__(name), str.lower(name)  # noqa: PLW2901 - a client's own kind of text
        if lower == "set-cookie":
            cookies.append(_cookie(text))
        elif is_public_header(lower):
            kept.setdefault(names.setdefault(lower, name), []).append(location(text) if lower == "location" else text)
    head: Head = {
        "status": status,
        "headers": {name: texts[0] if len(texts) == 1 else texts for name, texts in kept.items()},
    }
    if reason is not None and reason != _phrase(status):
        head["reason"] = reason
    if version != "HTTP/1.1":
        head["version"] = version
    if cookies:
        head["cookies_set"] = cookies
    if not _may_hold_secret(head, rules):
        return head
    holder = [head]
    redact(holder, rules)
    return holder[0]


def _may_hold_secret(head: Head, rules: SecretRules) -> bool:
    """Return whether a head is to be searched text by text, which takes ten times as long as all at once."""
    try:
        return may_hold_secret(orjson.dumps(head).decode(), rules)
    except orjson.JSONEncodeError:  # lone surrogates: aiohttp's for bytes that are no UTF-8
        return True


def _cookie(text: str) -> str:
    """Return a `set-cookie` without the value. A cookie that is deleted has none."""
    pair, semicolon, attributes = text.partition(";")
    name, _, value = pair.partition("=")
    return f"{name.strip()}{'' if value.strip() else '='}{semicolon}{attributes}"


@lru_cache(maxsize=64)
def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def phrase(head: Head) -> str:
    """Return the reason phrase of a response."""
    found: str = head.get("reason", _phrase(head["status"]))
    return found


def streams(head: Head) -> bool:
    """Return whether a body is one that comes piece by piece, and means something piece by piece."""
    return _PIECEMEAL.match(header(head, "content-type").lower()) is not None


def header(head: Head, name: str) -> str:
    """Return a header's text, "" if there is none."""
    for found, text in head["headers"].items():
        if found.lower() == name:
            return ", ".join(text) if isinstance(text, list) else str(text)
    return ""


def sent_headers(head: Head, size: int | None, *, encodes: bool, is_sized: bool = True) -> list[tuple[str, str]]:
    """Return the headers of a replayed response, whose body has that size if it is known; without `is_sized`, they name none.

    Without `encodes`, the body is given as it reads, in an encoding that cannot be written.
    """
    pairs: list[tuple[str, str]] = []
    for name, texts in head["headers"].items():
        lower = name.lower()
        if (lower == "content-encoding" and not encodes) or (lower == "content-length" and not is_sized):
            continue
        given = str(size) if lower == "content-length" and size else texts
        pairs += [(name, text) for text in (given if isinstance(given, list) else [given])]
    for text in head.get("cookies_set", ()):
        cookie, semicolon, attributes = text.partition(";")
        value = "" if cookie.endswith("=") else f"={_MASKED_COOKIE}"
        pairs.append(("Set-Cookie", f"{cookie}{value}{semicolon}{attributes}"))
    return pairs


def encoding_of(head: Head) -> str:
    """Return the encoding that a replayed body is to be written in, "" for one that is given as it is."""
    return "" if head.get("encoded") else header(head, "content-encoding")
