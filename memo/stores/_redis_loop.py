"""A Redis store in one event loop of asyncio: reads that go out together, and waits for a message.

Connections belong to the loop in which they were made, and end with that loop.
"""

from __future__ import annotations

import asyncio
import copy
import weakref
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from memo.errors import StoreError, StoreNotReadable
from memo.stores._redis_connections import Connections, LoopEnd
from memo.stores._redis_listener import Listener
from memo.stores._redis_server import FAILURES, Server

__all__ = ["Loop"]

_TOGETHER = 100
"""Entries of one command: the server does nothing else in the meantime."""
_AT_ONCE = 4
"""Concurrent batches of a loop. Further reads go out together after that."""
_PAUSE = 0.5
"""Seconds that a waiter sleeps if it cannot listen."""


Unpack = Callable[[str, bytes], bytes]
"""From the key and the entry to the bytes in the entry."""


class _Wanted(NamedTuple):
    """A key that is to be read: how to unpack the entry, and who waits for it."""

    unpack: Unpack | None
    replies: list[asyncio.Future[bytes | None]]


class Loop:
    """What a store has in one event loop. Refers to the loop only while there is something to do."""

    def __init__(self, server: Server, connections: Connections) -> None:
        self._server = server
        self._connections = connections
        self._wanted: dict[str, _Wanted] = {}
        self._deadline = 0.0
        self._asking = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: Listener | None = None

    @classmethod
    async def begin(cls, server: Server) -> Loop:
        """Return what a store has in the running event loop."""
        connections = Connections(server)
        loop = cls(server, connections)
        end = await LoopEnd.here()
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
        """Ask for all keys, as the first reader: its own task would cost two more turns of the loop."""
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
        """Ask for what is still wanted, in its own task."""
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
        """Ask for what is wanted now, and answer those who wait for it. Cancelled, leave it wanted."""
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
                    listener = self._listener = Listener(self._connections, self._server.timeout)
                try:
                    listened = await listener.wait(channel, look)
                except StoreError:
                    listened = False
                if not listened:
                    await asyncio.sleep(_PAUSE)


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
