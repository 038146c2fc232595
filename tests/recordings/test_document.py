"""The file: JSON that a person can read, a diff can show, and that comes back as it was written."""

import re
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from memo import recordable, recording
from memo._calls.call import Call
from memo._calls.digest import call_key
from memo._json import canonical_json
from memo._recordings.document import Document, parse, render, render_new
from memo.stores import MemoryStore


class Delta(BaseModel):
    content: str
    embedding: list[float] = []


@recordable(name="chat", version=2, watch="tools")
def chat(messages: list[dict[str, str]], tools: list[str], top: int = 5):
    yield Delta(content="The")
    yield Delta(content=" planet", embedding=[0.25] * 60)
    yield {"usage": 3}


@recordable(name="embed")
def embed(text: str):
    return {
        "vectors": [[i / 8 for i in range(50)], [1, 2.5]],
        "text": "é" * 120,
        "empty": [{}, []],
        "long": ["word" * 10] * 4,
    }


@recordable(name="refuse")
def refuse():
    raise ValueError("no", 3)


def written(function, *args, **options) -> bytes:
    store = MemoryStore()
    with recording(store, mode="record", **options), suppress(ValueError):
        list(function(*args) or ())
    [name] = store.scan()
    return store.get(name) or b""


def settled(data: bytes) -> str:
    """What is the same each time."""
    text = re.sub(
        r'"recorded_at": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"', '"recorded_at": "2026-11-22T21:30:05Z"', data.decode()
    )
    return re.sub(r'"seconds": \d[\d.e-]*', '"seconds": 0.1', text)


GOLDEN = """\
{
  "memo": 1,
  "function": "chat",
  "version": 2,
  "key": "KEY",
  "arguments": {"messages":[{"content":"Which planet?","role":"user"}],"top":5},
  "watched": {"tools":"WATCHED"},
  "recorded_at": "2026-11-22T21:30:05Z",
  "test": "tests/test_it.py::test_it",
  "watched_values": {"tools":[["t"]]},
  "outcomes": [
    {"stream": {
      "of": "MODULE:Delta",
      "items": [
        {"content":"The"},
        {"content":" planet","embedding":[NUMBERS]},
        {"__type__":"json","value":{"usage":3}}
      ],
      "end": "complete",
      "iterated": "sync"}, "seconds": 0.1, "calls": 1}
  ]
}
"""


def test_the_file_of_a_stream():
    data = written(chat, [{"role": "user", "content": "Which planet?"}], ["t"], test="tests/test_it.py::test_it")
    document = orjson.loads(data)
    expected = GOLDEN.replace("KEY", document["key"]).replace("WATCHED", document["watched"]["tools"])
    assert settled(data) == expected.replace("MODULE", __name__).replace("NUMBERS", ",".join(["0.25"] * 60))


GOLDEN_VALUE = """\
{
  "memo": 1,
  "function": "embed",
  "key": "KEY",
  "arguments": {"text":"x"},
  "recorded_at": "2026-11-22T21:30:05Z",
  "outcomes": [
    {
      "value": {
        "vectors": [
          [NUMBERS],
          [1,2.5]
        ],
        "text": "TEXT",
        "empty": [{},[]],
        "long": [
          "wordwordwordwordwordwordwordwordwordword",
          "wordwordwordwordwordwordwordwordwordword",
          "wordwordwordwordwordwordwordwordwordword",
          "wordwordwordwordwordwordwordwordwordword"
        ]
      },
      "seconds": 0.1,
      "calls": 1
    }
  ]
}
"""


def test_the_file_of_a_value():
    data = written(embed, "x")
    expected = GOLDEN_VALUE.replace("KEY", orjson.loads(data)["key"]).replace("TEXT", "é" * 120)
    assert settled(data) == expected.replace("NUMBERS", ",".join(f"{i / 8}" for i in range(50)))


def test_the_file_of_an_error():
    outcome = orjson.loads(written(refuse))["outcomes"][0]
    assert list(outcome) == ["error", "seconds", "calls"]
    assert (outcome["error"]["__type__"], outcome["error"]["args"]) == ("builtins:ValueError", ["no", 3])


@pytest.mark.parametrize("function", [chat, embed, refuse])
def test_the_file_is_text_with_unix_lines(function):
    data = written(function, *{"chat": ([], []), "embed": ("x",), "refuse": ()}[function.__name__])
    text = data.decode("utf-8")
    assert text.endswith("}\n")
    assert not text.endswith("\n\n")
    assert "\r" not in text
    assert "\t" not in text
    assert "\\u" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_an_item_that_is_added_is_a_line_that_is_added():
    def spell(words):
        yield from words

    def lines(count):
        f = recordable(name="f", ignore="words")(spell)
        return settled(written(f, [{"n": i, "text": "w" * 200} for i in range(count)])).splitlines()

    three, four = lines(3), lines(4)
    assert len(four) == len(three) + 1
    assert [
        line for line in four if line not in three and line.rstrip(",") not in [each.rstrip(",") for each in three]
    ] != []


def test_the_test_that_made_it_is_named_and_no_part_of_the_key():
    one, other = (orjson.loads(written(embed, "x", **options)) for options in ({"test": "tests/test_a.py::test_a"}, {}))
    assert one["test"] == "tests/test_a.py::test_a"
    assert "test" not in other
    assert one["key"] == other["key"]


