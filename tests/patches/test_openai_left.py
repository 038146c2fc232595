"""The openai preset: streams that their consumer leaves, by whatever way, are stored as far as they were read."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from openai_uses import MESSAGES, opened
from uses import a

import memo

# The SDKs and httpx leave generators of their own behind, which trio reports, and so is what is left here.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(autouse=True)
def installed() -> Any:
    with memo.install("openai") as installation:
        yield installation


async def created(c: Any) -> Any:
    return await a(c.chat.completions.create(model="m", messages=MESSAGES, stream=True))


async def unread(c: Any) -> list[str]:
    await a(
        (await created(c)).response.aclose() if "Async" in type(c).__name__ else (await created(c)).response.close()
    )
    return []


async def unread_and_closed(c: Any) -> list[str]:
    await a((await created(c)).close())
    return []


async def unread_and_forgotten(c: Any) -> list[str]:
    await created(c)
    return []


async def by_break(c: Any) -> list[str]:
    seen: list[str] = []
    stream = await created(c)
    if hasattr(stream, "__aiter__"):
        async for chunk in stream:
            seen.append(chunk.id)
            break
    else:
        for chunk in stream:
            seen.append(chunk.id)
            break
    return seen


async def by_one_item(c: Any) -> list[str]:
    stream = await created(c)
    return [(await anext(stream) if hasattr(stream, "__anext__") else next(stream)).id]


async def by_closing_the_response(c: Any) -> list[str]:
    stream = await created(c)
    seen = [(await anext(stream) if hasattr(stream, "__anext__") else next(stream)).id]
    await a(stream.response.aclose() if hasattr(stream, "__anext__") else stream.response.close())
    return seen


held: list[Any] = []


async def by_holding_on(c: Any) -> list[str]:
    stream = await created(c)
    held.append(stream)
    return [(await anext(stream) if hasattr(stream, "__anext__") else next(stream)).id]


WAYS: list[Callable[[Any], Awaitable[list[str]]]] = [
    unread,
    unread_and_closed,
    unread_and_forgotten,
    by_break,
    by_one_item,
    by_closing_the_response,
    by_holding_on,
]


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
@pytest.mark.parametrize("kind", ["async", "sync"])
@pytest.mark.parametrize("leave", WAYS)
async def test_it_is_stored_at_the_end_of_the_scope(
    leave: Any, kind: str, mode: Any, server: Any, api_key: str, tmp_path: Path
):
    async with opened(kind, server.url, api_key) as c:
        with memo.recording(tmp_path, mode=mode) as recorder:
            seen = await leave(c)
        assert recorder.stats.recorded == 1
        server.stop()
        with memo.recording(tmp_path):
            assert await leave(c) == seen
        held.clear()


@pytest.mark.parametrize("kind", ["async", "sync"])
@pytest.mark.parametrize("leave", WAYS)
async def test_left_and_then_read_in_full(leave: Any, kind: str, server: Any, api_key: str, tmp_path: Path):
    async def program(c: Any) -> tuple[list[str], list[str]]:
        seen, stream = await leave(c), await created(c)
        whole = [x.id async for x in stream] if hasattr(stream, "__aiter__") else [x.id for x in stream]
        return seen, whole

    async with opened(kind, server.url, api_key) as c:
        with memo.recording(tmp_path, mode="record"):
            expected = await program(c)
        assert len(expected[1]) > 1
        server.stop()
        with memo.recording(tmp_path):
            assert await program(c) == expected
        held.clear()


@pytest.mark.parametrize("kind", ["async", "sync"])
@pytest.mark.parametrize("leave", [unread, by_break, by_one_item])
async def test_read_further_in_another_run(leave: Any, kind: str, server: Any, api_key: str, tmp_path: Path):
    async def whole(c: Any) -> list[str]:
        stream = await created(c)
        return [x.id async for x in stream] if hasattr(stream, "__aiter__") else [x.id for x in stream]

    async with opened(kind, server.url, api_key) as c:
        live = await whole(c)
        with memo.recording(tmp_path, mode="record-if-missing"):
            seen = await leave(c)
        with memo.recording(tmp_path, mode="record-if-missing") as recorder:
            assert await whole(c) == live
        assert recorder.stats.live == 1
        server.stop()
        with memo.recording(tmp_path):
            assert await whole(c) == live
        with memo.recording(tmp_path):
            assert await leave(c) == seen
