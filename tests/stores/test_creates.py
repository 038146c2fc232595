"""Stores in which the first write wins."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from store_contract import HOSTILE, outputs, processes

from memo.stores import as_store


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
