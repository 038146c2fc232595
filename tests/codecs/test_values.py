"""Values of the standard library: back identical, or refused by their path."""

import math
import operator
import os
import re
import socket
import subprocess
import sys
import threading
import time as clock
from array import array
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, UserString, defaultdict, deque
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum
from fractions import Fraction
from functools import cached_property, partial
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import MappingProxyType, SimpleNamespace
from typing import Any, ClassVar, Generic, NamedTuple, Optional, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import HttpUrl, PostgresDsn, SecretBytes, SecretStr
from pydantic_core import TzInfo, Url

from memo.codecs import dumps, loads
from memo.codecs.types import Types
from memo.codecs.values import MAX_DEPTH, Values
from memo.errors import DataMismatch, MemoError, UnrecordableValue

T = TypeVar("T")


class Color(Enum):
    RED = 1
    BLUE = "blue"
    PAIR = (1, 2)
    LIST = [1, 2]  # noqa: RUF012
    NAN = math.nan
    CALL = partial(int)


class Level(IntEnum):
    LOW = 1


class Word(StrEnum):
    HELLO = "hello"


class Right(Flag):
    READ = 1
    WRITE = 2


class Bits(IntFlag):
    A = 1


class Open(Enum):
    KNOWN = "known"

    @classmethod
    def _missing_(cls, value):
        made = object.__new__(cls)
        made._name_, made._value_ = value, value
        return cls._value2member_map_.setdefault(value, made)


class Point(NamedTuple):
    x: int
    y: Any = None


class Sub(Point):
    """Has a __dict__, as a NamedTuple has not."""


@dataclass
class Plain:
    a: int
    b: Any = None
    kind: ClassVar[str] = "k"

    @cached_property
    def double(self):
        return self.a * 2


@dataclass(frozen=True, slots=True)
class Frozen:
    a: Any


@dataclass
class Odd:
    a: int
    seed: InitVar[int] = 0
    made: int = field(init=False)
    never: int = field(init=False, repr=False)

    def __post_init__(self, seed):
        self.made = self.a + seed


class Slot:
    __slots__ = ("hidden",)


@dataclass
class OnSlot(Slot):
    a: int


@dataclass
class Box(Generic[T]):
    item: T


@dataclass
class OnDict(dict):
    a: int = 1


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Series(list):
    pass


class Table(dict):
    pass


class Label(str):
    __slots__ = ()


class Marked(str):  # noqa: SLOT000 - its instances have attributes
    pass


class Unique(set):
    pass


class Steady(frozenset):
    pass


class Pair(tuple):  # noqa: SLOT001 - its instances have attributes
    pass


class Real(float):
    pass


class Octets(bytes):
    pass


class Buffer(bytearray):
    pass


class Ordered(OrderedDict):
    pass


class Default(defaultdict):
    pass


class Tally(Counter):
    pass


class Plane(complex):
    pass


def on_dict():
    value = OnDict(a=5)
    value["k"] = (1,)
    return value


def marked():
    value = Marked("t")
    value.lang = {"en"}
    return value


def with_hidden():
    value = OnSlot(1)
    value.hidden = [2]
    return value


def with_extra():
    value = Plain(1)
    value.extra = {"x": (1,)}
    return value


def computed():
    value = Plain(2)
    assert value.double == 4
    return value


