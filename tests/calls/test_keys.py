"""Keys: two calls share one only if nothing that identifies them differs, and what is not keyed is not written."""

import dataclasses
import io
import math
import subprocess
import sys
import threading
import warnings
from collections import ChainMap, Counter, OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

import memo
from memo import recordable, recording, scrub
from memo._calls.keys import Call
from memo.codecs.values import MAX_DEPTH
from memo.errors import InvalidOption, RecordingNotFound, UnkeyableArgument, WatchedFieldChanged
from memo.stores import MemoryStore

ROOT = Path(__file__).parents[2]
SECRET = "sk-proj-abcdefghijklmnop0123"


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1


class Message(BaseModel):
    content: Any
    role: str = "user"


class Other(BaseModel):
    content: Any
    role: str = "user"


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int = 1


@dataclass
class Point:
    x: int
    y: int


Pair = namedtuple("Pair", "x y")  # noqa: PYI024


class Loud(str):
    """Says something else of itself than it holds."""

    __slots__ = ()

    def __str__(self) -> str:
        return "loud"


@recordable
def take(value, more=None): ...


@recordable
def forecast(city, days=3, *rest, unit="C", **more): ...


def document(function, *args, **kwargs) -> dict[str, Any]:
    """The file that a call leaves."""
    store = MemoryStore()
    with recording(store, mode="record"):
        function(*args, **kwargs)
    [name] = store.scan()
    return orjson.loads(store.get(name) or b"")


def key(*args, **kwargs) -> str:
    """The key of a call: of the function that comes first, else of `take`."""
    function = args if hasattr(args[0], "cache_contains") else (take, *args)
    return document(*function, **kwargs)["key"]


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
def test_the_same_said_in_another_way_is_one_call(one, other):
    assert key(one) == key(other)
    assert key({"deep": [one]}) == key({"deep": (other,)})


PROGRAM = """
import enum, memo
from memo._calls.keys import Call

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


# No key


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
    "file": lambda: io.StringIO("x"),
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


def test_an_unkeyable_default_is_refused_too_and_ignore_mends_it():
    def f(a, log=print): ...

    with pytest.raises(UnkeyableArgument, match=r"argument log is a builtins.builtin_function_or_method"):
        key(recordable(f), 1)
    assert document(recordable(ignore="log")(f), 1)["arguments"] == {"a": 1}


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


# What is no part of the call


def test_what_an_sdk_was_not_given_is_left_out():
    openai = pytest.importorskip("openai")
    from openai._types import Omit

    one = {"a": 1, "b": openai.NOT_GIVEN, "c": [1, Omit(), {"d": openai.NOT_GIVEN}]}
    assert document(take, one)["arguments"]["value"] == {"a": 1, "c": [1, {}]}
    assert "more" not in document(take, 1, openai.NOT_GIVEN)["arguments"]


CREDENTIALS = """
    api_key apikey x-api-key X-API-Key OPENAI_API_KEY authorization Authorization Proxy-Authorization access_token
    refresh_token client_secret password passwd passphrase cookie Set-Cookie cookies private_key aws_secret_access_key
    session_token credentials secret_key id_token bearer_token
