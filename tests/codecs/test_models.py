"""Models: back identical in type tree, values, set fields, extras and private attributes, or refused."""

import itertools
import math
import re
import sys
import time as clock
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypeVar, Union
from uuid import UUID, uuid4

import pydantic.dataclasses
import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    Json,
    PlainSerializer,
    PrivateAttr,
    RootModel,
    SecretStr,
    SerializeAsAny,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
)  # fmt: skip

from memo.codecs import dumps, loads
from memo.codecs.types import Types
from memo.codecs.values import MAX_DEPTH, Values
from memo.errors import DataMismatch, UnrecordableValue

T = TypeVar("T")
counter = itertools.count()


class Base(BaseModel):
    a: int = 1


class Child(Base):
    b: str = "b"


class Other(BaseModel):
    a: int = 1


class Holder(BaseModel):
    base: Base | None = None
    many: list[Base] = []
    anything: Any = None
    loose: SerializeAsAny[Base] | None = None


class Extra(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int | None = None


class Inner(BaseModel):
    model_config = ConfigDict(extra="allow")
    extra: Extra | None = None


class Alias(BaseModel):
    a: int = Field(alias="A")
    v: int = Field(0, validation_alias="in", serialization_alias="out")
    p: int = Field(0, validation_alias=AliasPath("deep", 0))
    c: int = Field(0, validation_alias=AliasChoices("c1", "c2"))


class Private(BaseModel):
    a: int = 1
    _secret: list[int] = PrivateAttr(default_factory=list)
    _later: int


class Computed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: int

    @computed_field
    @property
    def double(self) -> int:
        return self.a * 2

    @cached_property
    def cached(self):
        return self.a * 3


class Page(BaseModel, Generic[T]):
    items: list[T] = []


class IntPage(Page[int]):
    pass


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    name: str = ""


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    name: str = ""


class Pets(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    same: Base | Other = Base()
    loose: str | int | bool | None = None
    flip: int | str | bool | float | None = None
    moment: datetime | str | None = None
    raw: bytes | str | None = None


class Shade(Enum):
    RED = 1


@dataclass
class Data:
    a: int
    b: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fixed:
    a: int


@dataclass
class Derived:
    a: int
    seed: InitVar[int] = 0
    made: int = field(init=False, default=5)


@pydantic.dataclasses.dataclass
class Checked:
    a: int
    b: Base | None = None


class Pair(NamedTuple):
    x: int
    y: str = ""


class Kinds(BaseModel):
    moment: datetime | None = None
    span: timedelta | None = None
    number: float | None = None
    whole: int | None = None
    text: str | None = None
    money: Decimal | None = None
    raw: bytes | None = None
    unique: set[str] = set()
    frozen: frozenset[int] = frozenset()
    pair: tuple[int, str] | None = None
    shade: Shade | None = None
    ident: UUID | None = None
    path: Path | None = None
    pattern: re.Pattern[str] | None = None
    parsed: Json[list[int]] | None = None
    by_number: dict[int, str] = {}
    by_pair: dict[tuple[int, int], str] = {}
    anything: Any = None
    data: Data | None = None
    fixed: Fixed | None = None
    derived: Derived | None = None
    checked: Checked | None = None
    named: Pair | None = None
    kind: type[Base] | None = None
    url: HttpUrl | None = None


class Odd(BaseModel):
    model_config = ConfigDict(extra="allow")
    hidden: int = Field(0, exclude=True)
    lossy: Annotated[str, PlainSerializer(lambda v: v[:1])] = ""
    grows: Annotated[str, BeforeValidator(lambda v: v + "!")] = "x"


class Wrapped(BaseModel):
    a: int

    @model_serializer
    def dump(self):
        return {"z": self.a}


class Fresh(BaseModel):
    when: datetime = Field(default_factory=lambda: datetime.now(UTC))
    day: date = Field(default_factory=date.today)
    number: int = Field(default_factory=lambda: next(counter) // 1000)
    items: list[int] = Field(default_factory=list)


class HasFresh(BaseModel):
    inner: list[Fresh] = []


class Names(BaseModel):
    value: int = 1
    set: str = "declared"
    exact: dict[str, int] = {}
    missing: int = 2
    attributes: int = 3
    type_: str = Field("t", alias="__type__")


class Numbers(RootModel[list[int]]):
    pass


class Anything(RootModel[Any]):
    pass


class Custom(BaseModel):
    a: int

    def __init__(self, a, **more):
        super().__init__(a=a + 1, **more)


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)
    a: int


class Assigned(BaseModel):
    model_config = ConfigDict(validate_assignment=True)
    a: int


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    a: int
    when: datetime
    pair: tuple[int, int]


class Self(BaseModel):
    a: Optional["Self"] = None
    any: Any = None


class Slotted(BaseModel):
    __slots__ = ("cache",)
    a: int = 1


class Locked(BaseModel):
    secret: SecretStr = SecretStr("default")


class Leaky(BaseModel):
    secret: SecretStr

    @field_serializer("secret")
    def show(self, value):
        return value.get_secret_value()


class Trimmed(BaseModel):
    a: str

    @field_validator("a")
    @classmethod
    def check(cls, value):
        return value.removesuffix("x")


def assigned(value, **fields):
    for name, each in fields.items():
        object.__setattr__(value, name, each)
    return value


def later():
    value = Private(a=2)
    value._secret.append(1)
    value._later = 5
    return value


def cached():
    value = Computed(a=1)
    assert value.cached == 3
    return value


def odd_data():
    data = Data(1)
    data.more = (1,)
    return data


VALUES = [
    Base(), Base(a=1), Child(), Holder(base=Child(b="x")), Holder(many=[Base(), Child(a=2)]), Holder(loose=Child()), [Child(), Base(), Base(a=3)],
    Holder(anything=Child()), Holder(anything=datetime(2020, 1, 1)), Holder(anything=(1, [2])), Holder(anything={1: 2}), Holder(anything=b"a"),
    Holder(base=None), Holder(), Extra(), Extra(a=None), Extra(x=1), Extra(x=Base()), Extra(x=datetime(2020, 1, 1)), Extra(__type__="os:system"),
    Extra(x=[Extra(y=(1,))]), Inner(extra=Extra(x=1), z=2), Alias(A=1), Alias(**{"A": 1, "in": 2, "deep": [3], "c2": 4}),
    Private(), later(), Computed(a=1), cached(), Page(items=[1]), Page[int](items=[1]), Page[Base](items=[Child()]), Page[Base | None](items=[None]),
    Page[Optional[Base]](items=[Base()]), Page[Page[dict[str, int]]](), Page[Literal["a,]", 1, None, True]](items=[1]), IntPage(items=[2]), Page[Any](items=[(1,)]),
    Page[Union[int, str]](items=["1", 1]), [Page[int](), Page[str](), Page()],
    Pets(pet=Cat(name="x")), Pets(pet=Dog(), same=Other()), Pets(pet=Dog(), same=Base(a=2)), *[Pets(pet=Cat(), loose=v, flip=v) for v in ("1", 1, True, "true", None)],
    Pets(pet=Cat(), flip=1.0), Pets(pet=Cat(), moment="2020-01-01"), Pets(pet=Cat(), moment=datetime(2020, 1, 1)), Pets(pet=Cat(), raw=b"a"), Pets(pet=Cat(), raw="a"),
    Pets(pet=Cat(), raw=b"\xff"), Kinds(moment=datetime(2020, 1, 1, tzinfo=UTC)), Kinds(moment="2020-01-01T00:00:00Z"), Kinds(moment="2020-01-01T00:00:00+02:00"),
    Kinds(span=timedelta(days=-1, microseconds=3)), Kinds(number=math.nan), Kinds(number=math.inf), Kinds(number=-0.0), Kinds(number=1), assigned(Kinds(), number=1),
    Kinds(whole=2**70), Kinds(whole=-(2**70)), assigned(Kinds(), text="\ud800"), Kinds(anything={"\ud800": 1}), assigned(Kinds(), money=Decimal("NaN")), Kinds(money=Decimal("1.10")), Kinds(raw=b"\xff"),
    Kinds(unique={"a", "b"}), Kinds(frozen={1}), Kinds(pair=(1, "a")), Kinds(shade=Shade.RED), Kinds(ident=uuid4()), Kinds(path=Path("a")),
    Kinds(pattern=re.compile("a", re.IGNORECASE)), Kinds(parsed="[1]"), Kinds(by_number={1: "a"}), Kinds(by_pair={(1, 2): "a"}), Kinds(data=Data(1, [2])), Kinds(data=odd_data()),
    Kinds(fixed=Fixed(1)), Kinds(derived=Derived(1)), Kinds(checked=Checked(1, Child())), Checked(2), Kinds(named=Pair(1)), Kinds(kind=Child), Kinds(url="http://a"),
    Odd(), Odd(hidden=5), Odd(lossy="abc"), Odd(grows="a"), Odd(hidden=1, x=2), Wrapped(a=1), Trimmed(a="xxx"), Fresh(), Fresh(when=datetime(2020, 1, 1)), HasFresh(inner=[{}]),
    Names(), Names(value=2, exact={"a": 1}, __type__="os:system"), [Names(__type__="x"), Names()],
    Numbers([1, 2]), [Numbers([1]), Numbers([])], Anything((1,)), Anything(None), [Anything({"__type__": 1}), Anything(1), Anything(None)], RootModel[int](3), RootModel[Base](Child()),
    Custom(1), Frozen(a=1), Assigned(a=1), Strict(a=1, when=datetime(2020, 1, 1), pair=(1, 2)), Self(a=Self()), Slotted(),
    Base.model_construct(a="no number"), Base.model_construct({"a"}), Kinds.model_construct(moment=5, unique=None), Computed.model_construct(), Strict.model_construct(a=1),
    Holder(base=Base.model_construct(a=[1])), Holder.model_construct(base={"a": 1}), Holder.model_construct(many=(Base(),)), Base.model_construct(_fields_set={"a", "ghost"}),
    Extra.model_construct(z=[1]), Private.model_construct(a=3), Base.model_construct(surplus=1),
    assigned(Base(), a="x"), {"a": [Base()], 1: Child()}, (Base(), [Base(), Base()]), [Base(), Shade.RED, Shade.RED, datetime(2020, 1, 1)], [Base(), 1, {"a": 2}, None],
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_comes_back_identical(value, back):
    back(value)
    back([value, value, {"k": (value,)}])
    back(Holder(anything=value))
    back(Extra(x=value))


def test_none_and_unset_stay_two(back):
    assert back(Extra(a=None)).model_fields_set == {"a"}
    assert back(Extra()).model_fields_set == set()


def test_plain_values_are_stored_as_the_models_own_json():
    assert dumps(Base(a=2)) == f'{{"__type__":"{Base.__module__}:Base","value":{{"a":2}}}}'.encode()


def test_a_field_that_a_factory_filled_keeps_its_value(back, monkeypatch):
    value = Fresh()
    data = dumps(value)
    monkeypatch.setattr(sys.modules[__name__], "counter", itertools.count(10**6))
    clock.sleep(0.001)
    got = loads(data)
    assert (got.when, got.day, got.number, got.model_fields_set) == (value.when, value.day, value.number, set())


@pytest.mark.parametrize(
    "value", [Locked(secret="hunter2"), Leaky(secret="hunter2"), Locked(), [Leaky(secret="hunter2")]], ids=repr
)
def test_never_writes_a_secret(value):
    with pytest.raises(UnrecordableValue, match="secret") as caught:
        dumps({"a": value})
    assert "hunter2" not in str(caught.value)


def test_what_a_slot_holds_is_not_lost():
    with pytest.raises(UnrecordableValue):
        dumps(assigned(Slotted(), cache=1))
    with pytest.raises(UnrecordableValue):
        dumps(Holder(anything=assigned(Slotted(), cache=1)))


@pytest.mark.parametrize("bad", [print, object(), (n for n in "a")], ids=lambda v: type(v).__name__)
def test_refuses_what_is_no_data_and_names_its_path(bad):
    with pytest.raises(UnrecordableValue) as caught:
        dumps([Holder(anything={"k": [bad]})])
    assert caught.value.path == "[0].anything.k[0]"
    with pytest.raises(UnrecordableValue):
        dumps(Extra(x=bad))
    with pytest.raises(UnrecordableValue):
        dumps(assigned(Private(), _secret=bad))


def test_an_object_that_was_never_initialized_is_refused():
    with pytest.raises(UnrecordableValue):
        dumps(Base.__new__(Base))


def test_what_holds_itself_is_refused():
    value = Self()
    value.a = value
    with pytest.raises(UnrecordableValue, match="holds itself") as caught:
        dumps(value)
    assert caught.value.path == ".a"


@pytest.mark.parametrize(
    "make",
    [lambda v: Self(a=v) if isinstance(v, Self) else Self(any=v), lambda v: Self(any=v), lambda v: Anything([v])],
)
def test_every_depth_comes_back_or_is_refused(make, back):
    value: Any = 1
    done = set()
    for depth in range(1, 140):
        value = make(value)
        if depth in (10, 30, 49, 50, 51, 99, 100, 101, 130):
            try:
                back([value])
                done.add(depth)
            except UnrecordableValue as error:
                assert f"deeper than {MAX_DEPTH}" in str(error)
    assert {10, 30} <= done <= set(range(2 * MAX_DEPTH))


def test_models_as_deep_as_json_allows_come_back(back):
    value = Self()
    for _ in range(60):
        value = Self(any=None, a=Self(a=value))
    back(value)  # 120 levels of JSON


def test_every_replay_gives_a_fresh_object(identical):
    for value in (
        Kinds(by_number={1: "a"}),
        Holder(many=[Child()]),
        [Base(), Base()],
        Extra(x=[1]),
        Base.model_construct(a=[1]),
    ):
        values = Values(Types())
        tree = values.encode(value)
        read = values.reader(tree)
        first, second = read(), read()
        assert identical(first, value)
        assert first is not second
        if isinstance(first, list):
            first.append(1)
        else:
            vars(first).clear()
        assert identical(read(), value)
        assert identical(second, value)


def test_a_model_whose_fields_changed_is_a_mismatch():
    name = f"{Computed.__module__}:Computed"
    for data in (
        f'{{"__type__":"{name}","value":{{"a":1,"gone":2}}}}',
        f'{{"__type__":"{name}","value":{{}}}}',
        f'{{"__type__":"{name}","exact":{{"gone":1}}}}',
        f'{{"__type__":"{name}","exact":{{}}}}',
    ):
        with pytest.raises(DataMismatch, match="Computed"):
            loads(data)


def test_an_sdks_leniently_built_objects(back):
    chat = pytest.importorskip("openai.types.chat")
    for changes in ({}, {"finish_reason": "no such reason"}, {"surplus": {"deep": [1]}}):
        choice = {"index": 0, "delta": {"content": "a", "reasoning": "hm"}, "finish_reason": None, **changes}
        for name in ("chat.completion.chunk", ""):
            value = chat.ChatCompletionChunk.construct(
                id="1", object=name, created=1, model="m", choices=[choice], x_groq={"id": 1}
            )
            got = back(value)
            assert "x_groq" not in got.model_fields_set
            assert got.choices[0].delta.model_fields_set == {"content"}
            value._request_id = "req_1"
            assert back(value)._request_id == "req_1"
            back([value, value, 5])
