"""Paths: whatever memo writes as one, it reads back."""

import re
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memo import recordable, recording
from memo._recordings.differences import differences
from memo._values.paths import parse_path, path_text, step_text, steps_of
from memo.errors import InvalidOption, UnkeyableArgument, UnrecordableValue
from memo.stores import MemoryStore

keys = st.text() | st.text("ab .[]\"'*0", max_size=5)


@given(st.lists(keys | st.integers(min_value=0, max_value=10**6) | st.none(), max_size=5))
@example(["a"]).via("a name")
@example([0, "", '"', "'", "\"'", "a b", "a.b", "*", None, "a\nb"]).via("what needs quotes")
def test_a_path_is_read_back_as_it_was_written(steps: list[Any]) -> None:
    assert steps_of(path_text(steps)) == tuple(steps)


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        (["messages", 0, "content"], "messages[0].content"),
        (["headers", "Set-Cookie"], "headers.Set-Cookie"),
        (["a", "a key"], 'a["a key"]'),
        (["a", 'say "hi"'], "a['say \"hi\"']"),
        (["messages", None, "id"], "messages[*].id"),
        ([], ""),
    ],
)
def test_paths_are_short_where_they_can_be(steps: list[Any], text: str) -> None:
    assert path_text(steps) == text


@pytest.mark.parametrize("key", [True, None, (1, 2), -1, 1.5, b"a"])
def test_a_key_that_is_no_text_is_written_as_python_writes_it(key: object) -> None:
    assert steps_of(f"a{step_text(key)}") in (("a", repr(key)), ("a", key))


@pytest.mark.parametrize("text", ["", "[0]", "a[", "a]b", "a[-1]", 'a["b', "a[b]"])
def test_what_is_no_path_into_arguments_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match=re.escape(repr(text))):
        parse_path(text, "ignore")


AWKWARD = ["plain", "a key", "a.b", "x-y", "0", 'quo"te', "apo'strophe", "both\"'", "", "[0]", "naïve"]


@pytest.mark.parametrize("key", AWKWARD)
def test_every_room_writes_paths_that_are_read_back(key: str) -> None:
    with pytest.raises(UnkeyableArgument) as unkeyable, recording(MemoryStore(), mode="record"):
        recordable(name="f")(lambda value: None)({key: [object()]})
    assert steps_of(unkeyable.value.path) == ("value", key, 0)

    with pytest.raises(UnrecordableValue) as unrecordable, recording(MemoryStore(), mode="record"):
        recordable(name="f")(lambda: {key: [object()]})()
    assert steps_of(unrecordable.value.path) == (key, 0)

    (found,) = differences({key: [1]}, {key: [2]})
    assert steps_of(found.path) == (key, 0)

    store = MemoryStore()
    with recording(store, mode="record"):
        recordable(name="f")(lambda: {key: ["sk-proj-abcdefghijklmnop0123"]})()
    (name,) = store.scan()
    (outcome,) = orjson.loads(store.get(name) or b"")["outcomes"]
    assert [steps_of(path) for path in outcome["redacted"]] == [(key, 0)]
