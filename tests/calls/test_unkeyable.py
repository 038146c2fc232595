"""What has no canonical form is refused by its path, unless it is left out."""

import io
import math
import threading
from functools import partial
from typing import Any

import pytest
from keyed import Message, Open, Pair, Point, document, key, take

import memo
from memo import recordable, recording
from memo.codecs.values import MAX_DEPTH
from memo.errors import RecordingNotFound, UnkeyableArgument
from memo.stores import MemoryStore


def nested(levels: int, kind=list) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = (
            {1: value}
            if kind is dict
            else Message(content=value)
            if kind is Message
            else frozenset({value})
            if kind is frozenset
            else [value]
        )
    return value


@pytest.mark.parametrize("kind", [list, dict, Message, frozenset])
def test_nesting_has_a_limit_and_up_to_it_a_key(kind):
    levels = next(n for n in range(MAX_DEPTH + 1, 0, -1) if _has_key(nested(n, kind)))
    assert levels >= MAX_DEPTH // 2 - 2
    with pytest.raises(UnkeyableArgument, match="nested deeper than 100 levels") as raised:
        take_in_replay(nested(levels + 1, kind))
    assert raised.value.path.startswith("value")
    assert len(raised.value.path) < 80


def _has_key(value) -> bool:
    try:
        take_in_replay(value)
    except RecordingNotFound:
        return True
    except UnkeyableArgument:
        return False
    return True


def take_in_replay(value):
    with recording(MemoryStore(), mode="replay"):
        take(value)


def family():
    parent: dict[str, Any] = {"name": "Ann", "children": []}
    for name in "bcd":
        parent["children"].append({"name": name, "parent": parent, "siblings": parent["children"]})
    return parent


def test_what_holds_itself_is_refused_at_once_where_it_does():
    with pytest.raises(UnkeyableArgument, match="holds itself") as raised:
        take_in_replay(family())
    assert raised.value.path == "value.children[0].parent"


def test_what_holds_itself_is_fine_where_that_is_ignored():
    one = recordable(ignore=("value.children",))(lambda value: None)
    assert document(one, family())["arguments"] == {"value": {"name": "Ann"}}


class Thing:
    pass


class Hostile:
    """Answers every question with an error."""

    def __getattribute__(self, name):
        raise ValueError(name)

    def __eq__(self, other):
        raise ValueError

    __hash__ = None


UNKEYABLE = {
    "function": lambda: len,
    "lambda": lambda: lambda: 1,
    "file": lambda: io.TextIOWrapper(io.BytesIO(b"x")),
    "lock": threading.Lock,
    "object": object,
    "instance": Thing,
    "generator": lambda: (i for i in ()),
    "module": lambda: math,
    "hostile": Hostile,
    "partial": lambda: partial(len),
}


@pytest.mark.parametrize("make", UNKEYABLE.values(), ids=UNKEYABLE)
def test_what_has_no_canonical_form_is_refused_by_its_path(make):
    value = make()
    made = []

    @recordable(name="chat")
    def chat(messages, model="m"):
        made.append(messages)

    holders = {
        "messages[2].content": [{}, {}, {"content": value}],
        "messages[1].content": [1, Message(content=value)],
        "messages.x": Pair(value, 1),
        "messages.y": Point(1, value),
        "messages.b": Open(b=value) if make is not Hostile else {"b": value},
        "messages": {"a": {value}} if make is Thing else value,
    }
    for path, messages in holders.items():
        with recording(MemoryStore(), mode="record"), pytest.raises(UnkeyableArgument) as raised:
            chat(messages)
        assert raised.value.path.replace(".extra", "") in (path, "messages.a")
        assert raised.value.function == "chat"
        text = str(raised.value)
        assert "ignore=('messages',)" in text
        assert "key=" in text
        assert "memo.register_codec" in text
        assert "0x" not in text
    assert made == []


MISSING = object()


def left_at_defaults(a, timeout=MISSING, log=print, more=..., limits=(1, [MISSING])): ...


def test_what_is_left_at_a_default_without_a_form_is_no_part_of_the_call():
    f = recordable(left_at_defaults)
    assert document(f, 1)["arguments"] == {"a": 1}
    assert document(f, 1, timeout=MISSING, more=...)["arguments"] == {"a": 1}
    assert document(f, 1, timeout=3)["arguments"] == {"a": 1, "timeout": 3}
    assert key(f, 1) != key(f, 1, timeout=None) != key(f, 1, timeout=3)


@pytest.mark.parametrize("given", [{"timeout": object()}, {"log": len}, {"a": MISSING}, {"limits": [MISSING]}])
def test_another_value_without_a_form_is_refused(given):
    with pytest.raises(UnkeyableArgument, match=f"argument {next(iter(given))}"):
        key(recordable(left_at_defaults), **{"a": 1, **given})


def test_a_secret_or_a_watched_field_beside_a_default_without_a_form():
    f = recordable(watch="b")(lambda a, b=0, timeout=MISSING, api_key="": None)
    assert document(f, 1, api_key="k")["arguments"] == document(f, 1)["arguments"] == {"a": 1}


def test_a_codec_that_fails_makes_no_key():
    class Broken:
        pass

    def fail(value):
        raise OSError("no")

    memo.register_codec(Broken, encode=fail, decode=fail)
    with pytest.raises(UnkeyableArgument, match="no canonical form"):
        key(Broken())


def test_a_codec_makes_a_key():
    class Client:
        def __init__(self, url):
            self.url = url

    memo.register_codec(Client, encode=lambda client: client.url, decode=Client)
    assert key(Client("a")) == key(Client("a")) != key(Client("b"))


def test_an_object_of_attrs_identifies_by_its_class_and_fields():
    attrs = pytest.importorskip("attrs")
    at, other = (attrs.make_class(name, ["a", "b"]) for name in ("At", "Other"))
    values = (at(1, [2]), at(1, [2]), at(1, [3]), other(1, [2]), {"a": 1, "b": [2]})
    assert len({key(take, value) for value in values}) == 4
