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


def test_a_memoizer_in_memory_takes_little_more_than_its_recordings():
    recorder = Recorder(MemoryStore(), mode="record-if-missing")

    @recorder.recordable(name="app.ask")
    def ask(n):
        return {"n": n, "text": "x" * 100}

    ask(0)
    count = 5_000
    tracemalloc.start()
    try:
        for n in range(1, count):
            ask(n)
        taken = tracemalloc.get_traced_memory()[0] / count
    finally:
        tracemalloc.stop()
    entry = len(recorder.store.get(next(recorder.store.scan())))
    assert taken < 1.5 * entry + 300 + 500  # the last for caches of a limited size, which fill first
