"""New keys for old recordings: what was recorded for the old call answers the new one, and nothing is lost on the way."""

import pytest
from rekeying import contents, documents, put, record, rekey, replay

from memo import recordable
from memo._calls.fingerprints import watched_fingerprint
from memo._json import canonical_json
from memo.errors import RecordingNotFound, Refused, WatchedFieldChangedWarning
from memo.maintenance.changes import apply
from memo.maintenance.rekey import Rekey, plan_rekey
from memo.stores import DirectoryStore, MemoryStore


def test_a_new_parameter(tmp_path):
    @recordable(name="forecast")
    async def old(city: str) -> str:
        return f"sunny in {city}"

    @recordable(name="forecast")
    async def new(city: str, days: int = 3) -> str:
        raise AssertionError("called")

    store = DirectoryStore(tmp_path)
    record(store, old, "Paris")
    record(store, old, "Rome")
    with pytest.raises(RecordingNotFound):
        replay(store, new, "Paris")
    assert rekey(store, add={"days": 3}) == 2
    assert replay(store, new, "Paris") == "sunny in Paris"
    assert replay(store, new, "Rome", days=3) == "sunny in Rome"
    with pytest.raises(RecordingNotFound):
        replay(store, new, "Rome", days=4)
    assert rekey(store, add={"days": 3}) == 0
    assert len(list(store.scan())) == 2


def test_what_was_recorded_with_the_new_parameter_is_left_alone(tmp_path):
    store = DirectoryStore(tmp_path)
    put(store, "f", {"city": "Paris"})
    there = put(store, "f", {"city": "Paris", "days": 7})
    before = store.get(there)
    assert rekey(store, add={"days": 3}) == 1
    assert store.get(there) == before
    assert sorted(each["arguments"]["days"] for each in documents(store)) == [3, 7]


def test_a_removed_or_renamed_parameter(tmp_path):
    @recordable(name="ask")
    async def old(prompt: str, trace: str, metadata: dict) -> str:
        return prompt.upper()

    @recordable(name="ask")
    async def new(question: str, metadata: dict) -> str:
        raise AssertionError("called")

    store = DirectoryStore(tmp_path)
    record(store, old, "hello", "t-1", {"user": "u", "deep": {"id": 7}})
    assert rekey(store, drop=["trace", "metadata.deep.id"], rename={"prompt": "question", "metadata.user": "who"}) == 1
    assert replay(store, new, "hello", {"who": "u", "deep": {}}) == "HELLO"


def test_dropping_is_what_ignore_does(tmp_path):
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello", "id": 4}]

    @recordable(name="ask")
    async def old(messages: list, n: int = 1) -> str:
        return "answer"

    @recordable(name="ask", ignore=("messages[0]", "messages[*].id", "n"))
    async def new(messages: list, n: int = 1) -> str:
        raise AssertionError("called")

    store = DirectoryStore(tmp_path)
    record(store, old, messages)
    assert rekey(store, drop=["messages[0]", "messages[*].id", "n"]) == 1
    assert replay(store, new, [{"other": "prompt"}, {"role": "user", "content": "hello", "id": 9}], n=5) == "answer"


def test_another_function_name_and_version(tmp_path):
    @recordable(name="old.name")
    async def old(x: int) -> int:
        return x + 1

    @recordable(name="new name/with:signs", version="2")
    async def new(x: int) -> int:
        raise AssertionError("called")

    store = DirectoryStore(tmp_path)
    record(store, old, 1)
    put(store, "other", {"x": 1})
    assert rekey(store, function={"old.name": "new name/with:signs"}, version="2") == 1
    assert replay(store, new, 1) == 2
    assert not (tmp_path / "old.name").exists()
    assert sum(each["function"] == "other" for each in documents(store)) == 1
    assert not any("version" in each for each in documents(store) if each["function"] == "other")


def test_a_version_is_set_changed_and_taken_away():
    store = MemoryStore()
    name = put(store, "f", {"x": 1})
    first = store.get(name)
    assert rekey(store, version=1) == 1
    assert rekey(store, version=1) == 0
    assert rekey(store, version="1") == 1
    assert documents(store)[0]["version"] == "1"
    assert rekey(store, version=None) == 1
    assert contents(store) == {name: first}


def test_numbers_that_are_equal_and_not_the_same():
    store = MemoryStore()
    put(store, "f", {"x": 1})
    assert rekey(store, drop=["x"], add={"x": 1.0}) == 1
    assert canonical_json(documents(store)[0]["arguments"]) == b'{"x":1.0}'
    assert rekey(store, drop=["x"], add={"x": True}) == 1
    assert documents(store)[0]["arguments"]["x"] is True


