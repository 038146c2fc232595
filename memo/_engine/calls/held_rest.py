"""Going on with the streams in a recorded result that are read further than they were recorded: one live call for all of them."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, NamedTuple

from memo._engine.live.attempt import Attempt
from memo._engine.live.held import Steps, at, attributes_of
from memo._engine.live.results import passing_stream
from memo._engine.streaming.delegates import Delegate
from memo._engine.streaming.rest import Rest
from memo._recordings.outcomes import Outcome
from memo._values.paths import steps_of
from memo.codecs.streams import RecordedItems
from memo.errors import StreamCutShort

__all__ = ["HeldRest"]

_Node = dict[str, Any]


class _Live(NamedTuple):
    """The result of the live call."""

    attempt: Attempt
    value: Any
    entered: dict[str, Any]
    """What its context managers gave, by their places: each in a tuple."""
    left: set[str]
    """The places of those that were left again."""


class HeldRest:
    """What goes on with the streams of one recorded result.

    The first stream that is read further makes the call. Of the live result, each stream is read to where its consumer is, and
    given from there on; what nobody reads is recorded as it was. The longer outcome replaces the shorter.
    """

    def __init__(
        self,
        function: str,
        outcome: Outcome,
        begin: Callable[[], Attempt],
        invoke: Callable[[Attempt], Any],
        streams: Any,
    ) -> None:
        self._function = function
        self._outcome = outcome
        self._begin = begin
        self._invoke = invoke
        self._streams = streams
        self._live: _Live | None = None

    # The streams

    def items(self, stream: RecordedItems) -> Generator[Any, Any, Any]:
        live, value = self._stream(stream)
        if stream.node["kind"] == "response":
            return (yield from self._rest(stream, value).pieces(value.iter_bytes(), value.close))
        items = iter(value)
        try:
            for recorded in stream.again():
                live.attempt.compare(recorded, next(items))
            return (yield from items)
        except StopIteration as stop:
            return stop.value
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()

    async def aitems(self, stream: RecordedItems) -> AsyncGenerator[Any, Any]:
        live, value = await self._astream(stream)
        if stream.node["kind"] == "response":
            pieces = self._rest(stream, value).apieces(value.aiter_bytes(), value.aclose)
            async for piece in pieces:
                yield piece
            return
        items = aiter(value)
        try:
            for recorded in stream.again():
                live.attempt.compare(recorded, await anext(items))
            async for item in items:
                yield item
        except StopAsyncIteration:
            return
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                await close()

    def body(self, stream: RecordedItems) -> Any:
        _, value = self._stream(stream)
        given = read = stream.content()
        while given and (piece := value.read(len(given))) and given.startswith(piece):
            given = given[len(piece) :]
        return self._checked(value, given, read)

    async def abody(self, stream: RecordedItems) -> Any:
        _, value = await self._astream(stream)
        given = read = stream.content()
        while given and (piece := await value.read(len(given))) and given.startswith(piece):
            given = given[len(piece) :]
        return self._checked(value, given, read)

    def _checked(self, value: Any, left: bytes, given: bytes) -> Any:
        if left:
            raise StreamCutShort(self._function, len(given), "byte")
        return value

    def _rest(self, stream: RecordedItems, response: Any) -> Rest:
        return Rest([stream.content()], response.headers.get("content-type") or "", self._function)

    def attributes(self, stream: RecordedItems) -> dict[str, Any]:
        live, value = self._live, stream.live
        if live is None or not isinstance(value, Delegate):
            return {}
        values, _ = live.attempt.encoding
        found: dict[str, Any] = values.decode(attributes_of(live.attempt, value.__wrapped__))
        return found

    # The context managers

    def leave(self, manager: _Node, kind: Any, error: BaseException | None, traceback: Any) -> Any:
        left = self._left(manager)
        return None if left is None else bool(left.__exit__(kind, error, traceback))

    async def aleave(self, manager: _Node, kind: Any, error: BaseException | None, traceback: Any) -> Any:
        left = self._left(manager)
        return None if left is None else bool(await left.__aexit__(kind, error, traceback))

    def _left(self, manager: _Node) -> Any:
        """Return the live context manager in the place of a recorded one, None if it was not entered."""
        place = manager.get("place", "")
        if self._live is None or place not in self._live.entered or place in self._live.left:
            return None
        self._live.left.add(place)
        return self._at(self._live, place, manager["managers"])

    # The live call

    def _stream(self, stream: RecordedItems) -> tuple[_Live, Any]:
        """Return the live stream in the place of a recorded one, in the context managers that it is in."""
        if self._live is None:
            attempt = self._attempt()
            try:
                with attempt.producing():
                    result = self._invoke(attempt)
            except BaseException as error:
                attempt.abandon(_loss(error))
                raise
            if inspect.isawaitable(result):  # nobody can await it here
                attempt.abandon("gave an awaitable when it was made again to go on with a stream that is not async")
                if inspect.iscoroutine(result):
                    result.close()
                raise stream.cut_short()
            self._live = self._made(attempt, result)
        live = self._live
        managers = stream.node["managers"]
        for index, place in enumerate(managers):
            if place not in live.entered:
                live.entered[place] = (self._at(live, place, managers[:index]).__enter__(),)
        return live, self._found(live, stream)

    async def _astream(self, stream: RecordedItems) -> tuple[_Live, Any]:
        """Async twin of `_stream`."""
        if self._live is None:
            attempt = self._attempt()
            try:
                with attempt.producing():
                    result = self._invoke(attempt)
                    if inspect.isawaitable(result):
                        result = await result
            except BaseException as error:
                attempt.abandon(_loss(error))
                raise
            self._live = self._made(attempt, result)
        live = self._live
        managers = stream.node["managers"]
        for index, place in enumerate(managers):
            if place not in live.entered:
                manager = self._at(live, place, managers[:index])
                is_async = hasattr(manager, "__aenter__")
                live.entered[place] = (await manager.__aenter__() if is_async else manager.__enter__(),)
        return live, self._found(live, stream)

    def _attempt(self) -> Attempt:
        attempt = self._begin()
        attempt.recorded_parts = {(part["place"], part["__type__"]): part for part in self._outcome.parts}
        return attempt

    def _made(self, attempt: Attempt, result: Any) -> _Live:
        passing = passing_stream(attempt, result, self._streams)
        if passing is None:
            attempt.abandon("gave no stream when it was made again to go on with one")
        return _Live(attempt, result if passing is None else passing, {}, set())

    def _found(self, live: _Live, stream: RecordedItems) -> Any:
        found = self._at(live, stream.node["place"], stream.node["managers"])
        wanted = "__aiter__" if stream.node["kind"] == "async" else "__iter__" if stream.node["kind"] == "sync" else ""
        if wanted and not hasattr(found, wanted):
            raise stream.cut_short()
        stream.live = found
        return found

    def _at(self, live: _Live, place: str, managers: tuple[str, ...]) -> Any:
        """Return what is in a place of the live result."""
        steps: Steps = steps_of(place) or ()
        if not managers:
            return at(live.value, steps)
        before: Steps = steps_of(managers[-1]) or ()
        return at(live.entered[managers[-1]][0], steps[len(before) :])


def _loss(error: BaseException) -> str | None:
    """Return why the outcome is not recorded of a call that raised; None if it was cancelled."""
    if not isinstance(error, Exception):
        return None
    return f"raised {type(error).__name__} when it was made again to go on with a stream"
