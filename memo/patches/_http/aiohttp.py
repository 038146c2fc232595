"""aiohttp: every request of a `ClientSession`, at `ClientSession._request`.

One answer stands for all redirects. A response is recorded while its body is read, by whatever method of `response` or
`response.content`; what `raise_for_status` raises is raised again from the recorded response.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

from memo._calls.signature import Signature
from memo._engine.calls.bodies import LiveBody
from memo._engine.calls.options import Options
from memo._engine.live.attempt import Attempt
from memo._engine.streaming.begun import LiveStream
from memo._engine.streaming.consumers import is_cancelled
from memo._engine.streaming.streams import stream
from memo._recordings.outcomes import Outcome
from memo.codecs.encodings import Decoder, decoder
from memo.codecs.registry import register_codec
from memo.patches._http.answers import Head, encoding_of, phrase, recorded_head, sent_headers
from memo.patches._http.driver import HttpRun, Passing, Replayed, is_inside
from memo.patches._http.faults import AiohttpFaults
from memo.patches._http.naming import Asked, HttpNaming, location
from memo.patches._patch import Patch

__all__ = ["PATCHES"]

_NO_LIMIT = 1 << 62
"""The bytes at which a reader would pause its connection: a body that is recorded, or replayed, comes when it is asked for."""
_SIGNATURE = Signature(lambda method, str_or_url, *, params=None, data=None, json=None, headers=None, **_: None)


def _asked(session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked:
    asked = _SIGNATURE.bind(args, kwargs)
    url = session._build_url(asked["str_or_url"])
    if asked["params"]:
        url = getattr(url, "extend_query", url.update_query)(asked["params"])
    headers = {name.lower(): value for name, value in session.headers.items()}
    headers |= {str(name).lower(): str(value) for name, value in _pairs(asked["headers"])}
    data = asked["data"]
    if asked["json"] is not None:
        headers.setdefault("content-type", "application/json")
        data = session.json_serialize(asked["json"])
    elif hasattr(data, "content_type"):
        headers.setdefault("content-type", data.content_type)
        data = data._value
    return Asked(asked["method"], str(url), headers, data.encode() if isinstance(data, str) else bytes(data or b""))


def _pairs(headers: Any) -> Any:
    return headers.items() if hasattr(headers, "items") else headers or ()


def _prepared(session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Read the body of the request, which may be a form, a file or a generator: what is sent identifies the request."""
    data = kwargs.get("data")
    if data is None or isinstance(data, bytes | bytearray | memoryview | str):
        return args, kwargs

    async def read() -> tuple[tuple[Any, ...], dict[str, Any]]:
        aiohttp = _package()
        try:
            payload: Any = data
            if not isinstance(payload, aiohttp.Payload):
                if not isinstance(payload, aiohttp.FormData):
                    try:
                        payload = aiohttp.payload.PAYLOAD_REGISTRY.get(payload, disposition=None)
                    except aiohttp.payload.LookupError:
                        payload = aiohttp.FormData(payload)
                if isinstance(payload, aiohttp.FormData):
                    payload = payload()
        except Exception:  # noqa: BLE001 - the call raises its own error
            return args, kwargs
        written = _Written()
        await payload.write(written)
        whole = aiohttp.BytesPayload(bytes(written.data), content_type=payload.content_type)
        return args, {**kwargs, "data": whole}

    return read()


class _Written:
    """Collects what a payload writes."""

    def __init__(self) -> None:
        self.data = bytearray()

    async def write(self, chunk: Any) -> None:
        self.data += chunk

    async def write_eof(self, chunk: bytes = b"") -> None:
        self.data += chunk

    async def drain(self) -> None: ...


class _Faults(AiohttpFaults):
    def held_back(self, response: Any, change: Any, achange: Callable[[Any], Any]) -> Any:
        """Return the response, the pieces of its body as they are with a fault."""
        response.content = _reader()(achange(_pieces(response.content)), response.content)
        return response


