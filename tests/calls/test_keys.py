"""Keys: two calls share one only if nothing that identifies them differs."""

import dataclasses
import math
import subprocess
import sys
from collections import ChainMap, Counter, OrderedDict, defaultdict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from hashlib import sha256
from types import MappingProxyType
from zoneinfo import ZoneInfo

import orjson
import pytest
from keyed import ROOT, SECRET, Color, Level, Loud, Message, Open, Other, Pair, Point, document, forecast, key, take
from pydantic import BaseModel

from memo import recordable, recording
from memo._calls.call import Call
from memo.errors import CredentialIgnoredWarning
from memo.stores import MemoryStore

# Equal calls


def test_positions_names_and_defaults_are_one_call():
    assert (
        len(
            {
                key(forecast, "Paris"),
                key(forecast, city="Paris"),
                key(forecast, "Paris", 3),
                key(forecast, "Paris", unit="C"),
            }
        )
        == 1
    )
    assert key(forecast, "Paris", days=4) == key(forecast, days=4, city="Paris") != key(forecast, "Paris")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}),
        ((1, (2, 3)), [1, [2, 3]]),
        ({"b", "a", "c"}, {"c", "b", "a"}),
        ({1, 2}, frozenset({2, 1})),
        ({frozenset({"a", "b"}), Color.RED}, {Color.RED, frozenset({"b", "a"})}),
        (b"abc", bytearray(b"abc")),
        (b"abc", memoryview(b"abc")),
        (b"x" * 5000, bytearray(b"x" * 5000)),
        (math.nan, -float("nan")),
        ({1: "a", 2: "b"}, {2: "b", 1: "a"}),
        ({"a": 1}, OrderedDict(a=1)),
        ({"a": 1}, Counter(a=1)),
        ({"a": 1}, defaultdict(lambda: 0, a=1)),
        ({"a": 1}, MappingProxyType({"a": 1})),
        ({"a": 1}, ChainMap({"a": 1}, {})),
        (Message(content="hi"), Message(content="hi", role="user")),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=timezone(timedelta(0)))),
    ],
    ids=lambda each: type(each).__name__,
)
def test_the_same_arguments_in_another_form_are_one_call(one, other):
    assert key(one) == key(other)
    assert key({"deep": [one]}) == key({"deep": (other,)})


PROGRAM = """
import enum, memo
from memo._calls.call import Call

class Color(enum.Enum):
    RED, BLUE = "red", frozenset({"x", "y", "z"})

words = {"anna", "berta", "carla", "dora", "emil"}
print(Call.of("f", {"words": words, "pairs": {frozenset(words): 1, frozenset({"a", "b"}): {2: words}},
                    "colors": {Color.RED, Color.BLUE}, "class": Color, "more": [frozenset(words), ("x", words)]}).key)
"""


def test_a_key_is_the_same_in_every_process():
    keys = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2", "3", "random", "random")
    }
    assert len(keys) == 1
    assert len(keys.pop().strip()) == 64


def test_moving_a_class_to_another_module_keeps_the_key():
    one = type("Moved", (BaseModel,), {"__annotations__": {"a": int}, "__module__": "old.place"})
    other = type("Moved", (BaseModel,), {"__annotations__": {"a": int}, "__module__": "new.place"})
    assert key(one(a=1)) == key(other(a=1))


def test_call_of_gives_the_key_of_the_recordable_call():
    named = recordable(name="weather", version=2)(lambda city, days=3: None)
    stored = document(named, {"b", "a"})
    call = Call.of("weather", {"days": 3, "city": {"a", "b"}}, version=2)
    assert (call.key, orjson.loads(call.arguments)) == (stored["key"], stored["arguments"])


def test_a_partial_is_the_call_that_it_makes():
    def f(a, b=2): ...

    one = recordable(name="f")(partial(f, 1, b=5))
    assert key(one) == key(recordable(name="f")(f), 1, 5)


# Different calls

DIFFERENT = {
    "kinds of one": ["1", 1, True, 1.0, Level.LOW, Decimal(1), b"1", [1], Loud("1")],
    "kinds of nothing": [None, "", [], {}, set(), 0, False, 0.0, -0.0, b"", "None", "null"],
    "where a list ends": [[["a"], ["b"]], [["a", "b"]], ["a:b"], "a:b", ["a", "b"], [["a"], "b"], [[], ["a", "b"]]],
    "fields and their holders": [
        Message(content="hi"),
        {"content": "hi", "role": "user"},
        Other(content="hi"),
        Message(content=["hi"]),
        ["hi", "user"],
    ],
    "coordinates": [Point(1, 2), Point(2, 1), Pair(1, 2), {"x": 1, "y": 2}, (1, 2), {1: 1, 2: 2}],
    "keys": [{1: "a"}, {"1": "a"}, {1.0: "a"}, {True: "a"}, {None: "a"}, {(1,): "a"}, {b"1": "a"}, {Color.RED: "a"}],
    "numbers": [
        math.nan,
        math.inf,
        -math.inf,
        "nan",
        2**63,
        2**64,
        float(2**64),
        10**5000,
        str(2**64),
        -(2**63) - 1,
        0.1,
        0.1 + 2**-55,
    ],
    "text": ["\ud800", "\\ud800", "\udfff", "é", "e\u0301", "\0", "", "<secret>"],
    "tags": [
        {"__type__": "Message", "value": {"content": "hi", "role": "user"}},
        Message(content="hi"),
        {"__type__": "dict", "pairs": []},
        {"__type__": "int", "value": str(2**64)},
        2**64,
        {"__type__": "set", "value": [1]},
        {1},
    ],
    "extras": [Open(), Open(b=1), Open(b=2), Open(extra={"b": 1})],
    "times": [
        datetime(2026, 1, 1),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Paris")),
        date(2026, 1, 1),
        "2026-01-01T00:00:00",
        datetime(2026, 1, 1, fold=1),
    ],
    "big bytes": [b"x" * 5000, b"x" * 4999 + b"y", "x" * 5000, b"x" * 4999],
    "texts that call themselves alike": [Loud("a"), Loud("b"), "a", "loud"],
    "classes": [int, str, Message, Other, "int", list[int], list[str]],
    "bytes": [b"\xff", "/w==", {"base64": "/w=="}],
}


