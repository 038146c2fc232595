"""What identifies a call of an SDK built by Stainless, and what it is called in recordings.

What identifies a call: `method`, `path`, `query`, `body` (`extra_query` and `extra_body` merged in), `server`, `files` and
`content` where something is uploaded, and `response` where the path does not tell what is asked for: `"raw"` for the HTTP
response, else the name of the type (`cast_to` of `client.post`, `BetaMessage`). Headers, timeouts and idempotency keys do not, but
for the headers that `memo.install("openai", headers=("openai-beta",))` names: their values are the argument `headers`.
"""

from __future__ import annotations

import functools
import os
import re
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import NoneType
from typing import Any
from urllib.parse import parse_qsl

from memo._calls.secrets import mask
from memo._values.ids import numbered
from memo.codecs.responses import is_response
from memo.patches._stainless.request import Request

__all__ = ["Naming"]

_FIXED_WORD = re.compile(r"[a-z][a-z_]*")
_VERSION = re.compile(r"v\d+(?:beta\d*)?")
_SIGNATURE = re.compile(r"x-(?:amz|goog|oss)-.*|sig|signature|googleaccessid|awsaccesskeyid|key-pair-id", re.IGNORECASE)
"""Query parameters that sign a URL and name nothing."""

_SECRETS = {"data_sources": "authentication", "mcp_servers": "authorization_token", "tools": "headers"}
"""Fields of bodies that hold credentials under names that are data elsewhere: Azure's data sources, MCP servers."""

_BUILTINS = (bool, bytes, dict, float, int, list, object, str)


@dataclass(frozen=True, slots=True)
class Naming:
    """Names an SDK's calls, by the SDK and the fixed words of the path, and what identifies them."""

    sdk: str
    module: str
    headers: tuple[str, ...] = ()
    """The headers that identify a call, in lower case."""

    def with_headers(self, names: Iterable[str]) -> Naming:
        """Return a copy in which these headers identify a call, too."""
        named = (names,) if isinstance(names, str) else names
        return replace(self, headers=tuple(sorted({*self.headers, *(name.lower() for name in named)})))

    def __call__(self, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the name and the arguments of a call of `request`."""
        request = Request.of(args, kwargs)
        options = request.options
        path, _, inline = str(options.url).partition("?")
        body = options.json_data
        extra = getattr(options, "extra_json", None)
        if extra:
            body = {**body, **extra} if isinstance(body, Mapping) else extra
        query = {**_default_query(client), **(_pairs(inline) if inline else {}), **(options.params or {})}
        arguments: dict[str, Any] = {
            "method": options.method.upper(),
            "path": mask(path) if "://" in path else path,
            "query": {name: value for name, value in query.items() if not _SIGNATURE.fullmatch(name)},
            "body": numbered(
                _public(body) if isinstance(body, Mapping) and not _SECRETS.keys().isdisjoint(body) else body
            ),
            "server": str(client.base_url).rstrip("/"),
        }
        if options.files:
            files = options.files.items() if isinstance(options.files, Mapping) else options.files
            arguments["files"] = [_upload(field, file) for field, file in files]
        if getattr(options, "content", None) is not None:
            arguments["content"] = _content(options.content)
        if self.headers:
            arguments["headers"] = self._headers(client, options)
        response = "raw" if request.raw else _asked(request.cast_to, self.module.partition(".")[0])
        if response:
            arguments["response"] = response
        return _named(self.sdk, path), arguments

    def _headers(self, client: Any, options: Any) -> dict[str, str]:
        given = {**client._custom_headers, **(options.headers if isinstance(options.headers, Mapping) else {})}
        lower = {name.lower(): value for name, value in given.items()}
        return {name: lower[name] for name in self.headers if isinstance(lower.get(name), str)}


@functools.lru_cache(maxsize=1024)
def _named(sdk: str, path: str) -> str:
    words = path.rpartition("://")[2].split("/")
    return ".".join([sdk, *(word for word in words if _FIXED_WORD.fullmatch(word) and not _VERSION.fullmatch(word))])


def _public(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _without(part, _SECRETS[name]) if name in _SECRETS else part for name, part in body.items()}


def _without(value: Any, secret: str) -> Any:
    """Return the value without the field of that name: in the entries of a list, and deeper for data sources."""
    if isinstance(value, list | tuple):
        return [_without(entry, secret) for entry in value]
    if not isinstance(value, Mapping):
        return value
    # Schemas of tools are not searched: a name there is that of an argument.
    deep = secret == _SECRETS["data_sources"]
    return {name: _without(part, secret) if deep else part for name, part in value.items() if name != secret}


def _default_query(client: Any) -> Mapping[str, Any]:
    query = getattr(client, "default_query", None)  # Azure: the version of the API
    return query if isinstance(query, Mapping) else {}


def _pairs(inline: str) -> dict[str, Any]:
    """Parse the query of a URL; a name that is given several times has a list."""
    pairs: dict[str, Any] = {}
    for name, value in parse_qsl(inline, keep_blank_values=True):
        pairs[name] = value if name not in pairs else [*_listed(pairs[name]), value]
    return pairs


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _asked(kind: Any, package: str) -> str:
    """Return the name of a type that does not follow from the path: the caller's own, or a beta's. Else ""."""
    kind = typing.get_origin(kind) or kind
    return _asked_class(kind, package) if isinstance(kind, type) and kind is not NoneType else ""


@functools.lru_cache(maxsize=1024)
def _asked_class(kind: type, package: str) -> str:
    if is_response(kind):
        return "raw"
    if kind in _BUILTINS or kind.__module__.partition(".")[0] != package:
        return kind.__qualname__
    # anthropic: `messages` and `beta.messages` go to the same path.
    inner = getattr(kind, "__pydantic_generic_metadata__", {}).get("args", ())
    return next(
        (str(part.__qualname__) for part in (*inner, kind) if ".types.beta." in getattr(part, "__module__", "")), ""
    )


def _upload(field: str, file: Any) -> dict[str, Any]:
    """Return what identifies an uploaded file: the name that is sent, and the content."""
    name, content, *more = file if isinstance(file, tuple) else (getattr(file, "name", "upload"), file)
    described = dict(zip(("type", "headers"), more, strict=False))
    return {"field": field, "name": os.path.basename(str(name)), "content": _content(content), **described}  # noqa: PTH119 - as httpx


def _content(value: Any) -> Any:
    """Return the content of an uploaded file. An open file is read, and wound back to its position."""
    if hasattr(value, "read") and hasattr(value, "seek"):
        if hasattr(value, "seekable") and not value.seekable():
            return value  # reading it would take it from the call, so it stays without a canonical form
        at = value.tell()
        data = value.read()
        value.seek(at)
        return data
    if isinstance(value, os.PathLike):
        with open(value, "rb") as file:  # noqa: PTH123 - any PathLike
            return file.read()
    return value
