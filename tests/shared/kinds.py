"""A table of the kinds of values that programs hand around: each is recorded and comes back identical, or is refused."""

import argparse
import array
import asyncio
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import http
import io
import ipaddress
import json
import math
import os
import pathlib
import random
import re
import subprocess
import sys
import threading
import time
import types
import typing
import urllib.parse
import uuid
import weakref
import zoneinfo
from typing import Any, Generic, Literal, NamedTuple, Optional, TypedDict, TypeVar, Union

import httpx
import pydantic
import pydantic.dataclasses
import typing_extensions
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, RootModel

T = TypeVar("T")
UTC = dt.UTC


class Color(enum.Enum):
    RED = 1
    PAIR = (1, 2)


class Level(enum.IntEnum):
    LOW = 1


class Word(enum.StrEnum):
    HELLO = "hello"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Bits(enum.IntFlag):
    A = 1


class Unheard(enum.Enum):
    KNOWN = "known"

    @classmethod
    def _missing_(cls, value):
        member = object.__new__(cls)
        member._name_, member._value_ = str(value), value
        return cls._value2member_map_.setdefault(value, member)


class Point(NamedTuple):
    x: int
    y: Any = None


@dataclasses.dataclass
class Plain:
    a: int
    b: Any = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: Any


@dataclasses.dataclass
class Computed:
    a: int
    seed: dataclasses.InitVar[int] = 0
    made: int = dataclasses.field(init=False, default=5)

    def __post_init__(self, seed):
        self.made = self.a + seed


@dataclasses.dataclass
class OnDict(dict):
    a: int = 1


@dataclasses.dataclass
class Box(Generic[T]):
    item: T


@pydantic.dataclasses.dataclass
class Checked:
    a: int


class Old:
    def __init__(self):
        self.a = 1


class Text(str):
    __slots__ = ()


class Whole(int):
    pass


class Real(float):
    pass


class Octets(bytes):
    pass


class Series(list):
    pass


class Row(tuple):
    __slots__ = ()


class Table(dict):
    pass


class Unique(set):
    pass


class Steady(frozenset):
    pass


class Ordered(collections.OrderedDict):
    pass


class Tally(collections.Counter):
    pass


class Default(collections.defaultdict):
    pass


class Place(type(pathlib.Path())):
    pass


class Frames(collections.UserDict):
    pass


class Fields(TypedDict):
    a: int


class Base(BaseModel):
    a: int = 1


class Child(Base):
    b: str = "b"


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"


class Typed(typing_extensions.TypedDict):
    a: int


class Kinds(BaseModel):
    base: Base | None = None
    pet: Union[Cat, Dog, None] = Field(None, discriminator="kind")
    when: dt.datetime | None = None
    money: decimal.Decimal | None = None
    ratio: fractions.Fraction | None = None
    number: float | None = None
    unique: set[str] = set()
    raw: bytes | None = None
    color: Color | None = None
    typed: Typed | None = None
    anything: Any = None
    either: int | str | bool | None = None
    plain: Plain | None = None
    kind: type[Base] | None = None