def test_a_field_of_a_model(tmp_path):
    store = MemoryStore()
    put(store, "f", {"options": {"__type__": "Options", "value": {"size": 1, "old": 2}}})
    assert rekey(store, drop=["options.old"], add={"options.seed": 7}, rename={"options.size": "length"}) == 1
    assert documents(store)[0]["arguments"] == {"options": {"__type__": "Options", "value": {"length": 1, "seed": 7}}}


def test_what_is_added_is_each_recordings_own():
    store = MemoryStore()
    for x in range(3):
        put(store, "f", {"x": x})
    messages = [{"role": "system"}, {"role": "user"}]
    assert rekey(store, add={"messages": messages, "messages[*].n": 1}, watch={"messages[0]": None}) == 3
    assert messages == [{"role": "system"}, {"role": "user"}]
    assert len({tuple(each["watched"].items()) for each in documents(store)}) == 1
    assert all(each["arguments"]["messages"] == [None, {"role": "user", "n": 1}] for each in documents(store))


# Watched


def system(content):
    return [{"role": "system", "content": content}, {"role": "user", "content": "hello"}]


@recordable(name="ask")
async def plain_ask(messages: list) -> str:
    return "answer"


@recordable(name="ask", watch=("messages[0]",))
async def watching_ask(messages: list) -> str:
    return "answer"


def test_an_argument_is_watched_from_now_on(tmp_path):
    store = DirectoryStore(tmp_path)
    record(store, plain_ask, system("be brief"))
    assert rekey(store, watch={"messages[0]": None}) == 1
    assert replay(store, watching_ask, system("be brief")) == "answer"  # and no warning: they are errors here
    with pytest.warns(WatchedFieldChangedWarning, match=r"messages\[0\]"):
        assert replay(store, watching_ask, system("be kind")) == "answer"
    assert rekey(store, watch={"messages[0]": None}) == 0


def test_an_edited_prompt_is_accepted(tmp_path):
    store = DirectoryStore(tmp_path)
    record(store, watching_ask, system("be brief"))
    accepted = watched_fingerprint("messages[0]", [{"role": "system", "content": "be kind"}])
    assert rekey(store, watch={"messages[0]": accepted}) == 1
    assert replay(store, watching_ask, system("be kind")) == "answer"
    with pytest.warns(WatchedFieldChangedWarning):
        replay(store, watching_ask, system("be brief"))
    assert rekey(store, watch={"messages[0]": accepted}) == 0


def test_an_edited_prompt_is_watched_and_accepted_at_once(tmp_path):
    store = DirectoryStore(tmp_path)
    record(store, plain_ask, system("be brief"))
    accepted = watched_fingerprint("messages[0]", [{"role": "system", "content": "be kind"}])
    assert rekey(store, watch={"messages[0]": accepted}) == 1
    assert replay(store, watching_ask, system("be kind")) == "answer"


def test_fingerprints_are_the_recorders(tmp_path):
    @recordable(name="f", watch=("tools", "messages[*].content", "messages[9]"))
    async def watching(messages: list, tools: object) -> str:
        return "answer"

    @recordable(name="f")
    async def plain(messages: list, tools: object) -> str:
        return "answer"

    asked = system("sk-" + "a" * 40), {"a": (1, 2.5), "b": {"x"}}
    ours, theirs = DirectoryStore(tmp_path / "ours"), DirectoryStore(tmp_path / "theirs")
    record(theirs, watching, *asked)
    record(ours, plain, *asked)
    assert rekey(ours, watch=dict.fromkeys(("tools", "messages[*].content", "messages[9]"))) == 1
    (one,), (other,) = documents(ours), documents(theirs)
    assert (one["key"], one["watched"], one["arguments"]) == (other["key"], other["watched"], other["arguments"])


def test_a_watched_argument_that_is_dropped_leaves_no_fingerprint():
    store = MemoryStore()
    put(store, "f", {"x": 1}, watched={"messages[0]": "0" * 16, "other": "1" * 16})
    assert rekey(store, drop=["messages"]) == 1
    assert documents(store)[0]["watched"] == {"other": "1" * 16}


def test_a_watched_argument_cannot_be_renamed():
    store = MemoryStore()
    put(store, "f", {"messages": [None]}, watched={"messages[0]": "0" * 16})
    before = contents(store)
    plan = plan_rekey(store, Rekey(rename={"messages": "conversation"}))
    assert "messages[0]" in next(iter(plan.obstacles.values()))
    with pytest.raises(Refused):
        apply(store, plan, Rekey(rename={"messages": "conversation"}))
    assert contents(store) == before


def test_functions_without_the_argument_are_left_alone():
    store = MemoryStore()
    put(store, "embed", {"text": "hello"})
    assert rekey(store, watch={"messages[0]": "0" * 16}) == 0
    assert rekey(store, watch={"messages[0]": None}) == 0
