"""Streams of the SDKs, however they are used: by one rule for typed, raw and self-decoding forms."""

import gc
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import anyio
import anyio.lowlevel
import openai
import pytest
from answering import Answering
from uses import a, collect, some

import memo
from memo.errors import StreamCutShort

pytestmark = pytest.mark.filterwarnings(
    r"ignore:Async generator '(openai|anthropic|memo|httpx|httpcore|.*test_stream_ends):ResourceWarning"
)

kinds = pytest.mark.parametrize("kind", ["Async", ""])
EVENTS = [
    {"id": f"c{i}", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []} for i in range(4)
]
SSE = b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in EVENTS) + b"data: [DONE]\n\n"


@pytest.fixture
def server() -> Iterator[Answering]:
    with Answering() as made:
        made.answer(SSE, [("content-type", "text/event-stream")])
        yield made


@pytest.fixture(autouse=True)
def installed() -> Any:
    with memo.install("openai", "anthropic") as installation:
        yield installation


@asynccontextmanager
async def opened(kind: str, url: str) -> AsyncIterator[Any]:
    client = getattr(openai, f"{kind}OpenAI")(base_url=url, api_key="k", max_retries=0)
    try:
        yield client
    finally:
        await a(client.close())


class Counting(openai.Stream[Any]):
    """A stream class with code of its own, and with state that it makes when it is first needed."""

    async def sums(self) -> list[Any]:
        return [list(self), self.seen]

    def __stream__(self) -> Iterator[Any]:
        self.seen = 0
        for item in super().__stream__():
            self.seen += 1
            yield {"number": self.seen, "of": item["id"]}


class AsyncCounting(openai.AsyncStream[Any]):
    async def sums(self) -> list[Any]:
        return [await collect(self), self.seen]

    async def __stream__(self) -> AsyncIterator[Any]:
        self.seen = 0
        async for item in super().__stream__():
            self.seen += 1
            yield {"number": self.seen, "of": item["id"]}


async def typed(c: Any) -> Any:
    return await a(c.chat.completions.create(model="m", messages=[], stream=True))


async def raw(c: Any) -> Any:
    got = await a(c.chat.completions.with_raw_response.create(model="m", messages=[], stream=True))
    return got.parse()


async def counted(c: Any) -> Any:
    own = AsyncCounting if isinstance(c, openai.AsyncOpenAI) else Counting
    return await a(c.post("/counted", body={}, cast_to=object, stream=True, stream_cls=own))


forms = pytest.mark.parametrize("form", [typed, raw, counted])
Form = Callable[[Any], Awaitable[Any]]


async def closed_unread(stream: Any) -> list[Any]:
    await a(stream.response.aclose() if hasattr(stream, "__anext__") else stream.response.close())
    return []


async def closed_by_its_method(stream: Any) -> list[Any]:
    await a(stream.close())
    return []


async def never_touched(stream: Any) -> list[Any]:
    return []


async def left_after_two(stream: Any) -> list[Any]:
    return await some(stream, 2)


async def broken_off(stream: Any) -> list[Any]:
    found = []
    if hasattr(stream, "__aiter__"):
        async for item in stream:
            found.append(item)
            if len(found) == 2:
                break
    else:
        for item in stream:
            found.append(item)
            if len(found) == 2:
                break
    return found


LEFT = [closed_unread, closed_by_its_method, never_touched, left_after_two, broken_off]


@kinds
@forms
@pytest.mark.parametrize("leave", LEFT)
async def test_a_stream_that_is_left_is_stored_and_replayed(
    kind: str, form: Form, leave: Callable[[Any], Awaitable[list[Any]]], server: Answering, tmp_path: Path
):
    async with opened(kind, server.url) as c:
        with memo.recording(tmp_path, mode="record") as live:
            first = await leave(await form(c))
            gc.collect()
        assert live.stats.recorded == 1
        server.stop()
        with memo.recording(tmp_path) as replayed:
            assert await leave(await form(c)) == first
            stream = await form(c)
            if form is typed or not first:
                with pytest.raises(StreamCutShort):
                    await collect(stream)
            else:  # its bytes had all come
                assert len(await collect(stream)) == len(EVENTS)
            await a(stream.close())
    assert replayed.stats.replayed == 2
    gc.collect()


@kinds
async def test_a_stream_class_runs_its_own_code(kind: str, server: Answering, tmp_path: Path):
    async with opened(kind, server.url) as c:
        live = await (await counted(c)).sums()
        assert live == [[{"number": i + 1, "of": f"c{i}"} for i in range(4)], 4]
        with memo.recording(tmp_path, mode="record") as rec:
            stream = await counted(c)
            assert isinstance(stream, AsyncCounting | Counting)
            assert await stream.sums() == live
        assert rec.stats.recorded == 1
        server.stop()
        with memo.recording(tmp_path):
            assert await (await counted(c)).sums() == live
            stream = await counted(c)
            assert isinstance(stream, AsyncCounting | Counting)
            assert await some(stream, 1) == live[0][:1]
            await a(stream.close())