class Extra(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int | None = None


class Alias(BaseModel):
    a: int = Field(alias="A")


class Private(BaseModel):
    a: int = 1
    _later: Any = PrivateAttr(None)


class Excluded(BaseModel):
    a: int = Field(5, exclude=True)


class Fresh(BaseModel):
    when: dt.datetime = Field(default_factory=lambda: dt.datetime.now(UTC))


class Page(BaseModel, Generic[T]):
    items: list[T] = []


class Root(RootModel[list[int]]):
    pass


class Nested(BaseModel):
    kids: list["Nested"] = []


class Day(enum.Enum):
    LONG = dt.timedelta(1)
    LIST = [1]  # noqa: RUF012
    CALL = functools.partial(int)


class Kept(enum.Flag, boundary=enum.KEEP):
    A = 1


class Mixed(str, enum.Enum):
    A = "a"


@dataclasses.dataclass(order=True, kw_only=True)
class ByKeyword:
    a: int = 1
    _hidden: list = dataclasses.field(default_factory=list, repr=False, compare=False)

    @functools.cached_property
    def twice(self):
        return [self.a, self.a]


class Lazy(BaseModel):
    a: int = 1

    @functools.cached_property
    def twice(self):
        return [self.a, self.a]

    @pydantic.computed_field
    @property
    def thrice(self) -> int:
        return self.a * 3


class Containers(BaseModel):
    ints: dict[int, list[tuple[int, ...]]] = {}
    enums: dict[Mixed, int] = {}
    span: dt.timedelta = dt.timedelta(0)
    pattern: re.Pattern | None = None
    base64: pydantic.Base64Bytes | None = None
    json_: pydantic.Json | None = None
    complex_: complex | None = None
    deque: collections.deque[int] | None = None
    ordered: collections.OrderedDict[str, int] | None = None
    default: collections.defaultdict[str, list[int]] | None = None
    function: typing.Callable | None = None


class Choices(BaseModel):
    a: int = Field(validation_alias=pydantic.AliasChoices("x", "y"), serialization_alias="z")


class Growing(BaseModel):
    a: int

    @pydantic.model_validator(mode="before")
    @classmethod
    def grow(cls, value):
        return {"a": value["a"] + 1} if isinstance(value, dict) else value


class Shouting(BaseModel):
    a: typing.Annotated[str, pydantic.BeforeValidator(str.strip), pydantic.PlainSerializer(str.upper)]


class AsAny(BaseModel):
    x: pydantic.SerializeAsAny[BaseModel]


class Encoded(BaseModel):
    model_config = ConfigDict(ser_json_bytes="base64", ser_json_timedelta="float", ser_json_inf_nan="null")
    raw: bytes = b"\xff"
    span: dt.timedelta = dt.timedelta(days=1, microseconds=1)
    number: float = math.inf


class Noted(str):  # noqa: SLOT000
    def __new__(cls, text, note=None):
        made = super().__new__(cls, text)
        made.note = note
        return made


class Failure(Exception):
    def __init__(self, message, *, status):
        super().__init__(message)
        self.status = status


def private(value):
    made = Private()
    made._later = value
    return made


def attributed(value, **attributes):
    value.__dict__.update(attributes)
    return value


def deleted(value, name):
    delattr(value, name)
    return value


def nested(depth):
    value = Nested()
    for _ in range(depth):
        value = Nested(kids=[value])
    return value


def lists(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def itself():
    value = []
    value.append(value)
    return value


def raised(error, cause=None):
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def on_dict():
    value = OnDict(a=5)
    value["k"] = (1,)
    return value


def wheel():
    return types.SimpleNamespace(a=1, b=types.SimpleNamespace(c=(2,)))


PARIS = zoneinfo.ZoneInfo("Europe/Paris")

SAME = {
    "none": lambda: None, "true": lambda: True, "zero": lambda: 0, "negative": lambda: -1, "int64": lambda: 2**63, "big": lambda: 10**30, "huge": lambda: 10**6000, "float": lambda: 1.5, "minus zero": lambda: -0.0,
    "nan": lambda: math.nan, "infinity": lambda: -math.inf, "tiny": lambda: 5e-324, "mixed numbers": lambda: [1, 1.0, True, "1"], "text": lambda: "é", "empty text": lambda: "", "surrogate": lambda: "a\ud800",
    "null character": lambda: "\x00", "long text": lambda: "x" * 10**5, "bytes": lambda: b"text", "odd bytes": lambda: b"\xff\x00", "bytearray": lambda: bytearray(b"\xff"), "complex": lambda: complex(-0.0, math.nan),
    "list": lambda: [1, [2, [3]]], "empty list": list, "tuple": lambda: (1, (2,)), "empty tuple": tuple, "set": lambda: {1, "a", (2,)}, "empty set": set, "frozenset": lambda: frozenset({frozenset({1})}),
    "dict": lambda: {"b": 1, "a": {"c": []}}, "int keys": lambda: {1: "a", "1": "b"}, "tuple keys": lambda: {(1, 2): 3}, "none key": lambda: {None: 1}, "enum keys": lambda: {Color.RED: 1}, "nan key": lambda: {math.nan: 1},
    "type key": lambda: {"__type__": "os:system", "value": 1}, "surrogate key": lambda: {"\ud800": 1}, "floats": lambda: [0.1 * i for i in range(100)], "deep lists": lambda: lists(90),
    "enum": lambda: Color.RED, "enum of tuple": lambda: Color.PAIR, "int enum": lambda: Level.LOW, "str enum": lambda: Word.HELLO, "flag": lambda: Right.READ | Right.WRITE, "empty flag": lambda: Right(0), "int flag": lambda: Bits(9),
    "unknown enum": lambda: Unheard("unheard of"), "http status": lambda: http.HTTPStatus.NOT_FOUND, "datetime": lambda: dt.datetime(2020, 1, 2, 3, 4, 5, 6), "utc": lambda: dt.datetime(2020, 1, 1, tzinfo=UTC),
    "offset": lambda: dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30))), "named offset": lambda: dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2), "X")),
    "zone": lambda: dt.datetime(2020, 1, 1, tzinfo=PARIS), "fold": lambda: dt.datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=PARIS), "date": lambda: dt.date(2020, 2, 29), "time": lambda: dt.time(1, 2, 3, 4),
    "aware time": lambda: dt.time(1, tzinfo=UTC), "timedelta": lambda: dt.timedelta(-1, 1, 1), "timezone": lambda: UTC, "zoneinfo": lambda: PARIS, "struct_time": lambda: time.gmtime(0), "decimal": lambda: decimal.Decimal("1.10"),
    "decimal nan": lambda: decimal.Decimal("sNaN1"), "decimal exponent": lambda: decimal.Decimal("1E+500"), "fraction": lambda: fractions.Fraction(1, 3), "uuid": lambda: uuid.UUID(int=5), "safe uuid": lambda: uuid.UUID(int=9, is_safe=uuid.SafeUUID.safe), "path": lambda: pathlib.Path("a/b"),
    "posix path": lambda: pathlib.PurePosixPath("/x"), "windows path": lambda: pathlib.PureWindowsPath("c:\\x"), "pattern": lambda: re.compile("a+", re.IGNORECASE), "bytes pattern": lambda: re.compile(b"a"),
    "ipv4": lambda: ipaddress.ip_address("127.0.0.1"), "ipv6": lambda: ipaddress.ip_address("::1"), "network": lambda: ipaddress.ip_network("10.0.0.0/8"), "interface": lambda: ipaddress.ip_interface("::1/64"),
    "range": lambda: range(1, 9, 2), "huge range": lambda: range(10**12), "slice": lambda: slice(1, None, 2), "deque": lambda: collections.deque([1, (2,)], 5), "ordered": lambda: collections.OrderedDict(b=1, a=2),
    "counter": lambda: collections.Counter("aab"), "defaultdict": lambda: collections.defaultdict(list, a=[1]), "chain map": lambda: collections.ChainMap({"a": 1}, {"b": 2}), "user dict": lambda: collections.UserDict(a=1),
    "user list": lambda: collections.UserList([1]), "user string": lambda: collections.UserString("a"), "mapping proxy": lambda: types.MappingProxyType({"b": 1, "a": (2,)}), "namespace": wheel, "array": lambda: array.array("d", [1.5]),
    "named tuple": lambda: Point(1, (2,)), "dataclass": lambda: Plain(1, {2}), "frozen slots": lambda: Frozen((1,)), "init var": lambda: Computed(1, 2), "unset field": lambda: object.__new__(Plain), "deleted field": lambda: deleted(Computed(1), "made"), "attribute": lambda: attributed(Plain(1), c={3}),
    "dataclass on dict": on_dict, "generic dataclass": lambda: Box[int](1), "checked dataclass": lambda: Checked(1), "str subclass": lambda: Text("a"), "int subclass": lambda: Whole(5), "float subclass": lambda: Real("nan"),
    "bytes subclass": lambda: Octets(b"\xff"), "list subclass": lambda: Series([1, (2,)]), "tuple subclass": lambda: Row((1,)), "dict subclass": lambda: attributed(Table({1: "a"}), note="n"), "set subclass": lambda: Unique({1}),
    "frozenset subclass": lambda: Steady({1}), "ordered subclass": lambda: Ordered(b=1, a=2), "counter subclass": lambda: Tally("ab"), "defaultdict subclass": lambda: Default(int, a=1), "subclass as key": lambda: {Text("a"): Whole(1)},
    "typed dict": lambda: Fields(a=1), "class": lambda: Plain, "builtin class": lambda: int, "alias": lambda: list[int], "optional": lambda: Optional[int], "union": lambda: int | None, "nested alias": lambda: dict[str, list[Plain]],
    "model": lambda: Base(), "set field": lambda: Base(a=1), "subclass in base field": lambda: Kinds(base=Child(b="x")), "discriminated": lambda: Kinds(pet={"kind": "dog"}), "model datetime": lambda: Kinds(when=dt.datetime(2020, 1, 1, tzinfo=PARIS)),
    "model decimal": lambda: Kinds(money="1.10"), "model fraction": lambda: Kinds(ratio="1/3"), "model nan": lambda: Kinds(number=math.nan), "model set": lambda: Kinds(unique={"b", "a"}), "model bytes": lambda: Kinds(raw=b"\xff"),
    "model enum": lambda: Kinds(color=Color.RED), "model typed dict": lambda: Kinds(typed={"a": 1}), "model any": lambda: Kinds(anything=(1, {2})), "model either": lambda: Kinds(either="1"), "model either bool": lambda: Kinds(either=True),
    "model dataclass": lambda: Kinds(plain=Plain(1)), "model class": lambda: Kinds(kind=Child), "constructed": lambda: Base.model_construct(a="no number"), "missing": lambda: Base.model_construct(), "extras": lambda: Extra(x=[Extra(y=(1,))]),
    "alias field": lambda: Alias(A=1), "private": lambda: private({1}), "excluded": lambda: Excluded(a=6), "fresh": lambda: Fresh(when=dt.datetime(2020, 1, 1, tzinfo=UTC)), "root model": lambda: Root([1]), "many models": lambda: [Base(a=i) for i in range(50)],
    "mixed models": lambda: [Base(), Child(), 5, None], "page": lambda: Page[int](items=[1]), "page of union": lambda: Page[int | None](items=[None]), "page of callable": lambda: Page[typing.Callable[[int], str]](),
    "page of literal": lambda: Page[Literal[Color.RED, "a"]](items=["a"]), "page of tuple": lambda: Page[tuple[int, ...]](items=[(1, 2)]), "page of typed dict": lambda: Page[Typed](items=[{"a": 1}]), "page of pages": lambda: Page[Page[int]](items=[Page[int]()]),
    "deep model": lambda: nested(60), "url": lambda: pydantic.HttpUrl("http://a/b?c"), "dsn": lambda: pydantic.PostgresDsn("postgres://u@h/d"), "byte size": lambda: pydantic.ByteSize(5), "name email": lambda: pydantic.NameEmail("n", "a@b.c"),
    "error": lambda: ValueError("no", 5), "os error": lambda: OSError(2, "No such file", "f"), "own error": lambda: Failure("bad", status=404), "caused error": lambda: raised(Failure("a", status=1), KeyError("k")), "group": lambda: ExceptionGroup("g", [ValueError(1)]),
    "bytes io": lambda: io.BytesIO(b"\xffabc"), "read bytes io": lambda: placed(io.BytesIO(b"abc"), 2), "string io": lambda: io.StringIO("a\r\n\u00e9b"), "read string io": lambda: placed(io.StringIO("a\nb"), 1), "memoryview": lambda: memoryview(b"a\xff"), "writable view": lambda: memoryview(bytearray(b"ab")), "view of a part": lambda: memoryview(b"abc")[1:],
    "http url": lambda: httpx.URL("https://a.test/b?c=1#d"), "http headers": lambda: httpx.Headers([("A", "1"), ("a", "2"), ("B", b"\xe9")]), "http parameters": lambda: httpx.QueryParams("a=1&a=2&b="), "http timeout": lambda: httpx.Timeout(5, read=None),
    "timedelta enum": lambda: Day.LONG, "list enum": lambda: Day.LIST, "partial enum": lambda: Day.CALL, "kept flag": lambda: Kept(9), "mixed enum": lambda: Mixed.A, "by keyword": lambda: ByKeyword(a=2), "cached": lambda: read(ByKeyword(a=2)), "cached in a model": lambda: read(Lazy()), "computed field": lambda: Lazy(a=2),
    "int keys in a model": lambda: Containers(ints={1: [(1, 2)]}), "enum keys in a model": lambda: Containers(enums={"a": 1}), "span in a model": lambda: Containers(span=dt.timedelta(-1, 5, 7)), "pattern in a model": lambda: Containers(pattern="a+"), "base64": lambda: Containers(base64=b"YWI="), "json in a model": lambda: Containers(json_='{"a":[1]}'),
    "complex in a model": lambda: Containers(complex_=1j), "deque in a model": lambda: Containers(deque=collections.deque([1], maxlen=3)), "ordered in a model": lambda: Containers(ordered={"b": 1, "a": 2}), "default in a model": lambda: Containers(default={"a": [1]}), "updated copy": lambda: Containers().model_copy(update={"ints": 5, "more": 1}),
    "choices": lambda: Choices(x=1), "growing": lambda: Growing(a=1), "shouting": lambda: Shouting(a=" b "), "rooted": lambda: RootModel[dict[str, Containers]]({"a": Containers()}), "serialize as any": lambda: AsAny(x=Containers(ints={1: []})), "encoded": Encoded, "noted": lambda: Noted("a", note={1: (2,)}), "parsed url": lambda: urllib.parse.urlparse("http://a/b?c"), "split url": lambda: urllib.parse.urlsplit("http://u@a:5/b"),
    "completed process": lambda: subprocess.CompletedProcess(["ls", pathlib.Path("a")], 2, b"\xff", None), "command line": lambda: argparse.Namespace(a=1, b=[(2,)]), "process error": lambda: subprocess.CalledProcessError(1, ["a"], b"o", b"e"), "process timeout": lambda: subprocess.TimeoutExpired("a", 5, b"o"), "negative counter": lambda: collections.Counter(a=-1), "ordered proxy": lambda: types.MappingProxyType(collections.OrderedDict(a=1)),
    "odd keys": lambda: {1.5: 1, -0.0: 2, b"a": 3, dt.date(2020, 1, 1): 4, frozenset({1}): 5, uuid.UUID(int=1): 6, True: 7}, "mixed set": lambda: {1, "a", None, 1.5, b"x", Point(1)}, "last moment": lambda: dt.datetime.max, "shortest span": lambda: dt.timedelta.min, "group of own errors": lambda: ExceptionGroup("g", [Failure("a", status=1)]),
    "json error": lambda: json.JSONDecodeError("bad", "{", 1), "unicode error": lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "stop iteration": lambda: StopIteration(5), "validation error": lambda: raised_by(lambda: Base(a="x")),
}  # fmt: skip


