"""The way to an MCP server: opened when the first message has to be sent, which a replay never has."""

from __future__ import annotations

import math
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self

import anyio
import anyio.lowlevel

__all__ = ["Noted", "Transport", "passing", "transport_of"]

_by_stream: dict[int, Transport] = {}
"""The open transports, by the `id` of the stream that their sessions read. (Some streams take no weak reference.)"""


def transport_of(session: Any) -> Transport | None:
    """Return the transport of a session; None if memo does not know it: a server in memory, a transport of one's own."""
    stream = getattr(session, "_read_stream", None) or getattr(
        getattr(session, "_dispatcher", None), "_read_stream", None
    )
    return _by_stream.get(id(stream))


@asynccontextmanager
async def passing(transport: Transport, opened: AbstractAsyncContextManager[Any]) -> AsyncGenerator[Any]:
    """Open a real transport as it is, and note its streams."""
    async with opened as streams:
        with Noted(transport, streams[0]):
            yield streams


class Noted:
    """A context in which a session that reads a stream has that transport."""

    def __init__(self, transport: Transport, stream: Any) -> None:
        self._transport = transport
        self._stream = stream

    def __enter__(self) -> None:
        self._outer = _by_stream.get(id(self._stream))
        _by_stream[id(self._stream)] = self._transport

    def __exit__(self, *_: object) -> None:
        if self._outer is None:
            del _by_stream[id(self._stream)]
        else:  # a transport that opens another one, under an older name
            _by_stream[id(self._stream)] = self._outer


class Transport:
    """The way to one server.

    `parameters` is what identifies the server. `deferred` stands for the real transport until the first live call: then
    the real one is opened, and the handshake, if it was replayed, is made.
    """

    def __init__(
        self, parameters: dict[str, Any], opened: Callable[[], AbstractAsyncContextManager[Any]], *, answers: bool
    ) -> None:
        self.parameters = parameters
        self.handshake: Callable[[], Awaitable[Any]] | None = None
        """Makes the handshake that was replayed, with the real server."""
        self._opened = opened
        self._answers = answers
        """True if a request that no patch knows opens the transport; else it is answered with an error."""
        self._real: Any = None
        self._held: list[Any] = []
        self._error: BaseException | None = None
        self._is_real = False

    @asynccontextmanager
    async def deferred(self, *, more: int) -> AsyncGenerator[tuple[Any, ...]]:
        """Yield the two streams of a transport, and `more` functions that give the session's id."""
        self._wanted, self._ready, self._left, self._ended = (anyio.Event() for _ in range(4))
        self._lock = anyio.Lock()
        self._to_session, from_server = anyio.create_memory_object_stream[Any](math.inf)
        self._is_real = False
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._serve)
            try:
                with Noted(self, from_server):
                    yield (from_server, _Outgoing(self), *(self._session_id for _ in range(more)))
            finally:
                self._left.set()
                self._wanted.set()
                from_server.close()
                self._to_session.close()
                await self._ended.wait()

    async def connect(self) -> None:
        """Open the real transport, unless it is open. Raises the error of opening it."""
        if not self._wants_opening():
            return
        async with self._lock:
            if not self._wants_opening():
                return
            self._wanted.set()
            await self._ready.wait()
            if self._error is not None:
                raise self._error
            self._is_real = True
            handshake, self.handshake = self.handshake, None
            if handshake is not None:
                await handshake()
            held, self._held = self._held, []
            for message in held:
                await self._real[1].send(message)

    def _wants_opening(self) -> bool:
        return hasattr(self, "_lock") and (not self._is_real or bool(self._held) or self.handshake is not None)

    def _session_id(self) -> Any:
        return self._real[2]() if self._real is not None and len(self._real) > 2 else None

    async def send(self, message: Any) -> None:
        """Send a message to the server. A notification is held back until the transport is opened."""
        await anyio.lowlevel.checkpoint()
        if self._is_real:
            await self._real[1].send(message)
            return
        plain = getattr(message.message, "root", message.message)
        if getattr(plain, "id", None) is None or getattr(plain, "method", None) is None:
            self._held.append(message)
        elif self._answers:
            await self.connect()
            await self._real[1].send(message)
        else:
            await self._to_session.send(_refusal(message, plain))

    async def _serve(self) -> None:
        try:
            await self._wanted.wait()
            if not self._left.is_set():
                await self._open()
        finally:
            self._ended.set()

    async def _open(self) -> None:
        try:
            async with self._opened() as self._real:
                self._ready.set()
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._receive)
                    await self._left.wait()
                    tasks.cancel_scope.cancel()
        except Exception as error:
            if self._ready.is_set():
                raise
            self._error = error
            self._ready.set()

    async def _receive(self) -> None:
        try:
            async for message in self._real[0]:
                await self._to_session.send(message)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        finally:
            self._to_session.close()


class _Outgoing:
    """The stream that a session writes to."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def send(self, message: Any) -> None:
        await self._transport.send(message)

    def close(self) -> None: ...

    async def aclose(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


def _refusal(message: Any, request: Any) -> Any:
    """Return the answer to a request that nothing records, in a replay: without it, the caller would wait forever."""
    types = sys.modules.get("mcp_types") or sys.modules["mcp.types"]
    error = types.ErrorData(code=-32603, message=f"memo: {request.method} is not recorded, and a replay has no server")
    answer = types.JSONRPCError(jsonrpc="2.0", id=request.id, error=error)
    wrapped = answer if type(message.message) is type(request) else types.JSONRPCMessage(answer)
    return type(message)(wrapped)
