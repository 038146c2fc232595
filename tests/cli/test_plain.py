"""What people are shown of recordings: typed JSON without its types, and streams put together."""

import base64
import struct

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memo.cli._assembled import assembled
from memo.cli._plain import lines, raised, shown

WORDS = st.sampled_from(
    "__type__ of set base items exact extra value text base64 name args attributes notes end error stream returned "
    "response seconds choices delta content index tool_calls function arguments type content_block candidates parts "
    "message done embedding list dict bytes response.output_text.delta content_block_delta message_start".split()
)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=5),
    max_leaves=30,
)


@example([{"a line\nand another": ["of a name", "that is long enough for its own line, and then some"]}], "value")
@given(TREES, st.sampled_from(["value", "error", "stream"]))
def test_nothing_that_a_file_can_hold_is_too_odd_to_be_shown(tree, kind):
    outcome = shown({kind: tree})
    orjson.dumps(outcome)
    assert all(isinstance(line, str) and "\n" not in line for line in lines(outcome))


@given(st.lists(TREES, max_size=6))
def test_nor_to_be_put_together(items):
    assert assembled(items).keys() <= {"text", "thinking", "tool_calls"}


def delta(**fields):
    return {"choices": [{"index": 0, "delta": fields}]}


def call(index=0, **function):
    return delta(tool_calls=[{"index": index, "function": function}])


CHAT = [delta(role="assistant", content=""), delta(content="Sat"), delta(content="urn"), delta(), {"choices": []}]
RESPONSES = [
    {"type": "response.created", "response": {}},
    {"type": "response.output_item.added", "output_index": 0, "item": {"type": "function_call", "name": "look"}},
    {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"q":'},
    {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "1}"},
    {"type": "response.output_text.delta", "output_index": 1, "delta": "Sat"},
    {"type": "response.output_text.delta", "output_index": 1, "delta": "urn"},
    {"type": "response.output_text.done", "output_index": 1, "text": "Saturn"},
    {"type": "response.completed", "response": {"output": [{"text": "Saturn"}]}},
]
MESSAGES = [
    {"type": "message_start", "message": {"content": []}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm."}},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Sat"}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "urn"}},
    {"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "name": "look", "input": {}}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"q":1}'}},
    {"type": "message_stop"},
]
OLLAMA = [
    {"message": {"role": "assistant", "content": "Sat", "thinking": "Hm."}, "done": False},
    {
        "message": {"content": "urn", "tool_calls": [{"function": {"name": "look", "arguments": {"q": 1}}}]},
        "done": True,
    },
]
GEMINI = [
    {"candidates": [{"content": {"parts": [{"text": "Hm.", "thought": True}, {"text": "Sat"}]}}]},
    {"candidates": [{"content": {"parts": [{"text": "urn"}, {"function_call": {"name": "look", "args": {"q": 1}}}]}}]},
]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (CHAT, {"text": "Saturn"}),
        (
            [call(name="look", arguments=""), call(arguments='{"q":'), call(arguments="1}")],
            {"tool_calls": ['look({"q":1})']},
        ),
        ([call(0, name="a", arguments="{}"), call(1, name="b", arguments="{}")], {"tool_calls": ["a({})", "b({})"]}),
        ([delta(reasoning_content="Hm."), delta(content="Yes")], {"text": "Yes", "thinking": "Hm."}),
        ([{"choices": [{"index": 1, "text": "two"}, {"index": 0, "text": "one"}]}], {"text": "one\n\ntwo"}),
        (RESPONSES, {"text": "Saturn", "tool_calls": ['look({"q":1})']}),
        (MESSAGES, {"text": "Saturn", "thinking": "Hm.", "tool_calls": ['look({"q":1})']}),
        (OLLAMA, {"text": "Saturn", "thinking": "Hm.", "tool_calls": ['look({"q":1})']}),
        ([{"response": "Sat", "done": False}, {"response": "urn", "done": True}], {"text": "Saturn"}),
        (GEMINI, {"text": "Saturn", "thinking": "Hm.", "tool_calls": ['look({"q":1})']}),
        ([f"data: {orjson.dumps(each).decode()}\n\n" for each in CHAT] + ["data: [DONE]\n\n"], {"text": "Saturn"}),
        (["Sat", "urn"], {"text": "Saturn"}),
        ([{"text": "Sat", "n": 1}, {"text": "urn", "n": 2}], {"text": "Saturn"}),
        ([{"text": "Sat"}, {"n": 2}], {}),
        ([1, 2, None], {}),
        ([], {}),
    ],
    ids=str,
)
def test_put_together(items, expected):
    assert assembled(items) == expected


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"__type__": "openai:NotFoundError", "args": ["Error code: 404"]}, "openai.NotFoundError: Error code: 404"),
        ({"__type__": "builtins:KeyError", "args": []}, "KeyError"),
        ({"__type__": "builtins:OSError", "args": [2, "No"]}, "OSError: (2, 'No')"),
        ({"__type__": "app:E", "args": ["a"], "notes": ["see b"]}, "app.E: a\nsee b"),
        (
            {"__type__": "pydantic_core:ValidationError", "value": {"title": "T"}},
            'pydantic_core.ValidationError: {"title":"T"}',
        ),
        ("nonsense", "an error without a type"),
    ],
)
def test_an_error_is_shown_as_it_would_be_raised(tree, expected):
    assert raised(tree) == expected


def test_rows_of_numbers_are_summed_up():
    row = [0.6, 0.8] + [0.0] * 1534
    coded = base64.b64encode(struct.pack("<1536f", *row)).decode()
    tree = {"data": [{"embedding": row}, {"embedding": coded}, {"other": coded}], "short": [1, 2]}
    text = "\n".join(lines(tree))
    assert "embedding: [1,536 floats, first 0.6, 0.8, 0, norm 1]\n" in text
    assert "embedding: [1,536 floats, first 0.6, 0.8, 0, norm 1] in base64\n" in text
    assert f"other: {coded}" in text
    assert "short: [1,2]" in text


def test_text_is_shown_as_it_is():
    tree = {"a": "one\ntwo", "b": "12", "c": 12, "d": "", "e": {}, "f": [{"g": "one\ntwo"}, []], "h": " x"}
    assert list(lines(tree)) == [
        "a:", "  one", "  two", 'b: "12"', "c: 12", 'd: ""', "e: {}", "f:", "  - g:", "      one", "      two", "  - []",
        'h: " x"',
    ]  # fmt: skip
