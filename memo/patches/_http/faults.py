"""The faults of requests whose seam returns responses: a status is a response, other faults are the client's own exceptions.

A body that is read piece by piece is cut after so many server-sent events or lines of JSON; another one at its start.
"""

from __future__ import annotations

import copy
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import anyio

from memo._engine.sessions.faults import Answer, raised_for
from memo._engine.streaming.rest import end_of_items
from memo.codecs.responses import package_of
from memo.fault import Fault
from memo.patches._faulty import CUT, HttpFaultyCall, Transport, injected
from memo.patches._wire import WireFaultyCall, faulty_pool, request_of_session

__all__ = [
    "AiohttpFaults",
    "AsyncContextFaults",
    "ContextFaults",
    "HttpxFaults",
    "PieceFaults",
    "ResponseFaults",
    "Urllib3Faults",
]


class PieceFaults(HttpFaultyCall):
    """The faults of a request whose response may be handed over before its body is read."""

    asks_at_once = True
    stream_type = "application/json"

    def is_passed(self, fault: Fault) -> bool:
        """Return whether a fault changes the call's own answer: a body that breaks at its start is answered here."""
        return super().is_passed(fault) and fault.after > 0

    def is_stream(self, value: Any) -> bool:
        """Return False: a slow response is slow to begin."""
        return False

    def changed(self, value: Any, fault: Fault) -> Any:
        """Return a response as it is with a fault."""
        if not self.streams:
            return value
        headers = value.headers
        end = None if headers.get("content-encoding") else end_of_items(headers.get("content-type", ""))
        if end is None and fault.kind == "cut":
            fault = replace(fault, after=0)
        fault = replace(fault, first=0.0)
        return self.held_back(
            value,
            lambda pieces: self.passed(_items(pieces, end), fault),
            lambda pieces: self.apassed(_aitems(pieces, end), fault),
        )

    def held_back(self, response: Any, change: Callable[[Any], Any], achange: Callable[[Any], Any]) -> Any:
        """Return the response, the pieces of its body as they are with a fault."""
        raise NotImplementedError


class ResponseFaults(PieceFaults):
    """The faults of a request of httpx or httpx2, or of an SDK whose seam returns their responses."""

    @property
    def streams(self) -> bool:
        """Return whether the body is read by the caller."""
        return bool(self.kwargs.get("stream"))

    def http_client(self) -> Any:
        """Return the client of httpx that makes the request."""
        client = self._own()[1]
        return getattr(client, self.clients[0])

    def broken(self, fault: Fault) -> BaseException:
        """Return what the client raises where a body breaks."""
        error: BaseException = package_of(self.http_client()).RemoteProtocolError(CUT)
        return error

    async def abroken(self, fault: Fault) -> BaseException:
        """Async twin of `broken`."""
        return self.broken(fault)

    def held_back(self, response: Any, change: Callable[[Any], Any], achange: Callable[[Any], Any]) -> Any:
        """Return the response, the pieces of its body as they are with a fault."""
        response.stream = _body(package_of(response), response.stream, change, achange)
        return response


class HttpxFaults(ResponseFaults):
    """The faults of a request of httpx or httpx2."""

    def http_client(self) -> Any:
        """Return the client that makes the request."""
        return self._own()[1]

    def _method(self, *, is_lost: bool) -> Any:
        function, client = self._own()
        made = copy.copy(client)
        transport = Transport(package_of(client), self._lost if is_lost else self._answer)
        made._transport_for_url = lambda url: transport
        return function.__get__(made)


class ContextFaults(ResponseFaults):
    """The faults of a request that comes back as a context manager, which gives the response. It is made as that is entered."""

    _stack: Any
    is_async = False

    @property
    def streams(self) -> bool:
        """Return True: the body is read within the context."""
        return True

    def sync(self) -> Any:
        """Return the context manager."""
        return self._acontext() if self.is_async else self._context()

    def _method(self, *, is_lost: bool) -> Any:
        method = super()._method(is_lost=is_lost)
        enter = self._stack.enter_async_context if self.is_async else self._stack.enter_context
        return lambda *args, **kwargs: enter(method(*args, **kwargs))

    @contextmanager
    def _context(self) -> Generator[Any]:
        with ExitStack() as self._stack:
            fault = self.attempt()
            if isinstance(fault, Answer):
                yield fault.value
                return
            if fault is not None:
                time.sleep(fault.first)
            response = self._stack.enter_context(self.proceed())
            yield response if fault is None else self.changed(response, fault)

    @asynccontextmanager
    async def _acontext(self) -> AsyncGenerator[Any]:
        async with AsyncExitStack() as self._stack:
            fault = await self.aattempt()
            if isinstance(fault, Answer):
                yield fault.value
                return
            if fault is not None:
                await anyio.sleep(fault.first)
            response = await self._stack.enter_async_context(self.proceed())
            yield response if fault is None else self.changed(response, fault)


class AsyncContextFaults(ContextFaults):
    """Async twin of `ContextFaults`."""

    is_async = True


def _body(http: Any, body: Any, change: Callable[[Any], Any], achange: Callable[[Any], Any]) -> Any:
    """Return a body of httpx whose pieces pass a change."""

    class Body(http.SyncByteStream, http.AsyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Iterator[bytes]:
            yield from change(body)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            pieces = achange(body)
            try:
                async for piece in pieces:
                    yield piece
            finally:
                await pieces.aclose()

        def close(self) -> None:
            body.close()

        async def aclose(self) -> None:
            await body.aclose()

    return Body()


class Urllib3Faults(PieceFaults, WireFaultyCall):
    """The faults of a request of a pool of urllib3."""

    def _method(self, *, is_lost: bool) -> Any:
        function, pool = self._own()
        return function.__get__(faulty_pool(pool, self.answering(is_lost=is_lost)))


class AiohttpFaults(PieceFaults, WireFaultyCall):
    """The faults of a request of a session of aiohttp."""

    @property
    def streams(self) -> bool:
        """Return True: the body is read by the caller."""
        return True

    def _method(self, *, is_lost: bool) -> Any:
        function, session = self._own()
        return partial(request_of_session, function, session, self.answering(is_lost=is_lost))

    async def abroken(self, fault: Fault) -> BaseException:
        """Return what the client raises where a body breaks."""
        with injected():
            response = await self._method(is_lost=True)(*self.args, **self.kwargs)
        try:
            await response.read()
        except Exception as error:  # noqa: BLE001 - that is what is asked for
            return error
        return raised_for(fault, self.name)


def _items(pieces: Any, end: re.Pattern[bytes] | None) -> Generator[bytes]:
    """Yield the events or lines of a body, or its pieces."""
    rest = b""
    for piece in pieces:
        items, rest = _split(rest + piece, end)
        yield from items
    if rest:
        yield rest


async def _aitems(pieces: Any, end: re.Pattern[bytes] | None) -> AsyncGenerator[bytes]:
    rest = b""
    async for piece in pieces:
        items, rest = _split(rest + piece, end)
        for item in items:
            yield item
    if rest:
        yield rest


def _split(data: bytes, end: re.Pattern[bytes] | None) -> tuple[list[bytes], bytes]:
    if end is None:
        return [data], b""
    items: list[bytes] = []
    at = 0
    for found in end.finditer(data):
        items.append(data[at : found.end()])
        at = found.end()
    return items, data[at:]
