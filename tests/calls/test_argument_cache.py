"""The key of a call that was made before is found by its arguments as they were given: it has to be the same key."""

from __future__ import annotations

import enum
import math
from array import array
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memo import recordable, recording
from memo._calls.argument_cache import ArgumentCache
from memo._calls.call import Call
from memo._calls.key_builder import KeyBuilder
from memo._calls.signature import Signature
from memo.errors import MemoError


def anything(*args: Any, **kwargs: Any) -> None: ...


class Word(str):
    __slots__ = ()


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


def near(value: Any) -> st.SearchStrategy[Any]:
    """What is easily taken for the value, and the value."""
    like: list[Any] = [value]
    if isinstance(value, bool | int | float):
        like += [float(value), str(value), *([int(value)] if math.isfinite(value) else []), bool(value), -value]
    if isinstance(value, str):
        like += [Word(value), value.encode(errors="replace"), [*value]]
    if isinstance(value, list):
        like += [tuple(value), dict.fromkeys(map(str, value)), [*value, None]]
    return st.sampled_from(like)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text("ab_-\ud800\u00e9", max_size=3)
plain = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=12)
        | st.dictionaries(st.text("abc", max_size=2) | st.just("api_key"), inner, max_size=4)
    ),
    max_leaves=12,
)
odd = st.sampled_from(
    [Color.RED, Level.LOW, Word("a"), b"a", bytearray(b"a"), memoryview(b"a"), {1}, frozenset({1}), 1j, {1: 2}, ...]
)
rows = st.lists(st.dictionaries(st.sampled_from(["role", "content"]), st.text("a\u00e9\ud800") | st.none()), min_size=9)


def told(key_builder: KeyBuilder, *args: Any) -> Call | str:
    try:
        return key_builder.call(None, args, {})
    except MemoError as error:
        return str(error)


@settings(max_examples=300)
@given(st.lists(plain | odd | rows, min_size=1, max_size=3), st.data())
def test_a_call_that_is_asked_for_again_has_the_key_of_the_first_time(values: list[Any], data: st.DataObject) -> None:
    key_builder = KeyBuilder("f", Signature(anything))
    asked = [*values, *(data.draw(near(value)) for value in values)]
    for value in asked * 3:
        assert told(key_builder, value) == told(KeyBuilder("f", Signature(anything)), value)


def test_what_marshal_writes_alike_is_distinguished() -> None:
    key_builder = KeyBuilder("f", Signature(anything))
    for value in (b"\x01\x00\x00\x00", array("i", [1]), array("f", [1e-45]), 1, True, 1.0, 0.0, -0.0, math.nan, None):
        for _ in range(3):
            assert told(key_builder, value) == told(KeyBuilder("f", Signature(anything)), value)


def asked_again(size: int) -> ArgumentCache[int]:
    """Return a cache for which a call with arguments of that size was made a second time."""
    cache: ArgumentCache[int] = ArgumentCache()
    assert [cache.note("key", size), cache.note("key", size)] == [False, True]
    return cache


def test_no_more_than_a_megabyte_is_remembered() -> None:
    cache = asked_again(2000)

    def look_up(function: str, number: int) -> tuple[bytes | None, int | None]:
        arguments = {"a": number, "b": "x" * 2000}
        return cache.look_up(arguments.values(), (function, arguments))

    for number in range(1000):
        asked, _ = look_up("f", number)
        assert asked is not None
        cache.store(asked, number)
    assert look_up("f", 999)[1] == 999
    assert look_up("g", 999)[1] is None
    assert 1 <= sum(look_up("f", number)[1] is not None for number in range(1000)) <= 600


def test_nothing_is_looked_up_before_a_call_comes_again() -> None:
    cache: ArgumentCache[int] = ArgumentCache()
    assert not any(cache.note(str(number), 10) for number in range(5000))
    assert cache.look_up([1], (1,)) == (None, None)


@pytest.mark.parametrize("large", ["x" * 3000, ["x"] * 100, [{"a": "x"}] * 100, {"a": ["x" * 1500, "x" * 1500]}])
def test_what_is_large_is_looked_up_once_something_as_large_comes_again(large: Any) -> None:
    for cache, is_remembered in ((asked_again(10), False), (asked_again(3000), True)):
        asked, _ = cache.look_up([large], (large,))
        if asked is not None:
            cache.store(asked, 1)
        assert (cache.look_up([large], (large,))[1] == 1) is is_remembered


