"""Ids that link the parts of a request and are new in every run: numbered where the user says so."""

import re
from uuid import uuid4

import pytest

from memo import RecordingNotFound, recordable, recording, scrub


def conversation(one: str, other: str) -> list[dict]:
    calls = [{"id": name, "type": "function", "function": {"name": "f", "arguments": "{}"}} for name in (one, other)]
    return [
        {"role": "assistant", "tool_calls": calls},
        {"role": "tool", "tool_call_id": other, "content": "2"},
        {"role": "tool", "tool_call_id": one, "content": "1"},
    ]


def test_ids_are_numbered_by_their_first_appearance():
    numbered = scrub.ids()(conversation("a", "b"))
    assert [call["id"] for call in numbered[0]["tool_calls"]] == ["<id 1>", "<id 2>"]
    assert [message["tool_call_id"] for message in numbered[1:]] == ["<id 2>", "<id 1>"]
    assert numbered == scrub.ids()(conversation(str(uuid4()), str(uuid4())))
    assert numbered == scrub.ids()(numbered)


def test_what_ids_link_is_distinguished():
    crossed = conversation("a", "b")
    crossed[1]["tool_call_id"] = "a"
    assert scrub.ids()(crossed) != scrub.ids()(conversation("a", "b"))


@pytest.mark.parametrize(
    "body",
    [
        {"type": "tool_use", "id": "ID", "name": "f", "input": {"call_id": "mine"}},
        {"type": "tool_result", "tool_use_id": "ID", "content": "x"},
        {"functionCall": {"id": "ID", "name": "f", "args": {"id": "mine"}}},
        {"functionResponse": {"id": "ID", "name": "f", "response": {"call_id": "mine"}}},
        {"input": [{"type": "function_call", "id": "ID", "call_id": "ID", "arguments": '{"call_id": "mine"}'}]},
        {"toolUse": {"toolUseId": "ID", "input": {"toolUseId": "mine"}}},
        {"toolResult": {"toolUseId": "ID", "content": [{"json": {"toolUseId": "mine"}}]}},
    ],
    ids=str,
)
def test_the_ids_of_calls_in_each_protocol(body):
    """And nothing of a tool's arguments and results."""
    text = repr(scrub.ids()(body))
    assert "'ID'" not in text
    assert "<id 1>" in text
    assert ("mine" in repr(body)) is ("mine" in text)


@pytest.mark.parametrize(
    "body",
    [
        {"id": "x", "text": "y"},
        {"previous_response_id": "resp_1"},
        {"type": "item_reference", "id": "msg_1"},
        {"tools": [{"name": "f", "parameters": {"default": {"call_id": "x"}}}], "metadata": {"call_id": "x"}},
        {"call_id": 3},
    ],
    ids=str,
)
def test_what_names_something_stays(body):
    assert scrub.ids()(body) is body


def test_fields_and_patterns():
    runs = {"run": "a", "of": [{"run": "a"}, {"run": "b"}]}
    assert scrub.ids("run")(runs) == {"run": "<id 1>", "of": [{"run": "<id 1>"}, {"run": "<id 2>"}]}
    one, other = ({"run": run, "of": [{"run": run}, {"run": "z" + run}]} for run in ("a", "b"))
    assert scrub.ids("run")(one) == scrub.ids("run")(other)
    assert scrub.ids(pattern="run-[0-9]+")(["run-12 after run-7", "run-12"]) == ["<id 1> after <id 2>", "<id 1>"]
    with pytest.raises(re.error):
        scrub.ids(pattern="(")


async def test_the_second_recording_has_the_name_of_the_first(tmp_path):
    @recordable(name="app.ask", scrub={"messages": scrub.ids(), "run_id": scrub.ids()})
    async def ask(messages: list[dict], run_id: str) -> str:
        return run_id

    for folder in ("a", "b"):
        with recording(tmp_path / folder, mode="record"):
            recorded = await ask(conversation(str(uuid4()), str(uuid4())), run_id=str(uuid4()))
    (one,), (other,) = ((tmp_path / folder).rglob("*.json") for folder in ("a", "b"))
    assert one.name == other.name
    with recording(tmp_path / "b"):
        assert await ask(conversation("x", "y"), run_id="z") == recorded
        with pytest.raises(RecordingNotFound):
            await ask(conversation("x", "x"), run_id="z")


async def test_a_miss_that_differs_in_ids_alone_names_the_scrubber(tmp_path):
    @recordable(name="app.ask")
    async def ask(messages: list[dict], run_id: str = "") -> str:
        return "ok"

    with recording(tmp_path, mode="record"):
        await ask(conversation("call_1", "call_2"))
    with recording(tmp_path):
        with pytest.raises(RecordingNotFound) as raised:
            await ask(conversation("call_3", "call_4"))
        assert "only ids differ: scrub={'messages': scrub.ids('id', 'tool_call_id')}" in str(raised.value)
        with pytest.raises(RecordingNotFound) as raised:
            await ask(conversation("call_1", "call_1"))
        assert "only ids differ" not in str(raised.value)
        with pytest.raises(RecordingNotFound) as raised:
            await ask([*conversation("call_3", "call_4"), {"role": "user", "content": "and?"}])
        assert "only ids differ" not in str(raised.value)
