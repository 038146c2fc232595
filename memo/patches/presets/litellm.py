"""litellm: completions, embeddings and responses of every provider, plain and streamed, through a `Router` too.

A call is identified by what is asked of the model: the arguments of `acompletion`, `aembedding`, … but for the key, timeout,
callbacks, retries, metadata and litellm's own bookkeeping. `acompletion` and `completion` share their recordings. A stream stays a
`CustomStreamWrapper`. What a router adds of its own (which deployment it chose) is in no key. Retries and fallbacks happen
outside a call, as litellm makes them.
"""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Callable
from typing import Any

from memo._engine.calls.driver import CallDriver
from memo._engine.calls.options import Options
from memo._engine.live.attempt import Attempt
from memo._engine.streaming.streams import stream_sync
from memo._recordings.outcomes import Outcome
from memo._values.ids import numbered
from memo.patches._faulty_litellm import LitellmFaults, inside
from memo.patches._patch import Patch
from memo.patches._stream_objects import AsyncStreamObject, SyncStreamObject, recorded, recorded_sync

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "litellm>=1.60"

_ASIDE = re.compile(
    r"_.*|litellm_.*|acompletion|aembedding|aresponses|api_key|client|timeout|request_timeout|stream_timeout|shared_session"
    r"|metadata|model_info|logger_fn|num_retries|max_retries|retry_.*|.*fallbacks?|fallback_.*|context_window_fallback_dict"
    r"|cach(?:e|ing)|.*_cache_key|no-log|proxy_server_request|original_.*|attempted_.*|specific_deployment|model_list"
    r"|success_callback|failure_callback|callbacks|extra_headers|headers|organization|ssl_verify|verbose|rpm|tpm|weight"
    r"|.*cost_per_.*|allow_client_.*|use_.*oauth|use_in_pass_through|use_litellm_proxy|merge_reasoning_content_in_choices|model_group.*"
)
"""Arguments that do not change what a model is asked: credentials, transport, bookkeeping."""


def _describing(name: str, first: tuple[str, ...]) -> Callable[..., tuple[str, dict[str, Any]]]:
    def described(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        given = {**dict(zip(first, args, strict=False)), **kwargs}
        asked = {key: _plain(value) for key, value in given.items() if value is not None and not _ASIDE.fullmatch(key)}
        return f"litellm.{name}", numbered(asked)

    return described


def _plain(value: Any) -> Any:
    """Return messages as they are sent: those of litellm are models."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    dump = getattr(value, "model_dump", None)
    return dump(exclude_none=True) if dump is not None and not isinstance(value, type) else value


def _is_stream(value: Any) -> bool:
    return hasattr(type(value), "__anext__") or hasattr(type(value), "__next__")


def _head(value: Any) -> dict[str, Any]:
    kind = type(value)
    return {"kind": kind.__name__, "module": kind.__module__, "model": getattr(value, "model", None)}


class _Stream(CallDriver):
    """What both drivers have in common."""

    faulty = LitellmFaults

    def _source(self, attempt: Attempt, result: Any) -> Any:
        attempt.respond(_head(result))
        return result

    def _settled(self, value: Any) -> Any:
        """Return a result without what only litellm's bookkeeping reads, and no recording can hold."""
        hidden = getattr(value, "_hidden_params", None)
        if isinstance(hidden, dict):
            value = copy.copy(value)
            value._hidden_params = {name: part for name, part in hidden.items() if _is_data(part)}
        return value

    def _empty(self, outcome: Outcome) -> Any:
        """Return the stream object that a recorded stream came in, without a connection."""
        head = outcome.response() if outcome.response is not None else {}
        # The class is one of litellm's own streams: data names none but these.
        kinds = _kinds()
        kind = kinds.get(head.get("kind", ""), kinds["CustomStreamWrapper"])
        empty: Any = object.__new__(type(kind.__name__, (kind,), {"__getattr__": _nothing}))
        empty.__dict__.update(
            model=head.get("model"), chunks=[], completion_stream=None, _hidden_params={}, logging_obj=_Log()
        )
        empty.__dict__.update(custom_llm_provider=None, response_headers=None, _response_headers=None)
        return empty


def _nothing(_: Any, name: str) -> None:
    """Return what a stream without a connection has under any name that litellm asks for."""
    if name.startswith("__"):
        raise AttributeError(name)


class _Log:
    """What a stream without a connection logs to: a router reads of it what was asked."""

    def __init__(self) -> None:
        self.model_call_details: dict[str, Any] = {}

    __getattr__ = _nothing


def _kinds() -> dict[str, type]:
    handler = sys.modules["litellm.litellm_core_utils.streaming_handler"]
    kinds = {"CustomStreamWrapper": handler.CustomStreamWrapper}
    iterators = sys.modules.get("litellm.responses.streaming_iterator")
    for name in ("ResponsesAPIStreamingIterator", "SyncResponsesAPIStreamingIterator"):
        if hasattr(iterators, name):
            kinds[name] = getattr(iterators, name)
    return kinds


def _is_data(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_data(part) for key, part in value.items())
    if isinstance(value, list):
        return all(map(_is_data, value))
    return value is None or isinstance(value, str | int | float)


class _AsyncRun(_Stream):
    async def coroutine(self) -> Any:
        return await (self._invoke(None) if inside.get() else super().coroutine())

    async def _invoke(self, attempt: Attempt | None) -> Any:
        token = inside.set(True)
        try:
            return await self._wrapped(*self._args, **self._kwargs)
        finally:
            inside.reset(token)

    async def _areceived(self, attempt: Attempt, value: Any) -> Any:
        if _is_stream(value):
            return recorded(attempt, self._source(attempt, value))
        await attempt.areturned(self._settled(value))
        return value

    async def _aplayed(self, outcome: Outcome) -> Any:
        outcome.sync = False  # whichever function recorded it
        played = await super()._aplayed(outcome)
        return AsyncStreamObject(self._empty(outcome), played) if outcome.items is not None else played


class _Run(_Stream):
    def sync(self) -> Any:
        return self._invoke(None) if inside.get() else super().sync()

    def _invoke(self, attempt: Attempt | None) -> Any:
        token = inside.set(True)
        try:
            return super()._invoke(attempt)
        finally:
            inside.reset(token)

    def _received(self, attempt: Attempt, value: Any) -> Any:
        if _is_stream(value):
            return recorded_sync(attempt, self._source(attempt, value))
        attempt.returned(self._settled(value))
        return value

    def _played(self, outcome: Outcome) -> Any:
        if outcome.items is None:
            return super()._played(outcome)
        play = self._play(outcome)  # whichever function recorded it
        return SyncStreamObject(self._empty(outcome), stream_sync(lambda: play))


_FUNCTIONS = (
    ("main", "completion", ("model", "messages")),
    ("main", "embedding", ("model", "input")),
    ("main", "text_completion", ("prompt", "model")),
    ("responses.main", "responses", ("input", "model")),
)
PATCHES = tuple(
    Patch(
        f"litellm.{module}:{prefix}{name}",
        Options(name="litellm"),
        run,
        _describing(name, first),
        offered=True,
        by_name=True,
    )
    for module, name, first in _FUNCTIONS
    for prefix, run in (("a", _AsyncRun), ("", _Run))
)