@pytest.mark.parametrize("values", DIFFERENT.values(), ids=DIFFERENT)
def test_what_differs_has_another_key(values):
    keys = [key(value) for value in values]
    assert len(set(keys)) == len(keys)
    inside = [key([{"deep": value}]) for value in values]
    assert len({*inside, *keys}) == 2 * len(keys)


def test_how_many_arguments_there_are_counts():
    assert key(forecast, "Paris", 3, 1) != key(forecast, "Paris", 3)
    assert key(forecast, "Paris", 3, 1, 2) != key(forecast, "Paris", 3, [1, 2])
    assert key(forecast, "Paris", extra=None) != key(forecast, "Paris")


def test_a_changed_default_is_a_changed_call():
    def before(a, b=1): ...

    def after(a, b=2): ...

    def named(function):
        return recordable(name="f")(function)

    assert key(named(before), 0) != key(named(after), 0)
    assert key(named(before), 0) == key(named(after), 0, 1)


def test_name_and_version_are_part_of_the_call():
    def f(a): ...

    calls = [
        recordable(**options)(f)
        for options in ({"name": "a"}, {"name": "b"}, {"name": "a", "version": 1}, {"name": "a", "version": "1"})
    ]
    assert len({key(call, 0) for call in calls}) == 4
    assert document(calls[2], 0)["version"] == 1


# The file


@pytest.mark.parametrize(
    "value",
    [values[0] for values in DIFFERENT.values()]
    + [DIFFERENT["numbers"], DIFFERENT["text"], f"use {SECRET}", {"api_key": 1, 2: SECRET}],
    ids=range(len(DIFFERENT) + 4),
)
def test_the_key_of_every_file_can_be_recomputed_from_the_file_alone(value):
    for version in (None, 3, "v"):
        stored = document(recordable(version=version, watch="more")(lambda value, more=None, é="ü": None), value)  # noqa: PLC2401
        hashed = {name: stored[name] for name in ("function", "arguments", "version") if name in stored}
        assert sha256(orjson.dumps(hashed, option=orjson.OPT_SORT_KEYS)).hexdigest() == stored["key"]


def test_dataclass_fields_not_methods_identify_it():
    made = dataclasses.make_dataclass("Point", [("x", int), ("y", int)])
    assert key(made(1, 2)) == key(Point(1, 2))


def test_big_bytes_are_written_as_a_digest():
    assert document(take, b"x" * 5000)["arguments"]["value"] == {
        "__type__": "bytes",
        "sha256": sha256(b"x" * 5000).hexdigest(),
        "size": 5000,
    }
    assert document(take, b"x")["arguments"]["value"] == {"__type__": "bytes", "text": "x"}


async def test_a_list_of_headers_is_keyed_without_its_credentials():
    @recordable
    async def fetch(headers):
        return len(headers)

    store = MemoryStore()
    with recording(store, mode="record-if-missing", draws=False) as recorder:
        await fetch([("authorization", "Basic abc"), ("accept", "json")])
        with pytest.warns(CredentialIgnoredWarning, match="credential in headers.Authorization"):
            await fetch([["Authorization", "Basic def"], ["accept", "json"]])
        await fetch([("accept", "json")])
        assert recorder.stats.live == 1
        await fetch([("accept", "text")])
        assert recorder.stats.live == 2
    assert not any(b"Basic" in (store.get(name) or b"") for name in store.scan())


def test_a_list_that_only_begins_like_headers_is_keyed_whole():
    assert key([["password", "how long?"], "a third"]) != key([["password", "how safe?"], "a third"])
    assert key([["password", "a", "b"], ["x", "y"]]) != key([["password", "a", "c"], ["x", "y"]])


def test_a_schema_may_describe_a_password():
    def key(schema):
        return Call.of("f", {"tools": [{"parameters": {"type": "object", "properties": schema}}]}).key

    assert key({"password": {"type": "string"}}) != key({"password": {"type": "integer"}})
    assert key({"password": {"type": "string"}}) != key({})


async def test_any_name_may_be_declared_a_secret():
    @recordable(secrets=("content", "model"))
    async def ask(model: str, messages: list) -> int:
        return 1

    store = MemoryStore()
    with recording(store, mode="record-if-missing", draws=False) as recorder:
        await ask("m", [{"role": "user", "content": "one"}])
        await ask("n", [{"role": "user", "content": "two"}])
        assert recorder.stats.live == 1
    assert not any(b"one" in (store.get(name) or b"") for name in store.scan())
