"""The openai preset: errors, retries, streams that end early, many calls at once, and secrets."""

import gc
import json
import logging
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import openai
import pytest
from openai_uses import MESSAGES, chat_left_in_a_block, ended, one, opened, raised, recordings
from uses import a, collect, inside, some

import memo
from memo.errors import CallsNotRecordedWarning, StreamCutShort

# The SDKs and httpx leave generators of their own behind, which trio reports.
pytestmark = pytest.mark.filterwarnings(r"ignore:Async generator '(openai|httpx|httpcore):ResourceWarning")


@pytest.fixture(autouse=True)
def installed() -> Any:
    with memo.install("openai") as installation:
        yield installation


# Errors, retries, streams that end otherwise


async def test_errors_that_are_no_answer_are_not_recorded(server: Any, api_key: str, tmp_path: Path):
    async with opened("async", server.url, api_key) as c:
        with pytest.warns(CallsNotRecordedWarning), memo.recording(tmp_path, mode="record") as recorder:
            for model in ("limited", "down"):
                await raised(lambda m=model: c.chat.completions.create(model=m, messages=MESSAGES))
            with pytest.raises(openai.APIConnectionError):
                await collect(await c.chat.completions.create(model="dropped", messages=MESSAGES, stream=True))
            server.stop()
            with pytest.raises(openai.APIConnectionError):
                await c.chat.completions.create(model="m", messages=MESSAGES)
        assert recorder.stats.recorded == 0
    assert recordings(tmp_path) == []


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_retries_are_one_call(kind: str, server: Any, api_key: str, tmp_path: Path, shown: Any):
    async with opened(kind, server.url, api_key) as c:
        retrying = c.with_options(max_retries=2)
        with memo.recording(tmp_path, mode="record") as recorder:
            first = await a(retrying.chat.completions.create(model="flaky", messages=MESSAGES))
        assert len(server.seen) == 3
        server.stop()
        with memo.recording(tmp_path):
            assert shown(await a(c.chat.completions.create(model="flaky", messages=MESSAGES))) == shown(first)
    assert (recorder.stats.live, recorder.stats.recorded) == (1, 1)
    assert len(json.loads(one(tmp_path).read_text())["outcomes"]) == 1


async def test_errors_keep_their_message(server: Any, api_key: str, tmp_path: Path):
    async with opened("async", server.url, api_key) as c:
        with memo.recording(tmp_path, mode="record", errors="all"):
            await raised(lambda: c.chat.completions.create(model="limited", messages=MESSAGES))
        server.stop()
        with memo.recording(tmp_path):
            error: Any = await raised(lambda: c.chat.completions.create(model="limited", messages=MESSAGES))
    assert type(error) is openai.RateLimitError
    assert (error.status_code, error.code, error.request_id) == (429, "rate_limit", "req_17")
    assert error.body == {"message": "slow down", "code": "rate_limit"}
    assert error.response.headers["retry-after"] == "7"
    assert error.response.json() == {"error": error.body}
    assert str(error) == "Error code: 429 - slow down" or "slow down" in str(error)


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_more_of_a_stream_than_was_read(kind: str, server: Any, api_key: str, tmp_path: Path):
    create = {"model": "m", "messages": MESSAGES, "stream": True}
    async with opened(kind, server.url, api_key) as c:
        with memo.recording(tmp_path, mode="record"):
            await chat_left_in_a_block(c, tmp_path)
            async with inside(c.chat.completions.with_streaming_response.create(**create)) as got:
                first = await some(got.iter_lines(), 1)
        server.stop()
        with memo.recording(tmp_path):
            *seen, _ = await ended(await a(c.chat.completions.create(**create)), StreamCutShort)
            assert len(seen) == 2
            async with inside(c.chat.completions.with_streaming_response.create(**create)) as got:
                *lines, _ = await ended(got.iter_lines(), StreamCutShort)
            assert lines[:1] == first


@pytest.mark.filterwarnings("ignore:Async generator 'memo:ResourceWarning")  # as trio says of any that is forgotten
async def test_a_stream_that_is_only_left_is_recorded_when_it_is_forgotten(server: Any, api_key: str, tmp_path: Path):
    async def leave(c: Any) -> str:
        async for chunk in await c.chat.completions.create(model="m", messages=MESSAGES, stream=True):
            return chunk.id
        raise AssertionError

    gc.disable()  # it is noticed without the garbage collector
    try:
        async with opened("async", server.url, api_key) as c:
            with memo.recording(tmp_path, mode="record") as recorder:
                assert await leave(c) == "c1"
                with anyio.fail_after(5):
                    while recorder.stats.recorded == 0:  # noqa: ASYNC110 - nothing tells when it is
                        await anyio.sleep(0.01)
            server.stop()
            with memo.recording(tmp_path):
                assert await leave(c) == "c1"
    finally:
        gc.enable()
    gc.collect()


async def test_a_cancelled_stream_is_not_recorded(server: Any, api_key: str, tmp_path: Path):
    async with opened("async", server.url, api_key) as c:
        with pytest.warns(CallsNotRecordedWarning), memo.recording(tmp_path, mode="record") as recorder:
            with anyio.CancelScope() as scope:
                async with await c.chat.completions.create(model="m", messages=MESSAGES, stream=True) as stream:
                    async for _ in stream:
                        scope.cancel()
                        await anyio.lowlevel.checkpoint()
            assert scope.cancelled_caught
            with anyio.CancelScope() as scope:
                create = c.chat.completions.with_streaming_response.create
                async with create(model="m", messages=MESSAGES, stream=True) as got:
                    async for _ in got.iter_lines():
                        scope.cancel()
                        await anyio.lowlevel.checkpoint()
            assert scope.cancelled_caught
        assert recorder.stats.recorded == 0