def read(value):
    assert value.twice
    return value


def placed(file, position):
    file.seek(position)
    return file


def raised_by(function):
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError


REFUSED = {
    "object": object, "plain object": Old, "function": lambda: print, "lambda": lambda: (lambda: 1), "partial": lambda: functools.partial(int),
    "file": lambda: sys.stdout, "text wrapper": lambda: io.TextIOWrapper(io.BytesIO()), "other newline": lambda: io.StringIO("a", newline="\r\n"), "file with an attribute": lambda: attributed(io.BytesIO(), a=1), "view of numbers": lambda: memoryview(array.array("i", [1])), "path subclass": lambda: Place("a"), "lock of a call": threading.RLock, "mapping": lambda: Frames(), "sys.version_info": lambda: sys.version_info, "lock": threading.Lock, "module": lambda: sys, "event": asyncio.Event, "keys": lambda: {}.keys(),
    "ellipsis": lambda: ..., "stat": lambda: os.stat("."), "type var": lambda: T, "weakref": lambda: weakref.ref(Plain), "random": random.Random, "local class": lambda: local(), "made class": lambda: pydantic.create_model("Made", a=(int, 1))(),
    "holds itself": itself, "too deep": lambda: lists(200), "too deep models": lambda: nested(200), "decimal beyond": lambda: decimal.Decimal("1E+1000000"), "bound method": lambda: [].append, "descriptor": lambda: int.__add__, "code": lambda: compile("1", "", "eval"),
    "environment": lambda: os.environ, "thread": threading.Thread, "attributes on ordered": lambda: attributed(collections.OrderedDict(), a=1), "attributes on counter": lambda: attributed(collections.Counter(), a=1),
    "function in a model": lambda: Containers(function=len), "match": lambda: re.match("a(b)", "ab"), "week": lambda: dt.date(2020, 1, 1).isocalendar(), "terminal": lambda: os.terminal_size((1, 2)), "items": lambda: {"a": 1}.items(), "not implemented": lambda: NotImplemented, "field": lambda: Field(gt=1), "fields": lambda: Base.model_fields, "adapter": lambda: pydantic.TypeAdapter(int),
    "forward reference": lambda: typing.ForwardRef("X"), "new type": lambda: typing.NewType("N", int), "annotated": lambda: typing.Annotated[int, "x"], "basic auth": lambda: httpx.BasicAuth("a", "b"), "made in a circle": lambda: circle(), "process with an attribute": lambda: attributed(subprocess.CompletedProcess("a", 0), note=1),
    "default factory": lambda: collections.defaultdict(lambda: 1), "debug pattern": lambda: types.SimpleNamespace(a=object()),
}  # fmt: skip


def circle():
    value = []
    value.append({"a": value})
    return value


def local():
    @dataclasses.dataclass
    class Local:
        a: int = 1

    return Local()


def packages() -> dict[str, Any]:
    """Return the kinds of values of the packages that are installed."""
    found: dict[str, Any] = {}
    try:
        import numpy as np
    except ImportError:
        return found
    found |= {
        "ndarray": lambda: np.arange(6.0).reshape(2, 3), "fortran array": lambda: np.asfortranarray(np.arange(6).reshape(2, 3)), "structured array": lambda: np.zeros(2, dtype=[("a", "i4"), ("b", "U3")]), "float64": lambda: np.float64(1.5),
        "int8": lambda: np.int8(-5), "numpy bool": lambda: np.bool_(True), "numpy str": lambda: np.str_("é"), "datetime64": lambda: np.datetime64("2020-01-01"), "dtype": lambda: np.dtype("f4"), "model with array": lambda: Kinds(anything=np.float32(2)),
    }  # fmt: skip
    return found
