"""Requests of an SDK built by Stainless, and the form in which each comes back."""

from __future__ import annotations

import copy
import functools
import inspect
import io
import os
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
    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of `request`."""
        return (self.cast_to, self.options), {"stream": self.stream, "stream_cls": self.stream_cls}

    def sending(self, content: bytes) -> Request:
        """Return the request with that body. The caller's own options stay as they are."""
        options = copy.copy(self.options)
        options.content = content
        return self._replace(options=options)

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


def prepared(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the arguments of `request` with the options that the client sends: what can be read once is read here.

    anthropic prepares options inside `request`: files and iterators in the arguments are read there. Preparing prepared
    options changes nothing. Files are read by the client's own method, which an async client awaits; all else is prepared
    by the sync client's for both clients, which is quicker. A body that is an iterator is buffered.
    """
    kind: Any = type(client)
    prepare = _preparing(kind)
    content: Any = getattr(args[1] if len(args) > 1 else kwargs.get("options"), "content", None)
    if prepare is None and (content is None or not _is_read_once(content)):
        return args, kwargs
    try:
        request = _bound(*args, **kwargs)
    except TypeError:
        return args, kwargs  # the call fits no signature, and raises its own error
    if hasattr(content, "__aiter__") or (prepare is not None and _awaits(client, request.options.json_data)):
        return _aprepared(client, request, prepare, content)
    if prepare is not None:
        request = request._replace(options=prepare(client, request.options))
    return (request.sending(b"".join(content)) if _is_read_once(content) else request).arguments


async def _aprepared(client: Any, request: Request, prepare: Any, content: Any) -> Any:
    if prepare is not None:
        request = request._replace(options=await client._copy_and_prepare(request.options))
    if hasattr(content, "__aiter__"):
        return request.sending(b"".join([piece async for piece in content])).arguments
    return (request.sending(b"".join(content)) if _is_read_once(content) else request).arguments


def _awaits(client: Any, data: Any) -> bool:
    """Return whether an async client would read files of the arguments, which blocks the event loop if it is not awaited."""
    cls: Any = type(client)
    if not _prepares_async(cls):
        return False
    pending: list[Any] = [(data,)]
    while pending:
        for item in pending.pop():
            kind = type(item)
            if kind is dict:
                pending.append(item.values())
            elif kind is list or kind is tuple:
                pending.append(item)
            elif kind not in _PLAIN and isinstance(item, os.PathLike | io.IOBase):
                return True
    return False


@functools.lru_cache(maxsize=64)
def _prepares_async(kind: Any) -> bool:
    return inspect.iscoroutinefunction(kind._copy_and_prepare)


_PLAIN = frozenset({str, int, float, bool, type(None), bytes})


def _is_read_once(content: Any) -> bool:
    """Return whether a body is an iterator. (An open file is sent as it is: it is read for the key, and again.)"""
    return (hasattr(content, "__next__") and not hasattr(content, "read")) or hasattr(content, "__aiter__")


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
