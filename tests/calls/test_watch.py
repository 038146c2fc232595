"""Watched fields: an edit replays with one warning that names the field and says how to accept it."""

import json
import pickle
import shlex
import warnings

import pytest

from memo import recordable, recording
from memo._calls.fingerprints import watched_fingerprint
from memo.errors import WatchedFieldChangedWarning
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio


def said(role, content):
    return {"role": role, "content": content}


@recordable(name="chat", watch=("messages[0]", "tools"))
def chat(messages, tools=()):
    return messages[-1]["content"]


@recordable(name="chat", watch=("messages[0]", "tools"))
async def chat_async(messages, tools=()):
    return messages[-1]["content"]


@recordable(name="chat", watch=("messages[0]", "tools"))
async def chat_stream(messages, tools=()):
    for message in messages:
        yield message["content"]


BEFORE = [said("system", "Be brief."), said("user", "Hi")]
AFTER = [said("system", "Be terse."), said("user", "Hi")]


def recorded(folder):
    (path,) = folder.rglob("*.json")
    return path, json.loads(path.read_bytes())


def warned_by(call, store, **options):
    with warnings.catch_warnings(record=True) as caught, recording(store, **options):
        warnings.simplefilter("always")
        call()
    return [each for each in caught if issubclass(each.category, WatchedFieldChangedWarning)]


def test_the_warning_names_the_field_and_the_command(tmp_path):
    with recording(tmp_path, mode="record"):
        chat(BEFORE)
    path, document = recorded(tmp_path)
    (caught,) = warned_by(lambda: chat(AFTER), tmp_path)
    warning = caught.message
    assert warning.function == "chat"
    assert warning.fields == ("messages[0]",)
    assert warning.location == str(path)
    new = watched_fingerprint("messages[0]", [AFTER[0]])
    assert warning.fingerprints == {"messages[0]": (document["watched"]["messages[0]"], new)}
    lines = str(warning).splitlines()
    assert lines[1].strip() == "messages[0].content: 'Be brief.' → 'Be terse.'"
    assert shlex.split(lines[2].partition("memo rekey ")[2]) == [str(path), "--watch", f"messages[0]#{new}"]
    old = document["watched"]["messages[0]"]
    everywhere = [str(tmp_path), "--only", "chat", "--watch", f"messages[0]#{old}#{new}"]
    assert shlex.split(lines[3].partition("memo rekey ")[2]) == everywhere
    again = pickle.loads(pickle.dumps(warning))
    assert (str(again), vars(again)) == (str(warning), vars(warning))


@pytest.mark.parametrize("mode", ["replay", "record-if-missing"])
def test_what_the_command_says_settles_it(tmp_path, mode):
    with recording(tmp_path, mode="record"):
        chat(BEFORE, ["t"])
    (caught,) = warned_by(lambda: chat(AFTER, []), tmp_path, mode=mode)
    path, document = recorded(tmp_path)
    for option in shlex.split(str(caught.message).partition("memo rekey ")[2].partition("\n")[0])[2::2]:
        field, _, fingerprint = option.rpartition("#")
        document["watched"][field] = fingerprint
    path.write_text(json.dumps(document), encoding="utf-8")
    assert warned_by(lambda: chat(AFTER, []), tmp_path, mode=mode) == []
    assert len(warned_by(lambda: chat(BEFORE, []), tmp_path, mode=mode)) == 1


def test_one_warning_a_change_and_session():
    store = MemoryStore()
    with recording(store, mode="record"):
        chat(BEFORE)
        chat([BEFORE[0], said("user", "Other")])

    def three_times():
        for _ in range(3):
            assert chat(AFTER) == "Hi"

    assert len(warned_by(three_times, store)) == 1
    assert len(warned_by(three_times, store)) == 1  # another session
    assert len(warned_by(lambda: [chat(AFTER), chat([AFTER[0], said("user", "Other")])], store)) == 2
    edited = [said("system", "Be long."), said("user", "Hi")]
    assert len(warned_by(lambda: [chat(AFTER), chat(edited), chat(AFTER, ["t"]), chat(BEFORE)], store)) == 3


def test_as_an_error_it_is_raised_each_time():
    store = MemoryStore()
    with recording(store, mode="record"):
        chat(BEFORE)
    with warnings.catch_warnings(), recording(store):
        warnings.simplefilter("error")
        for _ in range(2):
            with pytest.raises(WatchedFieldChangedWarning):
                chat(AFTER)
    with recording(store, on_watched_change="fail"):
        for _ in range(2):
            with pytest.raises(WatchedFieldChangedWarning, match="memo rekey"):
                chat(AFTER)