VALUES = [
    None, True, False, 0, 1, -1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 2**70, 10**6000, -(10**6000),
    0.0, -0.0, 1.0, 1e300, 5e-324, math.inf, -math.inf, math.nan, [1, 1.0, True, "1"],
    "", "a", "é", "\ud800", "\\ud800 \ud800", "\ud83d\ude00", "\x00", "__type__", [["\udfff"]], {"\ud800": 1, "é": "\udc00"},
    b"", b"text", b"\xff\x00", bytearray(b"ab"), bytearray(b"\xff"),
    [], {}, (), set(), frozenset(), [()], ((),), ([1], {"a": (2,)}), [[], [[]]],
    {1, "a", 2.5, None, (1, 2)}, frozenset({b"a", frozenset({1})}), {math.nan}, {"a", "b", "\ud800"},
    {"__type__": 1}, {"__type__": "int", "value": "1"}, {"a": {"__type__": "os:system"}}, {"b": 1, "a": 2},
    {1: "a", "1": "b"}, {True: 1}, {1.5: 2, None: 3}, {(1, (2,)): {Color.RED: 1}}, {math.nan: 1}, {b"a": 1, date(2020, 1, 1): 2},
    Color.RED, Color.BLUE, Color.PAIR, Color.LIST, Color.NAN, Color.CALL, Level.LOW, Word.HELLO, Bits.A, [Level.LOW, 1, Word.HELLO, "hello"],
    Right.READ, Right.READ | Right.WRITE, Right(0), Bits(9), Open.KNOWN, Open("unheard of"),
    datetime(2020, 1, 2), datetime(2020, 1, 2, 3, 4, 5, 6), datetime(2020, 1, 1, tzinfo=UTC),
    datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=2))), datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=2), "X")),
    datetime(2020, 1, 1, tzinfo=timezone(timedelta(seconds=1))), datetime(2020, 1, 1, tzinfo=ZoneInfo("Europe/Paris")),
    datetime(2020, 10, 25, 2, 30, fold=1), datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Paris")),
    datetime(2020, 1, 1, fold=1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=TzInfo(0)), datetime(2020, 1, 1, tzinfo=TzInfo(-3600)),
    datetime.min, datetime.max, date(1, 1, 1), time(1, 2), time(1, 2, fold=1, tzinfo=UTC), time(1, tzinfo=ZoneInfo("UTC")),
    timedelta(0), timedelta(-1, 1, 1), timedelta.max, UTC, ZoneInfo("UTC"),
    Decimal("1.10"), Decimal("NaN"), Decimal("sNaN12"), Decimal("-0"), Decimal("1E+5"), Decimal("-Infinity"), Fraction(1, 3),
    UUID(int=5), complex(-0.0, math.nan), complex(-0.0, -0.0), 1j, range(1, 9, 2),
    Path("a/b"), Path("a\udcff"), PurePosixPath("/x"), PureWindowsPath("c:\\x\\y"), PureWindowsPath("//s/h/x"),
    re.compile("a", re.IGNORECASE), re.compile("(?x) a"), re.compile(b"\xff"),
    deque([1, (2,)]), deque(maxlen=3), OrderedDict(b=1, a=2), Counter("aab"), defaultdict(list, a=[1]), defaultdict(None),
    ip_address("::1"), ip_address("127.0.0.1"), ip_network("10.0.0.0/8"), ip_interface("::1/64"),
    Url("http://a/b?c"), HttpUrl("http://a/b?c"), PostgresDsn("postgres://u@h/d"),
    Point(1), Point(1, Point(2, (3,))), Plain(1), Plain(1, b=[Plain(2)]), with_extra(), computed(), with_hidden(), Frozen((1,)),
    Odd(1, 2), Box(1), Box[int](1), Box[Plain](Plain(1)),
    Text("a"), Text(), Number(1), Number(2**70), Series([1, (2,)]), Table(a=1), Table({1: Table()}), OnDict(), on_dict(), {Text("a"): Text("b")}, Label("x"), marked(),
    Unique({1, 2}), Steady({1}), Pair([1, 2]), Real(1.5), Real(-0.0), Real("nan"), Octets(b"\xff"), Buffer(b"a"), Ordered(b=1, a=2), Default(list, a=[1]), Tally("aab"), Plane(1j),
    UserDict(a=1), UserList([1]), UserString("a"), SimpleNamespace(a=1, b=(2,)), SimpleNamespace(), ChainMap({"a": 1}, {"b": 2}), MappingProxyType({"b": 1, "a": (2,)}),
    slice(1, None, 2), array("d", [1.5, -0.0]), array("i"), clock.gmtime(0), Fraction(10**700, 3), Decimal("1E+999999"),
    int, None.__class__, Plain, Color, list[int], datetime, {"t": [list[int], dict[str, Plain], Optional[int], int | None]},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_comes_back_identical(value, back):
    back(value)
    back([value, {"k": value}])
    back({"k": (value,)})


def test_a_dataclass_runs_neither_init_nor_post_init(back):
    value = Odd(1, 2)
    value.a = 5
    assert back(value).made == 3


