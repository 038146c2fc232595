"""The SDKs built by Stainless (openai, anthropic, groq, …): all of their calls go through one typed method.

`AsyncAPIClient.request(cast_to, options, *, stream, stream_cls)` and its sync twin in each SDK's `_base_client` are what
every resource, helper, paginator and raw-response wrapper ends in, retries included. A call is recorded there in one of
four forms, and comes back as the SDK's own object:

    typed    a model (before the `post_parser` that the SDK applies to it: parsed completions, pages, decoded embeddings)
    stream   the SDK's stream object, its inner iterator recorded as it passes or replaced by the recorded items
    raw      `with_raw_response` and `with_streaming_response`: the HTTP response, fed to the SDK's own processing again
    binary   file contents, speech: the same

What identifies a call: `method`, `path`, `query`, `body` (`extra_query` and `extra_body` merged in), `server`, `files` and
`content` where something is uploaded, and `response` where the path does not tell what is asked for: `"raw"` for the HTTP
response, else the name of the type (`cast_to` of `client.post`, `BetaMessage`). Headers, time-outs and idempotency keys do not, but
for the headers that `memo.install("openai", headers=("openai-beta",))` names: their values are the argument `headers`.

A body that is read piece by piece (`with_streaming_response`) is recorded when it was read to its end. Of one that its
consumer left, what had come until then is: replay gives that, and asked for more, raises `StreamCutShort`.
"""

from __future__ import annotations

import copy
import functools
import inspect
import os
import re
import sys
import typing
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import NoneType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import wrapt
from pydantic import BaseModel

from memo._attempt import Attempt
from memo._outcomes import Outcome
from memo._recordable import Options
from memo._run import Run
from memo._secrets import mask
from memo._signature import DoesNotFit
from memo._stream import Live, LiveSync, Play, is_cancelled, stream, stream_sync
from memo.errors import StreamCutShort
from memo.patches._registry import Patch

__all__ = ["Naming", "stainless"]

_RAW_HEADER = "x-stainless-raw-response"
_FIXED_WORD = re.compile(r"[a-z][a-z_]*")
_VERSION = re.compile(r"v\d+(?:beta\d*)?")
_SIGNATURE = re.compile(r"x-(?:amz|goog|oss)-.*|sig|signature|googleaccessid|awsaccesskeyid|key-pair-id", re.IGNORECASE)
"""What a URL that was signed has in its query, beside what it names."""

_SDK_STREAM = "SDK stream"
"""What is still to come: no stream that memo could make of itself, so others wait until it has come."""

_SECRET_PLACES = (
    # Where a body holds credentials under names that are data elsewhere: Azure's data sources, remote MCP servers.
    "body.data_sources[*].authentication",
    "body.data_sources[*].parameters.authentication",
    "body.data_sources[*].parameters.embedding_dependency.authentication",
    "body.mcp_servers[*].authorization_token",
    "body.tools[*].headers",
)

_BUILTINS = (bool, bytes, dict, float, int, list, object, str)


