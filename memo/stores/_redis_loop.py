"""A Redis store in one event loop of asyncio: reads that go out together, and waits for a message.

Connections belong to the loop in which they were made, and end with that loop.
"""

from __future__ import annotations

import asyncio
import copy
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, ClassVar, NamedTuple

from memo.errors import StoreError, StoreNotReadable
from memo.stores._redis_server import FAILURES, Server

__all__ = ["Loop"]

_TOGETHER = 100
"""Entries of one command: the server does nothing else meanwhile."""
_AT_ONCE = 4
"""Concurrent batches of a loop. Further reads go out together after that."""
_CHANNELS = 1000
"""Names that one connection listens for in all of its life: then the next waiter makes a new connection."""
_PAUSE = 0.5
"""Seconds that a waiter sleeps if it cannot listen."""
_FAREWELL = 0.5
"""Seconds that the end of a loop waits for its connections to close."""


Unpack = Callable[[str, bytes], bytes]
"""From the key and the entry to the bytes in the entry."""


class _Wanted(NamedTuple):
    """A key that is to be read: how to unpack the entry, and who waits for it."""

    unpack: Unpack | None
    replies: list[asyncio.Future[bytes | None]]


class Loop:
    """What a store has in one event loop. Refers to the loop only while there is something to do."""

    def __init__(self, server: Server, connections: _Connections) -> None:
        self._server = server
        self._connections = connections
        self._wanted: dict[str, _Wanted] = {}
        self._deadline = 0.0
        self._asking = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: _Listener | None = None

    @classmethod
    async def begin(cls, server: Server) -> Loop:
        """Return what a store has in the running event loop."""
        connections = _Connections(server)
        loop = cls(server, connections)
        end = await _End.here()
        end.connections.add(connections)
        weakref.finalize(loop, end.close_soon, connections).atexit = False  # the store is gone
        return loop

    # Reading

    def read(self, key: str, unpack: Unpack | None = None) -> Awaitable[bytes | None]:
        """Read a key, to be awaited at once: unpacked, if it is an entry. Raises `StoreError`.

        The reads of one turn of the loop go out together.
        """
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[bytes | None] = loop.create_future()
        waiting = self._wanted.get(key)
        if waiting is not None:
            waiting.replies.append(reply)
            return reply
        first = not self._wanted
        self._wanted[key] = _Wanted(unpack, [reply])
        if not first:
            return reply
        self._deadline = loop.time() + self._server.timeout
        return self._lead(reply) if self._asking < _AT_ONCE else reply

    async def _lead(self, reply: asyncio.Future[bytes | None]) -> bytes | None:
        """Ask for all keys, as the first reader: a task of its own would cost two more turns of the loop."""
        try:
            if not _is_idle(asyncio.get_running_loop()):
                await asyncio.sleep(0)
            await self._ask_for_all()
        except asyncio.CancelledError:
            reply.cancel()
            self._ask_soon()
            raise
        return await reply

    def _ask_soon(self) -> None:
        """Ask for what is still wanted, in a task of its own."""
        for key, wanted in list(self._wanted.items()):
            wanted.replies[:] = [reply for reply in wanted.replies if not reply.done()]
            if not wanted.replies:
                del self._wanted[key]
        if self._wanted and self._asking < _AT_ONCE:
            task = asyncio.create_task(self._ask_for_all())
            self._tasks.add(task)
            task.add_done_callback(self._asked)

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            self._ask_soon()

    async def _ask_for_all(self) -> None:
        """Ask for what is wanted now, and answer whoever waits for it. Cancelled, leave it wanted."""
        wanted, self._wanted = self._wanted, {}
        if not wanted:
            return
        deadline = self._deadline
        replies: Sequence[bytes | Exception | None]
        self._asking += 1
        try:
            async with asyncio.timeout_at(deadline):
                replies = await self._ask(list(wanted))
        except asyncio.CancelledError:
            for key, waiting in wanted.items():
                self._wanted.setdefault(key, _Wanted(waiting.unpack, [])).replies.extend(waiting.replies)
            self._deadline = deadline
            raise
        except FAILURES as error:
            replies = [self._server.failure(error, StoreNotReadable)] * len(wanted)
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            replies = [error] * len(wanted)
        finally:
            self._asking -= 1
        for (key, waiting), found in zip(wanted.items(), replies, strict=True):
            _answer(key, waiting, found)
        if self._wanted:
            self._ask_soon()  # reads that came while four batches were under way

    async def _ask(self, keys: list[str]) -> list[bytes | None]:
        connection = await self._connections.take()
        try:
            commands = [("MGET", *some) for some in _batched(keys)]
            await connection.send_packed_command(connection.pack_commands(commands))
            replies: list[bytes | None] = []
            for _ in commands:
                replies += await connection.read_response()
        except BaseException:
            await self._connections.drop(connection)  # replies may be under way
            raise
        self._connections.give(connection)
        return replies

    # Waiting

    async def wait(self, channel: str, look: Callable[[], Awaitable[bool]], seconds: float) -> None:
        """Wait until something is published, for so many seconds at most, if `look` is true once the connection listens.

        Return early if the server goes away. Never raise: without a connection, return after a pause.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                listener = self._listener
                if listener is None or listener.is_over or listener.is_full:
                    listener = self._listener = _Listener(self._connections, self._server.timeout)
                try:
                    listened = await listener.wait(channel, look)
                except StoreError:
                    listened = False
                if not listened:
                    await asyncio.sleep(_PAUSE)


class _Connections:
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


class _End:
    """The end of an event loop: closes the connections before.

    asyncio ends the asynchronous generators of a loop just before the loop itself, so one of them closes the connections. The
    class holds both: connections that are garbage together with their store would complain before anybody could close them.
    """

    _of: ClassVar[dict[asyncio.AbstractEventLoop, _End]] = {}

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.connections: set[_Connections] = set()
        self._loop = loop
        self._generator = self._wait()
        self._closing: set[asyncio.Task[None]] = set()

    @classmethod
    async def here(cls) -> _End:
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

    def close_soon(self, connections: _Connections) -> None:
        """Close the connections, from any thread."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._start_closing, connections)

    def _start_closing(self, connections: _Connections) -> None:
        task = self._loop.create_task(self._close(connections))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, connections: _Connections) -> None:
        await connections.close()
        self.connections.discard(connections)


