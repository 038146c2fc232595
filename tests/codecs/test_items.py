"""Packed items: the type is named once, and each is fresh."""

from datetime import date
from enum import Enum
from typing import Any, NamedTuple

import orjson
import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel

from memo.codecs.items import Items, Packer, pack
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import MemoError


class Chunk(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int = 0
    many: list[int] = []


class Tagged(BaseModel):
    tag: str = Field("x", alias="__type__")


class Whole(RootModel[Any]):
    pass


class Color(Enum):
    RED = 1


class Pair(NamedTuple):
    x: Any


def declared(**fields):
    chunk = Chunk(**fields)
    chunk.__pydantic_fields_set__ -= set(chunk.__pydantic_extra__)
    return chunk


def attributed():
    chunk = Chunk(a=1)
    chunk.__dict__["_request_id"] = "r"
    return chunk


STREAMS = {
    "none": [],
    "one model": [Chunk(a=1)],
    "models": [Chunk(a=1), Chunk(), Chunk(many=[1])],
    "extras": [Chunk(x=1), Chunk(a=1)],
    "declared": [declared(x=1), declared(a=1), declared(x={"y": [1]})],
    "both": [declared(x=1), Chunk(x=1), Chunk(a=1), declared(x=2)],
    "both, other way": [Chunk(x=1), Chunk(x=2), declared(x=1)],
    "exact between": [Chunk(a=1), Chunk.model_construct(a="no"), Chunk(a=2)],
    "attributes": [attributed(), Chunk(a=2)],
    "kinds": [Chunk(), Tagged(), Chunk(), 1, None, "a", [1], {"a": 1}, {"__type__": 1}],
    "tags": [Tagged(__type__="os:system"), Tagged(), Tagged(__type__="a:b")],
    "roots": [Whole(1), Whole([1]), Whole({"a": 1}), Whole({"__type__": "x"}), Whole(None), Whole("a"), Whole((1,))],
    "text": ["a", "b", "\ud800"],
    "json": [{"a": 1}, [1, {"b": None}], {"__type__": "x"}, {"a": (1,)}],
    "dates": [date(2020, 1, 1), date(2020, 1, 2), Chunk()],
    "enums": [Color.RED, Color.RED],
    "pairs": [Pair(1), Pair({"__type__": "x"}), Pair([Chunk()])],
    "tuples": [(1,), (2, (3,))],
    "bytes": [b"a", b"\xff"],
}


@pytest.mark.parametrize("items", STREAMS.values(), ids=STREAMS)
def test_come_back_identical_and_fresh_each_time(items, identical):
    values = Values(Types())
    packed = orjson.loads(orjson.dumps(pack([values.encode(each) for each in items])))
    read = Items(packed, values)
    assert len(read) == len(items)
    first, second = list(read), list(read)
    assert identical(first, items)
    assert identical(second, items)
    assert not [a for a, b in zip(first, second, strict=True) if a is b and isinstance(a, (BaseModel, list, dict))]


@pytest.mark.parametrize("items", STREAMS.values(), ids=STREAMS)
def test_a_packer_gives_what_pack_gives(items):
    values = Values(Types())
    packer = Packer()
    trees = [values.encode(each) for each in items]
    for tree in trees:
        packer.add(tree)
    assert len(packer) == len(items)
    assert orjson.dumps(packer.packed()) == orjson.dumps(pack(trees))


@pytest.mark.parametrize("items", STREAMS.values(), ids=STREAMS)
def test_lists_of_them_too(items, back):
    back(items)


def test_models_name_their_type_once():
    values = Values(Types())
    packed = pack([values.encode(Chunk(a=n)) for n in range(3)])
    assert packed["of"] == f"{Chunk.__module__}:Chunk"
    assert packed["items"] == [{"a": 0}, {"a": 1}, {"a": 2}]


def test_what_they_report_alike_is_reported_once():
    values = Values(Types())
    name = "c" * 500
    chunks = [Chunk(a=7, many=[n], stream=name, **more) for n, more in enumerate([{}, {"last": False}, {"last": True}])]
    chunks.append(Chunk(a=8, many=[], stream=name))
    packed = pack([values.encode(each) for each in chunks])
    assert packed["base"] == {"a": 7, "many": None, "stream": name}
    assert packed["items"] == [
        {"many": [0]},
        {"many": [1], "last": False},
        {"many": [2], "last": True},
        {"a": 8, "many": []},
    ]


def test_an_order_that_would_be_lost_is_kept(identical):
    values = Values(Types())
    long = "l" * 500
    chunks = [Chunk(x=long, y=long), Chunk(x=long, z=1, y=long), Chunk(x=long, y=long), Chunk(y=long, x=long)]
    packed = pack([values.encode(each) for each in chunks])
    assert packed["base"] == {"x": long, "y": long}
    assert identical(list(Items(packed, values)), chunks)


def test_few_or_short_items_are_written_whole():
    values = Values(Types())
    packed = pack([values.encode(Chunk(a=7, stream="c1", n=n)) for n in range(5)])
    assert "base" not in packed
    assert packed["items"][0] == {"a": 7, "stream": "c1", "n": 0}


def test_come_one_by_one():
    values = Values(Types())
    read = iter(Items({"of": f"{Chunk.__module__}:Chunk", "items": [{"a": 1}, {"a": "no number"}]}, values))
    assert next(read).a == 1
    with pytest.raises(MemoError, match="Chunk"):
        next(read)
