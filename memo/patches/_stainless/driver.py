"""The SDKs built by Stainless (openai, anthropic, groq, …): all of their calls go through one typed method.

`AsyncAPIClient.request(cast_to, options, *, stream, stream_cls)` and its sync twin in each SDK's `_base_client` are what
every resource, helper, paginator and raw-response wrapper ends in, retries included. A call is recorded there in one of
five forms, and comes back as the SDK's own object:

    typed    a model (before the `post_parser` that the SDK applies to it: parsed completions, pages, decoded embeddings)
    stream   the SDK's stream object, its inner iterator recorded as it passes or replaced by the recorded items
    body     a stream of a class that decodes it itself (agents' sessions, JSON lines): the HTTP body, decoded again
    raw      `with_raw_response` and `with_streaming_response`: the HTTP response, fed to the SDK's own processing again
    binary   file contents, speech: the same
"""

from __future__ import annotations

import typing
from contextvars import ContextVar
from typing import Any, NamedTuple, Self

from pydantic import BaseModel

from memo._calls.call import Call
from memo._engine.calls.context import FunctionContext
from memo._engine.calls.decision import look
from memo._engine.calls.options import Options
from memo._engine.live.attempt import Attempt
from memo._engine.sessions.session import Session
from memo._engine.storing.memory import Recording
from memo._engine.streaming.begun import LiveStream, LiveSyncStream, RecordedStream
from memo._engine.streaming.bodies import AsyncBody, AsyncEnding, SyncBody, SyncEnding
from memo._engine.streaming.streams import stream, stream_sync
from memo._engine.waiting.flights import Pending
from memo._recordings.outcomes import Outcome, raise_recorded
from memo.codecs.responses import http_response
from memo.errors import MemoError
from memo.patches._patch import Patch
from memo.patches._stainless.bodies import Body, ResponseCall
from memo.patches._stainless.faults import StainlessFaults
from memo.patches._stainless.naming import Naming
from memo.patches._stainless.pages import settled
from memo.patches._stainless.replayed import http_response_of, put_on, stream_object, typed_value
from memo.patches._stainless.request import Request, prepared
from memo.patches._stainless.streams import item_type, taken_over, takes_options

__all__ = ["MISSING", "ReplayPlan", "Stainless", "request_log", "stainless"]


def stainless(sdk: str, module: str | None = None) -> tuple[Patch, ...]:
    """Return the patches of an SDK, given its name in recordings and the package that it is imported as."""
    module = module or sdk
    return tuple(
        Patch(
            f"{module}._base_client:{client}.request",
            Options(name=sdk),
            run,
            describe=Naming(sdk, module),
            prepare=prepared,
            offered=True,
        )
        for client, run in (("AsyncAPIClient", AsyncStainlessRun), ("SyncAPIClient", StainlessRun))
    )


request_log: ContextVar[list[tuple[Stainless, Any]] | None] = ContextVar("memo_requests", default=None)
"""Collects the requests made in this context, each with its replayed result. None collects nothing."""

MISSING: Any = object()
"""Stands for a call without a recording."""


class ReplayPlan(NamedTuple):
    """All that a second replay of a call needs."""

    kind: type[Stainless]
    call: Call
    request: Request
    form: str
    items: tuple[Any, bool] | None


_PLAYED = ("typed", "stream")
"""The forms that are replayed without the SDK's own processing."""


