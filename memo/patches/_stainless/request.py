"""Requests of an SDK built by Stainless, and the form in which each comes back."""

from __future__ import annotations

import functools
import sys
import typing
from collections.abc import Mapping
from typing import Any, NamedTuple

from memo._calls.signature import DoesNotFit
from memo.codecs.responses import is_response

__all__ = ["Request", "prepared"]

_RAW_HEADER = "x-stainless-raw-response"


class Request(NamedTuple):
    """The arguments of one call of `request`."""

    cast_to: Any
    options: Any
    stream: bool
    stream_cls: Any

    @classmethod
    def of(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Request:
        """Bind the arguments of a call. Raises `DoesNotFit`."""
        try:
            return _bound(*args, **kwargs)
        except TypeError as error:
            raise DoesNotFit(*error.args) from None

    @property
    def raw(self) -> str:
        """The value of the raw-response header: "true" and "raw" (read), "stream" (unread), or "" without one."""
        headers = self.options.headers
        if not isinstance(headers, Mapping):
            return ""
        return next((str(value) for name, value in headers.items() if name.lower() == _RAW_HEADER), "")

    @property
    def form(self) -> str:
        """typed, stream, body, raw or binary."""
        if self.raw:
            return "raw"
        if self.stream:
            return "body" if _decodes_itself(self.cast_to, self.stream_cls) else "stream"
        return "binary" if isinstance(self.cast_to, type) and _is_binary(self.cast_to) else "typed"

    @property
    def unread(self) -> bool:
        """True if the HTTP response is handed over before its body is read."""
        raw = self.raw
        return raw == "stream" or self.stream


def _decodes_itself(cast_to: Any, stream_cls: Any) -> bool:
    """Return whether the items of a stream are made by other code than that of the SDK's plain stream class."""
    if stream_cls is None:
        return getattr(typing.get_origin(cast_to) or cast_to, "__name__", "").endswith("JSONLDecoder")
    return _has_own_code(typing.get_origin(stream_cls) or stream_cls)


@functools.lru_cache(maxsize=256)
def _has_own_code(stream_cls: type) -> bool:
    # Judged by the functions: openai rewrites the `__module__` of its classes.
    found = (getattr(stream_cls, name, None) for name in ("__stream__", "_iter_events"))
    return any(not function.__module__.endswith("._streaming") for function in found if function is not None)


def prepared(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of `request` with the options that the client sends, where it prepares them inside `request`.

    In anthropic, files and iterators in the arguments are read there. Preparing prepared options changes nothing. The sync
    client's method prepares for both clients, since a key is needed before anything is awaited: it reads local files.
    """
    kind: Any = type(client)
    prepare = _preparing(kind)
    if prepare is None:
        return args, kwargs
    try:
        cast_to, options, stream, stream_cls = _bound(*args, **kwargs)
    except TypeError:
        return args, kwargs  # the call fits no signature, and raises its own error
    return (cast_to, prepare(client, options)), {"stream": stream, "stream_cls": stream_cls}


@functools.lru_cache(maxsize=64)
def _preparing(kind: type) -> Any:
    for cls in kind.__mro__:
        if cls.__name__ in ("AsyncAPIClient", "SyncAPIClient"):
            client = getattr(sys.modules[cls.__module__], "SyncAPIClient", None)
            return getattr(client, "_copy_and_prepare", None)
    return None


def _bound(cast_to: Any, options: Any, *, stream: bool = False, stream_cls: Any = None, **_: Any) -> Request:
    return Request(cast_to, options, stream, stream_cls)


@functools.lru_cache(maxsize=1024)
def _is_binary(kind: type) -> bool:
    return (
        kind.__name__ == "HttpxBinaryResponseContent"
        or is_response(kind)
        or any(base.__name__ == "BaseAPIResponse" for base in kind.__mro__)
    )
