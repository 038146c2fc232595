"""What every store promises, and every power of a store. The stores are in `conftest.py`."""

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest

from memo import Recorder
from memo.errors import InvalidOption
from memo.stores import (
    AsyncReads,
    Claims,
    Creates,
    Expires,
    Held,
    ReadsMany,
    Remote,
    Salted,
    Store,
    Swaps,
    Wakes,
    as_store,
)

ROOT = Path(__file__).parent.parent.parent
POWERS = (AsyncReads, Claims, Creates, Expires, ReadsMany, Remote, Salted, Swaps, Wakes)

HOSTILE = [
    "../../x",
    "..",
    ".",
    "/etc/passwd",
    "//x",
    "C:\\x",
    "\\\\server\\share",
    "a\0b",
    "",
    " ",
    "a ",
    "a.",
    ".hidden",
    "-rf",
    "~",
    "x" * 5000,
    "x" * 5001,
    "é",
    "e\u0301",
    "日本語",
    "\u202ex",
    "\ud800",
    "a\nb",
    "CON",
    "con",
    "nul.txt",
    "con.x",
    "COM1",
    "lpt9.json",
    "a/b",
    "a/../b",
    "a_b",
    "a b",
    "a:b",
    "a?b",
    "a*b",
    "<locals>",
    "f.<locals>.g",
    "x.json",
    "x.tmp",
    ".x.json",
]


