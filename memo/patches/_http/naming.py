"""What identifies an HTTP request, and what it is called in recordings.

A request is named by its host (`http.api.tavily.com`), and identified by `method`, `server`, `path`, `query` and `body`: JSON as
JSON, a form as its fields, a multipart body as its parts, whatever its boundary. Of the headers only those identify it that
`memo.install("http", headers=("x-api-version",))` names. Signatures, their dates and credentials in the query do not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
from pydantic import SecretStr

from memo._calls.secret_names import judge
from memo._calls.secrets import MASK

__all__ = ["Asked", "HttpNaming", "location", "sent_body"]


class Headers(Protocol):
    """The headers of a request."""

    def get(self, name: str, default: Any, /) -> Any:
        """Return a header by its name in lower case."""
        ...


class Asked(NamedTuple):
    """An HTTP request, whichever client makes it."""

    method: str
    url: str
    headers: Headers
    body: bytes


_SIGNED = re.compile(
    r"x-(?:amz|goog|oss|ms)-(?:algorithm|credential|date|expires|security-token|signature|signedheaders)"
    r"|x-amz-.*|signature|sig|googleaccessid|awsaccesskeyid|ossaccesskeyid|key-pair-id",
    re.IGNORECASE,
)
"""Query parameters that sign a URL and name nothing."""

_KEY = re.compile(r"(?![A-Za-z]*$|[0-9]*$)[A-Za-z0-9_\-.~+/=]{8,}")
"""The value of a parameter `key` that is a credential, as of Google's APIs, and neither a word nor a number."""

_DIGITS = bytes(ord("0") if chr(byte).isdecimal() and byte < 128 else ord(" ") for byte in range(256))
_LARGE_INTEGER = b"0" * 19
"""What a body looks like in which an integer may have more than 64 bits, once its digits are `0`: an expression takes 17 times as
long (3.7 ms of 100 KB)."""


@dataclass(frozen=True, slots=True)
class HttpNaming:
    """Names the requests of a client, and says what identifies them."""

    asked: Callable[[Any, tuple[Any, ...], dict[str, Any]], Asked]
    """Gives the request that a call of the client makes."""
    headers: tuple[str, ...] = ()
    """The headers that identify a request, in lower case."""

    def with_headers(self, names: Iterable[str]) -> HttpNaming:
        """Return a copy in which these headers identify a request, too."""
        named = (names,) if isinstance(names, str) else names
        return replace(self, headers=tuple(sorted({*self.headers, *(name.lower() for name in named)})))

    def given(self, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Return all that identifies a request, as it is sent: method, URL, body, the type of the body, and the named headers."""
        method, url, headers, body = self.asked(client, args, kwargs)
        kind = headers.get("content-type", "") if body else ""
        return (method, url, body, kind, *[headers.get(name, None) for name in self.headers])

    def __call__(self, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the name and the arguments of a request."""
        method, sent_to, body, kind, *headers = self.given(client, args, kwargs)
        url = urlsplit(sent_to)
        server = url.netloc.rpartition("@")[2]
        arguments: dict[str, Any] = {
            "method": method.upper(),
            "server": f"{url.scheme}://{server}",
            "path": url.path or "/",
            "query": _query(url.query) if url.query else {},
        }
        if body:
            arguments["body"] = sent_body(body, kind)
        if headers:
            named = zip(self.headers, headers, strict=True)
            arguments["headers"] = {name: value for name, value in named if value is not None}
        return f"http.{url.hostname or 'unknown'}", arguments


def _query(query: str) -> dict[str, Any]:
    pairs = parse_qsl(query, keep_blank_values=True)
    return _fields(
        (name, SecretStr(value) if _is_credential(name, value) else value)
        for name, value in pairs
        if not _SIGNED.fullmatch(name)
    )


def _is_credential(name: str, value: str) -> bool:
    form = judge(name)
    return (form is not None and form(value)) or (name == "key" and bool(_KEY.fullmatch(value))) or value == MASK


def location(url: str) -> str:
    """Return the URL that a response redirects to, as it may be written: the request for it keeps its key."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [
        (name, MASK if _is_credential(name, value) else value) for name, value in pairs if not _SIGNED.fullmatch(name)
    ]
    if kept == pairs and "@" not in parts.netloc:
        return url
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query=urlencode(kept)).geturl()


def _fields(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return pairs as a mapping; a name that is given several times has a list."""
    fields: dict[str, list[Any]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def sent_body(data: bytes, content_type: str) -> Any:
    """Return what identifies the body of a request, by its content type."""
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    if kind == "multipart" or kind.startswith("multipart/"):
        found = re.search(r'boundary="?([^";,]+)', parameters)
        if found is not None:
            return _parts(data, found[1].encode())
    try:
        if kind == "application/x-www-form-urlencoded":
            return _fields(parse_qsl(data.decode("ascii"), keep_blank_values=True, strict_parsing=True))
        if data[:1] in b"{[" or kind == "application/json" or kind.endswith("+json"):
            # orjson would round integers of more than 64 bits.
            return json.loads(data) if _LARGE_INTEGER in data.translate(_DIGITS) else orjson.loads(data)
    except ValueError:
        pass
    return _text(data)


def _parts(data: bytes, boundary: bytes) -> list[Any]:
    """Return the parts of a multipart body: the headers of each, and its content."""
    parts: list[Any] = []
    for part in data.split(b"--" + boundary)[1:]:
        if part.startswith(b"--"):
            break
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        lines = [line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n") if line]
        headers = {name.strip().lower(): value.strip() for name, _, value in lines}
        headers.pop("content-length", None)
        content = content.removesuffix(b"\r\n")
        parts.append({**headers, "content": sent_body(content, headers.get("content-type", ""))})
    return parts


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
