"""What is in the way of new keys: nothing is changed then, and nothing is lost, however it ends."""

import signal
import subprocess
import sys
import warnings
from hashlib import sha256
from pathlib import Path

import pytest
from countdown import KILLED_AFTER
from hypothesis import given, settings
from hypothesis import strategies as st
from rekeying import contents, documents, put, rekey

from memo._calls.digest import KEY_CHARACTERS, call_key
from memo._json import canonical_json
from memo.errors import InvalidOption, Refused, StoreFull
from memo.maintenance.changes import apply, plan_changes
from memo.maintenance.rekey import Rekey, plan_rekey
from memo.stores import DirectoryStore, MemoryStore


def test_two_that_would_be_the_same_call():
    store = MemoryStore()
    put(store, "f", {"x": 1, "trace": "a"})
    put(store, "f", {"x": 1, "trace": "b"})
    put(store, "f", {"x": 2, "trace": "c"})
    before = contents(store)
    change = Rekey(drop=["trace"])
    plan = plan_rekey(store, change)
    assert len(plan.obstacles) == 1
    assert next(iter(plan.obstacles.values())).startswith("would be the same call as ")
    with pytest.raises(Refused):
        apply(store, plan, change)
    assert contents(store) == before


def test_one_that_is_there_already():
    store = MemoryStore()
    put(store, "f", {"x": 1, "trace": "a"}, "old")
    there = put(store, "f", {"x": 1}, "new")
    before = contents(store)
    plan = plan_rekey(store, Rekey(drop=["trace"]))
    assert f"same call as {there[2:14]}, which is there" in next(iter(plan.obstacles.values()))
    assert contents(store) == before


def test_a_name_that_is_taken():
    store = MemoryStore()
    put(store, "f", {"a": 1, "b": 2})
    assert "argument b already" in next(iter(plan_rekey(store, Rekey(rename={"a": "b"})).obstacles.values()))


def test_options_that_undo_each_other():
    store = MemoryStore()
    put(store, "f", {"a": 1})
    plan = plan_rekey(store, Rekey(rename={"a": "b"}, add={"a": 2}))
    assert len(plan.obstacles) == 1
    assert plan.changes == []


@pytest.mark.parametrize("damage", [b"", b'{"memo": 1, "func', b"[]", b'{"memo": 99}'])
def test_damaged_ones_are_in_the_way_of_all(tmp_path, damage):
    store = DirectoryStore(tmp_path)
    name = put(store, "f", {"x": 1, "trace": "a"})
    put(store, "g", {"x": 1, "trace": "a"})
    store.put(name, damage)
    before = contents(store)
    plan = plan_rekey(store, Rekey(drop=["trace"]))
    assert list(plan.obstacles) == [store.location(name)]
    with pytest.raises(Refused):
        apply(store, plan, Rekey(drop=["trace"]))
    assert contents(store) == before
    assert rekey(store, drop=["trace"], only=["g"]) == 1


def test_other_oddities_are_in_the_way(tmp_path):
    store = DirectoryStore(tmp_path / "store")
    name = put(store, "f", {"x": 1, "trace": "a"})
    (tmp_path / "store" / "f" / "a directory.json").mkdir()
    (tmp_path / "store" / "f" / "moved.json").write_bytes(store.get(name))
    (tmp_path / "outside.json").write_bytes(store.get(name))
    (tmp_path / "store" / "f" / "link.json").symlink_to(tmp_path / "outside.json")
    plan = plan_rekey(store, Rekey(drop=["trace"]))
    assert {Path(place).name for place in plan.obstacles} == {"a directory.json", "moved.json", "link.json"}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"drop": ["a..b"]},
        {"drop": ["[0]"]},
        {"add": {"messages[0]": 1}},
        {"add": {"messages[*]": 1}},
        {"rename": {"a": "b.c"}},
        {"rename": {"a[0]": "b"}},
        {"function": {"a": "b", "b": "c"}},
        {"function": {"a": "b", "b": "a"}},
    ],
)
def test_options_that_say_nothing(options):
    with pytest.raises(InvalidOption):
        Rekey(**options)


def test_a_parameter_for_several_functions_has_to_be_meant():
    store = MemoryStore()
    put(store, "f", {"x": 1})
    put(store, "g", {"x": 1})
    with pytest.raises(Refused, match=r"\(f, g\): only="):
        plan_rekey(store, Rekey(add={"days": 3}))
    assert rekey(store, add={"days": 3}, only=["f"]) == 1
    assert rekey(store, add={"days": 3}, only=["f", "g"]) == 1
    assert rekey(store, function={"g": "h"}, add={"more": 3}) == 1


def test_only_names_what_is_there():
    store = MemoryStore()
    name = put(store, "f", {"x": 1})
    put(store, "f", {"x": 2})
    for wrong in ("g", "f/ffffffff0000", "F"):
        with pytest.raises(InvalidOption):
            plan_rekey(store, Rekey(drop=["x"]), only=[wrong])
    assert rekey(store, drop=["x"], only=[name[:10]]) == 1


# All or nothing


class Failing(MemoryStore):
    """Fails at the nth write."""

    left = 0

    def put(self, name, data):
        self.left -= 1
        if self.left == 0:
            raise StoreFull(name, "cannot be written: no space")
        super().put(name, data)


@pytest.mark.parametrize("nth", [1, 2, 4, 5, 6])
def test_a_full_disk_changes_nothing(nth):
    store = Failing()
    for x in range(3):
        put(store, "f", {"x": x, "trace": "a"})
        put(store, "g", {"x": x}, watched={"y": "0" * 16})
    before = contents(store)
    change = Rekey(drop=["trace"], watch={"y": "1" * 16})
    plan = plan_rekey(store, change)
    store.left = nth
    with pytest.raises(StoreFull):
        apply(store, plan, change)
    assert contents(store) == before
    store.left = 0
    assert apply(store, plan, change).changed == 6


