"""`pending=True`: what is recorded is put aside, and the recordings stay as they are."""

import os
import subprocess
import sys

import pytest

from memo import Recorder, recordable, recording
from memo._recordings.document import parse
from memo.errors import InvalidOption, RecordingNotFound, RecordingReplacedWarning
from memo.maintenance.pending import accept, all_pending, documents
from memo.stores import DirectoryStore, as_store


@pytest.fixture
def answers():
    return {"prefix": "old"}


@pytest.fixture
def ask(answers):
    counts = {}

    @recordable(name="ask")
    async def ask(question):
        if answers["prefix"] == "polls":
            counts[question] = counts.get(question, 0) + 1
            return f"{question} {counts[question]}"
        return f"{answers['prefix']} {question}"

    return ask


@pytest.fixture(params=["directory", "lines", "memory", "sqlite"])
def store(request, tmp_path):
    url = {
        "directory": str(tmp_path / "store"),
        "lines": str(tmp_path / "store.jsonl"),
        "memory": f"memory://{tmp_path}",
        "sqlite": f"sqlite:///{tmp_path}/s.db",
    }
    return as_store(url[request.param])


def entries(store):
    return {name: store.get(name) for name in store.scan()}


def values(data):
    return [outcome["value"] for outcome in parse(data, "").outcomes]


async def test_what_is_recorded_anew_is_pending_and_the_old_one_stays(ask, answers, store):
    with recording(store, mode="record"):
        await ask("a")
        await ask("b")
    before = entries(store)
    answers["prefix"] = "new"
    with recording(store, mode="record", pending=True, test="t.py::test") as recorder:
        assert await ask("a") == "new a"
        assert await ask("c") == "new c"
    assert entries(store) == before
    assert (recorder.stats.recorded, recorder.stats.live) == (2, 2)
    found = {each.is_new: each for each in all_pending(store)}
    assert found[False].test == "t.py::test"
    old, new = documents(store, found[False])
    assert (old.outcomes[0]["value"], new.outcomes[0]["value"]) == ("old a", "new a")
    assert documents(store, found[True])[1].outcomes[0]["value"] == "new c"
    with recording(store):
        assert await ask("a") == "old a"
        with pytest.raises(RecordingNotFound):
            await ask("c")
    for each in found.values():
        accept(store, each)
    with recording(store):
        assert [await ask(question) for question in "abc"] == ["new a", "old b", "new c"]


async def test_what_comes_out_as_it_is_recorded_is_not_pending(ask, answers, store):
    answers["prefix"] = "polls"
    with recording(store, mode="record"):
        assert [await ask("a") for _ in range(3)] == ["a 1", "a 2", "a 3"]
        await ask("b")
    answers["prefix"] = "b"
    with recording(store, mode="record", pending=True):
        await ask("b")  # another one, which the next session takes back
    assert len(list(all_pending(store))) == 1
    numbers = iter(["b 1"])

    @recordable(name="ask")
    async def ask_again(question):
        return next(numbers)

    with recording(store, mode="record", pending=True):
        await ask_again("b")
        numbers = iter(["a 1", "a 2", "a 3"])
        for _ in range(3):
            await ask_again("a")
    assert list(all_pending(store)) == []
    assert list(store.pending().scan()) == []


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
async def test_draws_are_counted_as_if_they_were_recorded(ask, answers, store, mode):
    with recording(store, mode="record"):
        await ask("a")
    answers["prefix"] = "polls"
    with recording(store, mode=mode, pending=True):
        first = await ask("a")
        assert first == ("a 1" if mode == "record" else "old a")
        later = [await ask("a") for _ in range(2)]
    (found,) = all_pending(store)
    assert values(store.pending().get(found.name)) == [first, *later]
    assert values(store.get(found.name)) == ["old a"]


async def test_a_session_replays_what_it_put_aside_itself_and_no_other(ask, answers, store):
    for prefix in ("old", "new"):
        answers["prefix"] = prefix
        with recording(store, mode="record-if-missing", draws=False, pending=True) as recorder:
            assert [await ask("a") for _ in range(3)] == [f"{prefix} a"] * 3
        assert (recorder.stats.live, recorder.stats.replayed) == (1, 2)
    (found,) = all_pending(store)
    assert values(store.pending().get(found.name)) == ["new a"]


