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

import copy
import functools
import inspect
import sys
import typing
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, NamedTuple, Self
from weakref import WeakKeyDictionary

from pydantic import BaseModel

from memo._calls.call import Call
from memo._engine.attempt import Attempt
from memo._engine.driver import CallDriver, FunctionContext, decide
from memo._engine.memory import Recording
from memo._engine.recordable import Options
from memo._engine.session import Session
from memo._engine.streams import LiveStream, LiveSyncStream, RecordedStream, stream, stream_sync
from memo._recordings.outcomes import Outcome
from memo.errors import MemoError
from memo.patches._bodies import SDK_STREAM, AsyncBody, Body, PartialBody, PartialStream, SyncBody
from memo.patches._naming import Naming, Request
from memo.patches._registry import Patch

__all__ = ["MISSING", "ReplayPlan", "Stainless", "request_log", "stainless"]


def stainless(sdk: str, module: str | None = None) -> tuple[Patch, ...]:
    """The patches of an SDK: its name in recordings, and the package it is imported as."""
    module = module or sdk
    return tuple(
        Patch(
            f"{module}._base_client:{client}.request",
            Options(name=sdk),
            run,
            describe=Naming(sdk, module),
            offered=True,
        )
        for client, run in (("AsyncAPIClient", AsyncStainlessRun), ("SyncAPIClient", StainlessRun))
    )


request_log: ContextVar[list[tuple[Stainless, Any]] | None] = ContextVar("memo_requests", default=None)
"""Where requests are noted that are made in this context, each with what it was replayed with. None: nowhere."""

MISSING: Any = object()
"""There is nothing to replay."""


class ReplayPlan(NamedTuple):
    """What it takes to replay a call again."""

    kind: type[Stainless]
    call: Call
    request: Request
    form: str
    items: tuple[Any, bool] | None


_PLAYED = ("typed", "stream")
"""The forms of calls that are replayed without the SDK's own processing."""


# The calls