def stainless(sdk: str, module: str | None = None) -> tuple[Patch, ...]:
    """The patches of an SDK: its name in recordings, and the package it is imported as."""
    module = module or sdk
    options = Options(name=sdk, ignore=_SECRET_PLACES)
    return tuple(
        Patch(f"{module}._base_client:{client}.request", options, run, describe=Naming(sdk, module), offered=True)
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
        return "binary" if _is_binary(self.cast_to) else "typed"

    @property
    def unread(self) -> bool:
        """Whether the HTTP response is handed over before its body is read."""
        raw = self.raw
        return raw == "stream" or (bool(raw) and self.stream)


def _bound(cast_to: Any, options: Any, *, stream: bool = False, stream_cls: Any = None, **_: Any) -> _Request:
    return _Request(cast_to, options, stream, stream_cls)


def _is_binary(kind: Any) -> bool:
    return inspect.isclass(kind) and (
        kind.__name__ == "HttpxBinaryResponseContent"
        or _is_response(kind)
        or any(base.__name__ == "BaseAPIResponse" for base in kind.__mro__)
    )


def _is_response(kind: type) -> bool:
    return kind.__name__ == "Response" and kind.__module__.partition(".")[0] in ("httpx", "httpx2")


# What identifies a call


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
        request = _Request.of(args, kwargs)
        options = request.options
        path, _, inline = str(options.url).partition("?")
        body = options.json_data
        extra = getattr(options, "extra_json", None)
        if extra:
            body = {**body, **extra} if isinstance(body, Mapping) else extra
        query = {**_default_query(client), **_pairs(inline), **(options.params or {})}
        arguments: dict[str, Any] = {
            "method": options.method.upper(),
            "path": mask(path) if "://" in path else path,
            "query": {name: each for name, each in query.items() if not _SIGNATURE.fullmatch(name)},
            "body": body,
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
    words = path.split("://")[-1].split("/")
    return ".".join([sdk, *(word for word in words if _FIXED_WORD.fullmatch(word) and not _VERSION.fullmatch(word))])


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
    return next((str(each.__qualname__) for each in (*inner, kind) if ".types.beta." in getattr(each, "__module__", "")), "")


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


# The calls


class _Stainless(Run):
    """What the sync and the async client have in common."""

    __slots__ = ("_form", "_request")

    @property
    def request(self) -> _Request:
        """The call's arguments."""
        try:
            return self._request  # type: ignore[has-type, no-any-return]
        except AttributeError:
            self._request = _Request.of(self._args, self._kwargs)
            return self._request

    @property
    def form(self) -> str:
        """The form in which the call is recorded."""
        try:
            return self._form  # type: ignore[has-type, no-any-return]
        except AttributeError:
            self._form = self.request.form
            return self._form

    @property
    def client(self) -> Any:
        """Whose call it is."""
        return self._wrapped.__self__  # type: ignore[attr-defined]

    def _invoke(self, attempt: Attempt | None) -> Any:
        request = self.request
        parser = getattr(request.options, "post_parser", None)
        if attempt is None or self.form != "typed" or not callable(parser):
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
            value = _page_of(request.cast_to, value)
        elif type(value) is not request.cast_to and isinstance(value, BaseModel) and _is_page(type(value)):
            value = _as(request.cast_to, value)  # a page of the sync client for the async one
        parser = getattr(request.options, "post_parser", None)
        if not callable(parser):
            return value
        parsed = parser(value)
        if parsed is not value and isinstance(parsed, BaseModel) and isinstance(value, BaseModel):
            parsed.__dict__.update((name, value.__dict__[name]) for name in ("_request_id",) if name in value.__dict__)
        return parsed

    def opened(self, outcome: Outcome) -> Any:
        """The SDK's stream object, with nothing in it yet."""
        request = self.request
        if outcome.response is not None:
            response = outcome.response()
            http = _package(type(response))
            response.stream = http.ByteStream(b"")
        else:  # imported, where responses were not kept
            http = _package(type(self.client._client))
            response = http.Response(
                200,
                headers={"content-type": "text/event-stream"},
                request=http.Request(request.options.method, str(self.client._prepare_url(request.options.url))),
                stream=http.ByteStream(b""),
            )
        response.elapsed = timedelta(seconds=outcome.seconds)
        stream_cls = request.stream_cls or self.client._default_stream_cls
        takes = _takes_options(typing.get_origin(stream_cls) or stream_cls)  # an alias takes long to hash
        arguments: dict[str, Any] = {"options": request.options} if takes else {}
        return stream_cls(cast_to=_item_type(request), response=response, client=self.client, **arguments)

    def process(self, outcome: Outcome) -> Any:
        """What the SDK makes of a recorded HTTP response."""
        request, client = self.request, self.client
        cast_to = client._maybe_override_cast_to(request.cast_to, request.options)
        return client._process_response(
            cast_to=cast_to,
            options=request.options,
            response=self.response(outcome),
            stream=request.stream,
            stream_cls=request.stream_cls,
        )

    def response(self, outcome: Outcome) -> Any:
        """A recorded HTTP response, as it came: with the request that the client would have sent."""
        body: _Cut | None = None
        if outcome.read is not None:
            recorded = outcome.read()
            content = recorded.content
        else:
            assert outcome.response is not None
            recorded = outcome.response()
            body = _Cut(outcome, self._call.function)
            content = b"" if self.request.unread else b"".join(body)
        response = type(recorded)(
            recorded.status_code,
            headers=recorded.headers,
            request=self.client._build_request(_given(self.request.options)),
            **(
                {"stream": _package(type(recorded)).ByteStream(content)}
                if self.request.unread
                else {"content": content}
            ),
        )
        if body is not None and self.request.unread:
            response.stream = _CutStream(response.stream, body)
        response.elapsed = timedelta(seconds=outcome.seconds)
        return response


class AsyncStainlessRun(_Stainless):
    """A call of `AsyncAPIClient.request`."""

    __slots__ = ()

    async def _areceived(self, attempt: Attempt, value: Any) -> Any:
        match self.form:
            case "typed":
                _annotate(attempt, value)
                await attempt.areturned(_settled(value))
            case "stream":
                attempt.respond(value.response)
                source = _taken_over(value)

                async def begin() -> Live:
                    return Live(source, attempt)

                _afeed(value, attempt.defer(_SDK_STREAM, stream(begin)))
            case _:
                response = _http_response(value)
                if hasattr(response, "_content"):
                    await attempt.areturned(response)
                else:
                    response.stream = _AsyncBody(response.stream, _Body(response, attempt, events=self.request.stream))
        return value

    async def _aplayed(self, outcome: Outcome) -> Any:
        if outcome.error is not None and outcome.items is None:
            raise outcome.error()
        match self.form:
            case "typed":
                return self.typed(outcome)
            case "stream":
                play = Play(outcome, self._call.function, self._session.pace)

                async def begin() -> Play:
                    return play

                opened = self.opened(outcome)
                _afeed(opened, stream(begin))
                return opened
            case _:
                return await self.process(outcome)


class StainlessRun(_Stainless):
    """A call of `SyncAPIClient.request`."""

    __slots__ = ()

    def _received(self, attempt: Attempt, value: Any) -> Any:
        match self.form:
            case "typed":
                _annotate(attempt, value)
                attempt.returned(_settled(value))
            case "stream":
                attempt.respond(value.response)
                source = _taken_over(value)
                _feed(value, attempt.defer(_SDK_STREAM, stream_sync(lambda: LiveSync(source, attempt))))
            case _:
                response = _http_response(value)
                if hasattr(response, "_content"):
                    attempt.returned(response)
                else:
                    response.stream = _SyncBody(response.stream, _Body(response, attempt, events=self.request.stream))
        return value

    def _played(self, outcome: Outcome) -> Any:
        if outcome.error is not None and outcome.items is None:
            raise outcome.error()
        match self.form:
            case "typed":
                return self.typed(outcome)
            case "stream":
                play = Play(outcome, self._call.function, self._session.pace)
                opened = self.opened(outcome)
                _feed(opened, stream_sync(lambda: play))
                return opened
            case _:
                return self.process(outcome)


def _annotate(attempt: Attempt, value: Any) -> None:
    """The SDK has put the request's id on what the parser made, which is not what was snapped."""
    if isinstance(value, BaseModel) and "_request_id" in value.__dict__:
        attempt.annotate("_request_id", value.__dict__["_request_id"])


# The SDK's stream objects


def _taken_over(opened: Any) -> Any:
    """The inner iterator of the SDK's stream object, which does not hold that object itself.

    So when its consumer forgets it without closing it, this is noticed at once, and not when the garbage collector runs.
    """
    twin = copy.copy(opened)
    twin.__dict__.pop("_iterator", None)
    opened.__dict__.pop("_iterator", None)
    return twin.__stream__()


def _afeed(opened: Any, items: Any) -> None:
    """Make these items the ones of the stream object, and closing its response the end of them."""
    opened._iterator = items
    response = opened.response
    passing, kept = weakref.ref(items), weakref.ref(response)

    async def aclose() -> None:
        # The SDK closes the response, and leaves its iterator where it stands: the consumer has left. Or it is the
        # iterator itself that closes the response, at its end.
        items, response = passing(), kept()
        if items is not None and not items.ag_running:
            await items.aclose()
        if response is not None:
            await type(response).aclose(response)

    response.aclose = aclose


def _feed(opened: Any, items: Any) -> None:
    """The same of the sync client."""
    opened._iterator = items
    response = opened.response
    passing, kept = weakref.ref(items), weakref.ref(response)

    def close() -> None:
        items, response = passing(), kept()
        if items is not None and not items.gi_running:
            items.close()
        if response is not None:
            type(response).close(response)

    response.close = close


@functools.lru_cache(maxsize=256)
def _takes_options(stream_cls: Any) -> bool:
    return "options" in inspect.signature(stream_cls).parameters


def _item_type(request: _Request) -> Any:
    kind = request.stream_cls
    for base in (kind, *getattr(kind, "__orig_bases__", ())):
        arguments = typing.get_args(base)
        if arguments:
            return arguments[0]
    return request.cast_to


# Bodies that are read piece by piece


class _Body:
    """Where the body of an HTTP response is recorded that its caller reads piece by piece."""

    def __init__(self, response: Any, attempt: Attempt, *, events: bool) -> None:
        self._response = weakref.ref(response)
        self._attempt = attempt
        self._events = events
        self._pieces: list[bytes] = []
        self.begun = False

    def begin(self) -> None:
        self.begun = True
        self._attempt.begin()

    def add(self, item: bytes) -> None:
        self._pieces.append(item)

    def abandon(self) -> None:
        self._attempt.abandon()

    def finish(self, end: str, error: BaseException | None = None, returned: Any = None) -> None:
        whole = self._ended(end)
        if whole is not None:
            self._attempt.returned(whole)
        else:
            self._attempt.finish(end, error)

    async def afinish(self, end: str, error: BaseException | None = None) -> None:
        whole = self._ended(end)
        if whole is not None:
            await self._attempt.areturned(whole)
        else:
            await self._attempt.afinish(end, error)

    def defer(self, passing: Any) -> Any:
        """Until somebody begins to read, it is nobody's: it may be forgotten, and is waited for by nobody."""
        return self._attempt.defer(_SDK_STREAM, passing)

    def _ended(self, end: str) -> Any:
        """The whole response. None where its consumer left before its end, or it broke: then what came is a stream's item."""
        response = self._response()
        wire = b"".join(self._pieces)
        read = _read(response, wire)
        # The SDKs themselves stop at this event, before the connection says that there is no more.
        if end == "complete" or (end == "closed" and self._events and read.content.rstrip().endswith(b"data: [DONE]")):
            return read
        self._attempt.respond(response)
        if read.content:
            self._attempt.add(_text_or_bytes(read.content))
        return None


class _AsyncBody(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """The body of an HTTP response, recorded as it passes."""

    def __init__(self, body: Any, sink: _Body) -> None:
        super().__init__(body)
        self._self_sink = sink

        async def begin() -> Live:
            return Live(aiter(body), sink)

        self._self_passing = sink.defer(stream(begin))

    def __aiter__(self) -> AsyncIterator[bytes]:
        passing: AsyncIterator[bytes] = self._self_passing
        return passing

    async def aclose(self) -> None:
        """Close the connection: its consumer has left, if it is not the body that is over."""
        sink, passing = self._self_sink, self._self_passing
        if not passing.ag_running:
            await passing.aclose()
        await self.__wrapped__.aclose()
        if not sink.begun:  # the headers were all that was asked for
            sink.begin()
            if is_cancelled():
                sink.abandon()
            else:
                await sink.afinish("closed")


class _SyncBody(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """The same of the sync client."""

    def __init__(self, body: Any, sink: _Body) -> None:
        super().__init__(body)
        self._self_sink = sink
        self._self_passing = sink.defer(stream_sync(lambda: LiveSync(iter(body), sink)))

    def __iter__(self) -> Iterator[bytes]:
        passing: Iterator[bytes] = self._self_passing
        return passing

    def close(self) -> None:
        """Close the connection."""
        sink, passing = self._self_sink, self._self_passing
        if not passing.gi_running:
            passing.close()
        self.__wrapped__.close()
        if not sink.begun:
            sink.begin()
            sink.finish("closed")


class _Cut:
    """A recorded body that its consumer left: what came of it, then the error that says so."""

    def __init__(self, outcome: Outcome, function: str) -> None:
        self._outcome = outcome
        self._function = function

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for item in self._outcome.items or ():
            data = item.encode() if isinstance(item, str) else item
            size += len(data)
            yield data
        if self._outcome.error is not None:
            raise self._outcome.error()
        raise StreamCutShort(self._function, size)


class _CutStream(wrapt.ObjectProxy):  # type: ignore[type-arg]
    """The stream of a response whose body was left."""

    def __init__(self, body: Any, cut: _Cut) -> None:
        super().__init__(body)
        self._self_cut = cut

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._self_cut)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for data in self._self_cut:
            yield data


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _given(options: Any) -> Any:
    """The options as the SDK's client prepares them to be sent: without what was left out."""
    copied = options.model_copy()
    copied.json_data = _sent(options.json_data)
    return copied


def _sent(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sent(each) for name, each in value.items() if type(each).__name__ not in ("NotGiven", "Omit")}
    return [_sent(each) for each in value] if isinstance(value, list) else value


@functools.lru_cache(maxsize=64)
def _package(cls: type) -> Any:
    """httpx or httpx2, whichever a client, a request or a response is of."""
    tops = (base.__module__.partition(".")[0] for base in cls.__mro__)
    return sys.modules[next(top for top in tops if top in ("httpx", "httpx2"))]


def _http_response(value: Any) -> Any:
    """The HTTP response in what a raw or binary call returns."""
    for name in ("http_response", "response"):
        found = getattr(value, name, None)
        if found is not None:
            return found
    return value


def _read(response: Any, wire: bytes) -> Any:
    """A response as if it had been read at once: its body decoded from what came over the wire."""
    return type(response)(response.status_code, headers=response.headers, content=wire, request=response.request)


# Pages


def _settled(value: Any) -> Any:
    """A model as it is to be recorded: a page without the client that it holds to fetch the next one, a list bare."""
    if isinstance(value, BaseModel):
        kind = type(value)
        if _is_page(kind):
            return _as(kind, value)
        if kind.__module__.endswith("._wrappers") and kind.model_fields.keys() == {"data"} and isinstance(value.data, list):  # type: ignore[attr-defined]
            return value.data  # type: ignore[attr-defined]
    return value


def _page_of(cls: type[BaseModel], data: list[Any]) -> BaseModel:
    """A list as the page, or the wrapper, that the SDK makes of it: imported, or recorded bare."""
    return cls.model_construct(data=data, **({"object": "list"} if "object" in cls.model_fields else {}))


@functools.lru_cache(maxsize=1024)
def _is_page(cls: type) -> bool:
    return any(base.__name__ == "BasePage" for base in cls.__mro__)


def _as(cls: Any, page: BaseModel) -> Any:
    """A page as one of another class, with the same fields and no client."""
    made: Any = object.__new__(cls)
    object.__setattr__(made, "__dict__", dict(page.__dict__))
    object.__setattr__(made, "__pydantic_fields_set__", set(page.__pydantic_fields_set__))
    extra = page.__pydantic_extra__
    object.__setattr__(made, "__pydantic_extra__", dict(extra) if extra is not None else None)
    object.__setattr__(made, "__pydantic_private__", {})
    return made