def processes(program: str, *arguments: list[object]) -> list[subprocess.Popen[str]]:
    """Python processes that run the same program, each with its own arguments, all at once."""
    return [
        subprocess.Popen(
            [sys.executable, "-c", program, *map(str, each)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for each in arguments
    ]


def outputs(started: list[subprocess.Popen[str]]) -> list[list[str]]:
    """What they print, when all are ready and told to go."""
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate(timeout=60)[0].splitlines() for process in started]
    assert [process.returncode for process in started] == [0] * len(started)
    return printed


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


class TestStore:
    def test_it_is_a_store(self, store):
        assert isinstance(store, Store)
        assert as_store(store) is store

    def test_it_claims_to_do_what_it_can_do(self, store, powers):
        assert {power for power in POWERS if isinstance(store, power)} == powers

    def test_what_was_never_put_is_none(self, store):
        assert store.get("f/a") is None
        assert list(store.scan()) == []
        assert list(store.scan("f/")) == []
        assert store.delete("f/a") is False

    @pytest.mark.parametrize(
        "data", [b"", b"x", b"\0\xff\r\n", bytes(range(256)) * 20_000], ids=["none", "one", "odd", "5 MB"]
    )
    def test_bytes_come_back_as_they_are(self, store, data):
        store.put("f/a", data)
        assert store.get("f/a") == data

    def test_the_last_put_counts(self, store):
        for data in (b"1", b"a longer one", b"2"):
            store.put("f/a", data)
        assert store.get("f/a") == b"2"
        assert list(store.scan()) == ["f/a"]

    def test_names_do_not_mix(self, store):
        for name in ("f/a", "f/b", "g/a", "f.g/a"):
            store.put(name, name.encode())
        assert {name: store.get(name) for name in store.scan()} == {
            name: name.encode() for name in ("f/a", "f/b", "g/a", "f.g/a")
        }

    def test_delete_forgets_one_and_says_whether_it_was_there(self, store):
        store.put("f/a", b"1")
        store.put("f/b", b"2")
        assert store.delete("f/a") is True
        assert store.delete("f/a") is False
        assert store.get("f/a") is None
        assert list(store.scan()) == ["f/b"]
        store.put("f/a", b"3")
        assert store.get("f/a") == b"3"

    def test_scan_gives_the_names_of_one_function(self, store):
        for name in ("f/a", "f/ab", "ff/a", "f.f/a"):
            store.put(name, b"")
        assert set(store.scan()) == {"f/a", "f/ab", "ff/a", "f.f/a"}
        assert set(store.scan("f/")) == {"f/a", "f/ab"}
        assert set(store.scan("f/ab")) == {"f/ab"}
        assert set(store.scan("ff")) == {"ff/a"}
        assert set(store.scan("nope/")) == set()

    def test_scan_stands_changes_meanwhile(self, store):
        for i in range(20):
            store.put(f"f/{i}", b"")
        for name in store.scan("f/"):
            store.delete(name)
        assert list(store.scan()) == []

    def test_location_is_for_people(self, store):
        assert isinstance(store.location(), str)
        assert store.location("f/a").startswith(store.location())
        assert store.location("f/a") != store.location("f/b")

    @pytest.mark.parametrize("side", ["function", "key"])
    def test_hostile_names_keep_apart_and_stay_inside(self, store, tmp_path, side):
        outside = files(tmp_path.parent)
        names = [f"{each}/k" if side == "function" else f"f/{each.replace('/', '-')}" for each in HOSTILE]
        names = list(dict.fromkeys(names))
        for name in names:
            store.put(name, repr(name).encode())
        assert [store.get(name) for name in names] == [repr(name).encode() for name in names]
        assert all(Path(path).parts[0] == tmp_path.name for path in files(tmp_path.parent) - outside)
        assert all(Path(path).parts[0].startswith("store") for path in files(tmp_path))
        assert len(list(store.scan())) == len(names)
        assert {store.get(name) for name in store.scan()} == {repr(name).encode() for name in names}
        for name in names:
            listed = list(store.scan(name.rpartition("/")[0] + "/"))
            assert any(store.get(each) == repr(name).encode() for each in listed)
        for name in names:
            assert store.delete(name) is True
        assert list(store.scan()) == []

    def test_scanned_names_can_be_read_and_deleted(self, store):
        for each in HOSTILE:
            store.put(f"{each}/k", each.encode(errors="surrogatepass"))
        for name in list(store.scan()):
            assert store.get(name) is not None
            assert store.delete(name) is True
        assert list(store.scan()) == []

    def test_many_threads_lose_nothing(self, store):
        def write(thread: int) -> None:
            for i in range(25):
                store.put(f"f{i % 3}/{thread}-{i}", f"{thread} {i}".encode())

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(8)))
        assert len(list(store.scan())) == 200
        assert all(store.get(f"f{i % 3}/{t}-{i}") == f"{t} {i}".encode() for t in range(8) for i in range(25))

    def test_a_reader_sees_old_bytes_or_new_ones_whole(self, store):
        whole = [bytes([i]) * (200_000 + 50_000 * i) for i in range(4)]
        store.put("f/a", whole[0])
        done = threading.Event()
        seen, torn = set(), []

        def read() -> None:
            while not done.is_set():
                data = store.get("f/a")
                (seen.add(data[:1]) if data in whole else torn.append(data and len(data)))

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        pick = random.Random(1)

        def write(_: int) -> None:
            for _ in range(30):
                store.put("f/a", pick.choice(whole))

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(write, range(3)))
        done.set()
        for reader in readers:
            reader.join()
        assert torn == []
        assert seen
        assert store.get("f/a") in whole

    def test_a_process_killed_while_it_writes_leaves_a_whole_entry(self, shared):
        pick = random.Random(7)
        for _ in range(4):
            [process] = processes(WRITER, [shared])
            with process:
                assert process.stdout is not None
                process.stdout.readline()
                time.sleep(pick.uniform(0, 0.05))
                process.send_signal(signal.SIGKILL)
            data = as_store(shared).get("f/a")
            if data is not None:
                assert re.fullmatch(rb"(\d+ )\1{39999}end", data)
            assert list(as_store(shared).scan()) in ([], ["f/a"])
        as_store(shared).put("f/a", b"whole")
        assert as_store(shared).get("f/a") == b"whole"

    def test_a_forked_process_may_use_it(self, forking):
        store = as_store(forking)
        store.put("f/a", b"parent")
        child = os.fork()
        if child == 0:
            try:
                store.put("f/b", store.get("f/a") + b"+child")
                os._exit(0)
            except BaseException:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        assert store.get("f/b") == b"parent+child"

    async def test_calls_are_recorded_and_replayed(self, store):
        calls = []
        for _ in range(2):
            recorder = Recorder(store, mode="record-if-missing")

            @recorder.recordable(name="f")
            async def ask(n):
                calls.append(n)
                return {"n": n, "long": "x" * 10_000}

            @recorder.recordable(name="g")
            def ask_sync(n):
                calls.append(n)
                return [n]

            @recorder.recordable(name="h")
            async def ask_stream(n):
                calls.append(n)
                for i in range(n):
                    yield i

            for _ in range(2):
                assert await ask(1) == {"n": 1, "long": "x" * 10_000}
                assert ask_sync(2) == [2]
                assert [each async for each in ask_stream(3)] == [0, 1, 2]
            recorder.raise_failures()
            assert ask_sync.cache_info().currsize == 1
        assert calls == [1, 2, 3]


