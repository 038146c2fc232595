"""A Redis or Valkey server and event loops: what shares a connection, and when connections end."""

import asyncio
import gc
import os
import secrets
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest
from redis_servers import (
    auntil,
    closed,
    commands,
    connections,
    until,
)

from memo.errors import (
    RecordingDamaged,
    StoreNotReadable,
)
from memo.stores import _redis, as_store

ROOT = Path(__file__).parent.parent.parent


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


def test_an_entry_too_large_for_memory_blocks_no_caller(url, monkeypatch):
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
            timeout=300,
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
