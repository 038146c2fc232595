"""urllib3, and with it requests and botocore: every request of a connection pool, at `HTTPConnectionPool.urlopen`.

The clients above do in a replay what they do with any response: they follow redirects, keep cookies, map errors and measure
time. One answer stands for all of a pool's retries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from memo._calls.signature import DoesNotFit
from memo._engine.calls.bodies import LiveBody
from memo._engine.calls.options import Options
from memo._engine.live.attempt import Attempt
from memo._engine.streaming.begun import LiveSyncStream
from memo._engine.streaming.streams import stream_sync
from memo._recordings.outcomes import Outcome
from memo.codecs.encodings import decoder
from memo.patches._http.answers import Head, encoding_of, recorded_head
from memo.patches._http.driver import HttpRun, Passing, is_inside
from memo.patches._http.faults import Urllib3Faults
from memo.patches._http.naming import Asked, HttpNaming
from memo.patches._http.urllib3_responses import PIECE, VERSIONS, UrlopenArguments, passing_response, replayed_response
from memo.patches._patch import Patch

__all__ = ["PATCHES"]


# Bound by Python itself, as the method of a pool does: by a signature, that takes ten times as long.
_bound: Callable[..., UrlopenArguments] = (  # noqa: E731
    lambda method, url, body=None, headers=None, retries=None, redirect=True, assert_same_host=True, timeout=None,
    pool_timeout=None, release_conn=None, chunked=False, body_pos=None, preload_content=True, decode_content=True,
    **response: UrlopenArguments(method, url, body, headers, retries, preload_content, decode_content)
)  # fmt: skip


def _options(args: tuple[Any, ...], kwargs: dict[str, Any]) -> UrlopenArguments:
    """Return the arguments of a call. Raises `DoesNotFit`."""
    try:
        return _bound(*args, **kwargs)
    except TypeError as error:
        raise DoesNotFit(*error.args) from None


_BODY = 2
"""The place of the body in the arguments."""


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
        return passing_response(response, {}, change(_pieces(response)), _options(self.args, self.kwargs))


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
        return passing_response(value, head, pieces, options)

    def _head(self, value: Any) -> Head:
        return recorded_head(
            value.status,
            value.headers.iteritems(),
            self.rules,
            reason=value.reason,
            version=VERSIONS.get(value.version, "HTTP/1.1"),
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
        return replayed_response(replayed, options, getattr(self._wrapped, "__self__"))  # noqa: B009 - a method of the pool


def _pieces(response: Any) -> Iterator[bytes]:
    """Yield the body as it is sent, as soon as it comes."""
    if response.chunked and response.supports_chunked_reads():
        yield from response.read_chunked(decode_content=False)
        return
    while data := response.read1(PIECE, decode_content=False):
        yield data


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
