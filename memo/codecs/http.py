"""Codecs of the HTTP responses and requests that SDK errors hold, of httpx and of httpx2, neither of which is imported.

Their URLs, headers, query parameters and timeouts alone are data as any other: credentials are masked.

A response keeps its status, its headers but for those that hold credentials, its HTTP version, its request and, if it was
read, its body; a request keeps its method and its URL without credentials. Everything else (Authorization, cookies,
organisations, headers and bodies of requests) is never written, and takes no part in what makes two of them equal.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from memo.codecs.registry import register_codec
from memo.errors import UntrustedType

__all__ = ["is_public_header", "public_url"]

_VERSION = "HTTP/1.1"
_SECRET_HEADER = re.compile(
    r"(?:.*-)?set-cookie2?|(?:.*-)?cookie|(?:.*-)?authorization|.*(?:token|secret|password|signature|credentials?)"
    r"|.*api-?key|openai-(?:organization|project)|anthropic-organization-id|x-csrf.*|x-xsrf.*"
)
"""The headers of responses that are never written: credentials, and who pays."""

_SECRET_PARAMETER = re.compile(
    r"key|sig|auth|code|session|policy|googleaccessid|awsaccesskeyid|key-?pair-?id|x-(?:amz|goog|oss)-.*"
    r"|.*(?:api|access|auth|private|secret|subscription|signing|account|functions?|host|shared)[-_]?key(?:[-_]?id)?"
    r"|(?!.*(?:page|next|continuation|sync|delta|cursor|resume)[-_]?token).*token"
    r"|.*(?:secret|signature|passw(?:or)?d|pwd|passphrase|authorization|credentials?|cookies?|session[-_]?id)",
    re.IGNORECASE,
)
"""The names of query parameters that hold credentials. `page_token`, `encoding` and `author` hold none."""


def is_public_header(name: str) -> bool:
    """Return whether a header of a response may be written."""
    return not _SECRET_HEADER.fullmatch(name.lower())


def public_url(url: Any) -> str:
    """Return a URL without user, password and the query parameters that hold credentials."""
    parts = urlsplit(str(url))
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = [pair for pair in query if not _SECRET_PARAMETER.fullmatch(pair[0])]
    return urlunsplit(
        parts._replace(
            netloc=parts.netloc.rpartition("@")[2], query=parts.query if kept == query else urlencode(kept), fragment=""
        )
    )


def _request(value: Any) -> dict[str, Any]:
    return {"method": value.method, "url": public_url(value.url)}


def _request_of(http: ModuleType, data: dict[str, Any]) -> Any:
    return http.Request(data["method"], _url(http, data["url"]))


@lru_cache(maxsize=256)
def _url(http: ModuleType, url: str) -> Any:
    """Return the URL, parsed once for its text: parsing takes longer than all the rest of a request."""
    return http.URL(url)


def _headers(value: Any) -> dict[str, str | list[str]]:
    """Return the public headers, those that came several times as a list."""
    found: dict[str, list[str]] = {}
    for name, text in value.headers.multi_items():
        if is_public_header(name):
            found.setdefault(name.lower(), []).append(text)
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in found.items()}


def _response(value: Any) -> dict[str, Any]:
    form: dict[str, Any] = {"status_code": value.status_code, "headers": _headers(value)}
    if value.http_version != _VERSION:
        form["http_version"] = value.http_version
    if value.reason_phrase != _reason(value, value.status_code):
        form["reason_phrase"] = value.reason_phrase
    with suppress(RuntimeError):  # built without one
        form["request"] = _request(value.request)
    try:
        body: bytes = value.content
    except RuntimeError:  # a stream that nobody has read
        return form
    try:
        form["body"] = body.decode()
    except UnicodeDecodeError:
        form["body"] = body
    return form


def _response_of(http: ModuleType, data: dict[str, Any]) -> Any:
    body, headers = data.get("body"), data["headers"]
    if type(headers) is not dict or not (body is None or type(body) in (str, bytes)):
        raise TypeError("has headers or a body in another form than memo writes")
    content = {"content": body.encode() if isinstance(body, str) else body}
    response = http.Response(
        data["status_code"],
        headers={"content-type": headers["content-type"]} if "content-type" in headers else None,
        request=_request_of(http, data["request"]) if "request" in data else None,
        # A body that was not read stays unread, and cannot be read.
        **(content if body is not None else {"stream": http.SyncByteStream()}),
    )
    # The body is decoded already, and as long as it is: the headers that speak of that are set when it has been read.
    response.headers = http.Headers(list(_pairs(headers)))
    version, reason = data.get("http_version", _VERSION), data.get("reason_phrase")
    response.extensions = {
        "http_version": version.encode(),
        "reason_phrase": (_reason(response, data["status_code"]) if reason is None else reason).encode(),
    }
    response.elapsed = timedelta(0)
    return response


def _pairs(headers: dict[str, str | list[str]]) -> Iterator[tuple[str, str]]:
    for name, texts in headers.items():
        for text in texts if isinstance(texts, list) else [texts]:
            yield name, text


def _reason(response: Any, status: int) -> str:
    """Return the standard reason phrase of a status."""
    codes = sys.modules[type(response).__module__.partition(".")[0]].codes
    phrase: str = codes.get_reason_phrase(status)
    return phrase


def _loaded(name: str) -> ModuleType:
    module = sys.modules.get(name)
    if module is None:
        raise UntrustedType(f"{name}:Response", f"is in the package {name}, which this program has not imported")
    return module


def _raw(headers: Any) -> list[list[str]]:
    return [[name.decode("latin-1"), text.decode("latin-1")] for name, text in headers.raw]


def _headers_of(http: ModuleType, data: list[list[str]]) -> Any:
    return http.Headers([(name.encode("latin-1"), text.encode("latin-1")) for name, text in data])


def _register(name: str) -> None:
    register_codec(f"{name}:URL", encode=str, decode=lambda data: _url(_loaded(name), data))
    register_codec(f"{name}:Headers", encode=_raw, decode=lambda data: _headers_of(_loaded(name), data))
    register_codec(
        f"{name}:QueryParams",
        encode=lambda value: [list(pair) for pair in value.multi_items()],
        decode=lambda data: _loaded(name).QueryParams([(key, text) for key, text in data]),
    )
    register_codec(
        f"{name}:Timeout", encode=lambda value: value.as_dict(), decode=lambda data: _loaded(name).Timeout(**data)
    )
    register_codec(f"{name}:Request", encode=_request, decode=lambda data: _request_of(_loaded(name), data))
    register_codec(f"{name}:Response", encode=_response, decode=lambda data: _response_of(_loaded(name), data))


for _name in ("httpx", "httpx2"):
    _register(_name)
