"""The SDKs built by Stainless (openai, anthropic, groq, …): all of their calls go through one typed method.

`AsyncAPIClient.request(cast_to, options, *, stream, stream_cls)` and its sync twin in each SDK's `_base_client` are what
every resource, helper, paginator and raw-response wrapper ends in, retries included. A call is recorded there in one of
four forms, and comes back as the SDK's own object:

    typed    a model (before the `post_parser` that the SDK applies to it: parsed completions, pages, decoded embeddings)
    stream   the SDK's stream object, its inner iterator recorded as it passes or replaced by the recorded items
    raw      `with_raw_response` and `with_streaming_response`: the HTTP response, fed to the SDK's own processing again
    binary   file contents, speech: the same
"""

from __future__ import annotations

import inspect
import io
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import wrapt
from pydantic import BaseModel

from memo._attempt import Attempt
from memo._outcomes import Outcome
from memo._recordable import Options
from memo._run import Run
from memo._signature import DoesNotFit
from memo._stream import Live, LiveSync, Play, stream, stream_sync
from memo.patches._registry import Patch

__all__ = ["stainless"]

_RAW_HEADER = "x-stainless-raw-response"
_FIXED_WORD = re.compile(r"[a-z][a-z_]*")
_VERSION = re.compile(r"v\d+(?:beta\d*)?")

_SDK_STREAM = "SDK stream"
"""What is still to come: no stream that memo could make of itself, so others wait until it has come."""

_SECRET_PLACES = ("body.data_sources[*].authentication",)
"""Where a body holds credentials under names that are data elsewhere (Azure)."""


