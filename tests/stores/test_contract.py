"""What every store promises. The stores are in `conftest.py`."""

import os
import random
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from store_contract import HOSTILE, processes

from memo import Recorder
from memo.errors import InvalidOption
from memo.stores import (
    AsyncReads,
    Bounded,
    Claims,
    Closes,
    Creates,
    Discards,
    Expires,
    ReadsMany,
    Remote,
    Reviews,
    Salted,
    Store,
    Swaps,
    Wakes,
    as_store,
    layers_of,
)

CAPABILITIES = (
    AsyncReads,
    Bounded,
    Claims,
    Closes,
    Creates,
    Discards,
    Expires,
    ReadsMany,
    Remote,
    Reviews,
    Salted,
    Swaps,
    Wakes,
)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


class TestStore:
    def test_it_is_a_store(self, store):
        assert isinstance(store, Store)
        assert as_store(store) is store

    def test_it_claims_to_do_what_it_can_do(self, store, capabilities):
        assert {each for each in CAPABILITIES if isinstance(store, each)} == capabilities

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

    def test_scan_tolerates_changes_in_the_meantime(self, store):
        for i in range(20):
            store.put(f"f/{i}", b"")
        for name in store.scan("f/"):
            store.delete(name)
        assert list(store.scan()) == []

    def test_location_is_for_people(self, store):
        assert isinstance(store.location(), str)
        assert store.location("f/a").startswith(layers_of(store)[0].location())
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