class _Channel:
    """Those who wait for a message on a channel."""

    def __init__(self) -> None:
        self.waiters: set[asyncio.Future[None]] = set()
        self.heard = asyncio.Event()
        """Set when the server has confirmed the subscription, or never will."""


class _Listener:
    """A connection that listens for messages. All waiters of a loop share it; it ends with the last of them.

    Nothing is unsubscribed: a name has hardly ever more than one message, and after a thousand names the listener is full.
    """

    def __init__(self, connections: _Connections, timeout: float) -> None:
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
            await channel.heard.wait()
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
                channel.heard.set()

    def _subscribe(self, *names: str) -> None:
        # In a task of its own: a waiter that is cancelled while it writes would break the connection.
        task = asyncio.create_task(self._send("SUBSCRIBE", *names))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, *command: str) -> None:
        with suppress(*FAILURES):  # the reader of the connection fails, too
            await self._connection.send_command(*command)

    def _heard(self, kind: bytes, channel: _Channel) -> None:
        if kind == b"subscribe":
            channel.heard.set()
            return
        for woken in channel.waiters:
            if not woken.done():
                woken.set_result(None)


def _answer(key: str, wanted: _Wanted, found: bytes | Exception | None) -> None:
    """Give all who wait for a key its bytes, or the error."""
    if wanted.unpack is not None and isinstance(found, bytes):
        try:
            found = wanted.unpack(key, found)
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            found = error
    for reply in wanted.replies:
        if reply.done():
            continue
        if isinstance(found, Exception):
            reply.set_exception(copy.copy(found))
        else:
            reply.set_result(found)


def _is_idle(loop: asyncio.AbstractEventLoop) -> bool:
    """Return whether nothing else is ready to run that could read more in this turn of the loop.

    asyncio's own loops have a list of what is ready; other loops may not. Waiting for one more turn takes a tenth of the time
    of a single read.
    """
    ready = getattr(loop, "_ready", None)
    return ready is not None and not ready


def _batched(keys: list[str]) -> list[list[str]]:
    return [keys[start : start + _TOGETHER] for start in range(0, len(keys), _TOGETHER)]
