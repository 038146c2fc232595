"""The JSON Schema of a recording fits every file that memo writes, and no file that memo would refuse."""

import copy
import json
import warnings
from contextlib import aclosing
from pathlib import Path

import jsonschema
import kinds
import pytest
from recording_schema import SCHEMA, faults, invalid

import memo
from memo.maintenance.verify import verify
from memo.stores import DirectoryStore

ROOT = Path(__file__).parent.parent.parent
VALID = {
    "memo": 1,
    "function": "app.f",
    "key": "a" * 64,
    "arguments": {"x": 1},
    "outcomes": [{"value": 1, "seconds": 0.1}],
}


def test_the_schema_is_one_and_describes_every_field():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert all("description" in part for part in SCHEMA["properties"].values())


def test_every_field_is_in_the_schema_and_on_the_page(tmp_path):
    """Record a value that holds a stream, with times: most optional fields are in the file."""

    @memo.recordable
    def ask():
        return {"stream": iter(["a", "b"])}

    with memo.recording(tmp_path, mode="record", timings=True):
        assert list(ask()["stream"]) == ["a", "b"]
    [path] = tmp_path.rglob("*.json")
    [outcome] = json.loads(path.read_text(encoding="utf-8"))["outcomes"]
    outcome_fields, stream_fields = (SCHEMA["$defs"][name]["properties"] for name in ("outcome", "stream"))
    assert set(outcome) <= set(outcome_fields)
    page = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
    fields = {*SCHEMA["properties"], *outcome_fields, *stream_fields, *SCHEMA["$defs"]["items"]["properties"]}
    assert sorted(field for field in fields - {"$schema"} if f"`{field}`" not in page) == []


def test_the_recordings_of_the_repository_fit():
    assert invalid(ROOT / "recordings") == {}


def test_a_recording_of_every_kind_of_value_fits(tmp_path):
    with warnings.catch_warnings(), memo.recording(tmp_path, mode="record"):
        warnings.simplefilter("ignore")
        for name, make in kinds.SAME.items():
            memo.recordable(name=f"kinds.{name}")(lambda make=make: make())()
    assert invalid(tmp_path) == {}


async def test_recordings_of_every_form_fit(tmp_path):
    async def pieces(count, fail=False):
        for number in range(count):
            yield {"number": number}
        if fail:
            raise ValueError("cut", {"after": count})

    def numbers():
        yield 1
        return "the end"

    def awaitable():
        return outer_part()

    async def outer_part():
        return (1, 2)

    async def outer(prompt):
        return [await recorded["inner"](prompt), await recorded["inner"](prompt)]

    async def inner(prompt):
        return prompt.upper()

    recorded = {
        function.__name__: memo.recordable(name=f"app.{function.__name__}", watch=watch, version=version)(function)
        for function, watch, version in [
            (pieces, (), 2),
            (numbers, (), None),
            (awaitable, (), "b"),
            (outer, ("prompt",), None),
            (inner, (), None),
        ]
    }
    with memo.recording(tmp_path, mode="record", timings=True, test="tests/test_app.py::test"):
        assert [item["number"] async for item in recorded["pieces"](3)] == [0, 1, 2]
        with pytest.raises(ValueError, match="cut"):
            [item async for item in recorded["pieces"](2, fail=True)]
        async with aclosing(recorded["pieces"](5)) as left:
            assert await anext(left) == {"number": 0}
        assert list(recorded["numbers"]()) == [1]
        assert await recorded["awaitable"]() == (1, 2)
        assert await recorded["outer"]("a") == ["A", "A"]
    assert invalid(tmp_path) == {}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda tree: tree.pop("function"),
        lambda tree: tree.pop("outcomes"),
        lambda tree: tree.update(memo=2),
        lambda tree: tree.update(memo="1"),
        lambda tree: tree.update(key="a" * 63),
        lambda tree: tree.update(arguments=[1]),
        lambda tree: tree.update(outcomes=[]),
        lambda tree: tree.update(outcomes={"value": 1}),
        lambda tree: tree.update(version=1.5),
        lambda tree: tree.update(watched=["a"]),
        lambda tree: tree.update(outcomes=[{"seconds": 1}]),
        lambda tree: tree.update(outcomes=[{"value": 1, "error": {"__type__": "ValueError"}}]),
        lambda tree: tree.update(outcomes=[{"value": 1, "seconds": "1"}]),
        lambda tree: tree.update(outcomes=[{"stream": {"items": {}, "end": "complete"}}]),
        lambda tree: tree.update(outcomes=[{"stream": {"items": [], "end": "cut"}}]),
        lambda tree: tree.update(outcomes=[{"stream": {"items": [], "end": "error"}}]),
    ],
)
def test_what_is_no_recording_does_not_fit(spoil):
    tree = copy.deepcopy(VALID)
    assert faults(tree) == []
    spoil(tree)
    assert faults(tree)


async def test_a_recording_may_name_its_schema(tmp_path):
    async def f(x):
        return x + 1

    f = memo.recordable(name="app.f")(f)
    with memo.recording(tmp_path, mode="record"):
        await f(1)
    [path] = tmp_path.rglob("*.json")
    path.write_text(json.dumps({"$schema": "recording.schema.json", **json.loads(path.read_text())}))
    with memo.recording(tmp_path, mode="replay"):
        assert await f(1) == 2
    assert verify(DirectoryStore(tmp_path)).failures == []
