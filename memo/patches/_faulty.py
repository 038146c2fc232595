"""Faults of SDKs over HTTP: the SDK's own code makes the exception, since its client gets a transport that answers with the fault.

A copy of the SDK's client gets that transport, so that its retries, time-outs and messages are its own. An attempt without a fault
leaves the SDK's code by `_Proceed`, and the call goes on as it would without faults.
"""

from __future__ import annotations

import asyncio
import copy
import errno
import inspect
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from memo._engine.sessions.faults import MALFORMED, Answer, FaultyCall, injecting, raised_for
from memo.codecs.responses import package_of
from memo.errors import InvalidOption
from memo.fault import Fault

__all__ = ["CUT", "HttpFaultyCall", "Raised", "Transport", "injected"]

CUT = "peer closed connection without sending complete message body (incomplete chunked read)"
_EVENTS = "text/event-stream"
_Answering = Callable[[Any, Any], Any]
"""Takes a request of httpx and the package that it is of, and returns the response."""


class _Proceed(BaseException):
    """An attempt has no fault, or one that changes what the call returns. No `Exception`: an SDK would retry it."""

    def __init__(self, fault: Fault | None) -> None:
        self.fault = fault


class Raised(BaseException):
    """Carries an exception of the user's out of the SDK, which would wrap it."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class HttpFaultyCall(FaultyCall):
    """A call of an SDK whose client makes its requests with httpx or httpx2."""

    clients: tuple[str, ...] = ("_client",)
    """The attributes of the SDK's client that hold a client of httpx."""
    stream_type = _EVENTS
    asks_at_once = False
    """True if a call is one request at once: a call without a fault never enters the SDK's code for its faults."""
    _first: Fault | None = None
    """The fault of the first attempt, taken before the SDK's code runs."""
    is_answered = False
    """True once the transport answered with a fault: what the SDK returns is made of that."""

    def error_body(self, status: int) -> Any:
        """Return the JSON with which the API answers an error."""
        return {"error": {"message": f"memo: status {status}, as asked for", "type": "error", "code": None}}

    @property
    def streams(self) -> bool:
        """Return whether the call returns a stream of items."""
        raise NotImplementedError

    def is_passed(self, fault: Fault) -> bool:
        """Return whether a fault changes the call's own answer."""
        return fault.kind == "cut" and self.streams

    # An attempt

    def attempt(self) -> Fault | Answer | None:
        """Return the change that is due, or what the SDK returns for a fault. Raises what the SDK raises for it."""
        if self.asks_at_once and ((fault := self._taken()) is None or self.is_passed(fault)):
            return fault
        try:
            with injected():
                value = self._method(is_lost=False)(*self.args, **self.kwargs)
        except _Proceed as attempt:
            return attempt.fault
        except Raised as carrier:
            raise carrier.error from None
        self._check_answered()
        return Answer(self._first_asked(value) if inspect.isgenerator(value) and not self.is_answered else value)

    async def aattempt(self) -> Fault | Answer | None:
        """Async twin of `attempt`."""
        if self.asks_at_once and ((fault := self._taken()) is None or self.is_passed(fault)):
            return fault
        try:
            with injected():
                value = await self._method(is_lost=False)(*self.args, **self.kwargs)
        except _Proceed as attempt:
            return attempt.fault
        except Raised as carrier:
            raise carrier.error from None
        self._check_answered()
        return Answer(self._afirst_asked(value) if inspect.isasyncgen(value) and not self.is_answered else value)

    def _check_answered(self) -> None:
        """Raise `InvalidOption` if a call whose fault is due came back without a request that could have it."""
        if self._first is not None:
            raise InvalidOption(
                f"fault.{self._first}: function",
                self.name,
                ["a call that makes a request: this one came from a cache, or by a client that memo does not know"],
            )

    def _first_asked(self, items: Any) -> Generator[Any, Any, Any]:
        """Yield the items of a stream whose request is made when the first item is asked for."""
        try:
            with injected():
                item = next(items)
        except StopIteration:
            return
        except Raised as carrier:
            raise carrier.error from None
        except _Proceed as attempt:
            yield from self.proceed() if attempt.fault is None else self.passed(self.proceed(), attempt.fault)
            return
        yield item
        yield from items

    async def _afirst_asked(self, items: Any) -> AsyncGenerator[Any, Any]:
        try:
            with injected():
                item = await anext(items)
        except StopAsyncIteration:
            return
        except Raised as carrier:
            raise carrier.error from None
        except _Proceed as attempt:
            stream = self.proceed()
            stream = await stream if inspect.isawaitable(stream) else stream
            items = stream if attempt.fault is None else self.apassed(stream, attempt.fault)
        else:
            yield item
        try:
            async for item in items:
                yield item
        finally:
            await items.aclose()

    # What the transport answers

    def _taken(self) -> Fault | None:
        self._first = self.faults.take(self.name)
        return self._first

    def _fault(self, timeout: float | None) -> Fault:
        """Return the fault of an attempt. Raises `_Proceed` without one."""
        fault, self._first = self._first or self.faults.take(self.name), None
        if fault is None or self.is_passed(fault):
            raise _Proceed(fault)
        if fault.kind == "slow" and not (timeout is not None and fault.first > timeout):
            raise _Proceed(fault)
        self.is_answered = True
        return fault

    def _answer(self, request: Any, http: Any) -> Any:
        fault = self._fault(request.extensions.get("timeout", {}).get("read"))
        match fault.kind:
            case "timeout" | "slow":
                raise http.ReadTimeout("timed out" if _SYNC in request.extensions else "", request=request)
            case "connection":
                raise http.ConnectError(_refused(request), request=request)
            case "raises":
                raise Raised(raised_for(fault, self.name))
            case "cut":
                return http.Response(200, headers={"content-type": "application/json"}, stream=_lost_body(http))
            case "malformed":
                content = b"data: %b\n\n" % MALFORMED if self.streams and self.stream_type == _EVENTS else MALFORMED
                kind = self.stream_type if self.streams else "application/json"
                return http.Response(200, headers={"content-type": kind}, content=content)
            case _:
                body = self.error_body(fault.status) if fault.body is None else fault.body
                headers = {"content-type": "application/json", **fault.headers}
                return http.Response(fault.status, headers=headers, content=orjson.dumps(body))

    def _lost(self, request: Any, http: Any) -> Any:
        return http.Response(200, headers={"content-type": self.stream_type}, stream=_lost_body(http))

    def broken(self, fault: Fault) -> BaseException:
        """Return what the SDK raises where a stream is cut."""
        try:
            with injected():
                for _ in self._method(is_lost=True)(*self.args, **self.kwargs):
                    pass
        except Exception as error:  # noqa: BLE001 - that is what is asked for
            return error
        return raised_for(fault, self.name)

    async def abroken(self, fault: Fault) -> BaseException:
        """Async twin of `broken`."""
        try:
            with injected():
                async for _ in await self._method(is_lost=True)(*self.args, **self.kwargs):
                    pass
        except Exception as error:  # noqa: BLE001 - that is what is asked for
            return error
        return raised_for(fault, self.name)

    def _own(self) -> tuple[Any, Any]:
        """Return the SDK's function, and its client."""
        function, client = getattr(self.wrapped, "__func__", None), getattr(self.wrapped, "__self__", None)
        if function is None or client is None:
            raise InvalidOption(
                f"{self.name}: its faults", "a method that somebody has wrapped", ["the SDK's own method"]
            )
        return function, client

    def _method(self, *, is_lost: bool) -> Any:
        """Return the SDK's method, of a copy of the client whose requests are answered here, or lose their answers."""
        function, client = self._own()
        made = copy.copy(client)
        for name in self.clients:
            setattr(made, name, self._answered(getattr(client, name), is_lost=is_lost))
        return function.__get__(made)

    def _answered(self, given: Any, *, is_lost: bool) -> Any:
        """Return a client as that one of httpx, whose requests are answered here, or lose their answers."""
        http = package_of(given)
        kind = http.AsyncClient if isinstance(given, http.AsyncClient) else http.Client
        transport = Transport(http, self._lost if is_lost else self._answer)
        return kind(transport=transport, base_url=given.base_url, timeout=given.timeout, event_hooks=given.event_hooks)


