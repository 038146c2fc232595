"""anthropic's tool runners that are closed while they run: they end in a replay as they do live, and nothing hangs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import anyio
import pytest
from answering import Answering
from uses import a

import memo

pytestmark = pytest.mark.filterwarnings(r"ignore:Async generator '(anthropic|httpx|httpcore):ResourceWarning")

USAGE = {"input_tokens": 1, "output_tokens": 1}
START = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": None, "stop_sequence": None,
    "content": [], "usage": USAGE,
}  # fmt: skip
EVENTS = [
    {"type": "message_start", "message": START},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": t}} for t in ("a", "b", "c")),
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": USAGE},
    {"type": "message_stop"},
]


@pytest.fixture
def server() -> Iterator[Answering]:
    with Answering() as made, memo.install("anthropic"):
        body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in EVENTS)
        made.answer(body.encode(), [("content-type", "text/event-stream")])
        yield made


ASKED: Any = {"max_tokens": 9, "model": "m", "messages": [{"role": "user", "content": "hi"}]}


async def from_another_task(client: Any) -> Any:
    """Closed while its own task waits within a stream."""
    runner = client.beta.messages.tool_runner(**ASKED, tools=[], stream=True)
    within, closing, seen = anyio.Event(), anyio.Event(), []

    async def drive() -> None:
        async for stream in runner:
            async for event in stream:
                seen.append(event.type)
                within.set()
                await closing.wait()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(drive)
        await within.wait()
        tasks.start_soon(runner.close)
        await anyio.lowlevel.checkpoint()
        closing.set()
    return seen[:1], [item async for item in runner]


async def twice_at_once(client: Any) -> Any:
    runner = client.beta.messages.tool_runner(**ASKED, tools=[], stream=True)
    async for _ in runner:
        break
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(runner.close)
        tasks.start_soon(runner.close)
    return [item async for item in runner]


async def untouched(client: Any) -> Any:
    runner = client.beta.messages.tool_runner(**ASKED, tools=[], stream=True)
    await runner.close()
    return [item async for item in runner]


async def a_stream_of_messages(client: Any) -> Any:
    seen: list[str] = []
    within, closing = anyio.Event(), anyio.Event()
    async with client.messages.stream(**ASKED) as stream, anyio.create_task_group() as tasks:

        async def drive() -> None:
            async for event in stream:
                seen.append(event.type)
                within.set()
                await closing.wait()

        tasks.start_soon(drive)
        await within.wait()
        tasks.start_soon(stream.close)
        await anyio.lowlevel.checkpoint()
        closing.set()
    return seen[:1]


@pytest.mark.parametrize("use", [from_another_task, twice_at_once, untouched, a_stream_of_messages])
async def test_closing_ends_it_in_a_replay_too(use: Any, server: Answering, tmp_path: Path):
    client = anthropic.AsyncAnthropic(base_url=server.url, api_key="k", max_retries=0)
    with anyio.fail_after(10):
        live = await use(client)
        with memo.recording(tmp_path, mode="record"):
            assert await use(client) == live
        server.stop()
        with memo.recording(tmp_path):
            assert await use(client) == live
    await a(client.close())
