"""A mutable object in several places of a value is one object in a replay, too; nothing else is written otherwise."""

import dataclasses
import io
import json
from collections import OrderedDict, UserDict
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, PrivateAttr, RootModel

import memo
from memo.errors import DataMismatch, UnrecordableValue


@dataclasses.dataclass
class Pair:
    left: Any
    right: Any


@dataclasses.dataclass(frozen=True)
class Point:
    x: int


class Model(BaseModel):
    numbers: list[int]


def again(value: Any) -> Any:
    return memo.loads(memo.dumps(value))


@pytest.mark.parametrize(
    "shared",
    [[1], {"a": 1}, {1, 2}, bytearray(b"ab"), Model(numbers=[1]), Pair(1, 2), OrderedDict(a=[1]), UserDict(a=1)],
)
def test_it_is_one_object(shared: Any):
    for value, of in (
        ([shared, shared], lambda v: (v[0], v[1])),
        ({"a": shared, "b": {"c": (1, shared)}}, lambda v: (v["a"], v["b"]["c"][1])),
        (Pair(shared, [shared]), lambda v: (v.left, v.right[0])),
        ({(1,): shared, "b": shared}, lambda v: (v[1,], v["b"])),
    ):
        came = again(value)
        first, second = of(came)
        assert first is second
        assert type(first) is type(shared)
        assert came == value


class Node(BaseModel):
    rows: list[list[int]] = []
    any: Any = None
    nodes: list["Node"] = []
    _later: Any = PrivateAttr(None)


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Nodes(RootModel[list[Node]]):
    pass


@dataclasses.dataclass(eq=False)
class ById:
    x: Any


@dataclasses.dataclass(unsafe_hash=True)
class Hashed:
    x: Any


ONE, SET = [1], {1}


def rows(shared: list[int]) -> Node:
    node = Node()
    node.rows = [shared, shared]
    return node


def later(shared: Any) -> Node:
    node = Node(any=shared)
    setattr(node, "_later", shared)  # noqa: B010 - the name is protected
    return node


@pytest.mark.parametrize(
    ("made", "of"),
    [
        (rows([1]), lambda v: v.rows),
        (Node(any=([1],) * 2), lambda v: [part for part in v.any]),
        (Node(nodes=[Node(rows=[[1]])] * 2), lambda v: v.nodes),
        (Node(any={"a": [[1]] * 2}), lambda v: v.any["a"]),
        (later({"a": 1}), lambda v: (v.any, v._later)),
        (Nodes([Node()] * 2), lambda v: v.root),
        (Open.model_validate({"a": ONE, "b": (ONE,)}), lambda v: (v.a, v.b[0])),
        ([ONE, Node(any=ONE)], lambda v: (v[0], v[1].any)),
        ({"m": Node(any=SET), "s": SET}, lambda v: (v["m"].any, v["s"])),
        ([Node(any=ONE), Node(nodes=[Node(any=ONE)])], lambda v: (v[0].any, v[1].nodes[0].any)),
        ([Node(any=[1]), *[Node(any=[2])] * 2], lambda v: v[1:]),
    ],
)  # fmt: skip
def test_what_models_share_is_one_object(made: Any, of: Any):
    first, second = of(again(made))
    assert first is second
    assert again(made) == made
    assert memo.dumps(again(made)) == memo.dumps(made)


@pytest.mark.parametrize(
    "shared",
    [ById(1), Hashed([1]), ValueError("a", [1]), ExceptionGroup("g", [ValueError(1)]), io.BytesIO(b"a"), io.StringIO("a")],
)  # fmt: skip
def test_what_can_be_changed_and_has_a_hash_is_one_object(shared: Any):
    first, second = again([shared, {"a": shared}])
    assert first is second["a"]
    assert type(first) is type(shared)


def test_the_errors_of_a_group():
    error = ValueError(1)
    came = again(ExceptionGroup("g", [error, error]))
    assert came.exceptions[0] is came.exceptions[1]


