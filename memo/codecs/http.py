"""Codecs of the HTTP responses and requests that SDK errors hold, of httpx and of httpx2, neither of which is imported.

A response keeps its status, the headers in `_HEADERS`, its request and, if it was read, its body; a request keeps its
method and its URL without credentials. Everything else (Authorization, cookies, organisations, request bodies) is never
written, and takes no part in what makes two of them equal.
"""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from memo.codecs.registry import register_codec
from memo.errors import UntrustedType

__all__ = ["public_headers", "public_url"]

_HEADERS = re.compile(
    r"content-type|(x-)?request-id|retry-after(-ms)?|x-should-retry|openai-processing-ms|openai-version|date"
    r"|(x|anthropic)-ratelimit-[a-z0-9-]+"
)
_CREDENTIAL = re.compile(r"key|token|secret|sig|password|passwd|pwd|auth|credential|cookie|session|code", re.IGNORECASE)


def public_headers(headers: Any) -> dict[str, str]:
    """Return the headers that may be written, of any mapping of headers."""
    return {name.lower(): value for name, value in headers.items() if _HEADERS.fullmatch(name.lower())}


def public_url(url: Any) -> str:
    """Return the URL without user, password and query parameters that are named like credentials."""
    parts = urlsplit(str(url))
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = [pair for pair in query if not _CREDENTIAL.search(pair[0])]
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


def _response(value: Any) -> dict[str, Any]:
    form: dict[str, Any] = {"status_code": value.status_code, "headers": public_headers(value.headers)}
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
    body = data.get("body")
    content = {"content": body.encode() if isinstance(body, str) else body}
    response = http.Response(
        data["status_code"],
        headers=data["headers"],
        request=_request_of(http, data["request"]) if "request" in data else None,
        # A body that was not read stays unread, and cannot be.
        **(content if body is not None else {"stream": http.SyncByteStream()}),
    )
    response.elapsed = timedelta(0)
    return response


def _loaded(name: str) -> ModuleType:
    module = sys.modules.get(name)
    if module is None:
        raise UntrustedType(f"{name}:Response", f"lives in the package {name}, which this program has not imported")
    return module


def _register(name: str) -> None:
    register_codec(f"{name}:Request", encode=_request, decode=lambda data: _request_of(_loaded(name), data))
    register_codec(f"{name}:Response", encode=_response, decode=lambda data: _response_of(_loaded(name), data))


for _name in ("httpx", "httpx2"):
    _register(_name)