class _Run(HttpRun):
    """A request of a session."""

    faulty = _Faults

    @property
    def _client(self) -> Any:
        return self._wrapped.__self__  # type: ignore[attr-defined]

    async def coroutine(self) -> Any:
        """Make the call; whether its status is an error, is decided for recorded responses as for live ones."""
        raises: Any = self._kwargs.pop("raise_for_status", None)
        self._kwargs = {**self._kwargs, "raise_for_status": False}
        response = await super().coroutine()
        if raises is None:
            raises = getattr(self._client, "_raise_for_status", None)
        try:
            if callable(raises):
                checked: Any = raises(response)
                await checked
            elif raises:
                response.raise_for_status()
        except BaseException:
            response.close()
            raise
        return response

    def live_body(self, attempt: Attempt, value: Any, given: list[bytes]) -> LiveBody:
        """Return the body of a live response, of which the consumer has got these pieces."""
        head, pieces = self._whole_head(value), _pieces(value.content)
        decode = None if getattr(self._client, "auto_decompress", True) else decoder(encoding_of(head))
        return self.rest(attempt, head, _decoded(pieces, decode) if decode is not None else pieces, value.close, given)

    async def _areceived(self, attempt: Attempt, value: Any) -> Any:
        head = self._whole_head(value)
        sink = Passing(head, attempt, decoded=getattr(self._client, "auto_decompress", True))
        live = value.content

        async def begin() -> LiveStream:
            return LiveStream(_pieces(live), sink)

        value.content = _reader()(sink.defer(stream(begin)), live)
        _on_leave(value, sink)
        return value

    def _whole_head(self, response: Any) -> Head:
        head = self._head(response)
        if response.history:
            head["method"], head["url"] = response.method, location(str(response.url))
            head["history"] = [
                {"method": hop.method, "url": location(str(hop.url)), **self._head(hop)} for hop in response.history
            ]
        return head

    def _head(self, response: Any) -> Head:
        version = response.version
        return recorded_head(
            response.status,
            response.headers.items(),
            self.rules,
            reason=response.reason,
            version=f"HTTP/{version.major}.{version.minor}" if version is not None else "HTTP/1.1",
        )

    async def _aplayed(self, outcome: Outcome) -> Any:
        replayed, session = self.replayed(outcome), self._client
        asked = _asked(session, self._args, self._kwargs)
        history = [self._response(hop, hop["method"], hop["url"]) for hop in replayed.head.get("history", ())]
        head = replayed.head
        response = self._response(head, head.get("method", asked.method), head.get("url", asked.url), replayed)
        response._history = tuple(history)
        return response

    def _response(self, head: Head, method: str, url: str, replayed: Replayed | None = None) -> Any:
        from multidict import CIMultiDict, CIMultiDictProxy
        from yarl import URL

        aiohttp, session, loop = _package(), self._client, asyncio.get_running_loop()
        decoded = getattr(session, "auto_decompress", True)
        is_sized, size = True, None
        if replayed is not None:
            is_sized, size = replayed.is_sized(as_sent=not decoded), replayed.size
        encodes = decoded or (replayed is not None and replayed.keeps_encoding)
        pairs = sent_headers(head, size, encodes=encodes, is_sized=is_sized)
        headers = CIMultiDictProxy(CIMultiDict(pairs))
        given: dict[str, Any] = {
            "writer": None,
            "continue100": None,
            "timer": None,
            "request_info": aiohttp.RequestInfo(URL(url), method, _no_headers(), URL(url)),
            "traces": [],
            "loop": loop,
            "session": session,
            "stream_writer": SimpleNamespace(output_size=0),
        }
        known = inspect.signature(aiohttp.ClientResponse.__init__).parameters
        # The session may have its own class.
        kind = getattr(session, "_response_class", aiohttp.ClientResponse)
        response = kind(method, URL(url), **{name: value for name, value in given.items() if name in known})
        response._closed, response._connection, response._protocol = False, None, None
        major, _, minor = head.get("version", "HTTP/1.1").removeprefix("HTTP/").partition(".")
        response.version = aiohttp.HttpVersion(int(major), int(minor or 0))
        response.status, response.reason = head["status"], phrase(head)
        response._headers = headers
        response._raw_headers = tuple(
            (name.encode("utf-8", "surrogateescape"), text.encode("utf-8", "surrogateescape")) for name, text in pairs
        )
        cookies = tuple(headers.getall("Set-Cookie", ()))
        if cookies:
            response._raw_cookie_headers = cookies
            session.cookie_jar.update_cookies(response.cookies, response.url)
        items = replayed.apieces(encodes=not decoded) if replayed is not None else _nothing()
        response.content = _reader()(items, None)
        return response