async def test_the_warning_points_at_the_users_code():
    store = MemoryStore()
    with recording(store, mode="record"):
        chat(BEFORE)
    for kind in (chat, chat_async, chat_stream):
        store = MemoryStore()
        with recording(store, mode="record"):
            await run(kind, BEFORE)
        with warnings.catch_warnings(record=True) as caught, recording(store):
            warnings.simplefilter("always")
            await run(kind, AFTER)
        (one,) = caught
        assert one.filename == __file__, kind


async def run(kind, messages):
    if kind is chat:
        chat(messages)
    elif kind is chat_async:
        await chat_async(messages)
    else:
        [each async for each in chat_stream(messages)]


@pytest.mark.parametrize(
    ("path", "values", "arguments"),
    [
        ("messages[0]", [{"role": "system", "content": "ü"}], {"messages": [{"content": "ü", "role": "system"}]}),
        ("tools", [[]], {"tools": []}),
        ("tools", [None], {"tools": None}),
        ("messages[*].content", ["a", "b"], {"messages": [{"content": "a"}, {"content": "b"}]}),
        ("messages[7]", [], {"messages": []}),
        ("messages", ["sk-abcdefghijklmnopqrstuvwxyz012345"], {"messages": "sk-abcdefghijklmnopqrstuvwxyz012345"}),
    ],
)
def test_a_fingerprint_is_that_of_the_call(tmp_path, path, values, arguments):
    with recording(tmp_path, mode="record"):
        recordable(name="f", watch=path)(lambda messages=(), tools=(): 1)(**arguments)
    assert recorded(tmp_path)[1]["watched"] == {path: watched_fingerprint(path, values)}


def test_what_is_not_watched_any_more_has_no_fingerprint(tmp_path):
    with recording(tmp_path, mode="record"):
        recordable(name="f", watch="options.b")(lambda options: 1)({"a": 1, "b": 2})
    (caught,) = warned_by(lambda: recordable(name="f")(lambda options: 1)({"a": 1}), tmp_path)
    assert caught.message.fields == ("options.b",)
    assert caught.message.fingerprints["options.b"][1] is None
    assert str(caught.message).endswith(f"memo rekey {recorded(tmp_path)[0]} --drop options.b")


def test_the_watched_values_are_kept_and_shown_without_their_secrets(tmp_path):
    secret = "sk-abcdefghijklmnopqrstuvwxyz012345"
    with recording(tmp_path, mode="record"):
        chat([said("system", f"Be brief. {secret}"), BEFORE[1]], [{"api_key": secret, "name": "search"}])
    path, document = recorded(tmp_path)
    assert secret not in path.read_text()
    assert document["watched_values"]["messages[0]"] == [said("system", "Be brief. <secret>")]
    (caught,) = warned_by(lambda: chat([said("system", f"Be terse. {secret}"), BEFORE[1]]), tmp_path)
    assert "    messages[0].content: " in str(caught.message)
    assert "terse" in str(caught.message)
    assert secret not in str(caught.message)


def test_several_values_of_a_path_are_compared_one_by_one(tmp_path):
    watched = recordable(name="f", watch="messages[*].content")(lambda messages: 1)
    with recording(tmp_path, mode="record"):
        watched([said("system", "a"), said("user", "b")])
    (caught,) = warned_by(lambda: watched([said("system", "a"), said("user", "c")]), tmp_path)
    assert caught.message.differences == ("messages[*].content[1]: 'b' → 'c'",)


def test_a_recording_without_the_old_value_names_the_field_alone(tmp_path):
    with recording(tmp_path, mode="record"):
        chat(BEFORE)
    path, document = recorded(tmp_path)
    del document["watched_values"]
    path.write_text(json.dumps(document))
    (caught,) = warned_by(lambda: chat(AFTER), tmp_path)
    assert caught.message.differences == ()


def test_recording_again_keeps_the_new_value(tmp_path):
    for messages in (BEFORE, AFTER):
        with recording(tmp_path, mode="record"):
            chat(messages)
    assert recorded(tmp_path)[1]["watched_values"]["messages[0]"] == [AFTER[0]]
    assert warned_by(lambda: chat(AFTER), tmp_path) == []
