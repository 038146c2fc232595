"""What identifies a call of an SDK built by Stainless, and what it is called in recordings.

What identifies a call: `method`, `path`, `query`, `body` (`extra_query` and `extra_body` merged in), `server`, `files` and
`content` where something is uploaded, and `response` where the path does not tell what is asked for: `"raw"` for the HTTP
response, else the name of the type (`cast_to` of `client.post`, `BetaMessage`). Headers, time-outs and idempotency keys do not, but
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
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from memo._calls.secrets import mask
from memo._calls.signature import DoesNotFit

__all__ = ["Naming", "Request"]

_RAW_HEADER = "x-stainless-raw-response"
_FIXED_WORD = re.compile(r"[a-z][a-z_]*")
_VERSION = re.compile(r"v\d+(?:beta\d*)?")
_SIGNATURE = re.compile(r"x-(?:amz|goog|oss)-.*|sig|signature|googleaccessid|awsaccesskeyid|key-pair-id", re.IGNORECASE)
"""What a URL that was signed has in its query, beside what it names."""

_SECRETS = {"data_sources": "authentication", "mcp_servers": "authorization_token", "tools": "headers"}
"""Where a body holds credentials under names that are data elsewhere: Azure's data sources, remote MCP servers."""

_BUILTINS = (bool, bytes, dict, float, int, list, object, str)


class Request(NamedTuple):
    """One call of `request`."""

    cast_to: Any
    options: Any
    stream: bool
    stream_cls: Any

    @classmethod
    def of(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Request:
        try:
            return _bound(*args, **kwargs)
        except TypeError as error:
            raise DoesNotFit(*error.args) from None

    @property
    def raw(self) -> str:
        """What the raw-response header says: "true" and "raw" (read), "stream" (unread), "" where there is none."""
        headers = self.options.headers
        if not isinstance(headers, Mapping):
            return ""
        return next((str(value) for name, value in headers.items() if name.lower() == _RAW_HEADER), "")

    @property
    def form(self) -> str:
        """typed, stream, raw or binary."""
        if self.raw:
            return "raw"
        if self.stream:
            return "stream"
        return "binary" if isinstance(self.cast_to, type) and _is_binary(self.cast_to) else "typed"

    @property
    def unread(self) -> bool:
        """Whether the HTTP response is handed over before its body is read."""
        raw = self.raw
        return raw == "stream" or (bool(raw) and self.stream)


def _bound(cast_to: Any, options: Any, *, stream: bool = False, stream_cls: Any = None, **_: Any) -> Request:
    return Request(cast_to, options, stream, stream_cls)


@functools.lru_cache(maxsize=1024)
def _is_binary(kind: type) -> bool:
    return (
        kind.__name__ == "HttpxBinaryResponseContent"
        or _is_response(kind)
        or any(base.__name__ == "BaseAPIResponse" for base in kind.__mro__)
    )


def _is_response(kind: type) -> bool:
    return kind.__name__ == "Response" and kind.__module__.partition(".")[0] in ("httpx", "httpx2")


@dataclass(frozen=True, slots=True)
class Naming:
    """Names an SDK's calls (the SDK and the fixed words of the path) and what identifies them."""

    sdk: str
    module: str
    headers: tuple[str, ...] = ()
    """The headers that identify a call, in lower case."""

    def with_headers(self, names: Iterable[str]) -> Naming:
        """The same, with headers that identify a call, too."""
        named = (names,) if isinstance(names, str) else names
        return replace(self, headers=tuple(sorted({*self.headers, *(name.lower() for name in named)})))

    def __call__(self, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The name and the arguments of a call of `request`."""
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
            "query": {name: each for name, each in query.items() if not _SIGNATURE.fullmatch(name)},
            "body": _public(body) if isinstance(body, Mapping) and not _SECRETS.keys().isdisjoint(body) else body,
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
    return {name: _without(each, _SECRETS[name]) if name in _SECRETS else each for name, each in body.items()}


def _without(value: Any, secret: str) -> Any:
    """The value without what stands under that name: in the entries of a list, and wherever an entry says how it gets in."""
    if isinstance(value, list | tuple):
        return [_without(each, secret) for each in value]
    if not isinstance(value, Mapping):
        return value
    # Not in the schemas of tools, where a name is that of an argument.
    deep = secret == _SECRETS["data_sources"]
    return {name: _without(each, secret) if deep else each for name, each in value.items() if name != secret}


def _default_query(client: Any) -> Mapping[str, Any]:
    query = getattr(client, "default_query", None)  # Azure: the version of the API
    return query if isinstance(query, Mapping) else {}


def _pairs(inline: str) -> dict[str, Any]:
    """A query that stands in the URL; of what is named several times, all of it."""
    pairs: dict[str, Any] = {}
    for name, value in parse_qsl(inline, keep_blank_values=True):
        pairs[name] = value if name not in pairs else [*_listed(pairs[name]), value]
    return pairs


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _asked(kind: Any, package: str) -> str:
    """The name of a type that the path does not tell: the caller's own, or the beta of another. "" for all others."""
    kind = typing.get_origin(kind) or kind
    return _asked_class(kind, package) if isinstance(kind, type) and kind is not NoneType else ""


@functools.lru_cache(maxsize=1024)
def _asked_class(kind: type, package: str) -> str:
    if _is_response(kind):
        return "raw"
    if kind in _BUILTINS or kind.__module__.partition(".")[0] != package:
        return kind.__qualname__
    # anthropic: `messages` and `beta.messages` go to the same path.
    inner = getattr(kind, "__pydantic_generic_metadata__", {}).get("args", ())
    return next(
        (str(each.__qualname__) for each in (*inner, kind) if ".types.beta." in getattr(each, "__module__", "")), ""
    )


def _upload(field: str, file: Any) -> dict[str, Any]:
    """An uploaded file: the name that is sent, and what is in it."""
    name, content, *more = file if isinstance(file, tuple) else (getattr(file, "name", "upload"), file)
    told = dict(zip(("type", "headers"), more, strict=False))
    return {"field": field, "name": os.path.basename(str(name)), "content": _content(content), **told}  # noqa: PTH119 - as httpx


def _content(value: Any) -> Any:
    """Uploaded files by what is in them: an open file is read, and wound back to where it stood."""
    if hasattr(value, "read") and hasattr(value, "seek"):
        if hasattr(value, "seekable") and not value.seekable():
            return value  # reading it would take it away from the call: it has no canonical form
        at = value.tell()
        data = value.read()
        value.seek(at)
        return data
    if isinstance(value, os.PathLike):
        with open(value, "rb") as file:  # noqa: PTH123 - any PathLike
            return file.read()
    return value
