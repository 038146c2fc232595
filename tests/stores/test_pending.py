"""What the stores that keep pending recordings promise: apart from the entries, and deleted only as it was seen."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from memo.stores import DirectoryStore, Discards, Reviews, as_store

KINDS = ("directory", "lines", "memory", "sqlite")


@pytest.fixture(params=KINDS)
def named(request, tmp_path):
    return {
        "directory": str(tmp_path / "store"),
        "lines": str(tmp_path / "store.jsonl"),
        "memory": f"memory://{tmp_path}",
        "sqlite": f"sqlite:///{tmp_path}/s.db",
    }[request.param]


def test_what_is_pending_is_no_entry(named):
    store = as_store(named)
    assert isinstance(store, Reviews)
    store.put("f/a", b"old")
    aside = store.pending()
    assert isinstance(aside, Discards)
    assert list(aside.scan()) == []
    aside.put("f/a", b"new")
    aside.put("g/b", b"new")
    assert list(store.scan()) == ["f/a"]
    assert (store.get("f/a"), store.get("g/b")) == (b"old", None)
    store.delete("f/a")
    assert sorted(as_store(named).pending().scan()) == ["f/a", "g/b"]


def test_only_what_was_seen_is_discarded(named):
    store = as_store(named)
    store.put("f/a", b"1")
    assert store.discard("f/a", b"2") is False
    assert store.discard("f/b", b"1") is False
    assert store.get("f/a") == b"1"
    assert store.discard("f/a", b"1") is True
    assert store.get("f/a") is None
    assert store.discard("f/a", b"1") is False


def test_what_is_written_meanwhile_is_not_discarded(named):
    store = as_store(named)
    for number in range(20):
        store.put("f/a", b"old")
        with ThreadPoolExecutor(2) as threads:
            discarded = threads.submit(store.discard, "f/a", b"old")
            left = threads.submit(store.swap, "f/a", b"old", b"%d" % number)
            swapped = left.exception() is None and left.result() is None
        # One of the two was first: either the discard found other bytes, or the swap found none.
        assert discarded.result() is not swapped
        assert store.get("f/a") == (b"%d" % number if swapped else None)


def test_what_is_pending_is_as_closed_as_the_entries(tmp_path):
    store = DirectoryStore(tmp_path / "store")
    store.pending().put("f/a", b"1")
    store.salt()
    fresh = DirectoryStore(tmp_path / "store")
    fresh.pending().put("f/b", b"1")
    before = os.umask(0)
    os.umask(before)
    rights = {
        path.stem: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "store" / ".pending").rglob("*.json")
    }
    assert rights == {"a": 0o666 & ~before, "b": 0o600}


def test_it_is_readable_files_under_the_same_names(tmp_path):
    store = DirectoryStore(tmp_path / "store")
    store.pending().put("f/a", b"1")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.json")] == [
        str(Path("store/.pending/f/a.json"))
    ]
    assert store.functions() == []


def test_temporary_files_of_killed_writers_are_found_there_too(tmp_path):
    store = DirectoryStore(tmp_path / "store")
    store.pending().put("f/a", b"1")
    left = tmp_path / "store" / ".pending" / "f" / f".{'0' * 16}.tmp"
    left.write_bytes(b"torn")
    os.utime(left, (0, 0))
    assert store.abandoned(60) == [str(left)]
    assert list(store.pending().scan()) == ["f/a"]