async def _nothing() -> AsyncGenerator[bytes, None]:
    return
    yield b""


async def _pieces(content: Any) -> AsyncIterator[bytes]:
    """Yield the body as it comes."""
    while data := await content.readany():
        yield data


async def _decoded(pieces: AsyncIterator[bytes], decode: Decoder) -> AsyncIterator[bytes]:
    async for piece in pieces:
        yield decode(piece)


def _on_leave(response: Any, sink: Passing) -> None:
    """Store what passed of a body when its response is released: its consumer has left, unless that was the end."""

    def leave(method: Any) -> Any:
        @functools.wraps(method)
        def left(*args: Any) -> Any:
            if is_cancelled():
                sink.abandon()
            else:
                sink.finish("closed")
            return method(*args)

        return left

    # By the class: the response holds no reference to itself, and is collected when it is forgotten.
    itself = weakref.ref(response)
    for name in ("release", "close"):
        method = getattr(type(response), name)
        setattr(response, name, leave(lambda method=method: method(itself())))


def _package() -> Any:
    import aiohttp

    return aiohttp


@functools.cache
def _reader() -> Any:
    """Return the class of readers that get a body on demand, from elsewhere than from a connection."""
    from aiohttp.base_protocol import BaseProtocol

    class Reader(_package().StreamReader):  # type: ignore[misc]
        def __init__(self, items: AsyncGenerator[bytes, None], live: Any) -> None:
            loop = asyncio.get_running_loop()
            super().__init__(BaseProtocol(loop), _NO_LIMIT, loop=loop)
            self._items = items
            self._live = live

        async def _wait(self, func_name: str) -> None:
            try:
                piece = await anext(self._items)
            except StopAsyncIteration:
                self.feed_eof()
            else:
                self.begin_http_chunk_receiving()
                self.feed_data(piece)
                self.end_http_chunk_receiving()

    return Reader


# What the errors of a session hold. Headers of requests are not among it: they hold credentials.


def _redirect(data: dict[str, Any]) -> Any:
    """Return a response that redirected, without its body."""
    kind = _package().ClientResponse
    response = kind.__new__(kind)
    response.method, response.status, response.reason = data["method"], data["status"], data["reason"]
    response._url = response._real_url = _url(data["url"])
    response._cache, response._headers = {}, _no_headers()
    return response


def _no_headers() -> Any:
    from multidict import CIMultiDict, CIMultiDictProxy

    return CIMultiDictProxy(CIMultiDict())


def _url(text: str) -> Any:
    from yarl import URL

    return URL(text)


def _asked_for(data: dict[str, Any]) -> Any:
    return _package().RequestInfo(_url(data["url"]), data["method"], _no_headers(), _url(data["real_url"]))


register_codec("yarl:URL", encode=str, decode=_url)
register_codec(
    "aiohttp.client_reqrep:RequestInfo",
    encode=lambda asked: {"url": str(asked.url), "method": asked.method, "real_url": str(asked.real_url)},
    decode=_asked_for,
)
register_codec(
    "aiohttp.client_reqrep:ClientResponse",
    encode=lambda response: {
        "method": response.method,
        "url": str(response.url),
        "status": response.status,
        "reason": response.reason,
    },
    decode=_redirect,
)


PATCHES = (
    Patch(
        "aiohttp:ClientSession._request",
        Options(name="http"),
        _Run,
        describe=HttpNaming(_asked),
        prepare=_prepared,
        passes=is_inside,
        offered=True,
    ),
)