class Stainless(CallDriver):
    """What the sync and the async client have in common."""

    __slots__ = ("_form", "_items", "_request")

    def repeat(self, setting: FunctionContext) -> ReplayPlan | None:
        """What it takes to replay this call again, under any session of the same setting; None of a raw response.

        What was sent is left out, since it may be large, and be changed by its owner: nothing of it is read in a replay.
        """
        request = self.request
        if self._setting is not setting or self.form not in _PLAYED:
            return None
        options = request.options.model_copy(update={"json_data": None, "extra_json": None})
        items = self.items if self.form == "stream" else None
        return ReplayPlan(type(self), self._call, request._replace(options=options), self.form, items)

    @property
    def request(self) -> Request:
        """The call's arguments."""
        try:
            return self._request  # type: ignore[has-type, no-any-return]
        except AttributeError:
            self._request = Request.of(self._args, self._kwargs)
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
    def items(self) -> tuple[Any, bool]:
        """What the items of the stream are, and whether its object is told of the options."""
        try:
            return self._items  # type: ignore[has-type, no-any-return]
        except AttributeError:
            stream_cls = self.request.stream_cls or self.client._default_stream_cls
            # By its origin: an alias takes long to hash.
            self._items = _item_type(self.request), _takes_options(typing.get_origin(stream_cls) or stream_cls)
            return self._items

    @property
    def client(self) -> Any:
        """Whose call it is."""
        return self._wrapped.__self__  # type: ignore[attr-defined]

    @classmethod
    def again(cls, repeat: ReplayPlan, function: Any, setting: FunctionContext, session: Session, wrapped: Any) -> Self:
        """The same call, under that session."""
        run = cls(function, setting, session, session.mode, repeat.call, wrapped, (), {})
        run._request, run._form = repeat.request, repeat.form
        if repeat.items is not None:
            run._items = repeat.items
        return run

    def found(self) -> Recording | None:
        """The recording of the call, if there is one."""
        return self._session.find(self._call, self._setting.values)

    async def afound(self) -> Recording | None:
        """The recording of the call, if there is one."""
        return self._session.in_memory(self._call) or await self._session.afetch(self._call, self._setting.values)

    def replay_or_missing(self, found: Recording | None) -> Any:
        """What a typed call, or a stream, is replayed with; `MISSING` where it has to be made, or missed."""
        outcome = decide(self._session, self._mode, self._call, found, ready=True)
        if not isinstance(outcome, Outcome):
            return MISSING
        self._counter.hits += 1
        try:
            return self.replayed(outcome)
        except MemoError as error:  # what was recorded can not be read any more
            self._session.on_replay_error(error)
            raise

    def replayed(self, outcome: Outcome) -> Any:
        """What the caller of a typed call, or of a stream, gets of a recorded outcome."""
        if outcome.error is not None and outcome.items is None:
            raise outcome.error()
        return self.typed(outcome) if self.form == "typed" else self.filled(outcome)

    def filled(self, outcome: Outcome) -> Any:
        """The SDK's stream object, with the recorded items in it."""
        raise NotImplementedError

    def _note(self, value: Any) -> Any:
        made = request_log.get()
        if made is not None:
            made.append((self, value))
        return value

    def _invoke(self, attempt: Attempt | None) -> Any:
        self._note(None)
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
            vars(parsed).update(_put_on(value))
        return parsed

    def opened(self, outcome: Outcome) -> Any:
        """The SDK's stream object, with nothing in it yet."""
        request = self.request
        if outcome.response is not None:
            known = _responses.get(outcome.response)
            if known is None:
                known = _responses[outcome.response] = outcome.response()
                known.stream = _package(known).ByteStream(b"")
                known.elapsed = timedelta(seconds=outcome.seconds)
            response = _fresh(known)
        else:  # imported, where responses were not kept
            http = _package(self.client._client)
            response = http.Response(
                200,
                headers={"content-type": "text/event-stream"},
                request=http.Request(request.options.method, str(self.client._prepare_url(request.options.url))),
                stream=http.ByteStream(b""),
            )
            response.elapsed = timedelta(seconds=outcome.seconds)
        stream_cls = request.stream_cls or self.client._default_stream_cls
        item_type, takes_options = self.items
        arguments: dict[str, Any] = {"options": request.options} if takes_options else {}
        return stream_cls(cast_to=item_type, response=response, client=self.client, **arguments)

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
        body: PartialBody | None = None
        if outcome.read is not None:
            recorded = outcome.read()
            content = recorded.content
        else:
            assert outcome.response is not None
            recorded = outcome.response()
            body = PartialBody(outcome, self._call.function)
            content = b"" if self.request.unread else b"".join(body)
        response = type(recorded)(
            recorded.status_code,
            headers=recorded.headers,
            request=self.client._build_request(_given(self.request.options)),
            **({"stream": _package(recorded).ByteStream(content)} if self.request.unread else {"content": content}),
        )
        if body is not None and self.request.unread:
            response.stream = PartialStream(response.stream, body)
        response.elapsed = timedelta(seconds=outcome.seconds)
        return response


class AsyncStainlessRun(Stainless):
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

                async def begin() -> LiveStream:
                    return LiveStream(source, attempt)

                _afeed(value, attempt.defer(SDK_STREAM, stream(begin)))
            case _:
                response = _http_response(value)
                if hasattr(response, "_content"):
                    await attempt.areturned(response)
                else:
                    response.stream = AsyncBody(response.stream, Body(response, attempt, events=self.request.stream))
        return value

    async def _aplayed(self, outcome: Outcome) -> Any:
        if self.form in _PLAYED:
            return self._note(self.replayed(outcome))
        if outcome.error is not None and outcome.items is None:
            raise outcome.error()
        return await self.process(outcome)

    def filled(self, outcome: Outcome) -> Any:
        """The SDK's stream object, with the recorded items in it."""
        play = self._play(outcome)

        async def begin() -> RecordedStream:
            return play

        opened = self.opened(outcome)
        _afeed(opened, stream(begin))
        return opened


