"""urllib3, and with it requests and botocore: every request of a connection pool, at `HTTPConnectionPool.urlopen`.

The clients above do in a replay what they do with any response: they follow redirects, keep cookies, map errors and measure
time. One answer stands for all of a pool's retries.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterator
from email.message import Message
from http.client import responses as phrases
from typing import Any, NamedTuple

from memo._calls.signature import DoesNotFit
from memo._engine.calls.bodies import LiveBody
from memo._engine.calls.options import Options
from memo._engine.live.attempt import Attempt
from memo._engine.streaming.begun import LiveSyncStream
from memo._engine.streaming.streams import stream_sync
from memo._recordings.outcomes import Outcome
from memo.codecs.encodings import decoder
from memo.codecs.registry import register_codec
from memo.patches._http.answers import Head, encoding_of, phrase, recorded_head, sent_headers
from memo.patches._http.driver import HttpRun, Passing, Replayed, is_inside
from memo.patches._http.faults import Urllib3Faults
from memo.patches._http.naming import Asked, HttpNaming
from memo.patches._patch import Patch

__all__ = ["PATCHES"]


class _Options(NamedTuple):
    """The arguments of `urlopen` that decide what is asked for, and how the answer is given."""

    method: str
    url: str
    body: Any
    headers: Any
    retries: Any
    preload_content: bool
    decode_content: bool


# Bound by Python itself, as the method of a pool does: by a signature, that takes ten times as long.
_bound: Callable[..., _Options] = (  # noqa: E731
    lambda method, url, body=None, headers=None, retries=None, redirect=True, assert_same_host=True, timeout=None,
    pool_timeout=None, release_conn=None, chunked=False, body_pos=None, preload_content=True, decode_content=True,
    **response: _Options(method, url, body, headers, retries, preload_content, decode_content)
)  # fmt: skip


def _options(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Options:
    """Return the arguments of a call. Raises `DoesNotFit`."""
    try:
        return _bound(*args, **kwargs)
    except TypeError as error:
        raise DoesNotFit(*error.args) from None


_BODY = 2
"""The place of the body in the arguments."""
_PIECE = 1 << 16
_VERSIONS = {9: "HTTP/0.9", 10: "HTTP/1.0", 11: "HTTP/1.1", 20: "HTTP/2", 30: "HTTP/3"}
_NUMBERS = {name: number for number, name in _VERSIONS.items()}


def _asked(pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    asked = _options(args, kwargs)
    url, body = asked.url, asked.body
    if "://" not in url:  # through a proxy, it is the whole URL
        host = f"[{pool.host}]" if ":" in pool.host else pool.host
        port = f":{pool.port}" if pool.port not in (None, {"http": 80, "https": 443}.get(pool.scheme)) else ""
        url = f"{pool.scheme}://{host}{port}{url}"
    headers = _Headers(asked.headers or pool.headers or {})
    return Asked(asked.method, url, headers, body.encode() if isinstance(body, str) else body or b"")


class _Headers:
    """The headers of a request: few of them are ever looked up."""

    def __init__(self, given: Any) -> None:
        self._given = given

    def get(self, name: str, default: Any) -> Any:
        """Return a header by its name in lower case."""
        for found, value in self._given.items():
            if str(found).lower() == name:
                default = _text(value)
        return default


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _prepared(pool: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Read the body of the request, which may be a file or a generator: what is sent identifies the request."""
    body = args[_BODY] if len(args) > _BODY else kwargs.get("body")
    if body is None or isinstance(body, str | bytes):
        return args, kwargs
    if hasattr(body, "read"):
        data = body.read()
    elif isinstance(body, bytearray | memoryview):
        data = bytes(body)
    else:
        data = b"".join(piece.encode() if isinstance(piece, str) else piece for piece in body)
    if len(args) > _BODY:
        return (*args[:_BODY], data, *args[_BODY + 1 :]), kwargs
    return args, {**kwargs, "body": data}


class _Faults(Urllib3Faults):
    @property
    def streams(self) -> bool:
        """Return whether the body is read by the caller."""
        return not _options(self.args, self.kwargs).preload_content

    def held_back(self, response: Any, change: Callable[[Any], Any], achange: Any) -> Any:
        """Return the response, the pieces of its body as they are with a fault."""
        return _passing(response, {}, change(_pieces(response)), _options(self.args, self.kwargs))


class _Run(HttpRun):
    """A request of a pool."""

    faulty = _Faults

    def _received(self, attempt: Attempt, value: Any) -> Any:
        options, head = _options(self._args, self._kwargs), self._head(value)
        if options.preload_content:
            if not options.decode_content:
                sink = Passing(head, attempt)
                sink.begin()
                sink.add(value.data)
                sink.finish("complete")
            else:
                self.whole(attempt, head, value.data)
            return value
        sink = Passing(head, attempt)
        pieces = sink.defer(stream_sync(lambda: LiveSyncStream(_pieces(value), sink)))
        return _passing(value, head, pieces, options)

    def _head(self, value: Any) -> Head:
        return recorded_head(
            value.status,
            value.headers.iteritems(),
            self.rules,
            reason=value.reason,
            version=_VERSIONS.get(value.version, "HTTP/1.1"),
        )

    def live_body(self, attempt: Attempt, value: Any, given: list[bytes]) -> LiveBody:
        """Return the body of a live response, of which the consumer has got these pieces."""
        options, head = _options(self._args, self._kwargs), self._head(value)
        pieces = iter([value.data]) if options.preload_content else _pieces(value)
        is_decoded = options.preload_content and options.decode_content
        decode = None if is_decoded else decoder(encoding_of(head))
        return self.rest(attempt, head, map(decode, pieces) if decode is not None else pieces, value.close, given)

    def _played(self, outcome: Outcome) -> Any:
        replayed, options = self.replayed(outcome), _options(self._args, self._kwargs)
        return _response(replayed, options, getattr(self._wrapped, "__self__"))  # noqa: B009 - a method of the pool


