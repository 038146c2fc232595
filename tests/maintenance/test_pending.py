"""Recordings that are put aside for a review: accepted, rejected, and never taken for recordings."""

from datetime import timedelta

import pytest
from killed import OWN, SECRET
from rekeying import contents, put

from memo._recordings.document import parse
from memo.errors import InvalidOption, Refused
from memo.maintenance.pending import accept, all_pending, documents, put_aside, reject, settle
from memo.maintenance.prune import older_than, plan_prune
from memo.maintenance.scan import scan
from memo.maintenance.trees import StoreTree, open_directory, with_pending
from memo.maintenance.verify import verify
from memo.stores import DirectoryStore, MemoryStore, as_store


@pytest.fixture(params=["directory", "lines", "memory", "sqlite"])
def store(request, tmp_path):
    url = {
        "directory": str(tmp_path / "store"),
        "lines": f"{tmp_path}/store.jsonl",
        "memory": "memory://",
        "sqlite": f"sqlite:///{tmp_path}/s.db",
    }
    return as_store(url[request.param])


def document(function, arguments, value, **options):
    made = MemoryStore()
    name = put(made, function, arguments, value, **options)
    return parse(made.get(name), name)


def only(store):
    (found,) = all_pending(store)
    return found


def value(store, name):
    data = store.get(name)
    return parse(data, name).outcomes[0]["value"] if data is not None else None


def test_the_old_one_stays_until_the_new_one_is_accepted(store):
    name = put(store, "f", {"x": 1}, "old")
    assert put_aside(store, document("f", {"x": 1}, "new", test="t.py::test"), "memo verify --live") is True
    assert value(store, name) == "old"
    found = only(store)
    assert (found.name, found.function, found.test, found.reason) == (name, "f", "t.py::test", "memo verify --live")
    assert (found.is_new, found.problem) == (False, "")
    before, after = documents(store, found)
    assert (before.outcomes[0]["value"], after.outcomes[0]["value"]) == ("old", "new")
    accept(store, found)
    assert value(store, name) == "new"
    assert b"pending" not in store.get(name)
    assert list(all_pending(store)) == []
    assert list(store.pending().scan()) == []


def test_the_old_one_stays_if_the_new_one_is_rejected(store):
    name = put(store, "f", {"x": 1}, "old")
    before = contents(store)
    put_aside(store, document("f", {"x": 1}, "new"), "")
    reject(store, only(store))
    assert contents(store) == before
    assert list(store.pending().scan()) == []
    assert value(store, name) == "old"


def test_a_new_call_can_be_pending(store):
    put_aside(store, document("f", {"x": 2}, "new"), "")
    found = only(store)
    assert found.is_new
    assert documents(store, found)[0] is None
    assert list(store.scan()) == []
    accept(store, found)
    assert value(store, found.name) == "new"


def test_what_does_not_differ_is_not_pending(store):
    put(store, "f", {"x": 1}, "old", test="a")
    again = document("f", {"x": 1}, "old", test="b")._replace(recorded_at="2030-01-01T00:00:00Z")
    again.outcomes[0]["seconds"] = 99.0
    assert put_aside(store, again, "") is False
    assert list(all_pending(store)) == []


def test_what_is_put_aside_again_replaces_what_was_pending(store):
    put(store, "f", {"x": 1}, "old")
    for text in ("new", "newer"):
        put_aside(store, document("f", {"x": 1}, text), "")
    assert documents(store, only(store))[1].outcomes[0]["value"] == "newer"
    assert put_aside(store, document("f", {"x": 1}, "old"), "") is False
    assert list(store.pending().scan()) == []


def test_only_what_was_looked_at_is_accepted_or_rejected(store):
    name = put(store, "f", {"x": 1}, "old")
    put_aside(store, document("f", {"x": 1}, "new"), "")
    seen = only(store)
    put_aside(store, document("f", {"x": 1}, "newer"), "")
    for judge in (accept, reject):
        with pytest.raises(Refused, match="look at it again"):
            judge(store, seen)
    seen = only(store)
    put(store, "f", {"x": 1}, "recorded in the meantime")
    with pytest.raises(Refused, match="was recorded again in the meantime"):
        accept(store, seen)
    assert value(store, name) == "recorded in the meantime"
    assert documents(store, only(store))[1].outcomes[0]["value"] == "newer"


