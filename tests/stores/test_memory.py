"""Recordings in memory: what they take of it."""

import tracemalloc

import orjson
import pytest

from memo import Recorder
from memo.stores import MemoryStore

ENTRIES = 20_000


def write_with_put(store, name, data):
    store.put(name, data)


def write_with_create(store, name, data):
    assert store.create(name, data) is None


def write_with_swap(store, name, data):
    assert store.swap(name, None, b"") is None
    assert store.swap(name, b"", data) is None


@pytest.mark.parametrize("write", [write_with_put, write_with_create, write_with_swap])
@pytest.mark.parametrize("size", [60, 395, 3_000])
def test_an_entry_takes_little_more_than_its_bytes(write, size):
    store = MemoryStore()
    tree = {"text": "x" * (size - 11)}
    tracemalloc.start()
    try:
        for i in range(ENTRIES):
            write(store, f"app.ask/{i:032x}", orjson.dumps(tree))
        taken = tracemalloc.get_traced_memory()[0] / ENTRIES
    finally:
        tracemalloc.stop()
    assert len(store.get(f"app.ask/{0:032x}")) == size
    assert taken < 1.5 * size + 300


@pytest.mark.parametrize(
    ("size", "count", "beside"),
    [(0, 5_000, 0), (60, 5_000, 0), (250, 5_000, 0), (3_900, 5_000, 0), (0, 1, 600_000), (0, 1_000, 600_000)],
)
def test_a_memoizer_in_memory_takes_little_more_than_its_recordings(size, count, beside):
    tracemalloc.start()
    try:
        recorder = Recorder("memory://", mode="record-if-missing")

        @recorder.recordable(name="app.ask")
        def ask(n):
            return {"n": n, "text": "x" * size}

        for n in [*range(count), *range(count)]:  # all of them are called, and all of them are replayed
            ask(n)
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert recorder.stats.replayed == count
    entry = len(recorder.store.get(next(recorder.store.scan())))
    assert taken < count * (1.5 * entry + 300) + beside


def test_the_recording_used_last_is_held_for_a_store_in_memory_however_large_it_is():
    class Counting(MemoryStore):
        reads = 0

        def get(self, name):
            type(self).reads += 1
            return super().get(name)

    for size in (10, 300_000, 3_000_000):
        recorder = Recorder(Counting(), mode="record-if-missing")
        ask = recorder.recordable(name="app.ask")(lambda size: "x" * size)
        assert {len(ask(size)) for _ in range(3)} == {size}
        Counting.reads = 0
        assert len(ask(size)) == size
        assert Counting.reads == 0