class Stainless(ResponseCall):
    """A call of either client."""

    faulty = StainlessFaults

    __slots__ = ("_form", "_items", "_request")

    def plan(self, setting: FunctionContext) -> ReplayPlan | None:
        """Return the plan of another replay, under any session of the same setting; None for a raw response.

        The plan omits what was sent, which may be large and is not read in a replay.
        """
        request = self.request
        if self.setting is not setting or self.form not in _PLAYED:
            return None
        options = request.options.model_copy(update={"json_data": None, "extra_json": None})
        items = self.items if self.form == "stream" else None
        return ReplayPlan(type(self), self.call, request._replace(options=options), self.form, items)

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
        """The type of the stream's items, and whether its class takes the options."""
        try:
            return self._items  # type: ignore[has-type, no-any-return]
        except AttributeError:
            stream_cls = self.request.stream_cls or self.client._default_stream_cls
            # By its origin: an alias takes long to hash.
            self._items = item_type(self.request), takes_options(typing.get_origin(stream_cls) or stream_cls)
            return self._items

    @property
    def client(self) -> Any:
        """The client that makes the call."""
        return self._wrapped.__self__  # type: ignore[attr-defined]

    @classmethod
    def from_plan(
        cls, plan: ReplayPlan, function: Any, setting: FunctionContext, session: Session, wrapped: Any
    ) -> Self:
        """Return the planned call, under that session."""
        run = cls(function, setting, session, session.mode_of(plan.call.function), plan.call, wrapped, (), {})
        run._request, run._form = plan.request, plan.form
        if plan.items is not None:
            run._items = plan.items
        return run

    async def afound(self) -> Recording | None:
        """Return the recording of the call, None if there is none."""
        session, call = self.session, self.call
        return session.in_memory(call) or await session.afetch(call)

    def replay_or_missing(self, found: Recording | None) -> Any:
        """Replay a typed call or a stream. Return `MISSING` where the call has to be made, or is missing."""
        outcome = look(self, found)
        if not isinstance(outcome, Outcome):
            self.give_back()
            return MISSING
        self._counter.hits += 1
        try:
            return self.replayed(outcome)
        except MemoError as error:  # the recording is no longer readable
            self.session.on_unreadable(self.call, error)
            raise

    def replayed(self, outcome: Outcome) -> Any:
        """Return what the caller of a typed call or a stream gets for a recorded outcome. Raises recorded errors."""
        if outcome.error is not None and outcome.items is None:
            raise_recorded(outcome.error())
        return typed_value(self.request, outcome) if self.form == "typed" else self.filled(outcome)

    def filled(self, outcome: Outcome) -> Any:
        """Return the SDK's stream object with the recorded items."""
        raise NotImplementedError

    def _has_items(self, outcome: Outcome) -> bool:
        """Return whether a stream that decodes itself was recorded as typed items: by an older version, or imported."""
        if self.form != "body" or outcome.items is None:
            return False
        return outcome.response is None or not all(isinstance(item, str | bytes) for item in outcome.items)

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
            # The parsed value depends on the caller's types, so what the parser is given is recorded.
            attempt.snapshot(settled(value))
            return parser(value)

        options = request.options.model_copy()
        options.post_parser = parse
        return self._wrapped(request.cast_to, options, stream=request.stream, stream_cls=request.stream_cls)

    # HTTP bodies

    def is_body(self, outcome: Outcome) -> bool:
        """Return whether the items of a recorded stream are the pieces of a body."""
        return self.form not in _PLAYED and not self._has_items(outcome)

    @property
    def is_unread(self) -> bool:
        """True if the response is handed over before its body is read."""
        return self.request.unread

    @property
    def has_events(self) -> bool:
        """True if the body may be a stream of events."""
        return self.request.stream

    def process(self, response: Any) -> Any:
        """Return what the SDK makes of a recorded HTTP response."""
        request, client = self.request, self.client
        cast_to = client._maybe_override_cast_to(request.cast_to, request.options)
        return client._process_response(
            cast_to=cast_to,
            options=request.options,
            response=response,
            stream=request.stream,
            stream_cls=request.stream_cls,
        )

    def rebuilt(self, outcome: Outcome, content: bytes | None) -> Any:
        """Return a recorded response, with the request that the client would have sent."""
        return http_response_of(self.client, self.request, outcome, content)

    def _source(self, attempt: Attempt, result: Any) -> Any:
        attempt.respond(result.response)
        return taken_over(result)


class AsyncStainlessRun(Stainless):
    """A call of `AsyncAPIClient.request`."""

    __slots__ = ()

    async def _areceived(self, attempt: Attempt, value: Any) -> Any:
        match self.form:
            case "typed":
                _annotate(attempt, value)
                await attempt.areturned(settled(value))
            case "stream":
                source, ending = self._source(attempt, value), AsyncEnding(value.response.stream, attempt)

                async def begin() -> LiveStream:
                    ending.begun()
                    return LiveStream(source, attempt)

                value.response.stream = ending
                value._iterator = ending.records(attempt.defer(Pending.SDK_STREAM, stream(begin)))
            case _:
                response = http_response(value)
                if hasattr(response, "_content"):
                    await attempt.areturned(response)
                else:
                    response.stream = AsyncBody(response.stream, Body(response, attempt, events=self.request.stream))
        return value

    async def _aplayed(self, outcome: Outcome) -> Any:
        if self.form in _PLAYED or self._has_items(outcome):
            return self._note(self.replayed(outcome))
        if outcome.error is not None and outcome.items is None:
            raise_recorded(outcome.error())
        return await self.process(await self.aresponse(outcome))

    def filled(self, outcome: Outcome) -> Any:
        """Return the SDK's stream object with the recorded items."""
        play = self._play(outcome)

        async def begin() -> RecordedStream:
            return play

        opened = stream_object(self.client, self.request, self.items, outcome)
        opened.response.stream = ending = AsyncEnding(opened.response.stream)
        opened._iterator = ending.passes(stream(begin))
        return opened


class StainlessRun(Stainless):
    """A call of `SyncAPIClient.request`."""

    __slots__ = ()

    def _received(self, attempt: Attempt, value: Any) -> Any:
        match self.form:
            case "typed":
                _annotate(attempt, value)
                attempt.returned(settled(value))
            case "stream":
                source, ending = self._source(attempt, value), SyncEnding(value.response.stream, attempt)

                def begin() -> LiveSyncStream:
                    ending.begun()
                    return LiveSyncStream(source, attempt)

                value.response.stream = ending
                value._iterator = ending.passes(attempt.defer(Pending.SDK_STREAM, stream_sync(begin)))
            case _:
                response = http_response(value)
                if hasattr(response, "_content"):
                    attempt.returned(response)
                else:
                    response.stream = SyncBody(response.stream, Body(response, attempt, events=self.request.stream))
        return value

    def _played(self, outcome: Outcome) -> Any:
        if self.form in _PLAYED or self._has_items(outcome):
            return self._note(self.replayed(outcome))
        if outcome.error is not None and outcome.items is None:
            raise_recorded(outcome.error())
        return self.process(self.response(outcome))

    def filled(self, outcome: Outcome) -> Any:
        """Return the SDK's stream object with the recorded items."""
        play = self._play(outcome)
        opened = stream_object(self.client, self.request, self.items, outcome)
        opened.response.stream = ending = SyncEnding(opened.response.stream)
        opened._iterator = ending.passes(stream_sync(lambda: play))
        return opened


def _annotate(attempt: Attempt, value: Any) -> None:
    """Record what the SDK put on the parsed model, which is another object than the recorded one."""
    if isinstance(value, BaseModel):
        for name, attribute in put_on(value).items():
            attempt.annotate(name, attribute)
