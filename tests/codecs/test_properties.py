"""Whatever is nested in whatever: back identical, always as the same bytes."""

from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import UTC, timedelta, timezone
from enum import Enum
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from memo.codecs import dumps
from memo.codecs.items import Items, pack
from memo.codecs.types import Types
from memo.codecs.values import Values


class Color(Enum):
    RED = 1
    BLUE = "b"


class Pair(NamedTuple):
    x: Any
    y: Any = None


@dataclass
class Data:
    a: Any


class Model(BaseModel):
    model_config = ConfigDict(extra="allow")
    any: Any = None
    number: float | None = None
    many: "list[Model]" = []
    text: str | int = ""


ZONES = st.none() | st.timezones() | st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
TEXT = st.text(st.characters(), max_size=8) | st.text(st.characters(categories=["Cs", "Ll"]), max_size=4)
HASHABLE = (
    st.none() | st.booleans() | st.integers() | st.integers(-(2**80), 2**80) | st.floats() | TEXT | st.binary(max_size=6) | st.decimals(allow_nan=True).filter(lambda each: not each.is_snan()) | st.fractions()
    | st.uuids() | st.datetimes(timezones=ZONES) | st.times(timezones=st.none() | st.just(UTC)) | st.dates() | st.timedeltas() | st.complex_numbers() | st.sampled_from(Color)
    | st.ip_addresses() | st.builds(PurePosixPath, st.text("ab/.", max_size=5)) | st.sampled_from([int, list[int], Model, Color, None.__class__])
)  # fmt: skip
KEYS = TEXT | st.sampled_from(["__type__", "value", "items"])
INNER = st.recursive(
    HASHABLE,
    lambda each: st.lists(each, max_size=3).map(tuple) | st.frozensets(each, max_size=3) | st.builds(Pair, each, each),
    max_leaves=5,
)


def model(children):
    names = st.sampled_from(["x", "y", "__type__", "value"])
    return st.builds(
        lambda fields, extra: Model(**fields, **extra),
        st.fixed_dictionaries(
            {},
            optional={
                "any": children,
                "number": st.floats(),
                "many": st.just([Model(x=1), Model()]),
                "text": st.text(max_size=3) | st.integers(),
            },
        ),
        st.dictionaries(names, children, max_size=2),
    ) | st.builds(lambda each: Model.model_construct(number=each, any=each), children)


VALUES = st.recursive(
    INNER,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(KEYS, each, max_size=3) | st.dictionaries(INNER, each, max_size=2) | st.sets(INNER, max_size=3) | st.builds(Data, each)
    | st.builds(Pair, each, each) | st.lists(each, max_size=2).map(tuple) | st.lists(each, max_size=2).map(deque) | st.dictionaries(KEYS, each, max_size=2).map(OrderedDict)
    | model(each) | st.lists(model(each), min_size=2, max_size=3) | st.lists(each, max_size=2).map(lambda args: ValueError(*args)),
    max_leaves=8,
)  # fmt: skip


@given(VALUES)
def test_every_value_comes_back_identical(back, value):
    back(value)


@given(st.lists(VALUES, max_size=4))
def test_every_stream_comes_back_identical(identical, items):
    values = Values(Types())
    assert identical(list(Items(pack([values.encode(each) for each in items]), values)), items)


@given(st.lists(INNER, max_size=6, unique_by=repr))
def test_equal_sets_give_equal_bytes(items):
    kept = list(set(items))
    assert dumps(set(kept)) == dumps(set(reversed(kept)))