@pytest.mark.parametrize(
    "value",
    [
        object(), print, lambda: 1, operator.add, partial(int),
        open(os.devnull), threading.Lock(), (n for n in range(3)), iter([]), sys, type("Local", (), {})(),
        os.stat("."), {}.keys(), TypeVar("U"), int.__add__, Ellipsis, NotImplemented, list[T], ...,
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_refuses_what_is_no_data_and_names_its_path(value):
    with pytest.raises(UnrecordableValue) as caught:
        dumps({"a": [1, (value,)]})
    assert caught.value.path.startswith(".a[1][0]")
    assert "a[1][0]" in str(caught.value)


def test_refuses_open_files_sockets_and_coroutines(tmp_path):
    async def work():
        pass

    coroutine = work()
    with (tmp_path / "f").open("w") as file, socket.socket() as connection:
        for value in (file, connection, coroutine):
            with pytest.raises(UnrecordableValue, match="is not a type that memo knows"):
                dumps([value])
    coroutine.close()


@pytest.mark.parametrize("secret", [SecretStr("hunter2"), SecretBytes(b"hunter2")])
def test_never_writes_a_secret(secret):
    with pytest.raises(UnrecordableValue, match="secret") as caught:
        dumps({"a": [secret]})
    assert "hunter2" not in str(caught.value)


def test_a_text_that_speaks_of_secrets_is_no_secret(back):
    back(["pydantic.types:SecretStr", {"__type__": "pydantic.types:SecretStr", "value": "x"}])


def test_a_named_tuple_with_attributes_of_its_own_is_refused():
    value = Sub(1)
    value.extra = 1
    with pytest.raises(UnrecordableValue):
        dumps(value)


@pytest.mark.parametrize(
    ("steps", "path"),
    [
        (("a", 1, "x y", "b"), '.a[1]["x y"].b'),
        ((0, 2), "[0][2]"),
        ((1, "a", "1.5"), '[1].a["1.5"]'),
        (("ä.b", 0), '["ä.b"][0]'),
    ],
)
def test_a_refusal_names_the_path(steps: tuple[str | int, ...], path: str):
    value: Any = object()
    for step in reversed(steps):
        value = [*range(step), value, None] if isinstance(step, int) else {"first": "text", "second": 1, step: value}
    with pytest.raises(UnrecordableValue) as caught:
        dumps(value)
    assert caught.value.path == path


def test_what_holds_itself_is_refused():
    inner: list[Any] = [1]
    inner.append(inner)
    with pytest.raises(UnrecordableValue, match="holds itself") as caught:
        dumps({"a": inner})
    assert caught.value.path == ".a[1]"
    plain = Plain(1)
    plain.b = {"again": plain}
    with pytest.raises(UnrecordableValue, match="holds itself"):
        dumps(plain)


def test_the_same_object_twice_is_no_cycle(back):
    one = [1]
    back([one, one, {"a": one}])


WRAPS = {
    "list": lambda value: [value],
    "tuple": lambda value: (value,),
    "dict": lambda value: {"a": value},
    "int keys": lambda value: {1: value},
    "dataclass": Frozen,
    "named tuple": Point,
    "deque": lambda value: deque([value]),
    "ordered": lambda value: OrderedDict(a=value),
}


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_every_depth_comes_back_or_is_refused(wrap, back):
    value: Any = 1
    deepest = 0
    for depth in range(1, MAX_DEPTH + 2):
        value = wrap(value)
        if depth in (2, 25, 33, 34, 45, 49, 50, 51, 90, 99, MAX_DEPTH, MAX_DEPTH + 1):
            try:
                back(value)
                deepest = depth
            except UnrecordableValue as error:
                assert f"deeper than {MAX_DEPTH}" in str(error)
    assert deepest >= 25
    assert deepest <= MAX_DEPTH


def test_a_list_may_be_as_deep_as_promised(back):
    value: Any = 1
    for _ in range(MAX_DEPTH):
        value = [value]
    back(value)
    with pytest.raises(UnrecordableValue, match=str(MAX_DEPTH)):
        dumps([value])


@pytest.mark.parametrize("value", [[{"a": 1}], {"a": [1]}, (1, [2]), Plain(1, b=[1]), {1: [2]}], ids=repr)
def test_every_replay_gives_a_fresh_object(value, identical):
    values = Values(Types())
    read = values.reader(values.encode(value))
    first, second = read(), read()
    assert identical(first, value)
    assert first is not second
    (first[0] if isinstance(first, list) else first[1] if not isinstance(first, (dict, Plain)) else vars(first)["b"]
     if isinstance(first, Plain) else first).clear()  # fmt: skip
    assert identical(read(), value)
    assert identical(second, value)


def test_the_same_bytes_in_every_process():
    program = (
        "from memo.codecs import dumps; from typing import Any; from pydantic import BaseModel\n"
        "class M(BaseModel):\n    s: set[str]\n    a: Any = None\n"
        "words = set('the quick brown fox jumps over a lazy dog'.split())\n"
        "print(dumps([words, frozenset(words), {1: words}, M(s=words), M(s=[], a=M(s=words))]).decode())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
        ).stdout
        for seed in "0123"
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", "nope", b"NaN", b"[1,]", b"[" * 2000])
def test_no_json_is_a_mismatch(data):
    with pytest.raises(DataMismatch):
        loads(data)


def test_on_a_stack_that_is_nearly_full_it_is_refused_not_broken():
    value: Any = 1
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    data = dumps(value)
    seen = set()

    def down(left, act):
        return down(left - 1, act) if left else act()

    def attempt(act):
        try:
            act()
            seen.add("done")
        except MemoError as error:
            seen.add(type(error))

    for left in range(sys.getrecursionlimit() - 600, sys.getrecursionlimit() - 200, 7):
        for act in (lambda: dumps(value), lambda: loads(data)):
            down(left, lambda act=act: attempt(act))
    # Which of the two is met depends on how much of the stack the interpreter counts.
    assert "done" in seen
    assert {UnrecordableValue, DataMismatch} >= seen - {"done"} != set()