_SYNC = "memo_sync"
"""The extension of a request that a sync client makes: the errors of its sockets read otherwise."""


def _refused(request: Any) -> str:
    """Return what a client says of a connection that is refused."""
    if _SYNC in request.extensions:
        return str(ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)))
    try:
        asyncio.get_running_loop()
    except RuntimeError:  # under trio, whose older versions cannot be asked
        port = request.url.port or {"https": 443}.get(request.url.scheme, 80)
        return f"all attempts to connect to {request.url.host}:{port} failed"
    return "All connection attempts failed"


@contextmanager
def injected() -> Generator[None]:
    """Mark that an SDK's code runs for a fault, within the block."""
    token = injecting.set(True)
    try:
        yield
    finally:
        injecting.reset(token)


class Transport:
    """Answers the requests of a client of httpx, sync and async."""

    def __init__(self, http: Any, answer: _Answering) -> None:
        self._http = http
        self._answer = answer

    def handle_request(self, request: Any) -> Any:
        request.extensions = {**request.extensions, _SYNC: True}
        return self._answer(request, self._http)

    async def handle_async_request(self, request: Any) -> Any:
        return self._answer(request, self._http)

    def close(self) -> None: ...

    async def aclose(self) -> None: ...


def _lost_body(http: Any) -> Any:
    """Return a body whose connection is lost at its start."""

    class Body(http.SyncByteStream, http.AsyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Iterator[bytes]:
            raise http.RemoteProtocolError(CUT)
            yield b""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            raise http.RemoteProtocolError(CUT)
            yield b""

    return Body()