def _pieces(response: Any) -> Iterator[bytes]:
    """Yield the body as it is sent, as soon as it comes."""
    if response.chunked and response.supports_chunked_reads():
        yield from response.read_chunked(decode_content=False)
        return
    while data := response.read1(_PIECE, decode_content=False):
        yield data


def _passing(live: Any, head: Head, pieces: Generator[bytes, None, None], options: _Options) -> Any:
    """Return the response whose body is recorded while it is read."""
    return _class()(
        _Body(pieces, live),
        headers=live.headers,
        status=live.status,
        version=live.version,
        reason=live.reason,
        preload_content=False,
        decode_content=options.decode_content,
        original_response=live._original_response,
        retries=live.retries,
        request_method=options.method,
        request_url=options.url,
        enforce_content_length=False,  # the live one does
    )


def _response(replayed: Replayed, options: _Options, pool: Any) -> Any:
    head, preload = replayed.head, options.preload_content
    body: Any
    if preload or replayed.is_whole:
        data = b"" if options.method.upper() == "HEAD" else replayed.wire(replayed.content())
        body, size = _Body(iter([data] if data else [])), len(data)
    else:
        body, size = _Body(replayed.pieces()), None
    pairs = sent_headers(head, size, encodes=replayed.keeps_encoding)
    number = _NUMBERS.get(head.get("version", "HTTP/1.1"), 11)
    urllib3 = _package()
    return _class()(
        body,
        headers=urllib3.HTTPHeaderDict(pairs),
        status=head["status"],
        version=number,
        version_string=_VERSIONS[number],
        reason=phrase(head) or phrases.get(head["status"]),
        preload_content=preload,
        decode_content=options.decode_content,
        original_response=_Original(pairs) if "cookies_set" in head else None,
        retries=urllib3.Retry.from_int(
            options.retries, default=pool.retries
        ),  # as the pool does: it may be False, or a number
        request_method=options.method,
        request_url=options.url,
        enforce_content_length=False,
    )


class _Original:
    """What cookie jars read of a response of `http.client`."""

    def __init__(self, headers: list[tuple[str, str]]) -> None:
        self.msg = Message()
        for name, text in headers:
            if name == "Set-Cookie":
                self.msg[name] = text

    def isclosed(self) -> bool:
        return True

    def close(self) -> None: ...


class _Body:
    """The body of a response, as `http.client` would have it."""

    def __init__(self, pieces: Iterator[bytes], live: Any = None) -> None:
        self._pieces = pieces
        self._live = live
        self._rest = b""
        self.closed = False

    def read(self, amt: int | None = None) -> bytes:
        """Return so many bytes, fewer at the end."""
        parts, size = [self._rest], len(self._rest)
        self._rest = b""
        while amt is None or size < amt:
            piece = self._next()
            if piece is None:
                break
            parts.append(piece)
            size += len(piece)
        data = b"".join(parts)
        if amt is not None:
            data, self._rest = data[:amt], data[amt:]
        return data

    def read1(self, amt: int | None = None) -> bytes:
        """Return what comes next, at most so many bytes."""
        data, self._rest = self._rest or self._next() or b"", b""
        if amt is not None:
            data, self._rest = data[:amt], data[amt:]
        return data

    def _next(self) -> bytes | None:
        piece = None if self.closed else next(self._pieces, None)
        if piece is None:
            self.closed = True
        return piece

    def close(self) -> None:
        """Leave the body: what is left of it is not read."""
        self.closed = True
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
        if self._live is not None:
            self._live.close()

    def release(self) -> None:
        """Give the connection back."""
        if self._live is not None:
            self._live.release_conn()


def _package() -> Any:
    import urllib3

    return urllib3


@functools.cache
def _class() -> Any:
    """Return the class of responses whose body comes from elsewhere than from a socket."""

    class Response(_package().HTTPResponse):  # type: ignore[misc]
        def stream(self, amt: int | None = _PIECE, decode_content: bool | None = None) -> Iterator[bytes]:  # noqa: FBT001 - as urllib3
            """Yield the body as it comes, as a body does that is sent in chunks."""
            while data := self.read1(amt, decode_content=decode_content):
                yield data

        def read_chunked(self, amt: int | None = None, decode_content: bool | None = None) -> Iterator[bytes]:  # noqa: FBT001 - as urllib3
            """Yield the body as it comes."""
            return self.stream(amt, decode_content)

        def release_conn(self) -> None:
            """Give the connection back to its pool."""
            body = self._fp
            if isinstance(body, _Body):
                body.release()

    return Response


def _closed(module: str, kind: str) -> Any:
    """Return what gives a pool or a connection that is not connected to anything."""

    def built(data: dict[str, Any]) -> Any:
        return getattr(getattr(_package(), module), kind)(data["host"], data["port"])

    return built


def _place(pool: Any) -> dict[str, Any]:
    return {"host": pool.host, "port": pool.port}


# What the errors of a pool hold: where they failed to connect to.
for _module, _kind in (
    ("connectionpool", "HTTPConnectionPool"),
    ("connectionpool", "HTTPSConnectionPool"),
    ("connection", "HTTPConnection"),
    ("connection", "HTTPSConnection"),
):
    register_codec(f"urllib3.{_module}:{_kind}", encode=_place, decode=_closed(_module, _kind))


PATCHES = (
    Patch(
        "urllib3:HTTPConnectionPool.urlopen",
        Options(name="http"),
        _Run,
        describe=HttpNaming(_asked),
        prepare=_prepared,
        passes=is_inside,
        offered=True,
    ),
)
