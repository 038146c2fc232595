"""Stores of a limited size: the entries that were written longest ago are evicted first."""

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from memo import Recorder
from memo.errors import InvalidOption
from memo.stores import Bounded, Claims, as_store


@pytest.fixture
def store(bounded):
    return as_store(bounded)


def entry(number, size=160):
    """Bytes that cannot be compressed, in a store that keeps six of them."""
    return random.Random(number).randbytes(size - 8) + b"%08d" % number


def names(store):
    return sorted(store.scan())


def test_the_oldest_are_evicted(store):
    assert isinstance(store, Bounded)
    assert store.max_bytes == 1000
    for number in range(20):
        assert store.create(f"f/{number:02}", entry(number)) is None
    kept = names(store)
    assert 4 <= len(kept) <= 6
    assert kept == [f"f/{number:02}" for number in range(20 - len(kept), 20)]
    assert [store.get(name) for name in kept] == [entry(int(name[2:])) for name in kept]
    assert store.get("f/00") is None
    assert store.delete("f/00") is False
    assert store.create("f/00", entry(0)) is None  # as if it had never been


def test_what_is_written_again_is_the_newest(store):
    for number in range(4):
        store.put(f"f/{number}", entry(number))
    store.put("f/0", entry(10))
    assert store.swap("f/1", entry(1), entry(11)) is None
    for number in range(20, 23):
        store.put(f"f/{number}", entry(number))
    kept = names(store)
    assert "f/2" not in kept
    assert {"f/1", "f/22"} <= set(kept)


def test_what_is_deleted_makes_room(store):
    for number in range(4):
        store.put(f"f/{number}", entry(number))
    for number in range(4, 40):
        assert store.delete(f"f/{number - 2}")
        store.put(f"f/{number}", entry(number))
    assert {"f/0", "f/1"} <= set(names(store))


def test_other_sizes_count(store):
    for number in range(4):
        store.put(f"f/{number}", entry(number))
    store.put("f/3", entry(3, 700))
    assert names(store) in (["f/2", "f/3"], ["f/3"])
    store.put("f/3", entry(3))
    for number in range(4, 7):
        store.put(f"f/{number}", entry(number))
    assert {"f/3", "f/4", "f/5", "f/6"} <= set(names(store))


def test_one_that_is_too_large_is_kept_alone(store):
    store.put("f/0", entry(0))
    store.put("f/1", entry(1, 5000))
    assert names(store) == ["f/1"]
    assert store.get("f/1") == entry(1, 5000)
    store.put("f/2", entry(2))
    assert names(store) == ["f/2"]


def test_claims_and_the_salt_are_not_evicted(store):
    salt = store.salt()
    if isinstance(store, Claims):
        assert store.claim("f/claimed", "a:1:x") is None
    for number in range(20):
        store.put(f"f/{number}", entry(number))
    assert store.salt() == as_store(store).salt() == salt
    if isinstance(store, Claims):
        assert store.finish("f/claimed", "a:1:x", entry(99)) is None
        assert store.get("f/claimed") == entry(99)


def test_an_entry_is_whole_or_absent_while_others_evict_it(store):
    problems, ended = [], threading.Event()

    def write(first):
        for number in range(first, first + 60):
            store.put(f"f/{number % 30}", entry(number % 30))

    def read():
        while not ended.is_set():
            number = random.randrange(30)
            data = store.get(f"f/{number}")
            if data not in (None, entry(number)):
                problems.append(data)

    with ThreadPoolExecutor(4) as threads:
        reading = [threads.submit(read) for _ in range(2)]
        writing = [threads.submit(write, first) for first in (0, 15)]
        for each in writing:
            each.result()
        ended.set()
        for each in reading:
            each.result()
    assert not problems
    assert sum(len(store.get(name)) for name in names(store)) <= 1000


async def test_a_memoizer_goes_on_with_what_is_evicted(bounded):
    cache = Recorder(bounded, mode="record-if-missing", memory=0)
    calls = []

    @cache.recordable(name="f")
    async def ask(n):
        calls.append(n)
        return os.urandom(60).hex()

    for n in range(12):
        await ask(n)
    assert await ask(11) == await ask(11)
    assert len(calls) == 12
    await ask(0)
    assert len(calls) == 13
    assert ask.cache_info().currsize < 4


@pytest.mark.parametrize("url", ["memory://", "sqlite:///{}/x.db", "redis://127.0.0.1:1/0"])
@pytest.mark.parametrize("size", ["0", "-1", "1MB", ""])
def test_what_is_no_size(url, size, tmp_path):
    with pytest.raises(InvalidOption, match=r"max_bytes.*a positive number"):
        as_store(f"{url.format(tmp_path)}?max_bytes={size}")


def test_stores_without_a_limit_say_what_they_know():
    with pytest.raises(InvalidOption, match=r"max_bytes.*allowed: endpoint, region, timeout"):
        as_store("s3://bucket/prefix?max_bytes=1000")


def test_a_file_that_had_no_limit_gets_one(tmp_path):
    url = f"sqlite:///{tmp_path}/x.db"
    free = as_store(url)
    for number in range(20):
        free.put(f"f/{number:02}", entry(number))
    bounded = as_store(f"{url}?max_bytes=1000")
    bounded.put("f/20", entry(20))
    assert 4 <= len(names(free)) <= 6
    for number in range(21, 30):
        free.put(f"f/{number}", entry(number))  # who has no limit evicts nothing, but is counted
    bounded.put("f/99", entry(99))
    assert 4 <= len(names(free)) <= 6