""".split()


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_credential_is_neither_keyed_nor_written(name):
    stored = document(take, {"headers": {name: "hunter2", "Accept": "json"}})
    assert stored["arguments"]["value"] == {"headers": {"Accept": "json"}}
    assert (
        stored["key"] == key({"headers": {name: "another", "Accept": "json"}}) == key({"headers": {"Accept": "json"}})
    )
    assert document(take, {name: "hunter2", 1: 2})["arguments"] == document(take, {1: 2})["arguments"]


def test_a_credential_parameter_is_neither_keyed_nor_written():
    @recordable
    def search(query, api_key=None, *, authorization=None, **more): ...

    stored = document(search, "q", "hunter2", authorization="Basic x", access_token="t", page=1)
    assert stored["arguments"] == {"query": "q", "more": {"page": 1}}
    assert b"hunter2" not in orjson.dumps(stored)


@pytest.mark.parametrize(
    "name", ["token", "key", "auth", "secret", "tokens", "max_tokens", "keyboard", "cookie_count", "author", "session"]
)
def test_a_name_that_may_be_data_is_keyed(name):
    assert key({name: "a"}) != key({name: "b"})
    assert document(take, {name: "a"})["arguments"]["value"] == {name: "a"}


def test_secrets_extends_the_names():
    def f(tenant_pin, config): ...

    stored = document(recordable(secrets=("Tenant-Pin", "dsn"))(f), "1234", {"DSN": "x", "a": 1})
    assert stored["arguments"] == {"config": {"a": 1}}
    store = MemoryStore()
    with recording(store, mode="record", secrets="tenant_pin"):
        recordable(f)("1234", {"tenant-pin": 1})
    assert orjson.loads(store.get(next(store.scan())))["arguments"] == {"config": {}}


def test_a_secret_str_is_masked():
    stored = document(take, {"a": SecretStr("hunter2")}, Message(content=SecretStr("hunter2")))
    assert b"hunter2" not in orjson.dumps(stored)
    assert stored["key"] == document(take, {"a": SecretStr("x")}, Message(content=SecretStr("y")))["key"]


SHAPES = {
    "openai": "sk-abcdefghijklmnopqrstuvwxyz012345",
    "openai project": SECRET,
    "anthropic": "sk-ant-api03-abcdefghijklmnop_q-rs",
    "bearer": "Bearer abcdefghijklmnop.qrst",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "google": "AIza" + "a1" * 17 + "b",
    "github": "ghp_" + "a1" * 18,
    "github fine": "github_pat_" + "a1" * 15,
    "slack": "xoxb-123456789012-abc",
    "hugging face": "hf_" + "aB" * 16,
    "groq": "gsk_" + "aB" * 22,
    "tavily": "tvly-dev-" + "aB" * 12,
    "stripe": "sk_live_" + "aB" * 12,
    "pem": "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
    "pem cut": "-----BEGIN PRIVATE KEY-----\nMIIB",
    "url": "postgres://ann:hunter2@db/x",
    "url without user": "redis://:hunter2@db/0",
}


@pytest.mark.parametrize("secret", SHAPES.values(), ids=SHAPES)
def test_a_value_in_the_shape_of_a_secret_is_masked(secret):
    for value in (
        f"é use {secret} now",
        [secret],
        {secret: 1},
        {1: secret},
        Message(content=secret),
        {secret},
        secret.encode(),
        Pair(secret, 1),
    ):
        stored = document(take, value)
        written = orjson.dumps(stored).decode()
        assert "<secret>" in written
        assert secret not in orjson.loads(f"[{written}]").__repr__()
        assert "hunter2" not in written


def test_the_same_call_is_the_same_call_again_with_a_secret_in_it_and_without_one(tmp_path):
    asked = []
    cache = memo.Recorder(tmp_path, mode="record-if-missing")
    ask = cache.recordable(name="ask")(asked.append)
    for _ in range(3):
        for each in ("plain", f"use {SECRET}", "plain", "use sk-proj-0123456789abcdefghij"):
            ask(each)
    assert asked == ["plain", f"use {SECRET}"]
    assert all(SECRET not in path.read_text() for path in tmp_path.rglob("*.json"))


def test_two_secrets_are_one_call():
    assert key(f"use {SECRET}") == key("use sk-proj-0123456789abcdefghij") != key("use")


# The options


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
    assert b"system" not in orjson.dumps(stored)


def test_a_replay_whose_watched_field_changed_warns_and_names_it():
    store = MemoryStore()
    chat = watching()
    with recording(store, mode="record"):
        chat(["system", "hi"], ["t"])
    with recording(store) as rec:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert chat(["system", "hi"], ["t"]) == 2
        with pytest.warns(WatchedFieldChanged, match="messages") as warned:
            assert chat(["edited", "hi"], ["t"]) == 2
        assert warned[0].message.fields == ("messages[0]",)
        assert warned[0].message.function == "chat"
        with pytest.warns(WatchedFieldChanged) as warned:
            chat(["system", "hi"], [])
        assert warned[0].message.fields == ("tools",)
    assert rec.stats.replayed == 3
    with recording(store, on_watched_change="fail"), pytest.raises(WatchedFieldChanged):
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
    with recording(store, mode="record-if-missing") as recorder:
        await fetch([("authorization", "Basic abc"), ("accept", "json")])
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


async def test_any_name_may_be_said_to_be_a_secret():
    @recordable(secrets=("content", "model"))
    async def ask(model: str, messages: list) -> int:
        return 1

    store = MemoryStore()
    with recording(store, mode="record-if-missing") as recorder:
        await ask("m", [{"role": "user", "content": "one"}])
        await ask("n", [{"role": "user", "content": "two"}])
        assert recorder.stats.live == 1
    assert not any(b"one" in (store.get(name) or b"") for name in store.scan())
