"""Ids of tool calls in SDKs' requests: a second recording has the names of the first, and old recordings are carried over."""

from typing import Any
from uuid import uuid4

import pytest
from openai import AsyncOpenAI

import memo
from memo import RecordingNotFound, recording
from memo._calls.call import Call
from memo._calls.digest import entry_name
from memo._recordings.document import parse, render
from memo.maintenance.changes import apply
from memo.maintenance.rekey import Rekey, plan_rekey
from memo.stores import DirectoryStore


@pytest.fixture(autouse=True)
def installed():
    with memo.install("openai", ignore=("server",)):
        yield


def messages(call_id: str) -> list[Any]:
    call = {"id": call_id, "type": "function", "function": {"name": "count", "arguments": '{"call_id": "Io"}'}}
    return [
        {"role": "user", "content": "How many letters has Io?"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call_id, "content": "2"},
    ]


async def ask(url: str, call_id: str, way: str = "chat") -> Any:
    async with AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as client:
        if way == "chat":
            return await client.chat.completions.create(model="m", messages=messages(call_id))
        call = {"type": "function_call", "id": f"fc_{call_id}", "call_id": call_id, "name": "count", "arguments": "{}"}
        result = {"type": "function_call_output", "call_id": call_id, "output": "2"}
        return await client.responses.create(model="m", input=[call, result])


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.json"))


@pytest.mark.parametrize("way", ["chat", "responses"])
async def test_recorded_again_the_files_have_the_same_names(server, tmp_path, way):
    for folder in ("a", "b"):
        with recording(tmp_path / folder, mode="record"):
            live = await ask(server.url, f"call_{uuid4().hex}", way)
    assert names(tmp_path / "a") == names(tmp_path / "b")
    server.stop()
    with recording(tmp_path / "b"):
        assert await ask(server.url, "pyd_ai_1", way) == live


def as_before(store: DirectoryStore, call_id: str) -> None:
    """Give the one recording of a store the key that it had before ids were numbered."""
    (name,) = store.scan()
    document = parse(store.get(name), name)
    arguments = {**document.arguments, "body": {**document.arguments["body"], "messages": messages(call_id)}}
    call = Call.of(document.function, arguments)
    store.delete(name)
    store.put(entry_name(call.function, call.key), render(document.with_call(call.function, call.arguments, None)))


async def test_recordings_from_before_are_carried_over(server, tmp_path):
    with recording(tmp_path, mode="record"):
        live = await ask(server.url, "call_1")
    store = DirectoryStore(tmp_path)
    as_before(store, "call_1")
    with recording(tmp_path), pytest.raises(RecordingNotFound) as raised:
        await ask(server.url, "call_1")
    assert f"only ids differ, and they are numbered now: memo rekey {tmp_path} --ids" in str(raised.value)
    change = Rekey(ids=True)
    apply(store, plan_rekey(store, change), change)
    with recording(tmp_path):
        assert await ask(server.url, "call_2") == live
    assert not plan_rekey(store, change).changes
