"""A Redis or Valkey server that is not there, goes away, is slow, full, locked or read-only; and what only it can do."""

import asyncio
import os
import secrets
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
import redis
from redis_servers import (
    READS,
    SECRET,
    WAITS,
    WRITES,
    closed,
    dripping,
    failures,
    listening,
    locked,
    silent,
    told,
    until,
)

from memo import Recorder, recording
from memo.errors import (
    InvalidOption,
    NewerFormat,
    RecordingDamaged,
    RecordingsSpooledWarning,
    StoreFull,
    StoreNotReadable,
    StoreNotWritable,
)
from memo.maintenance.copy import push
from memo.stores import DirectoryStore, as_store

# Faults


def test_a_server_that_is_not_there(tmp_path):
    port = closed()
    store = as_store(f"redis://user:{SECRET}@127.0.0.1:{port}/2?timeout=2")
    for kind, which in ((StoreNotReadable, READS), (StoreNotWritable, WRITES)):
        for error in failures(store, which).values():
            assert type(error) is kind
            assert error.location == f"redis://127.0.0.1:{port}/2"
            assert "cannot be reached" in str(error)
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
        with pytest.raises(RecordingDamaged, match="and so not a memo entry"):
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

    with (
        pytest.warns(RecordingsSpooledWarning, match="memo push"),
        recording(url, mode="record-if-missing") as recorder,
    ):
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
