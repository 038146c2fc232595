"""A connection that listens for the messages that wake those who wait for a claim."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from memo.stores._redis_connections import Connections
from memo.stores._redis_server import FAILURES

__all__ = ["Listener"]

_CHANNELS = 1000
"""Names that one connection listens for in all of its life: then the next waiter makes a new connection."""


class _Channel:
    """Those who wait for a message on a channel."""

    def __init__(self) -> None:
        self.waiters: set[asyncio.Future[None]] = set()
        self.is_settled = asyncio.Event()
        """Set when the server has confirmed the subscription, or never will."""


class Listener:
    """A connection that listens for messages. All waiters of a loop share it; it ends with the last of them.

    Nothing is unsubscribed: a name has hardly ever more than one message, and after a thousand names the listener is full.
    """

    def __init__(self, connections: Connections, timeout: float) -> None:
        self._connections = connections
        self._timeout = timeout
        self._connection: Any = None
        self._channels: dict[str, _Channel] = {}
        self._waiting = 0
        self._sending: set[asyncio.Task[None]] = set()
        self.is_over = False
        self._task = asyncio.create_task(self._listen())

    @property
    def is_full(self) -> bool:
        return len(self._channels) >= _CHANNELS

    async def wait(self, name: str, look: Callable[[], Awaitable[bool]]) -> bool:
        """Wait for a message, if `look` is true once the connection listens; return whether the connection could listen."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = _Channel()
            if self._connection is not None:
                self._subscribe(name)
        channel.waiters.add(woken)
        self._waiting += 1
        try:
            await channel.is_settled.wait()
            if self.is_over:
                return False
            if await look():
                await woken
            return True
        finally:
            channel.waiters.discard(woken)
            self._waiting -= 1
            if not self._waiting:
                self.is_over = True
                self._task.cancel()

    async def _listen(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                connection = await self._connections.take()
            try:
                self._connection = connection
                self._subscribe(*self._channels)
                while True:
                    kind, channel, _ = await connection.read_response()
                    self._heard(kind, self._channels[channel.decode()])
            finally:
                for task in self._sending:
                    task.cancel()
                await self._connections.drop(connection)
        except FAILURES:
            pass
        finally:
            self.is_over = True
            for channel in self._channels.values():
                self._heard(b"message", channel)
                channel.is_settled.set()

    def _subscribe(self, *names: str) -> None:
        # In its own task: a waiter that is cancelled while it writes would break the connection.
        task = asyncio.create_task(self._send("SUBSCRIBE", *names))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, *command: str) -> None:
        with suppress(*FAILURES):  # the reader of the connection fails, too
            await self._connection.send_command(*command)

    def _heard(self, kind: bytes, channel: _Channel) -> None:
        if kind == b"subscribe":
            channel.is_settled.set()
            return
        for woken in channel.waiters:
            if not woken.done():
                woken.set_result(None)