async def test_a_memoizer_holds_what_it_put_aside(answers, store):
    recorder = Recorder(store, mode="record-if-missing", pending=True, memory=0)
    made = []

    @recorder.recordable(name="ask")
    async def ask(question):
        made.append(question)
        return question

    assert [await ask("a") for _ in range(3)] == ["a"] * 3
    assert made == ["a"]
    assert ask.cache_invalidate("a")
    await ask("a")
    assert made == ["a", "a"]
    assert list(store.scan()) == []


async def test_calls_list_what_came_of_them(ask, answers, store):
    with recording(store, mode="record"):
        await ask("a")
    answers["prefix"] = "new"
    with recording(store, mode="record", pending=True, calls=True) as recorder:
        await ask("a")
    assert [call.value for call in recorder.calls] == ["new a"]


async def test_another_outcome_of_an_earlier_session_is_reported_once_it_is_replaced(ask, answers, store, recwarn):
    with recording(store, mode="record"):
        await ask("a")
    answers["prefix"] = "new"
    for _ in range(2):
        with recording(store, mode="record", pending=True):
            await ask("a")
    assert recwarn.list == []
    answers["prefix"] = "newer"
    with pytest.warns(RecordingReplacedWarning), recording(store, mode="record", pending=True):
        await ask("a")


async def test_in_replay_it_changes_nothing(ask, store):
    with recording(store, mode="record"):
        await ask("a")
    with recording(store, pending=True) as recorder:
        assert await ask("a") == "old a"
    assert recorder.stats.replayed == 1
    assert list(all_pending(store)) == []


def test_a_store_that_cannot_hold_pending_recordings_is_refused_at_once():
    with pytest.raises(InvalidOption, match=r"pending=True.*a directory, sqlite:///FILE, memory://"):
        Recorder("redis://localhost/0", mode="record", pending=True)
    Recorder("redis://localhost/0", pending=True)  # records nothing


CHILD = """
import asyncio, itertools
from memo import recordable
count = itertools.count(2)
@recordable(name="poll")
async def poll(question):
    return f"new {next(count)}"
async def main():
    for _ in range(2):
        print(await poll("a"))
asyncio.run(main())
"""


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
def test_a_child_process_adds_to_what_its_parent_put_aside(tmp_path, mode):
    store = DirectoryStore(tmp_path / "store")
    texts = iter(["old 1", "stale 1", "new 1", "new 4"])

    @recordable(name="poll")
    def poll(question):
        return next(texts)

    if mode == "record":
        with recording(store, mode="record"):
            poll("a")
    else:
        next(texts)
    with recording(store, mode=mode, pending=True):
        poll("a")
    with recording(store, mode=mode, pending=True) as recorder:
        assert poll("a") == "new 1"
        env = {**os.environ, **recorder.env}
        done = subprocess.run([sys.executable, "-c", CHILD], env=env, capture_output=True, text=True, check=True)
        assert done.stdout.split("\n")[:2] == ["new 2", "new 3"], done.stderr
        assert poll("a") == "new 4"
    (found,) = all_pending(store)
    assert values(store.pending().get(found.name)) == ["new 1", "new 2", "new 3", "new 4"]
    assert [values(data) for data in entries(store).values()] == ([["old 1"]] if mode == "record" else [])


async def test_what_a_lower_layer_has_stays_there(ask, answers, tmp_path):
    common, own = DirectoryStore(tmp_path / "common"), DirectoryStore(tmp_path / "own")
    with recording(common, mode="record"):
        await ask("a")
        await ask("b")
    before = entries(common)
    answers["prefix"] = "new"
    with recording([own, common], mode="record", pending=True):
        await ask("a")
    answers["prefix"] = "old"
    with recording([own, common], mode="record", pending=True):
        await ask("b")
    assert (entries(common), entries(own)) == (before, {})
    assert list(common.pending().scan()) == []
    (found,) = all_pending(own)
    accept(own, found)
    with recording([own, common]):
        assert [await ask(question) for question in "ab"] == ["new a", "old b"]
