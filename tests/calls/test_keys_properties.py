"""Keys, by properties: equal arguments and only they have equal keys, whatever they are made of."""

import copy
import random
import struct
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from memo._calls.call import Call
from memo._calls.digest import call_key
from memo.errors import UnkeyableArgument


class Model(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: Any = None
    b: Any = 1


class Twin(BaseModel):
    a: Any = None
    b: Any = 1


@dataclass
class Data:
    a: Any
    b: Any = 1


Named = namedtuple("Named", "a b")  # noqa: PYI024


class Color(Enum):
    RED = 1
    BLUE = "1"
    PAIR = (1, "1")


class Text(str):
    __slots__ = ()


def key(value: Any) -> str:
    return Call.of("f", {"value": value}).key


def normal(value: Any) -> Any:
    """What a call is told from others by, said once more and independently: hashable, strict about types."""
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return kind.__name__, value
    if kind is float:
        return "float", "nan" if value != value else struct.pack(">d", value)
    if kind in (bytes, bytearray):
        return "bytes", bytes(value)
    if kind in (list, tuple):
        return "list", tuple(map(normal, value))
    if kind in (set, frozenset):
        return "set", frozenset(map(normal, value))
    if kind in (dict, OrderedDict, defaultdict):
        return "dict", frozenset((normal(each), normal(value[each])) for each in value)
    if kind is Text:
        return "Text", str.__getitem__(value, slice(None))
    if isinstance(value, Enum):
        return "enum", value.name
    if isinstance(value, BaseModel):
        held = {name: value.__dict__[name] for name in kind.model_fields}
        return kind.__name__, normal(held), normal(value.model_extra or {})
    if is_dataclass(value):
        return "Data", tuple(normal(getattr(value, field.name)) for field in fields(value))
    if kind is Named:
        return "Named", tuple(map(normal, tuple(value)))
    if kind is datetime:
        if value.tzinfo is None:
            return "datetime", value.isoformat(), value.fold
        return "datetime", value.isoformat(), getattr(value.tzinfo, "key", None)
    assert kind in (date, time, timedelta, Decimal, UUID, PurePosixPath, complex), kind
    return kind.__name__, str(value)


surrogates = st.text(st.characters(codec=None, categories=["Cs", "Ll"]), max_size=3)
texts = st.one_of(
    st.text(max_size=4),
    surrogates,
    st.sampled_from(["", "1", "None", "true", "a", "b", "__type__", "value", "int", "1.0", "nan"]),
)
hashable = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.integers(),
    st.sampled_from([2**63, 2**64, -(2**63) - 1, 2**64 - 1, 10**4000]),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, 1e16, float(2**64)]),
    texts,
    st.binary(max_size=3),
    st.builds(Text, texts),
    st.sampled_from(list(Color)),
    st.dates(),
    st.times(),
    st.datetimes(
        timezones=st.sampled_from(
            [None, UTC, timezone(timedelta(hours=1)), ZoneInfo("Europe/Paris"), ZoneInfo("Europe/Berlin")]
        )
    ),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.builds(PurePosixPath, st.text("ab/.", max_size=4)),
    st.complex_numbers(allow_nan=False, max_magnitude=10),
    st.frozensets(st.one_of(st.integers(0, 2), texts), max_size=3),
    st.tuples(st.integers(0, 1), texts),
)
leaves = st.one_of(hashable, st.builds(bytes, st.integers(1000, 1100)), st.builds(bytearray, st.binary(max_size=2)))


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(texts, inner, max_size=3),
        st.dictionaries(hashable, inner, max_size=3),
        st.sets(hashable, max_size=3),
        st.builds(Model, a=inner, b=inner),
        st.builds(Model, a=inner, c=inner),
        st.builds(Twin, a=inner, b=inner),
        st.builds(Data, inner, inner),
        st.builds(Named, inner, inner),
    )


values = st.recursive(leaves, containers, max_leaves=8)


def near(value: Any, leaf: Any, pick: random.Random) -> Any:
    """Nearly the same value: one place in it is another, or only another kind of holder."""
    kind = type(value)
    if pick.random() < 0.3:
        if kind in (list, tuple):
            return list(value) if kind is tuple else tuple(value)
        if kind is Model:
            return Twin(a=value.a, b=value.b)
        if kind in (Twin, Named, Data):
            return {"a": value.a, "b": value.b}
        return pick.choice([[value], leaf])
    if kind in (list, tuple) and value:
        at = pick.randrange(len(value))
        return kind([near(each, leaf, pick) if i == at else each for i, each in enumerate(value)])
    if kind is dict and value:
        at = pick.randrange(len(value))
        return {k: near(each, leaf, pick) if i == at else each for i, (k, each) in enumerate(value.items())}
    if kind in (Model, Twin):
        return kind(**{**vars(value), **(value.model_extra or {}), "a": near(value.a, leaf, pick)})
    if kind is Data:
        return Data(value.a, near(value.b, leaf, pick))
    if kind is Named:
        return Named(near(value.a, leaf, pick), value.b)
    if kind in (set, frozenset) and value:
        return kind(list(value)[1:])
    kin = {int: float, float: str, str: str.encode, bool: int}.get(kind) if _simple(value) else None
    return kin(value) if kin is not None else leaf


