"""Faults of clients that are no httpx: their own connections carry what a server would have sent, to their own code.

A copy of a pool of urllib3, or of a session of aiohttp, gets connections that are connected to nothing.
"""

from __future__ import annotations

import asyncio
import copy
import errno
import functools
import io
import os
import socket
from collections.abc import Callable, Mapping
from http.client import responses as phrases
from typing import Any, Literal, NamedTuple

import orjson

from memo._engine.sessions.faults import MALFORMED, raised_for
from memo.patches._faulty import HttpFaultyCall, Raised

__all__ = ["Wire", "WireFaultyCall", "faulty_pool", "request_of_session"]


class Wire(NamedTuple):
    """What a client meets that makes a request: bytes after which the connection is lost if they are no whole answer, or an error."""

    data: bytes = b""
    error: Literal["", "timeout", "connection"] = ""


Answering = Callable[[float | None], Wire]
"""Takes the time-out of reading, and returns what the client meets."""
_JSON = {"content-type": "application/json"}
_LOST = {**_JSON, "transfer-encoding": "chunked"}


class WireFaultyCall(HttpFaultyCall):
    """A call of an SDK whose requests are made by urllib3 or aiohttp."""

    asks_at_once = True

    def content(self, body: Any) -> bytes:
        """Return the body of an error as it is sent."""
        return orjson.dumps(body)

    def error_headers(self, status: int) -> Mapping[str, str]:
        """Return the headers with which the API answers an error."""
        return _JSON

    def answering(self, *, is_lost: bool) -> Answering:
        """Return what answers the requests of a call."""
        return self._lost_wire if is_lost else self._wire

    def _lost_wire(self, _: float | None) -> Wire:
        return _sent(200, {**_LOST, "content-type": self.stream_type})

    def _wire(self, timeout: float | None) -> Wire:
        fault = self._fault(timeout)
        match fault.kind:
            case "timeout" | "slow":
                return Wire(error="timeout")
            case "connection":
                return Wire(error="connection")
            case "raises":
                raise Raised(raised_for(fault, self.name))
            case "cut":
                return _sent(200, _LOST)
            case "malformed":
                return _sent(200, _JSON, MALFORMED)
            case _:
                is_given = fault.body is not None
                body = fault.body if is_given else self.error_body(fault.status)
                headers = _JSON if is_given else self.error_headers(fault.status)
                return _sent(fault.status, {**headers, **fault.headers}, self.content(body))


def _sent(status: int, headers: Mapping[str, str], body: bytes = b"") -> Wire:
    named = dict(headers) if "transfer-encoding" in headers else {**headers, "content-length": str(len(body))}
    lines = [f"HTTP/1.1 {status} {phrases.get(status, '')}", *(f"{name}: {text}" for name, text in named.items())]
    return Wire("\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1") + body)


# urllib3


def faulty_pool(pool: Any, answer: Answering) -> Any:
    """Return a copy of a pool of urllib3 whose connections are connected to nothing."""
    import urllib3

    made = copy.copy(pool)
    make_request = functools.partial(type(pool)._make_request, made)

    def answered(conn: Any, *args: Any, timeout: Any, **kwargs: Any) -> Any:
        seconds = urllib3.Timeout.resolve_default_timeout(made._get_timeout(timeout).read_timeout)
        wire = answer(seconds)

        def connect() -> None:
            if wire.error == "connection":
                refused = ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
                raise urllib3.exceptions.NewConnectionError(
                    conn, f"Failed to establish a new connection: {refused}"
                ) from refused
            conn.sock, conn.is_verified = _Socket(wire), True

        conn.connect = connect
        return make_request(conn, *args, timeout=timeout, **kwargs)

    made._make_request = answered
    made._get_conn = lambda timeout=None: made._new_conn()
    made._put_conn = lambda conn: None
    made._prepare_proxy = lambda conn: None
    return made


class _Socket:
    """A socket on which an answer has arrived, and nothing else will."""

    def __init__(self, wire: Wire) -> None:
        self._file = _TimedOut() if wire.error == "timeout" else _Arrived(wire.data)
        self._readable, other = socket.socketpair()
        other.close()

    def makefile(self, *_: Any, **__: Any) -> Any:
        return self._file

    def fileno(self) -> int:
        return self._readable.fileno()

    def close(self) -> None:
        self._readable.close()

    def sendall(self, data: Any, *_: Any) -> None: ...
    def settimeout(self, timeout: float | None) -> None: ...
    def setsockopt(self, *_: Any) -> None: ...
    def shutdown(self, how: int) -> None: ...


class _Arrived(io.BytesIO):
    def close(self) -> None:
        """Stay open: a client may read the first line of an answer by a file of its own."""


class _TimedOut(io.BytesIO):
    def readline(self, size: int | None = -1, /) -> bytes:
        raise TimeoutError("timed out")


# aiohttp


async def request_of_session(function: Any, session: Any, answer: Answering, *args: Any, **kwargs: Any) -> Any:
    """Make a request of a session of aiohttp by a copy whose connections are connected to nothing."""
    made = copy.copy(session)
    made._connector, made._connector_owner = _connector()(answer), False
    try:
        return await function(made, *args, **kwargs)
    finally:
        made._connector = None  # else the copy warns that nobody has closed it


@functools.cache
def _connector() -> Any:
    """Return the class of connectors whose connections are connected to nothing."""
    import aiohttp
    from aiohttp.client_proto import ResponseHandler

    class Connector(aiohttp.BaseConnector):
        def __init__(self, answer: Answering) -> None:
            super().__init__(force_close=True)
            self._answer = answer

        async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109 - as aiohttp calls it
            wire = self._answer(timeout.sock_read or timeout.total)
            if wire.error == "connection":
                at = (req.url.host, req.url.port)
                raise aiohttp.ClientConnectorError(
                    req.connection_key, ConnectionRefusedError(errno.ECONNREFUSED, f"Connect call failed {at}")
                )
            late: Exception | None = None
            if wire.error == "timeout":
                is_total = timeout.sock_read is None and timeout.total is not None
                late = TimeoutError() if is_total else aiohttp.SocketTimeoutError("Timeout on reading data from socket")
            protocol = ResponseHandler(self._loop)
            protocol.connection_made(_Transport(self._loop, protocol, wire.data, late))
            return protocol

    return Connector


class _Transport(asyncio.Transport):
    """A transport on which an answer arrives once a request is written, and then the connection is lost."""

    def __init__(self, loop: Any, protocol: Any, data: bytes, late: Exception | None) -> None:
        super().__init__()
        self._loop = loop
        self._protocol = protocol
        self._data = data
        self._late = late
        self._is_asked = False
        self._is_closed = False

    def write(self, data: Any) -> None:
        if not self._is_asked:
            self._is_asked = True
            self._loop.call_soon(self._answer)

    def _answer(self) -> None:
        if self._late is not None:
            self._protocol.set_exception(self._late)
            return
        self._protocol.data_received(self._data)
        self._lose()

    def _lose(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._protocol.connection_lost(None)

    def is_closing(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        self._loop.call_soon(self._lose)

    def abort(self) -> None:
        self.close()

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
