"""The connections of a Redis store in one event loop: they belong to the loop, and are closed before it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, ClassVar

from memo.stores._redis_server import FAILURES, Server

__all__ = ["Connections", "LoopEnd"]

_FAREWELL = 0.5
"""Seconds that the end of a loop waits for its connections to close."""


class Connections:
    """The connections of a loop, and which of them are idle."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._all: set[Any] = set()
        self._idle: list[Any] = []

    async def take(self) -> Any:
        """Return a connection that is ready, to be given back or dropped."""
        while self._idle:
            connection = self._idle.pop()
            if not await connection.can_read():  # nothing was asked: what can be read is the end of the connection
                return connection
            await self.drop(connection)
        connection = self._server.async_connection()
        self._all.add(connection)
        try:
            await connection.connect()
        except BaseException:
            await self.drop(connection)
            raise
        return connection

    def give(self, connection: Any) -> None:
        """Take back a connection that is ready for others."""
        self._idle.append(connection)

    async def close(self) -> None:
        """Close all connections."""
        self._idle.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await asyncio.gather(*(connection.disconnect() for connection in self._all), return_exceptions=True)
        self._all.clear()

    async def drop(self, connection: Any) -> None:
        """Close a connection now, whatever it was doing."""
        self._all.discard(connection)
        with suppress(*FAILURES):
            await connection.disconnect(nowait=True)


class LoopEnd:
    """The end of an event loop: closes the connections before.

    asyncio ends the asynchronous generators of a loop just before the loop itself, so one of them closes the connections. The
    class holds both: connections that are garbage together with their store would complain before anybody could close them.
    """

    _of: ClassVar[dict[asyncio.AbstractEventLoop, LoopEnd]] = {}

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.connections: set[Connections] = set()
        self._loop = loop
        self._generator = self._wait()
        self._closing: set[asyncio.Task[None]] = set()

    @classmethod
    async def here(cls) -> LoopEnd:
        """Return the end of the running event loop."""
        loop = asyncio.get_running_loop()
        if loop not in cls._of:
            for other in [other for other in list(cls._of) if other.is_closed()]:
                cls._of.pop(other, None)  # closed without ending its generators, as `asyncio.run` does
            end = cls._of[loop] = cls(loop)
            await anext(end._generator)
        return cls._of[loop]

    async def _wait(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await asyncio.gather(*map(self._close, list(self.connections)))
            self._of.pop(self._loop, None)

    def close_soon(self, connections: Connections) -> None:
        """Close the connections, from any thread."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._start_closing, connections)

    def _start_closing(self, connections: Connections) -> None:
        task = self._loop.create_task(self._close(connections))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, connections: Connections) -> None:
        await connections.close()
        self.connections.discard(connections)