class StainlessRun(Stainless):
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
                _feed(value, attempt.defer(SDK_STREAM, stream_sync(lambda: LiveSyncStream(source, attempt))))
            case _:
                response = _http_response(value)
                if hasattr(response, "_content"):
                    attempt.returned(response)
                else:
                    response.stream = SyncBody(response.stream, Body(response, attempt, events=self.request.stream))
        return value

    def _played(self, outcome: Outcome) -> Any:
        if self.form in _PLAYED:
            return self._note(self.replayed(outcome))
        if outcome.error is not None and outcome.items is None:
            raise outcome.error()
        return self.process(outcome)

    def filled(self, outcome: Outcome) -> Any:
        """The SDK's stream object, with the recorded items in it."""
        play = self._play(outcome)
        opened = self.opened(outcome)
        _feed(opened, stream_sync(lambda: play))
        return opened


def _annotate(attempt: Attempt, value: Any) -> None:
    """The SDK has put the request's id on what the parser made, which is not what was snapped."""
    if isinstance(value, BaseModel):
        for name, each in _put_on(value).items():
            attempt.annotate(name, each)


def _put_on(value: BaseModel) -> dict[str, Any]:
    """What the SDK has put on a model beside its fields: `_request_id`, in anthropic `_workspace_id`."""
    fields = type(value).model_fields
    return {name: each for name, each in vars(value).items() if name not in fields and isinstance(each, str | None)}


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


def _item_type(request: Request) -> Any:
    kind = request.stream_cls
    for base in (kind, *getattr(kind, "__orig_bases__", ())):
        arguments = typing.get_args(base)
        if arguments:
            return arguments[0]
    return request.cast_to


def _given(options: Any) -> Any:
    """The options as the SDK's client prepares them to be sent: without what was left out."""
    copied = options.model_copy()
    copied.json_data = _sent(options.json_data)
    return copied


def _sent(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sent(each) for name, each in value.items() if type(each).__name__ not in ("NotGiven", "Omit")}
    return [_sent(each) for each in value] if isinstance(value, list) else value


_responses: WeakKeyDictionary[Callable[[], Any], Any] = WeakKeyDictionary()
"""Those that the streams of recordings in memory came in, by what reads them: putting one together takes long."""


def _fresh(response: Any) -> Any:
    """The same response in other objects, wherever they could be changed."""
    made = _twin(response)
    made.history = list(response.history)
    if getattr(response, "_request", None) is not None:
        made.request = _twin(response.request)
    return made


def _twin(value: Any) -> Any:
    """A response or a request like this one."""
    made = object.__new__(type(value))
    vars(made).update(vars(value))
    made.headers = value.headers.copy()
    made.extensions = dict(value.extensions)
    return made


def _package(value: Any) -> Any:
    """httpx or httpx2, whichever a client or a response is of."""
    cls: Any = type(value)
    return _package_of(cls)


@functools.lru_cache(maxsize=64)
def _package_of(cls: type) -> Any:
    tops = (base.__module__.partition(".")[0] for base in cls.__mro__)
    return sys.modules[next(top for top in tops if top in ("httpx", "httpx2"))]


def _http_response(value: Any) -> Any:
    """The HTTP response in what a raw or binary call returns."""
    for name in ("http_response", "response"):
        found = getattr(value, name, None)
        if found is not None:
            return found
    return value


# Pages


def _settled(value: Any) -> Any:
    """A model as it is to be recorded: a page without the client that it holds to fetch the next one, a list bare."""
    if isinstance(value, BaseModel):
        kind = type(value)
        if _is_page(kind):
            return _as(kind, value)
        data = vars(value).get("data")
        if isinstance(data, list) and kind.__module__.endswith("._wrappers") and kind.model_fields.keys() == {"data"}:
            return data  # llama-stack-client's DataWrapper[List[Model]], which no name leads to
    return value


def _page_of(cls: Any, data: list[Any]) -> Any:
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