LINES = [
    {"custom_id": f"r{i}", "result": {"type": "expired"}} for i in range(3)
]  # fmt: skip


def answer_lines(server: Answering) -> None:
    batch = {"id": "b1", "processing_status": "ended", "results_url": f"{server.url}/lines"}
    server.answer(json.dumps(batch).encode(), [("content-type", "application/json")])
    lines = b"".join(json.dumps(line).encode() + b"\n" for line in LINES)
    server.answer(lines, [("content-type", "application/x-jsonl")], path="/lines")


@kinds
async def test_lines_of_json_are_decoded_again(kind: str, server: Answering, tmp_path: Path):
    answer_lines(server)
    client = getattr(anthropic, f"{kind}Anthropic")(base_url=server.url, api_key="k", max_retries=0)

    async def use(resource: Any) -> Any:
        decoder = await a(resource.batches.results("b1"))
        return [type(decoder).__name__, await collect(decoder), decoder.http_response.status_code]

    resources = (client.messages, client.beta.messages)
    live = [await use(resource) for resource in resources]
    assert [line.custom_id for line in live[0][1]] == ["r0", "r1", "r2"]
    with memo.recording(tmp_path, mode="record") as rec:
        assert [await use(resource) for resource in resources] == live
    assert rec.stats.recorded == 4
    server.stop()
    with memo.recording(tmp_path):
        assert [await use(resource) for resource in resources] == live
    await a(client.close())


@kinds
async def test_lines_of_json_that_are_left(kind: str, server: Answering, tmp_path: Path):
    answer_lines(server)
    client = getattr(anthropic, f"{kind}Anthropic")(base_url=server.url, api_key="k", max_retries=0)
    with memo.recording(tmp_path, mode="record") as rec:
        decoder = await a(client.messages.batches.results("b1"))
        first = await some(decoder, 1)
        await a(decoder.close())
    assert rec.stats.recorded == 2
    server.stop()
    with memo.recording(tmp_path):
        decoder = await a(client.messages.batches.results("b1"))
        assert await some(decoder, 1) == first
        await a(decoder.close())
    await a(client.close())


@kinds
@pytest.mark.parametrize("form", [typed, raw])
async def test_the_body_of_a_stream_forgotten_in_a_cycle_is_closed_as_without_memo(
    kind: str, form: Form, server: Answering, tmp_path: Path
):
    async def forget(c: Any) -> list[int]:
        closed: list[int] = []

        async def use() -> None:
            stream = await form(c)
            holder: list[Any] = [stream]
            holder.append(holder)
            await broken_off(stream)
            watch(stream.response, closed)

        await use()
        for _ in range(5):
            gc.collect()
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
        return closed

    async with opened(kind, server.url) as c:
        live = await forget(c)
        with memo.recording(tmp_path, mode="record"):
            recorded = await forget(c)
    assert recorded == live
    assert kind or live == [1]


def watch(response: Any, closed: list[int]) -> None:
    """Count how often a body is closed, from below everything that memo puts around it."""
    body = response.stream
    while hasattr(body, "__wrapped__"):
        body = body.__wrapped__
    is_async = hasattr(body, "aclose")
    close = body.aclose if is_async else body.close

    async def aclose() -> None:
        closed.append(1)
        await close()

    def sync_close() -> None:
        closed.append(1)
        close()

    setattr(body, "aclose" if is_async else "close", aclose if is_async else sync_close)


TOOL_USE = [
    {"type": "message_start", "message": {"id": "m1", "type": "message", "role": "assistant", "model": "m", "content": [],
     "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t1", "name": "look", "input": {}}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]  # fmt: skip


@pytest.mark.parametrize("stream", [True, False])
async def test_a_tool_runner_is_closed_by_another_task(stream: bool, server: Answering, tmp_path: Path):
    @anthropic.beta_async_tool
    async def look() -> str:
        """Look."""
        return "seen"

    if stream:
        events = b"".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in TOOL_USE)
        server.answer(events, [("content-type", "text/event-stream")])
    else:
        content = [{"type": "tool_use", "id": "t1", "name": "look", "input": {}}]
        message = {**TOOL_USE[0]["message"], "content": content, "stop_reason": "tool_use"}  # type: ignore[dict-item]
        server.answer(json.dumps(message).encode(), [("content-type", "application/json")])
    client = anthropic.AsyncAnthropic(base_url=server.url, api_key="k", max_retries=0)

    async def use() -> int:
        ask: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "q"}]}
        runner = client.beta.messages.tool_runner(**ask, tools=[look], stream=stream)
        turns = 0

        async def consume() -> None:
            nonlocal turns
            async for reply in runner:
                turns += 1
                if stream:
                    await collect(reply)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(consume)
            with anyio.fail_after(20):
                while turns < 2:
                    await anyio.lowlevel.checkpoint()
            await runner.close()
        return turns

    with memo.recording(tmp_path, mode="record"):
        await use()
    with memo.recording(tmp_path, mode="record-if-missing"):  # as often as the loop goes round
        assert await use() >= 2
    await client.close()
