"""The options of keys: ignore, watch, key, identity, scrub."""

import warnings
from pathlib import Path
from uuid import UUID

import pytest
from keyed import Message, Open, document, key

from memo import recordable, recording, scrub
from memo.errors import InvalidOption, UnkeyableArgument, WatchedFieldChangedWarning
from memo.stores import MemoryStore


def test_ignore_takes_arguments_and_places_in_them():
    @recordable(
        ignore=(
            "trace",
            "meta.request_id",
            "messages[*].id",
            "messages[0].at",
            'meta["odd name"]',
            "opts.seed",
            "user.name",
        )
    )
    def f(messages, meta, trace=None, user=None, **opts): ...

    stored = document(
        f,
        [{"id": 1, "at": 1, "a": 1}, Message(content={"id": 9})],
        {"request_id": 7, "odd name": 8, "x": 1},
        "t",
        Open(name="Ann", b=2),
        seed=4,
        top=5,
    )
    assert stored["arguments"] == {
        "messages": [{"a": 1}, {"__type__": "Message", "value": {"content": {"id": 9}, "role": "user"}}],
        "meta": {"x": 1},
        "user": {"__type__": "Open", "value": {"a": 1}, "extra": {"b": 2}},
        "opts": {"top": 5},
    }
    assert stored["key"] == document(f, [{"a": 1}, Message(content={"id": 9})], {"x": 1}, 0, Open(b=2), top=5)["key"]


def test_a_keyword_that_kwargs_takes_is_ignored_by_its_own_name():
    @recordable(ignore=("trace_id", "meta.id"))
    def f(a, **kwargs): ...

    assert document(f, 1, trace_id=7, meta={"id": 1, "b": 2})["arguments"] == {"a": 1, "kwargs": {"meta": {"b": 2}}}


def test_what_is_ignored_need_not_have_a_form():
    @recordable(ignore=("deep[0].callback", "log"))
    def f(deep, log): ...

    assert document(f, [{"callback": print, "a": 1}], print)["arguments"] == {"deep": [{"a": 1}]}


@pytest.mark.parametrize("option", ["ignore", "watch"])
@pytest.mark.parametrize("path", ["nope", "nope.a", "", "a[", "a..b", "[0]", "a[x]", ".", "a]"])
def test_a_wrong_path_is_found_where_it_is_written(option, path):
    def f(a, b): ...

    with pytest.raises(InvalidOption) as raised:
        recordable(**{option: (path,)})(f)
    assert (raised.value.option, raised.value.value) == (option, path)
    assert raised.value.allowed


def test_a_wrong_path_of_a_scrubber_is_found_too():
    with pytest.raises(InvalidOption):
        recordable(scrub={"nope": scrub.uuids})(lambda a: None)


def watching(**options):
    @recordable(watch=("messages[0]", "tools"), name="chat", **options)
    def chat(messages, tools=()):
        return len(messages)

    return chat


def test_a_watched_field_stays_out_of_the_key_and_leaves_a_fingerprint():
    stored = document(watching(), ["system", "hi"], ["t"])
    assert stored["arguments"] == {"messages": [None, "hi"]}
    assert stored["watched"].keys() == {"messages[0]", "tools"}
    assert stored["key"] == document(watching(), ["other", "hi"], [])["key"]
    assert stored["watched_values"] == {"messages[0]": ["system"], "tools": [["t"]]}


def test_a_replay_whose_watched_field_changed_warns_and_names_it():
    store = MemoryStore()
    chat = watching()
    with recording(store, mode="record"):
        chat(["system", "hi"], ["t"])
    with recording(store) as rec:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert chat(["system", "hi"], ["t"]) == 2
        with pytest.warns(WatchedFieldChangedWarning, match="messages") as warned:
            assert chat(["edited", "hi"], ["t"]) == 2
        assert warned[0].message.fields == ("messages[0]",)
        assert warned[0].message.function == "chat"
        with pytest.warns(WatchedFieldChangedWarning) as warned:
            chat(["system", "hi"], [])
        assert warned[0].message.fields == ("tools",)
    assert rec.stats.replayed == 3
    with recording(store, on_watched_change="fail"), pytest.raises(WatchedFieldChangedWarning):
        chat(["edited", "hi"], ["t"])


def test_a_watched_field_without_a_form_is_refused_by_its_path():
    with pytest.raises(UnkeyableArgument) as raised:
        key(watching(), [{"a": print}])
    assert raised.value.path.startswith("messages[0]")


def test_watching_what_is_not_there_is_fine():
    assert document(watching(), [])["watched"].keys() == {"messages[0]", "tools"}


def test_key_says_which_arguments_identify_the_call():
    seen = []

    def only(arguments):
        seen.append(arguments)
        return {"body": arguments["body"]["text"]}

    f = recordable(key=only)(lambda body, other=5: None)
    assert document(f, {"text": "a", "id": 1}, object())["arguments"] == {"body": "a"}
    assert key(f, {"text": "a", "id": 1}) == key(f, {"text": "a", "id": 2})
    assert seen[-1] == {"body": {"text": "a", "id": 2}, "other": 5}


def test_self_is_left_out_unless_identity_says_what_it_is():
    class Client:
        def __init__(self, url):
            self.url = url

        @recordable(name="m")
        def plain(self, a): ...

        @recordable(name="m", identity=lambda self: {"url": self.url})
        def known(self, a): ...

    assert document(Client("u").plain, 1)["arguments"] == {"a": 1}
    assert document(Client("u").known, 1)["arguments"] == {"a": 1, "self": {"url": "u"}}
    assert key(Client("u").known, 1) != key(Client("v").known, 1)


def test_scrub_changes_what_the_user_names_and_nothing_else():
    @recordable(
        scrub={
            "prompt": (scrub.uuids, scrub.timestamps),
            "temperature": scrub.floats(1),
            "deep[*].id": scrub.uuids,
            "path": scrub.paths,
        }
    )
    def f(prompt, note, temperature=0.0, deep=(), path=""): ...

    uuid, other = "3f2504e0-4f89-41d3-9a0c-0305e82c3301", UUID("11111111-2222-3333-4444-555555555555")
    stored = document(
        f,
        f"id {uuid} at 2026-01-02T03:04:05.678Z, 2026-01-02",
        uuid,
        0.123,
        [{"id": uuid}, {"id": other}],
        f"{Path.cwd()}/x",
    )
    assert stored["arguments"] == {
        "prompt": "id <uuid> at <timestamp>, <timestamp>",
        "note": uuid,
        "temperature": 0.1,
        "deep": [{"id": "<uuid>"}, {"id": {"__type__": "UUID", "value": "<uuid>"}}],
        "path": "<cwd>/x",
    }


def test_scrubbed_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert scrub.paths(f"in {tmp_path}/a and {Path.home()}/b") == "in <cwd>/a and <home>/b"
    assert scrub.paths(f"{tmp_path}less/a").endswith("less/a")
    assert scrub.paths(f"{tmp_path}less/a") != "<cwd>less/a"
    assert scrub.paths("/tmp/pytest-of-ann/pytest-7/a /tmp/tmpabc123/b") == "<tmp>/a <tmp>/b"
    assert [scrub.paths(each) for each in (1, None, 1.5)] == [1, None, 1.5]


def test_scrubbers_leave_what_only_looks_alike():
    for text in ("score 1 of 9", "3f2504e0-4f89", "12024-01-02x", "a-b-c"):
        assert scrub.uuids(text) == text
        assert scrub.timestamps(text) == text
    assert scrub.floats(2)("0.12345") == "0.12345"
    assert scrub.floats(2)(3) == 3