WRITER = """
import sys
from memo.stores import as_store
store, i = as_store(sys.argv[1]), 0
print("ready", flush=True)
while True:
    i += 1
    store.put("f/a", b"%d " % i * 40_000 + b"end")
"""


class TestCreates:
    def test_only_the_first_is_kept(self, creates):
        assert creates.create("f/a", b"1") is None
        assert creates.create("f/a", b"2") == b"1"
        assert creates.create("f/b", b"") is None
        assert creates.create("f/b", b"2") == b""
        assert (creates.get("f/a"), creates.get("f/b")) == (b"1", b"")

    def test_what_was_put_was_first(self, creates):
        creates.put("f/a", b"1")
        assert creates.create("f/a", b"2") == b"1"
        creates.put("f/a", b"3")
        assert creates.create("f/a", b"4") == b"3"

    def test_what_was_deleted_may_be_created_again(self, creates):
        creates.create("f/a", b"1")
        creates.delete("f/a")
        assert creates.create("f/a", b"2") is None
        assert creates.get("f/a") == b"2"

    def test_large_entries_come_back(self, creates):
        large = bytes(range(256)) * 20_000
        assert creates.create("f/a", large) is None
        assert creates.create("f/a", b"small") == large

    @pytest.mark.parametrize("side", ["function", "key"])
    def test_hostile_names_keep_apart(self, creates, side):
        names = [f"{each}/k" if side == "function" else f"f/{each.replace('/', '-')}" for each in HOSTILE]
        names = list(dict.fromkeys(names))
        assert [creates.create(name, repr(name).encode()) for name in names] == [None] * len(names)
        assert [creates.create(name, b"") for name in names] == [repr(name).encode() for name in names]

    def test_of_many_threads_one_is_first(self, creates):
        together = threading.Barrier(8)

        def race(thread: int) -> list[bytes]:
            won = []
            for i in range(20):
                together.wait(10)
                mine = b"%d" % thread
                first = creates.create(f"f/{i}", mine)
                won.append(mine if first is None else first)
            return won

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(race, range(8)))
        assert all(result == results[0] for result in results)
        assert [creates.get(f"f/{i}") for i in range(20)] == results[0]

    def test_of_many_processes_one_is_first(self, shared):
        printed = outputs(processes(RACER, *([shared, i] for i in range(4))))
        assert printed[0] == printed[1] == printed[2] == printed[3]
        assert len(printed[0]) == 100
        assert printed[0] == [as_store(shared).get(f"f/{i}").decode() for i in range(100)]


RACER = """
import sys
from memo.stores import as_store
store, mine = as_store(sys.argv[1]), sys.argv[2].encode()
store.get("f/0")
print("ready", flush=True)
input()
for i in range(100):
    first = store.create(f"f/{i}", mine)
    print((mine if first is None else first).decode())
"""


def ended(claims: Claims, name: str, token: str) -> bytes | Held | None:
    """What a claim gives when that of another has ended, which it must soon."""
    end = time.monotonic() + claims.lease + 5
    while isinstance(claimed := claims.claim(name, token), Held) and time.monotonic() < end:
        time.sleep(min(claimed.seconds, 0.05))
    return claimed


