"""What a recorder leaves out of the keys of every function: `recording(..., ignore=, watch=, scrub=)`."""

import pytest

from memo import errors, install, recordable, recording, scrub
from memo.stores import MemoryStore


@recordable
def ask(prompt, trace="", options=None):
    return prompt


@recordable(ignore=("trace",), watch=("options",))
def search(query, trace="", options=None):
    return query


@recordable
def loose(**arguments):
    return arguments


def test_it_holds_for_the_functions_that_have_the_argument():
    store = MemoryStore()
    for trace in ("one", "two"):
        mode = "record" if trace == "one" else "replay"
        with recording(store, mode=mode, ignore=("trace", "options.id")) as recorder:
            ask("a", trace)
            ask("a", trace, {"id": trace})
            search("a", trace)
            assert loose(trace=trace)
    assert recorder.stats.replayed == 4
    with recording(store, mode="replay"), pytest.raises(errors.RecordingNotFound):
        ask("a", "one")


def test_it_is_added_to_the_functions_own():
    store = MemoryStore()
    with recording(store, mode="record", ignore="query"):
        search("a", "one", {"x": 1})
    with (
        recording(store, mode="replay", ignore="query"),
        pytest.warns(errors.WatchedFieldChangedWarning, match="options"),
    ):
        search("b", "two", {"x": 2})


def test_watched_and_scrubbed():
    store = MemoryStore()
    options = {"watch": ["options"], "scrub": {"prompt": scrub.uuids}}
    one, two = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
    with recording(store, mode="record", **options):
        ask(one, options=1)
    with recording(store, mode="replay", **options), pytest.warns(errors.WatchedFieldChangedWarning, match="options"):
        assert ask(two, options=2) == one


def test_it_holds_for_patches(monkeypatch):
    import json

    store = MemoryStore()
    with install("json:loads"):
        for text, mode in (("[1]", "record"), ("[2]", "replay")):
            with recording(store, mode=mode, ignore=["s"]):
                assert json.loads(text) == [1]


@pytest.mark.parametrize("option", ["ignore", "watch"])
def test_what_is_no_path(option):
    with pytest.raises(errors.InvalidOption, match=option), recording("memory://", **{option: ["a b["]}):
        pass