def test_a_file_can_be_written_to_disk_and_read_by_git(tmp_path):
    with recording(tmp_path, mode="record"):
        embed("x")
    [path] = tmp_path.rglob("*.*")
    assert path.parent == tmp_path / "embed"
    assert path.stem == orjson.loads(path.read_bytes())["key"][:32]
    assert b"\0" not in path.read_bytes()


numbers = st.one_of(st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False))
trees = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(), st.lists(numbers, min_size=20, max_size=40)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=15,
)
outcomes = st.one_of(
    st.builds(lambda value, seconds: {"value": value, "seconds": seconds}, trees, st.floats(0, 9)),
    st.builds(lambda error: {"error": error, "awaited": True}, trees),
    st.builds(
        lambda items, end, more: {"stream": {**more, "items": items, "end": end}, "seconds": 0.5},
        st.lists(trees, max_size=4),
        st.sampled_from(["complete", "closed"]),
        st.sampled_from([{}, {"of": "a:B"}, {"of": "a:B", "set": "declared"}]),
    ),
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    function, arguments = draw(st.text(max_size=5)), draw(st.dictionaries(st.text(), trees, max_size=4))
    version = draw(st.sampled_from([None, 1, "v", "é"]))
    return {
        "memo": 1,
        "function": function,
        **({"version": version} if version is not None else {}),
        "key": call_key(function, canonical_json(arguments), version),
        "arguments": arguments,
        **draw(st.sampled_from([{}, {"watched": {"a": "0"}}, {"test": "t"}])),
        "outcomes": draw(st.lists(outcomes, min_size=1, max_size=3)),
    }


def same(one: Any, other: Any) -> bool:
    """As `==`, but 1 is not 1.0 or True, -0.0 is not 0.0, and the order of keys counts."""
    return orjson.dumps(one) == orjson.dumps(other)


@settings(max_examples=150)
@given(documents())
def test_what_is_written_comes_back_as_it_was(document):
    data = render(Document.from_tree(document))
    assert same(parse(data, "here").tree(), document)
    assert data.endswith(b"\n")
    assert render(parse(data, "here")) == data


@settings(max_examples=50)
@given(documents())
def test_the_key_is_a_plain_hash_of_what_the_file_says(document):
    hashed = {name: document[name] for name in ("arguments", "function", "version") if name in document}
    assert sha256(orjson.dumps(hashed, option=orjson.OPT_SORT_KEYS)).hexdigest() == document["key"]


@settings(max_examples=50)
@given(documents())
def test_each_stream_item_has_its_own_line(document):
    lines = [line.strip().rstrip(",") for line in render(Document.from_tree(document)).decode().split("\n")]
    for outcome in document["outcomes"]:
        for item in outcome.get("stream", {}).get("items", ()):
            assert orjson.dumps(item).decode().strip().rstrip(",") in lines


@settings(max_examples=20)
@given(st.lists(numbers, min_size=50, max_size=200))
def test_a_long_numeric_array_has_one_line(array):
    document = {
        "memo": 1,
        "function": "f",
        "key": "",
        "arguments": {},
        "outcomes": [{"value": {"a": [array, "x" * 200]}}],
    }
    assert orjson.dumps(array).decode() + "," in [
        line.strip() for line in render(Document.from_tree(document)).decode().splitlines()
    ]


def test_the_package_says_its_format():
    module = (Path(__file__).parents[2] / "memo" / "_recordings" / "document.py").read_text(encoding="utf-8")
    assert all(name in module.split('"""')[1] for name in orjson.loads(written(chat, [], [], test="t")))


@settings(max_examples=50)
@given(documents(), st.dictionaries(st.text(min_size=6), trees, max_size=3))
def test_fields_that_memo_does_not_know_are_kept(document, more):
    """As a newer memo may write them: whoever rewrites the recording does not lose them."""
    tree = {**document, **{f"x-{name}": value for name, value in more.items()}}
    read = parse(orjson.dumps(tree), "here")
    rewritten = parse(render(read._replace(test="another")), "here").tree()
    assert rewritten.pop("test") == "another"
    tree.pop("test", None)
    assert rewritten == tree


def test_another_call_has_another_key():
    document = parse(written(embed, "x"), "here")
    moved = document.with_call("embed", canonical_json({"text": "y"}), 2)
    assert (moved.arguments, moved.version, moved.outcomes) == ({"text": "y"}, 2, document.outcomes)
    assert parse(render(moved), "here").key == call_key("embed", canonical_json({"text": "y"}), 2) != document.key


@pytest.mark.parametrize(
    "arguments", [{}, {"x": 1}, {"x": "y" * 95}, {"x": "y" * 97}, {"x": ["é" * 60, 1], "y": [0.5] * 60}]
)
@pytest.mark.parametrize(
    ("more", "of_call"),
    [
        ({}, {}),
        ({"test": "tests/test_a.py::test_b", "tags": ("a", "b"), "parent": "outer/1234"}, {"version": 2}),
        ({}, {"watched": {"tools": "12"}, "watched_values": {"tools": [["search", "x" * 120]]}}),
    ],
)
def test_a_new_recording_is_written_like_any_other(arguments, more, of_call):
    call = replace(Call.of("f", arguments, of_call.get("version")), **of_call)
    outcome = {"value": {"text": "z" * 90}, "seconds": 0.1, "calls": 1}
    assert render_new(call, outcome, **more) == render(Document.of(call, [outcome], **more))
