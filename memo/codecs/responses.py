"""HTTP responses and requests of httpx and httpx2, neither of which is imported."""

from __future__ import annotations

import functools
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any, Protocol
from weakref import WeakKeyDictionary

__all__ = [
    "Body",
    "http_response",
    "is_response",
    "is_unread",
    "mark_decoded",
    "package_of",
    "read_from",
    "rebuilt",
    "stream_response",
    "unread",
    "without_body",
]


_responses: WeakKeyDictionary[Callable[[], Any], Any] = WeakKeyDictionary()
"""The responses of recorded streams in memory, by their readers: building one takes 60 µs, copying it 5 µs."""


def stream_response(read: Callable[[], Any], seconds: float) -> Any:
    """Return the HTTP response that a recorded stream came in: a fresh one each time, without its body."""
    response = _responses.get(read)
    if response is None:
        response = _responses[read] = read()
        response.stream = package_of(response).ByteStream(b"")
        mark_decoded(response)
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


def is_response(kind: type) -> bool:
    """Return whether a class is the response of httpx or httpx2."""
    return kind.__name__ == "Response" and kind.__module__.partition(".")[0] in ("httpx", "httpx2")


def is_unread(value: Any) -> bool:
    """Return whether an object is a response whose body is still to be read."""
    return is_response(type(value)) and not (hasattr(value, "_content") or value.is_stream_consumed or value.is_closed)


def package_of(value: Any) -> Any:
    """Return httpx or httpx2, whichever a client or a response is of."""
    cls: Any = type(value)
    return _package_of_class(cls)


@functools.lru_cache(maxsize=64)
def _package_of_class(cls: type) -> Any:
    tops = (base.__module__.partition(".")[0] for base in cls.__mro__)
    return sys.modules[next(top for top in tops if top in ("httpx", "httpx2"))]


def mark_decoded(response: Any) -> None:
    """Let a body that was recorded decoded pass as it is, whatever the `content-encoding` of its response."""
    response._decoder = sys.modules[f"{package_of(response).__name__}._decoders"].IdentityDecoder()


def rebuilt(recorded: Any, request: Any, content: bytes, *, unread: bool) -> Any:
    """Return a recorded response to another request, with a body that is already read or still to be read."""
    body = {"stream": package_of(recorded).ByteStream(content)} if unread else {"content": content}
    response = type(recorded)(recorded.status_code, request=request, extensions=dict(recorded.extensions), **body)
    response.headers = recorded.headers
    mark_decoded(response)
    return response


class Body(Protocol):
    """What follows the content that was recorded of a body: its end, which may be an error, or more of it."""

    def rest(self) -> Iterator[bytes]:
        """Yield what follows, then end or raise."""
        ...

    def arest(self) -> AsyncIterator[bytes]:
        """Async twin of `rest`."""
        ...


def unread(recorded: Any, body: Body) -> Any:
    """Return a recorded response whose body is still to be read."""
    response = rebuilt(recorded, getattr(recorded, "_request", None), b"", unread=True)
    response.stream = _body_class(package_of(recorded))(recorded.content, body)
    response.elapsed = timedelta(0)
    return response


@functools.lru_cache(maxsize=2)
def _body_class(package: Any) -> Any:
    def begin(self: Any, content: bytes, body: Body) -> None:
        self.content, self.body = content, body

    def pieces(self: Any) -> Iterator[bytes]:
        yield self.content
        yield from self.body.rest()

    async def apieces(self: Any) -> AsyncIterator[bytes]:
        yield self.content
        async for piece in self.body.arest():
            yield piece

    methods = {"__init__": begin, "__iter__": pieces, "__aiter__": apieces}
    return type("RecordedBody", (package.SyncByteStream, package.AsyncByteStream), methods)


def http_response(value: Any) -> Any:
    """Return the HTTP response in the result of a raw or binary call."""
    for name in ("http_response", "response"):
        found = getattr(value, name, None)
        if found is not None:
            return found
    return value


def read_from(response: Any, wire: bytes) -> Any:
    """Return a response as if it had been read at once, its body decoded from the bytes of the wire."""
    kept = {name: value for name, value in response.extensions.items() if name in ("http_version", "reason_phrase")}
    status, headers, request = response.status_code, response.headers, getattr(response, "_request", None)
    read = type(response)(status, headers=headers, content=wire, request=request, extensions=kept)
    read.headers = headers.copy()  # without the `content-length` that was set for the bytes
    return read