class TestClaims:
    def test_one_holds_it(self, claims):
        assert claims.claim("f/a", "one") is None
        held = claims.claim("f/a", "two")
        assert isinstance(held, Held)
        assert held.holder == "one"
        assert 0 < held.seconds <= claims.lease
        assert claims.claim("f/a", "one") is None
        assert claims.claim("f/b", "two") is None
        assert claims.get("f/a") is None
        assert list(claims.scan()) == []

    def test_what_is_recorded_is_not_claimed(self, claims):
        claims.put("f/a", b"1")
        assert claims.claim("f/a", "one") == b"1"
        claims.delete("f/a")
        assert claims.claim("f/a", "two") is None

    def test_to_finish_is_to_create_and_to_release(self, claims):
        claims.claim("f/a", "one")
        assert claims.finish("f/a", "one", b"1") is None
        assert claims.claim("f/a", "two") == claims.get("f/a") == b"1"
        claims.delete("f/a")
        assert claims.claim("f/a", "two") is None

    def test_who_finishes_late_gets_the_first(self, claims):
        claims.claim("f/a", "one")
        claims.put("f/a", b"1")
        assert claims.finish("f/a", "one", b"2") == b"1"
        assert claims.finish("f/a", "one", b"3") == b"1"
        assert claims.finish("f/b", "never claimed", b"4") is None
        assert claims.get("f/b") == b"4"

    def test_who_is_late_leaves_the_claim_of_another(self, claims):
        claims.claim("f/a", "one")
        assert (
            claims.finish("f/a", "two", b"2") is None
        )  # its own had ended, and another's is in the middle of the call
        claims.delete("f/a")
        held = claims.claim("f/a", "two")
        assert isinstance(held, Held)
        assert held.holder == "one"

    def test_to_release_is_to_hand_over(self, claims):
        claims.claim("f/a", "one")
        claims.release("f/a", "two")
        assert isinstance(claims.claim("f/a", "two"), Held)
        claims.release("f/a", "one")
        assert claims.claim("f/a", "two") is None
        claims.release("f/a", "one")
        assert isinstance(claims.claim("f/a", "three"), Held)
        claims.release("f/none", "one")

    def test_a_claim_ends_by_itself(self, claims):
        claims.claim("f/a", "one")
        assert ended(claims, "f/a", "two") is None
        assert claims.renew("f/a", "one") is False
        assert isinstance(claims.claim("f/a", "one"), Held)

    def test_a_claim_lasts_while_it_is_renewed(self, claims):
        claims.claim("f/a", "one")
        end = time.monotonic() + 2.2 * claims.lease
        while time.monotonic() < end:
            assert claims.renew("f/a", "one") is True
            assert isinstance(claims.claim("f/a", "two"), Held)
            time.sleep(claims.lease / 10)
        assert claims.renew("f/a", "two") is False
        claims.release("f/a", "one")
        assert claims.renew("f/a", "one") is False
        assert claims.renew("f/b", "one") is False

    def test_hostile_names_keep_apart(self, claims):
        claims.lease = 60.0  # none ends before the last is asked for
        names = list(dict.fromkeys(f"{each}/k" for each in HOSTILE))
        assert [claims.claim(name, name.encode(errors="replace").hex()) for name in names] == [None] * len(names)
        assert all(isinstance(claims.claim(name, "other"), Held) for name in names)

    def test_of_many_threads_one_holds_it(self, claims):
        together = threading.Barrier(8)

        def race(thread: int) -> list[str]:
            got = []
            for i in range(10):
                together.wait(10)
                held = claims.claim(f"f/{i}", f"thread {thread}")
                got.append(held.holder if isinstance(held, Held) else f"thread {thread}")
            return got

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(race, range(8)))
        assert all(result == results[0] for result in results)


