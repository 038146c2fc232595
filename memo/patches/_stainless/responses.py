"""HTTP responses and requests of httpx and httpx2, neither of which is imported."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["http_response", "package_of", "rebuilt", "stream_response", "without_body"]


_responses: WeakKeyDictionary[Callable[[], Any], Any] = WeakKeyDictionary()
"""The responses of recorded streams in memory, by their readers: building one takes 60 µs, copying it 5 µs."""


def stream_response(read: Callable[[], Any], seconds: float) -> Any:
    """Return the HTTP response that a recorded stream came in: a fresh one each time, without its body."""
    response = _responses.get(read)
    if response is None:
        response = _responses[read] = read()
        response.stream = package_of(response).ByteStream(b"")
        _mark_decoded(response)
        response.elapsed = timedelta(seconds=seconds)
    return _fresh(response)


def _fresh(response: Any) -> Any:
    """Copy a response, and of its parts those that can be changed."""
    made = _twin(response)
    made.history = list(response.history)
    if getattr(response, "_request", None) is not None:
        made.request = _twin(response.request)
    return made


def _twin(value: Any) -> Any:
    """Copy a response or a request."""
    made = object.__new__(type(value))
    vars(made).update(vars(value))
    made.headers = value.headers.copy()
    made.extensions = dict(value.extensions)
    return made


def without_body(response: Any) -> Any:
    """Copy a response without its body."""
    made = _twin(response)
    made.stream = None
    return made


def package_of(value: Any) -> Any:
    """Return httpx or httpx2, whichever a client or a response is of."""
    cls: Any = type(value)
    return _package_of_class(cls)


@functools.lru_cache(maxsize=64)
def _package_of_class(cls: type) -> Any:
    tops = (base.__module__.partition(".")[0] for base in cls.__mro__)
    return sys.modules[next(top for top in tops if top in ("httpx", "httpx2"))]


def _mark_decoded(response: Any) -> None:
    """Let a body that was recorded decoded pass as it is, whatever the `content-encoding` of its response."""
    response._decoder = sys.modules[f"{package_of(response).__name__}._decoders"].IdentityDecoder()


def rebuilt(recorded: Any, request: Any, content: bytes, *, unread: bool) -> Any:
    """Return a recorded response to another request, with a body that is already read or still to be read."""
    body = {"stream": package_of(recorded).ByteStream(content)} if unread else {"content": content}
    response = type(recorded)(recorded.status_code, request=request, extensions=dict(recorded.extensions), **body)
    response.headers = recorded.headers
    _mark_decoded(response)
    return response


def http_response(value: Any) -> Any:
    """Return the HTTP response in the result of a raw or binary call."""
    for name in ("http_response", "response"):
        found = getattr(value, name, None)
        if found is not None:
            return found
    return value
