"""The anthropic preset: `messages.stream()` that its consumer leaves, and the same call read in full after it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import pytest
from uses import a, collect, inside, some

import memo

# The SDK and httpx leave generators of their own behind, which trio reports.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

ASK: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "how many?"}]}
Way = Callable[[Any], Awaitable[list[str]]]


@pytest.fixture(autouse=True)
def installed() -> Any:
    with memo.install("anthropic") as installation:
        yield installation


@asynccontextmanager
async def opened(kind: str, url: str, key: str) -> AsyncIterator[Any]:
    client = getattr(anthropic, f"{kind}Anthropic")(base_url=url, api_key=key, max_retries=0)
    try:
        yield client
    finally:
        await a(client.close())


async def by_break(c: Any) -> list[str]:
    seen: list[str] = []
    async with inside(c.messages.stream(**ASK)) as helper:
        if hasattr(helper, "__aiter__"):
            async for event in helper:
                seen.append(event.type)
                break
        else:
            for event in helper:
                seen.append(event.type)
                break
    return seen


async def by_break_of_the_text(c: Any) -> list[str]:
    async with inside(c.messages.stream(**ASK)) as helper:
        return [str(text) for text in await some(helper.text_stream, 1)]


async def by_closing(c: Any) -> list[str]:
    async with inside(c.messages.stream(**ASK)) as helper:
        seen = [event.type for event in await some(helper, 2)]
        await a(helper.close())
    return seen


async def unread(c: Any) -> list[str]:
    async with inside(c.messages.stream(**ASK)):
        return []


async def in_full(c: Any) -> list[str]:
    async with inside(c.messages.stream(**ASK)) as helper:
        events = [event.type for event in await collect(helper)]
        return [*events, (await a(helper.get_final_message())).content[0].text]


def requests(server: Any) -> int:
    return sum(path.endswith("/messages") for _, path, _ in server.seen)


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
@pytest.mark.parametrize("kind", ["Async", ""])
@pytest.mark.parametrize("leave", [by_break, by_break_of_the_text, by_closing, unread])
async def test_left_and_then_read_in_full_in_one_scope(
    leave: Way, kind: str, mode: Any, server: Any, api_key: str, tmp_path: Path
):
    async def program(c: Any) -> tuple[list[str], list[str]]:
        return await leave(c), await in_full(c)

    async with opened(kind, server.url, api_key) as c:
        live = await program(c)
        before = requests(server)
        with memo.recording(tmp_path, mode=mode) as recorder:
            assert await program(c) == live
        assert recorder.stats.live == requests(server) - before == 2
        server.stop()
        with memo.recording(tmp_path):
            assert await program(c) == live
        with memo.recording(tmp_path, mode="record-if-missing") as recorder:
            assert await program(c) == live
        assert recorder.stats.live == 0


@pytest.mark.parametrize("kind", ["Async", ""])
@pytest.mark.parametrize("leave", [by_break, by_break_of_the_text, by_closing, unread])
async def test_read_in_full_in_another_run(leave: Way, kind: str, server: Any, api_key: str, tmp_path: Path):
    async with opened(kind, server.url, api_key) as c:
        live, left = await in_full(c), await leave(c)
        with memo.recording(tmp_path, mode="record-if-missing"):
            assert await leave(c) == left
        with memo.recording(tmp_path, mode="record-if-missing") as recorder:
            assert await in_full(c) == live
        assert recorder.stats.live == 1
        server.stop()
        with memo.recording(tmp_path):
            assert await in_full(c) == live
        with memo.recording(tmp_path):
            assert await leave(c) == left


@pytest.mark.parametrize("kind", ["Async", ""])
async def test_without_draws_the_second_goes_on_where_the_first_was_left(
    kind: str, server: Any, api_key: str, tmp_path: Path
):
    async with opened(kind, server.url, api_key) as c:
        live, left = await in_full(c), await by_break(c)
        with memo.recording(tmp_path, mode="record-if-missing", draws=False):
            assert [await by_break(c), await in_full(c), await in_full(c)] == [left, live, live]
        server.stop()
        with memo.recording(tmp_path):
            assert [await by_break(c), await in_full(c)] == [left, live]