class TestWakes:
    @pytest.mark.parametrize("end", ["finish", "release"])
    def test_who_waits_is_woken(self, wakes, end):
        wakes.claim("f/a", "one")
        with ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(wakes.wait, "f/a", "one", 30) for _ in range(2)]
            time.sleep(0.1)
            assert not any(each.done() for each in waiting)
            start = time.monotonic()
            wakes.finish("f/a", "one", b"1") if end == "finish" else wakes.release("f/a", "one")
            for each in waiting:
                each.result(5)
        assert time.monotonic() - start < 5

    def test_what_happened_before_is_not_missed(self, wakes):
        wakes.claim("f/a", "one")
        wakes.release("f/a", "one")
        wakes.wait("f/a", "one", 30)
        wakes.claim("f/a", "two")
        wakes.wait("f/a", "one", 30)
        wakes.finish("f/a", "two", b"1")
        wakes.wait("f/a", "two", 30)

    def test_a_wait_ends(self, wakes):
        wakes.claim("f/a", "one")
        wakes.wait("f/a", "one", 0.1)

    def test_tasks_are_woken_and_can_be_cancelled(self, wakes):
        async def main() -> None:
            wakes.claim("f/a", "one")
            with anyio.move_on_after(0.1) as scope:
                await wakes.await_("f/a", "one", 30)
            assert scope.cancelled_caught
            with anyio.fail_after(5):
                await wakes.await_("f/a", "one", 0.05)
                async with anyio.create_task_group() as tasks:
                    for _ in range(20):
                        tasks.start_soon(wakes.await_, "f/a", "one", 30)
                    await anyio.sleep(0.1)
                    await anyio.to_thread.run_sync(wakes.finish, "f/a", "one", b"1")
                await wakes.await_("f/a", "one", 30)

        asyncio.run(main())


class TestAsyncReads:
    def test_many_at_once(self, reads):
        for i in range(50):
            reads.put(f"f/{i}", b"%d" % i)

        async def main() -> None:
            names = [f"f/{i % 60}" for i in range(300)]
            read = await asyncio.gather(*[reads.aget(name) for name in names])
            assert read == [b"%d" % (i % 60) if i % 60 < 50 else None for i in range(300)]

        asyncio.run(main())
        asyncio.run(main())
        with ThreadPoolExecutor(3) as pool:
            for each in [pool.submit(asyncio.run, main()) for _ in range(3)]:
                each.result(20)

    def test_one_that_is_cancelled_takes_none_with_it(self, reads):
        reads.put("f/a", b"1")

        async def main() -> None:
            tasks = [asyncio.create_task(reads.aget("f/a")) for _ in range(20)]
            await asyncio.sleep(0)
            for each in tasks[::2]:
                each.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert results[1::2] == [b"1"] * 10

        asyncio.run(main())

    def test_hostile_names(self, reads):
        names = list(dict.fromkeys(f"{each}/k" for each in HOSTILE))
        for name in names:
            reads.put(name, repr(name).encode())

        async def main() -> None:
            assert await asyncio.gather(*map(reads.aget, names)) == [repr(name).encode() for name in names]

        asyncio.run(main())


class TestOtherPowers:
    def test_many_are_read_at_once(self, reads_many):
        for i in range(20):
            reads_many.put(f"f/{i}", b"%d" % i)
        names = [f"f/{i}" for i in (3, 99, 0, 3)]
        assert reads_many.get_many(names) == [b"3", None, b"0", b"3"]
        assert reads_many.get_many([]) == []

    def test_it_says_when_entries_end(self, expires):
        assert expires.ttl is None or expires.ttl > 0

    def test_it_says_how_long_anything_takes(self, remote):
        assert 0 < remote.timeout <= 60


def test_a_store_may_be_written_as_a_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert as_store("~/x").location() == str(tmp_path / "x")
    assert as_store(tmp_path).location() == str(tmp_path)
    assert as_store("memory://").location() == "memory://"


@pytest.mark.parametrize("wrong", ["ftp://x", 5, None, object(), b"x"])
def test_what_is_no_store_is_refused(wrong):
    with pytest.raises(InvalidOption) as raised:
        as_store(wrong)
    assert raised.value.option == "store"