def test_what_holds_itself_and_nested_sets_are_not_gone_through_forever() -> None:
    key_builder = KeyBuilder("f", Signature(anything))
    for _ in range(3):
        key_builder.call(None, ("flat",), {})  # from now on calls are looked for
    loop: list[Any] = []
    loop += [loop, loop]
    nested: Any = 0
    for _ in range(40):
        nested = frozenset({nested})
    for _ in range(3):
        assert "holds itself" in str(told(key_builder, loop))
        assert told(key_builder, nested) == told(KeyBuilder("f", Signature(anything)), nested)


def test_arguments_that_change_after_the_call_are_another_call() -> None:
    asked: list[list[str]] = []

    @recordable
    def count(words: list[str]) -> int:
        asked.append([*words])
        return len(words)

    words = ["a"]
    with recording("memory://", mode="record-if-missing", draws=False):
        assert [count(words) for _ in range(4)] == [1, 1, 1, 1]
        words.append("b")
        assert [count(words) for _ in range(4)] == [2, 2, 2, 2]
    assert asked == [["a"], ["a", "b"]]


def test_a_default_that_changes_is_seen() -> None:
    @recordable
    def count(first: str, options: list[str] = []) -> int:  # noqa: B006 - that is what is tested
        return len(options)

    with recording("memory://", mode="record-if-missing"):
        assert [count("a") for _ in range(4)] == [0, 0, 0, 0]
        count.__defaults__[0].append("b")  # type: ignore[attr-defined]
        assert [count("a") for _ in range(4)] == [1, 1, 1, 1]


@pytest.mark.parametrize("option", ["key", "identity", "scrub"])
def test_the_users_own_code_is_asked_each_time(option: str) -> None:
    said = ["one"]
    own: dict[str, Any] = {
        "key": {"key": lambda arguments: {**arguments, "said": said[0]}},
        "identity": {"identity": lambda _: said[0]},
        "scrub": {"scrub": {"word": lambda _: said[0]}},
    }

    class Asks:
        @recordable(**own[option])
        def ask(self, word: str) -> str:
            return said[0]

    with recording("memory://", mode="record-if-missing"):
        asks = Asks()
        assert [asks.ask("a") for _ in range(4)] == ["one"] * 4
        said[0] = "two"
        assert [asks.ask("a") for _ in range(4)] == ["two"] * 4


def test_a_conversation_that_is_ignored_in_part_is_left_as_it_is() -> None:
    @recordable(ignore="messages[*].id")
    def ask(messages: list[dict[str, str]]) -> int:
        return len(messages)

    messages = [{"id": str(number), "role": "user"} for number in range(20)]
    with recording("memory://", mode="record-if-missing"):
        for _ in range(4):
            ask(messages)
    assert messages == [{"id": str(number), "role": "user"} for number in range(20)]


@pytest.mark.parametrize("name", ["api_key", "__type__"])
def test_a_credential_in_one_message_of_many_is_found(name: str) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "x"} for _ in range(20)]
    messages[17][name] = "y"
    key_builder = KeyBuilder("f", Signature(anything))
    call = key_builder.call(None, (messages,), {})
    assert (b"y" in call.arguments) is (name == "__type__")
    key_builder.call(None, ([{"role": "user", "content": "x"} for _ in range(20)],), {})
    assert key_builder.call(None, (messages,), {}) == call


def test_text_that_utf8_does_not_have_is_found_in_one_message_of_many() -> None:
    messages = [{"role": "user", "content": "x"} for _ in range(20)]
    messages[17]["content"] = "\ud800"
    key_builder, plain_keyer = KeyBuilder("f", Signature(anything)), KeyBuilder("f", Signature(anything))
    for _ in range(3):
        assert key_builder.call(None, (messages,), {}) == plain_keyer.call(None, (messages,), {})
    assert b"\\\\ud800" in key_builder.call(None, (messages,), {}).arguments


def test_the_memory_of_a_value_is_bounded_for_short_numbers_too() -> None:
    @recordable
    def numbers(count: int) -> list[float]:
        return [0.5] * count

    with recording("memory://", mode="record-if-missing"):
        for _ in range(3):
            first = numbers(1000)
            assert first == [0.5] * 1000
            first.append(1.0)  # fresh each time
