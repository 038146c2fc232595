"""Responses of urllib3 whose body comes from elsewhere than from a socket: a recording, or a response that is being recorded."""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterator
from email.message import Message
from typing import Any, NamedTuple

from memo.codecs.registry import register_codec
from memo.patches._http.answers import Head, phrase, sent_headers
from memo.patches._http.driver import Replayed

__all__ = ["PIECE", "VERSIONS", "UrlopenArguments", "passing_response", "replayed_response"]

PIECE = 1 << 16
VERSIONS = {9: "HTTP/0.9", 10: "HTTP/1.0", 11: "HTTP/1.1", 20: "HTTP/2", 30: "HTTP/3"}
_NUMBERS = {name: number for number, name in VERSIONS.items()}


class UrlopenArguments(NamedTuple):
    """The arguments of `urlopen` that decide what is asked for, and how the answer is given."""

    method: str
    url: str
    body: Any
    headers: Any
    retries: Any
    preload_content: bool
    decode_content: bool


def passing_response(live: Any, head: Head, pieces: Generator[bytes, None, None], options: UrlopenArguments) -> Any:
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


def replayed_response(replayed: Replayed, options: UrlopenArguments, pool: Any) -> Any:
    """Return the response that a pool gives in a replay."""
    head, preload = replayed.head, options.preload_content
    body: Any
    if preload or replayed.is_whole:
        data = b"" if options.method.upper() == "HEAD" else replayed.wire(replayed.content())
        body, size = _Body(iter([data] if data else [])), len(data)
    else:
        body, size = _Body(replayed.pieces()), None
    is_sized = size is not None or replayed.is_sized(as_sent=True)
    pairs = sent_headers(head, size, encodes=replayed.keeps_encoding, is_sized=is_sized)
    number = _NUMBERS.get(head.get("version", "HTTP/1.1"), 11)
    urllib3 = _package()
    return _class()(
        body,
        headers=urllib3.HTTPHeaderDict(pairs),
        status=head["status"],
        version=number,
        version_string=VERSIONS[number],
        reason=phrase(head),
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
        self._failure: Exception | None = None
        self.closed = False

    def read(self, amt: int | None = None) -> bytes:
        """Return so many bytes, fewer at the end."""
        parts, size = [self._rest], len(self._rest)
        self._rest = b""
        while amt is None or size < amt:
            try:
                piece = self._next()
            except Exception as error:
                if amt is None or not size:
                    raise
                self._failure = error  # for the next reader: this one gets what came before
                break
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
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
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
        def stream(self, amt: int | None = PIECE, decode_content: bool | None = None) -> Iterator[bytes]:  # noqa: FBT001 - as urllib3
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