def stainless(sdk: str, module: str | None = None) -> tuple[Patch, ...]:
    """The patches of an SDK: its name in recordings, and the package it is imported as."""

    def describe(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return _described(sdk, client, _Request.of(args, kwargs))

    options = Options(name=sdk, ignore=_SECRET_PLACES)
    return tuple(
        Patch(f"{module or sdk}._base_client:{client}.request", options, run, describe=describe, offered=True)
        for client, run in (("AsyncAPIClient", AsyncStainlessRun), ("SyncAPIClient", StainlessRun))
    )


class _Request(NamedTuple):
    """One call of `request`."""

    cast_to: Any
    options: Any
    stream: bool
    stream_cls: Any

    @classmethod
    def of(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Request:
        try:
            return _bound(*args, **kwargs)
        except TypeError as error:
            raise DoesNotFit(*error.args) from None

    @property
    def raw(self) -> str:
        """What the raw-response header says: "true" (read), "stream" (unread), "" where there is none."""
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
        kind = self.cast_to
        binary = inspect.isclass(kind) and (
            kind.__name__ == "HttpxBinaryResponseContent"
            or (kind.__name__ == "Response" and kind.__module__.partition(".")[0] in ("httpx", "httpx2"))
            or any(base.__name__ == "BaseAPIResponse" for base in kind.__mro__)
        )
        return "binary" if binary else "typed"


def _bound(cast_to: Any, options: Any, *, stream: bool = False, stream_cls: Any = None, **_: Any) -> _Request:
    return _Request(cast_to, options, stream, stream_cls)


def _described(sdk: str, client: Any, request: _Request) -> tuple[str, dict[str, Any]]:
    """The call's name (the SDK and the fixed words of the path) and what identifies it."""
    options = request.options
    path, _, inline = str(options.url).partition("?")
    words = [
        word for word in path.split("://")[-1].split("/") if _FIXED_WORD.fullmatch(word) and not _VERSION.fullmatch(word)
    ]
    body = options.json_data
    extra = getattr(options, "extra_json", None)
    if extra:
        body = {**body, **extra} if isinstance(body, Mapping) else extra
    arguments: dict[str, Any] = {
        "method": options.method.upper(),
        "path": path,
        "query": {**dict(parse_qsl(inline, keep_blank_values=True)), **(options.params or {})},
        "body": body,
        "server": str(client.base_url).rstrip("/"),
    }
    if options.files:
        arguments["files"] = _content(options.files)
    if getattr(options, "content", None) is not None:
        arguments["content"] = _content(options.content)
    if request.raw:
        arguments["response"] = "raw"
    return ".".join([sdk, *words]), arguments


def _content(value: Any) -> Any:
    """Uploaded files by what is in them: an open file is read, and wound back to where it stood."""
    if isinstance(value, io.IOBase) or (hasattr(value, "read") and hasattr(value, "seek")):
        at = value.tell()
        data = value.read()
        value.seek(at)
        return data
    if isinstance(value, os.PathLike):
        with open(value, "rb") as file:  # noqa: PTH123 - any PathLike
            return file.read()
    if isinstance(value, Mapping):
        return {name: _content(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_content(each) for each in value]
    return value


class _Stainless(Run):
    """What the sync and the async client have in common."""

    __slots__ = ("_request",)

    @property
    def request(self) -> _Request:
        return _Request.of(self._args, self._kwargs)

    @property
    def client(self) -> Any:
        return self._wrapped.__self__

    def _invoke(self, attempt: Attempt | None) -> Any:
        request = self.request
        parser = getattr(request.options, "post_parser", None)
        if attempt is None or request.form != "typed" or not callable(parser):
            return super()._invoke(attempt)

        def parse(value: Any) -> Any:
            # What the parser makes of it depends on the caller's types: recorded is what it was given.
            attempt.snapshot(_settled(value))
            return parser(value)

        options = request.options.model_copy()
        options.post_parser = parse
        return self._wrapped(request.cast_to, options, stream=request.stream, stream_cls=request.stream_cls)

    def typed(self, outcome: Outcome) -> Any:
        """A recorded model, as the SDK would hand it over."""
        assert outcome.read is not None
        request, value = self.request, outcome.read()
        if isinstance(value, list) and inspect.isclass(request.cast_to) and issubclass(request.cast_to, BaseModel):
            value = request.cast_to.model_construct(data=value, object="list")  # a page, imported as a list
        elif isinstance(value, BaseModel) and type(value) is not request.cast_to and _page(type(value)):
            value = _as(request.cast_to, value)  # a page of the sync client for the async one
        parser = getattr(request.options, "post_parser", None)
        if not callable(parser):
            return value
        parsed = parser(value)
        if isinstance(parsed, BaseModel) and isinstance(value, BaseModel) and "_request_id" in value.__dict__:
            parsed.__dict__["_request_id"] = value.__dict__["_request_id"]
        return parsed

    def response(self, recorded: Any, outcome: Outcome, *, unread: bool) -> Any:
        """A recorded HTTP response, as it came: with the request that the client would have sent."""
        request = self.request
        arguments: dict[str, Any] = {
            "status_code": recorded.status_code,
            "headers": recorded.headers,
            "request": self.client._build_request(request.options.model_copy()),
        }
        if unread:
            arguments["stream"] = _package(recorded).ByteStream(recorded.content)
        else:
            arguments["content"] = recorded.content
        response = type(recorded)(**arguments)
        response.elapsed = timedelta(seconds=outcome.seconds)
        return response

    def opened(self, outcome: Outcome) -> Any:
        """The SDK's stream object, with nothing in it yet."""
        request = self.request
        url = str(self.client._prepare_url(request.options.url))
        sent = self.client._client.build_request(request.options.method, url)
        status, headers = 200, {"content-type": "text/event-stream"}  # where responses were not kept: imported
        if outcome.response is not None:
            recorded = outcome.response()
            status, headers = recorded.status_code, recorded.headers
        http = _package(sent)
        response = http.Response(status, headers=headers, request=sent, stream=http.ByteStream(b""))
        return request.stream_cls(
            cast_to=_item_type(request),
            response=response,
            client=self.client,
            **({"options": request.options} if "options" in inspect.signature(request.stream_cls).parameters else {}),
        )

    def process(self, outcome: Outcome) -> Any:
        """What the SDK makes of a recorded HTTP response."""
        assert outcome.read is not None
        request = self.request
        unread = request.raw == "stream" or (request.stream and bool(request.raw))
        cast_to = self.client._maybe_override_cast_to(request.cast_to, request.options)
        return self.client._process_response(
            cast_to=cast_to,
            options=request.options,
            response=self.response(outcome.read(), outcome, unread=unread),
            stream=request.stream,
            stream_cls=request.stream_cls,
        )


class AsyncStainlessRun(_Stainless):
    """A call of `AsyncAPIClient.request`."""

    __slots__ = ()

    async def _areceived(self, attempt: Attempt, value: Any) -> Any:
        match self.request.form:
            case "typed":
                attempt.annotate("_request_id", getattr(value, "_request_id", None))
                await attempt.areturned(_settled(value))
            case "stream":
                self._tee(attempt, value)
            case _:
                response = _http_response(value)
                if hasattr(response, "_content"):
                    await attempt.areturned(response)
                else:
                    attempt.begin()
                    response.stream = _AsyncBody(response.stream, response, attempt)
        return value

    def _tee(self, attempt: Attempt, opened: Any) -> None:
        """Record what passes through the SDK's own stream object."""
        attempt.respond(opened.response)
        source = opened._iterator

        async def begin() -> Live:
            return Live(source, attempt)

        opened._iterator = passing = attempt.defer(_SDK_STREAM, stream(begin))
        close = opened.close

        async def closed() -> None:
            # The SDK closes the connection, and leaves its iterator where it stands: the consumer has left.
            await passing.aclose()
            await close()

        opened.close = closed

    async def _aplayed(self, outcome: Outcome) -> Any:
        if outcome.error is not None and outcome.items is None:
            raise outcome.error()
        form = self.request.form
        if form == "typed":
            return self.typed(outcome)
        if form != "stream":
            return await self.process(outcome)
        play = Play(outcome, self._call.function, self._session.pace)

        async def begin() -> Play:
            return play

        opened = self.opened(outcome)
        opened._iterator = stream(begin)
        return opened


class StainlessRun(_Stainless):
    """A call of `SyncAPIClient.request`."""

    __slots__ = ()

    def _received(self, attempt: Attempt, value: Any) -> Any:
        match self.request.form:
            case "typed":
                attempt.annotate("_request_id", getattr(value, "_request_id", None))
                attempt.returned(_settled(value))
            case "stream":
                self._tee(attempt, value)
            case _:
                response = _http_response(value)
                if hasattr(response, "_content"):
                    attempt.returned(response)
                else:
                    attempt.begin()
                    response.stream = _Body(response.stream, response, attempt)
        return value

    def _tee(self, attempt: Attempt, opened: Any) -> None:
        attempt.respond(opened.response)
        source = opened._iterator
        opened._iterator = passing = attempt.defer(_SDK_STREAM, stream_sync(lambda: LiveSync(source, attempt)))
        close = opened.close

        def closed() -> None:
            passing.close()
            close()

        opened.close = closed

    def _played(self, outcome: Outcome) -> Any:
        if outcome.error is not None and outcome.items is None:
            raise outcome.error()
        form = self.request.form
        if form == "typed":
            return self.typed(outcome)
        if form != "stream":
            return self.process(outcome)
        play = Play(outcome, self._call.function, self._session.pace)
        opened = self.opened(outcome)
        opened._iterator = stream_sync(lambda: play)
        return opened


class _AsyncBody(wrapt.ObjectProxy):  # type: ignore[misc]
    """The body of a response that its caller reads piece by piece, recorded when it was read to its end."""

    def __init__(self, body: Any, response: Any, attempt: Attempt) -> None:
        super().__init__(body)
        self._self_response = response
        self._self_attempt = attempt

    async def __aiter__(self) -> AsyncIterator[bytes]:
        attempt, pieces = self._self_attempt, []
        try:
            async for piece in self.__wrapped__:
                pieces.append(piece)
                yield piece
        except BaseException as error:
            if isinstance(error, GeneratorExit):
                attempt.abandon()  # a part of a body is no answer
            else:
                await attempt.araised(error)
            raise
        await attempt.areturned(_read(self._self_response, pieces))

    async def aclose(self) -> None:
        await self.__wrapped__.aclose()
        self._self_attempt.abandon()


class _Body(wrapt.ObjectProxy):  # type: ignore[misc]
    """The same of the sync client."""

    def __init__(self, body: Any, response: Any, attempt: Attempt) -> None:
        super().__init__(body)
        self._self_response = response
        self._self_attempt = attempt

    def __iter__(self) -> Iterator[bytes]:
        attempt, pieces = self._self_attempt, []
        try:
            for piece in self.__wrapped__:
                pieces.append(piece)
                yield piece
        except BaseException as error:
            if isinstance(error, GeneratorExit):
                attempt.abandon()
            else:
                attempt.raised(error)
            raise
        attempt.returned(_read(self._self_response, pieces))

    def close(self) -> None:
        self.__wrapped__.close()
        self._self_attempt.abandon()


def _package(message: Any) -> Any:
    """httpx or httpx2, whichever a request or a response is of."""
    return sys.modules[type(message).__module__.partition(".")[0]]


def _http_response(value: Any) -> Any:
    """The HTTP response in what a raw or binary call returns."""
    for name in ("http_response", "response"):
        found = getattr(value, name, None)
        if found is not None:
            return found
    return value


def _read(response: Any, pieces: list[bytes]) -> Any:
    """A response as if it had been read at once: its body decoded from what came over the wire."""
    return type(response)(
        response.status_code, headers=response.headers, content=b"".join(pieces), request=response.request
    )


def _settled(value: Any) -> Any:
    """A model as it is to be recorded: a page without the client that it holds to fetch the next one."""
    if isinstance(value, BaseModel) and _page(type(value)):
        return _as(type(value), value)
    return value


def _page(cls: type) -> bool:
    return any(base.__name__ == "BasePage" for base in cls.__mro__)


def _as(cls: Any, page: BaseModel) -> Any:
    """A page as one of another class, with the same fields and no client."""
    copy: Any = object.__new__(cls)
    object.__setattr__(copy, "__dict__", dict(page.__dict__))
    object.__setattr__(copy, "__pydantic_fields_set__", set(page.__pydantic_fields_set__))
    extra = page.__pydantic_extra__
    object.__setattr__(copy, "__pydantic_extra__", dict(extra) if extra is not None else None)
    object.__setattr__(copy, "__pydantic_private__", {})
    return copy


def _item_type(request: _Request) -> Any:
    arguments: Callable[..., Any] | Any = getattr(request.stream_cls, "__args__", None)
    return arguments[0] if arguments else request.cast_to