def test_what_changes_between_plan_and_deed():
    store = MemoryStore()
    first, second = put(store, "f", {"x": 1, "trace": "a"}), put(store, "f", {"x": 2, "trace": "a"})
    change = Rekey(drop=["trace"])
    plan = plan_rekey(store, change)
    put(store, "f", {"x": 2, "trace": "a"}, "recorded again")
    before = contents(store)
    with pytest.raises(Refused, match="by somebody else"):
        apply(store, plan, change)
    assert contents(store) == before
    assert {first, second} == before.keys()


class Recording(MemoryStore):
    """Somebody records again in the last moment."""

    between = None

    def put(self, name, data):
        super().put(name, data)
        if self.between is not None:
            again, self.between = self.between, None
            super().put(again, self.get(again).replace(b'"value":1', b'"value":2'))


def test_what_is_recorded_again_at_the_old_place_is_left():
    store = Recording()
    name = put(store, "f", {"x": 1, "trace": "a"})
    change = Rekey(drop=["trace"])
    plan = plan_rekey(store, change)
    store.between = name
    assert apply(store, plan, change).left == [store.location(name)]
    assert sorted(each["outcomes"][0]["value"] for each in documents(store)) == [1, 2]


KILLED = """
import sys
from memo.maintenance.changes import apply
from memo.maintenance.rekey import Rekey, plan_rekey
from memo.stores import DirectoryStore, MemoryStore
from memo.stores import DirectoryStore

store, change, left = DirectoryStore(sys.argv[1]), Rekey(drop=["trace"], watch={"y": "1" * 16}), int(sys.argv[2])
plan = plan_rekey(store, change)
"""
LAST = "apply(store, plan, change)"


@pytest.mark.parametrize("after", [0, 2, 4, 6, 7, 9])
def test_a_killed_process_loses_nothing_and_is_finished_by_the_next(tmp_path, after):
    store = DirectoryStore(tmp_path / "store")
    for x in range(3):
        put(store, "f", {"x": x, "trace": "a"}, f"f{x}")
        put(store, "g", {"x": x}, f"g{x}", watched={"y": "0" * 16})
    done = subprocess.run(
        [sys.executable, "-c", KILLED + KILLED_AFTER + LAST, str(tmp_path / "store"), str(after)],
        check=False,
        env={"PATH": "", "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == -signal.SIGKILL
    values = {each["outcomes"][0]["value"] for each in documents(store)}
    assert values == {"f0", "f1", "f2", "g0", "g1", "g2"}
    rekey(store, drop=["trace"], watch={"y": "1" * 16})
    found = {each["outcomes"][0]["value"]: each for each in documents(store)}
    assert len(documents(store)) == len(found) == 6
    assert all("trace" not in each["arguments"] for each in found.values())
    assert {each["watched"]["y"] for name, each in found.items() if name.startswith("g")} == {"1" * 16}


# Properties

names = st.sampled_from(["a", "b", "c", "d e", "ünï", "value", "__type__"])
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
calls = st.dictionaries(names.filter(lambda name: name != "__type__"), trees, max_size=4)


@settings(max_examples=60)
@given(st.lists(calls, min_size=1, max_size=5, unique_by=canonical_json), trees)
def test_there_and_back_gives_the_same_bytes(all_arguments, value):
    store = MemoryStore()
    for arguments in all_arguments:
        put(store, "f", arguments, value, test="a test")
    before = contents(store)
    rekey(store, function={"f": "g"}, add={"new": value}, version=2, rename={"a": "a2"})
    assert all(each["function"] == "g" for each in documents(store))
    assert len(contents(store)) == len(before)
    rekey(store, function={"g": "f"}, drop=["new"], version=None, rename={"a2": "a"})
    assert contents(store) == before


@settings(max_examples=60)
@given(
    st.lists(calls, min_size=1, max_size=6, unique_by=canonical_json), st.sets(names, max_size=2), names, names, leaves
)
def test_nothing_is_lost_whatever_is_asked_for(all_arguments, drop, old, new, value):
    store = MemoryStore()
    for index, arguments in enumerate(all_arguments):
        put(store, "f", arguments, index)
    before = contents(store)
    change = Rekey(drop=drop, rename={old: new}, add={f"{old}.x": value})
    plan = plan_rekey(store, change)
    if plan.obstacles:
        with pytest.raises(Refused):
            apply(store, plan, change)
        assert contents(store) == before
        return
    apply(store, plan, change)
    after = documents(store)
    assert sorted(each["outcomes"][0]["value"] for each in after) == list(range(len(all_arguments)))
    for each in after:
        assert each["key"] == call_key("f", canonical_json(each["arguments"]))
        assert store.get(f"f/{each['key'][:KEY_CHARACTERS]}") is not None
    again = plan_rekey(store, change)
    assert (again.changes, again.obstacles) == ([], {})


def test_all_of_the_store_goes_through_a_change_that_changes_nothing(tmp_path):
    store = DirectoryStore(tmp_path)
    for x in range(50):
        put(store, "f", {"x": x})
    plan = plan_changes(store, store.scan(), lambda document: document)
    assert (plan.changes, plan.unchanged) == ([], 50)


def test_digests_are_of_what_is_written(tmp_path):
    store = MemoryStore()
    put(store, "f", {"x": 1, "y": 2})
    change = Rekey(drop=["y"])
    (planned,) = (plan := plan_rekey(store, change)).changes
    apply(store, plan, change)
    assert sha256(store.get(planned.new_name)).digest() == planned.new_digest
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert plan_rekey(store, change).changes == []