def test_what_a_kill_left_of_an_accepted_one_is_settled(store):
    name = put(store, "f", {"x": 1}, "old")
    put_aside(store, document("f", {"x": 1}, "new"), "")
    put(store, "f", {"x": 1}, "new")  # accept was killed after its first step
    assert list(all_pending(store)) == []
    settle(store)
    assert list(store.pending().scan()) == []
    assert value(store, name) == "new"


def test_a_damaged_one_can_only_be_rejected(store):
    name = put(store, "f", {"x": 1}, "old")
    put_aside(store, document("f", {"x": 1}, "new"), "")
    store.pending().put(name, store.pending().get(name)[:-20])
    found = only(store)
    assert "not valid JSON" in found.problem
    with pytest.raises(Refused, match="cannot be replaced"):
        accept(store, found)
    assert value(store, name) == "old"
    reject(store, found)
    assert list(all_pending(store)) == []


def test_one_that_is_in_the_wrong_place_cannot_be_accepted(store):
    name = put(store, "f", {"x": 1}, "old")
    other = put(MemoryStore(), "f", {"x": 2})
    put_aside(store, document("f", {"x": 1}, "new"), "")
    store.pending().put(other, store.pending().get(name))
    found = next(each for each in all_pending(store) if each.name == other)
    assert "has a name that is not that of its key" in found.problem
    with pytest.raises(Refused):
        accept(store, found)


def test_the_damaged_old_one_is_not_replaced(store):
    name = put(store, "f", {"x": 1}, "old")
    put_aside(store, document("f", {"x": 1}, "new"), "")
    store.put(name, b"{")
    with pytest.raises(Refused, match="the recording is not valid JSON"):
        accept(store, only(store))
    assert store.get(name) == b"{"


def test_no_check_takes_it_for_a_recording(store):
    put(store, "f", {"x": 1}, "old")
    put_aside(store, document("f", {"x": 1}, "new"), "")
    put_aside(store, document("g", {"x": 2}, "new"), "")
    assert verify(store).recordings == 1
    plan = plan_prune(store, older_than(timedelta(0)))
    assert len(plan.unneeded) == 1


def test_secrets_are_masked_and_found(tmp_path):
    store = DirectoryStore(tmp_path / "store")
    put_aside(store, document("f", {"x": 1}, {"note": f"use {SECRET}"}), "")
    assert SECRET.encode() not in store.pending().get(only(store).name)
    put(store.pending(), "f", {"x": 2}, SECRET)  # written by an older memo, or by hand
    found = scan(with_pending(open_directory(tmp_path / "store")), OWN)
    assert (found.entries, len(found.findings)) == (2, 1)


def test_a_tree_of_tests_has_what_is_pending_in_each(tmp_path):
    one, two = (DirectoryStore(tmp_path / "recordings" / "test_a" / test) for test in ("test_x", "test_y"))
    name = put(one, "f", {"x": 1}, "old")
    put_aside(one, document("f", {"x": 1}, "new"), "")
    put_aside(two, document("f", {"x": 1}, "new"), "")  # a test without any recording yet
    tree = open_directory(tmp_path / "recordings")
    assert isinstance(tree, StoreTree)
    assert [(found.name, found.is_new) for found in all_pending(tree)] == [
        (f"test_a/test_x//{name}", False),
        (f"test_a/test_y//{name}", True),
    ]
    assert list(tree.scan()) == [f"test_a/test_x//{name}"]
    for found in all_pending(tree):
        accept(tree, found)
    assert (value(one, name), value(two, name)) == ("new", "new")
    assert [path.name for path in tmp_path.rglob(".pending")] == []


def test_an_emptied_store_leaves_no_folder(tmp_path):
    store = DirectoryStore(tmp_path / "store")
    put_aside(store, document("f", {"x": 1}, "new"), "")
    reject(store, only(store))
    assert [*(tmp_path / "store").rglob("*")] == []


@pytest.mark.parametrize("url", ["redis://localhost/0", "s3://bucket/x"])
def test_stores_that_cannot_hold_pending_recordings_say_so_at_once(url):
    with pytest.raises(InvalidOption, match="allowed: a directory, sqlite:///FILE, memory://"):
        list(all_pending(as_store(url)))