# Many at once


async def test_two_hundred_tasks_make_one_live_call_for_each_key(server: Any, api_key: str, tmp_path: Path):
    answers: list[Any] = []
    async with opened("async", server.url, api_key) as c:

        async def ask(number: int) -> None:
            stream = number % 2 == 1
            got = await c.chat.completions.create(model=f"m{number % 10}", messages=MESSAGES, stream=stream)
            answers.append(await collect(got) if stream else got)

        with memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
            with anyio.fail_after(60):
                async with anyio.create_task_group() as tasks:
                    for number in range(200):
                        tasks.start_soon(ask, number)
        assert len(answers) == 200
        assert recorder.stats.replayed + recorder.stats.live == 200
        # A stream that nobody has begun to read is waited for by nobody.
        plain = [body["model"] for _, _, body in server.seen if not body.get("stream")]
        assert sorted(plain) == sorted({f"m{i}" for i in range(0, 10, 2)})
        assert len(recordings(tmp_path)) == 10
        assert {answer.choices[0].message.content for answer in answers if not isinstance(answer, list)} == {'{"n": 3}'}
        assert {len(answer) for answer in answers if isinstance(answer, list)} == {8}


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_a_stream_opened_twice_at_once_does_not_wait_for_itself(
    kind: str, server: Any, api_key: str, tmp_path: Path
):
    async with opened(kind, server.url, api_key) as c:
        with memo.recording(tmp_path, mode="record-if-missing", draws=False), anyio.fail_after(10):
            create = c.chat.completions.create
            first = await a(create(model="m", messages=MESSAGES, stream=True))
            second = await a(create(model="m", messages=MESSAGES, stream=True))
            assert [each.id for each in await some(first, 1)] == [each.id for each in await some(second, 1)]
            third = await a(create(model="m", messages=MESSAGES, stream=True))
            assert len(await collect(second)) == len(await collect(first)) == 7
            assert len(await collect(third)) == 8


# Secrets


async def test_nothing_secret_is_written(server: Any, api_key: str, organization: str, tmp_path: Path, caplog: Any):
    caplog.set_level(logging.ERROR)
    tools = [
        {"type": "mcp", "server_label": "s", "server_url": "http://mcp", "authorization": "verysecretmcp1",
         "headers": {"Authorization": "verysecretmcp2"}},
    ]  # fmt: skip
    azure = {"data_sources": [
        {"type": "azure_search", "authentication": {"type": "api_key", "key": "verysecretazure1"},
         "parameters": {"authentication": {"type": "api_key", "key": "verysecretazure2"},
                        "embedding_dependency": {"authentication": {"key": "verysecretazure3"}}}},
    ]}  # fmt: skip
    signed = "https://bucket.s3.amazonaws.com/i.png?X-Amz-Date=20260101&X-Amz-Signature=" + "0123456789abcdef" * 4
    picture: Any = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": signed}}]}]
    headers = {
        "Authorization": "Bearer verysecretbearer12345678",
        "Cookie": "verysecretcookie",
        "x-own": "verysecretown",
    }

    async def everything() -> None:
        for kind in ("async", "azure async", "sync"):
            more = {} if kind.startswith("azure") else {"organization": organization}
            async with opened(kind, server.url, api_key, default_headers=headers, **more) as c:
                create = c.chat.completions.create
                await a(create(model="m", messages=MESSAGES, extra_headers=headers, extra_body=azure))
                await collect(await a(create(model="m", messages=MESSAGES, stream=True, extra_headers=headers)))
                await a(c.chat.completions.with_raw_response.create(model="m", messages=MESSAGES))
                for model in ("bad", "unauthorized"):
                    await raised(lambda m=model, k=create: k(model=m, messages=MESSAGES, extra_headers=headers))
                await a(create(model="m", messages=picture))
                await a(create(model="signed", messages=MESSAGES))
                await a(c.responses.create(model="m", input="i", tools=tools))
                await a(
                    c.get(f"{server.url}/v1/files/f/content?sig=verysecretsignature&name=f", cast_to=httpx2.Response)
                )
                await a(c.models.list(extra_query={"api_key": "verysecretquery", "X-Amz-Signature": "verysecretamz"}))

    with memo.recording(tmp_path, mode="record", errors="all") as recorder:
        await everything()
    assert recorder.stats.recorded == recorder.stats.live
    server.stop()
    with memo.recording(tmp_path) as replayed:
        await everything()
    assert replayed.stats.replayed == recorder.stats.live

    files = [(str(path), path.read_bytes()) for path in recordings(tmp_path)]
    assert len(files) >= 20
    for secret in (
        api_key, api_key[-4:] + ".", "*" + api_key[-4:], organization, "verysecret", "0123456789abcdef0123456789abcdef",
        "AbCdEfGhIjKlMnOpQrStUvWxYz", "set-cookie", "Set-Cookie", "Bearer", "openai-organization",
    ):  # fmt: skip
        assert [name for name, data in files if secret.encode() in data or secret in name] == [], secret