def _simple(value: Any) -> bool:
    return (
        (type(value) is str and value.isascii())
        or (type(value) is int and abs(value) < 2**60)
        or type(value) in (float, bool)
    )


def again(value: Any, pick: random.Random) -> Any:
    """The same once more, through other containers, in another order."""
    kind = type(value)
    if kind in (list, tuple):
        return pick.choice([list, tuple])(again(each, pick) for each in value)
    if kind is dict:
        pairs = [(each, again(value[each], pick)) for each in value]
        pick.shuffle(pairs)
        return pick.choice([dict, OrderedDict, lambda pairs: defaultdict(list, pairs)])(pairs)
    if kind in (set, frozenset):
        members = list(value)
        pick.shuffle(members)
        return pick.choice([set, frozenset])(members)
    if kind in (Model, Twin):
        return kind(
            **{
                name: again(each, pick)
                for name, each in reversed([*vars(value).items(), *(value.model_extra or {}).items()])
            }
        )
    if kind is Data:
        return Data(again(value.a, pick), again(value.b, pick))
    if kind is Named:
        return Named(again(value.a, pick), again(value.b, pick))
    return bytearray(value) if kind is bytes else value


@settings(max_examples=400)
@given(values, values, st.integers())
def test_equal_arguments_and_only_they_have_equal_keys(value, leaf, seed):
    other = near(value, leaf, random.Random(seed))
    assert (normal(value) == normal(other)) == (key(value) == key(other))


@settings(max_examples=200)
@given(st.lists(leaves, min_size=2, max_size=12))
def test_no_two_leaves_share_a_key_that_are_not_one(many):
    assert len({normal(each) for each in many}) == len({key(each) for each in many})


@settings(max_examples=300)
@given(values, st.integers())
def test_a_key_is_the_same_for_the_same_arguments_made_again(value, seed):
    assert key(copy.deepcopy(value)) == key(value)
    assert key(again(value, random.Random(seed))) == key(value)


@settings(max_examples=200)
@given(values)
def test_the_hashed_arguments_are_the_key(value):
    call = Call.of("f", {"value": value}, 3)
    assert call_key("f", call.arguments, 3) == call.key


class Raises:
    """Raises from whichever special method is asked first."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        return 1

    def __bool__(self) -> bool:
        raise RuntimeError

    def __iter__(self) -> Any:
        raise RuntimeError

    __str__ = __len__ = __iter__

    def __repr__(self) -> str:
        return f"Raises({self.name!r})"  # Hypothesis asks

    @property
    def __class__(self) -> Any:
        if self.name == "class":
            raise RuntimeError
        return {"dict": dict, "type": type, "model": BaseModel}.get(self.name, Raises)

    @__class__.setter
    def __class__(self, value: Any) -> None: ...


def odd(name: str, *bases: type, **body: Any) -> Any:
    return type(name, bases, body)


def fail(*_: Any) -> Any:
    raise RuntimeError("no")


oddities = st.one_of(
    st.builds(Raises, st.sampled_from(["dict", "type", "model", "self"])),
    st.sampled_from([len, print, Raises, object, object(), ..., NotImplemented, iter([]), random.Random(1), type, Any, list[Any], st, fail]),
    st.sampled_from([
        odd("Str", str, __str__=fail, __getitem__=fail, __iter__=fail)("a"),
        odd("List", list, __iter__=fail, __len__=fail)([1]),
        odd("Dict", dict, items=fail, __iter__=fail, keys=fail)(a=1),
        odd("Int", int, __int__=fail, __index__=fail)(5),
        odd("Float", float, __float__=fail, __sub__=fail)(5.5),
        odd("Falsy", object, __bool__=fail)(),
        odd("Omit", object, __bool__=fail)(),
    ]),
)  # fmt: skip


@settings(max_examples=300)
@given(st.recursive(st.one_of(leaves, oddities), containers, max_leaves=6))
@example([random.Random(1), {Raises("self"): 1}])
@example([odd("Bad", dict, __getattribute__=fail)(a=1)])
@example({"a": Raises("class")})
def test_nothing_but_unkeyable_is_ever_raised(value):
    try:
        one = key(value)
    except UnkeyableArgument as error:
        assert error.path.startswith("value")
    else:
        assert key(value) == one