@pytest.mark.parametrize("value", [Node(rows=[[1], [1]]), [Node(rows=[[1]]), Node(rows=[[1]])], Node(any=(1, (2,)))])
def test_models_that_share_nothing_are_written_as_before(value: Any):
    assert b'"shar' not in memo.dumps(value)
    assert again(value) == value


def test_a_frozen_model_that_holds_itself_is_refused():
    class Frozen(BaseModel):
        model_config = ConfigDict(frozen=True)
        _itself: Any = None

    value = Frozen()
    setattr(value, "_itself", value)  # noqa: B010
    with pytest.raises(UnrecordableValue):
        memo.dumps(value)


def test_objects_within_objects():
    inner: list[int] = [1]
    outer = {"inner": inner}
    came = again([outer, inner, outer, (inner,)])
    assert came[0] is came[2]
    assert came[0]["inner"] is came[1] is came[3][0]
    assert again([Model(numbers=[1])] * 2 + [Model(numbers=[2])]) == [*[Model(numbers=[1])] * 2, Model(numbers=[2])]


def test_a_change_is_seen_where_it_is_seen_live(tmp_path: Path):
    @memo.recordable(name="shares")
    def shares() -> list[list[int]]:
        return [[0] * 2] * 3

    seen = []
    for mode in ("live", "record", "replay", "replay"):
        with memo.recording(tmp_path, mode=mode):
            rows = shares()
            rows[0][0] = 1
            seen.append(rows)
    assert seen == [[[1, 0]] * 3] * 4
    assert json.loads(next(tmp_path.rglob("*.json")).read_text())["outcomes"][0]["value"] == {
        "__type__": "sharing",
        "value": [{"__type__": "shared", "at": 0, "value": [0, 0]}, *[{"__type__": "shared", "at": 0}] * 2],
    }


def test_errors_hold_all_of_their_arguments(tmp_path: Path):
    shared = [1]

    @memo.recordable(name="fails")
    def fails() -> None:
        raise LookupError(shared, shared, {"a": shared})

    for mode in ("record", "replay"):
        with memo.recording(tmp_path, mode=mode, errors="all"), pytest.raises(LookupError) as error:
            fails()
        assert error.value.args == ([1], [1], {"a": [1]})


POINT, WORDS = Point(1), (1, "a")


@pytest.mark.parametrize(
    "value",
    [
        [POINT, POINT],
        [WORDS, WORDS],
        ["a" * 99] * 2,
        [b"ab"] * 2,
        [frozenset("a")] * 2,
        [[], []],
        [None] * 3,
        [2.5] * 2,
    ],
)
def test_what_cannot_be_changed_is_written_as_before(value: Any):
    assert b'"shar' not in memo.dumps(value)
    assert again(value) == value


def test_each_way_to_an_object_is_not_taken():
    """There are 2 ** 40 of them."""
    value: Any = [1]
    for _ in range(40):
        value = [value, value]
    came = again(value)
    for _ in range(40):
        assert came[0] is came[1]
        came = came[0]
    assert came == [1]


def test_what_holds_itself_is_still_refused():
    value: list[Any] = [[1]]
    value += [value[0], value]
    with pytest.raises(UnrecordableValue, match="holds itself"):
        memo.dumps(value)


def test_each_reading_makes_objects_of_its_own():
    data = memo.dumps([POINT, *[[1]] * 2])
    assert memo.loads(data)[1] is not memo.loads(data)[1]


@pytest.mark.parametrize(
    "tree",
    [
        {"__type__": "shared", "at": 0},
        {"__type__": "shared", "at": 0, "value": 1},
        {"__type__": "sharing", "value": [{"__type__": "shared", "at": 1}]},
        {"__type__": "sharing", "value": {"__type__": "shared", "at": 0, "value": [{"__type__": "shared", "at": 0}]}},
        {"__type__": "sharing", "value": {"__type__": "shared", "at": [1]}},
        {"__type__": "sharing"},
    ],
)
def test_damaged_forms_are_errors(tree: Any):
    with pytest.raises(DataMismatch):
        memo.loads(json.dumps(tree).encode())
