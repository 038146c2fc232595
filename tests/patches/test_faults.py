"""Faults on replay: 12 faults raise in 5 SDKs and a plain function what a server that does the same makes them raise."""

import dataclasses
import functools
import logging
from contextlib import nullcontext

import anthropic
import anyio
import httpx2
import ollama
import openai
import pytest
import trio
from fault_table import NOBODY, WAIT, faults
from faulty_server import FaultyServer
from google import genai
from google.genai import types
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

import memo
from memo import fault, recordable, recording

pytestmark = [
    pytest.mark.anyio,
    # The SDKs leave httpx's generators open where a stream breaks, and trio minds when it collects them.
    pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
BODY = {"error": {"message": "no luck", "type": "unlucky", "code": 503, "status": "UNAVAILABLE"}}
MESSAGES = [{"role": "user", "content": "Which planet has rings?"}]


class Trouble(Exception):
    """What the plain function raises."""

    def __init__(self, what):
        super().__init__(what)
        self.what = what


@recordable(name="app.plain")
async def plain(url, *, stream):
    try:
        async with httpx2.AsyncClient(timeout=WAIT) as client:
            response = await client.post(f"{url}/plain", json={"stream": stream})
            response.raise_for_status()
            return response.text if stream else response.json()
    except httpx2.HTTPStatusError as error:
        raise Trouble(error.response.status_code) from None
    except (httpx2.RequestError, ValueError) as error:
        raise Trouble(type(error).__name__) from None


PLAIN = {
    "timeout": "ReadTimeout",
    "connection": "ConnectError",
    "cut": "RemoteProtocolError",
    "malformed": "JSONDecodeError",
}


async def use_openai(url, stream):
    async with openai.AsyncOpenAI(api_key="k", base_url=f"{url}/v1", max_retries=0, timeout=WAIT) as client:
        answer = await client.chat.completions.create(model="m", messages=MESSAGES, stream=stream)
        return (
            [chunk.choices[0].delta.content async for chunk in answer] if stream else answer.choices[0].message.content
        )


async def use_anthropic(url, stream):
    async with anthropic.AsyncAnthropic(api_key="k", base_url=url, max_retries=0, timeout=WAIT) as client:
        answer = await client.messages.create(model="m", max_tokens=9, messages=MESSAGES, stream=stream)
        return [chunk.delta.text async for chunk in answer] if stream else answer.content[0].text


async def use_ollama(url, stream):
    client = ollama.AsyncClient(host=url, timeout=WAIT)
    answer = await client.chat(model="m", messages=MESSAGES, stream=stream)
    return [chunk.message.content async for chunk in answer] if stream else answer.message.content


def by_httpx():
    """What keeps the SDK from aiohttp, which it takes where that is installed."""
    return {"transport": httpx2.AsyncHTTPTransport()}


async def use_google(url, stream):
    http = types.HttpOptions(base_url=url, timeout=int(WAIT * 1000), async_client_args=by_httpx())
    client = genai.Client(api_key="plain-key", http_options=http)
    if not stream:
        return (await client.aio.models.generate_content(model="m", contents="hi")).text
    return [chunk.text async for chunk in await client.aio.models.generate_content_stream(model="m", contents="hi")]


async def use_mcp(url, stream, before=lambda: None):
    async with streamable_http_client(f"{url}/mcp") as (read, write, *_), ClientSession(read, write) as session:
        await session.initialize()
        before()
        return (await session.call_tool("planet", {}, read_timeout_seconds=WAIT)).content[0].text


async def use_plain(url, stream):
    return await plain(url, stream=False)


USES = {
    "openai": use_openai,
    "anthropic": use_anthropic,
    "ollama": use_ollama,
    "google-genai": use_google,
    "mcp": use_mcp,
    "plain": use_plain,
}
FAULTS = faults(BODY)


def seen(error):
    """What a program can tell of an error."""
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None) or {}
    names = ("status_code", "body", "code", "type", "message", "status", "details", "what", "doc", "pos")
    parts = {name: getattr(error, name, None) for name in names}
    return type(error), str(error), parts, headers.get("retry-after"), headers.get("content-type")


@pytest.fixture(autouse=True)
def quiet():
    for name in ("mcp", "httpx2"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@pytest.fixture
def server():
    made = FaultyServer()
    yield made
    made.stop()


async def outcome(sdk, url, stream, **more):
    """What comes of a call: its value and None, or the items before an error, and what is seen of the error."""
    try:
        with anyio.fail_after(10):
            return await USES[sdk](url, stream, **more), None
    except Exception as error:
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        return None, seen(error)


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("sdk", USES)
async def test_a_fault_raises_what_a_server_that_does_the_same_makes_the_sdk_raise(
    sdk, name, server, tmp_path, anyio_backend
):
    if sdk == "google-genai" and anyio_backend == "trio":
        pytest.skip("the SDK needs asyncio")
    wanted, stream = FAULTS[name]
    server.faults = [wanted]
    if name != "connection":
        live = await outcome(sdk, server.url, stream)
    elif sdk == "mcp":
        gone = FaultyServer()
        live = await outcome(sdk, gone.url, stream, before=gone.stop)
    else:
        live = await outcome(sdk, NOBODY, stream)
    assert (live[1] is None) == (name == "slow")

    if sdk == "plain" and name != "slow":
        what = wanted.status or PLAIN[wanted.kind]
        wanted = dataclasses.replace(wanted, error=Trouble(what))
    if sdk == "mcp":  # a session looks at its tools after a call
        wanted = dataclasses.replace(wanted, function="mcp.call_tool")
    with memo.install(sdk) if sdk != "plain" else nullcontext():
        if wanted.kind in ("slow", "cut") or sdk == "mcp":  # other faults take the place of the answer
            with recording(tmp_path, mode="record"):
                await outcome(sdk, server.url, stream)
        calls = len(server.seen)
        before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
        with recording(tmp_path, faults=[wanted]) as recorder:
            assert await outcome(sdk, server.url, stream) == live
        assert recorder.stats.injected == {str(wanted): 1}
    assert len(server.seen) == calls
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before


async def test_the_retries_of_an_sdk_see_the_fault(server, tmp_path):
    with memo.install("openai"):
        with recording(tmp_path, mode="record"):
            live = await ask_openai(server.url, retries=0)
        with recording(tmp_path, faults=[fault.rate_limit(call=1, retry_after=0.01)]) as recorder:
            assert await ask_openai(server.url, retries=1) == live
        assert recorder.stats.injected == {"rate_limit(retry_after=0.01, call=1)": 1}
        with recording(tmp_path, faults=[fault.rate_limit(retry_after=0.01)]) as recorder:
            with pytest.raises(openai.RateLimitError) as caught:
                await ask_openai(server.url, retries=2)
        assert caught.value.response.headers["retry-after"] == "0.01"
        assert caught.value.code is None
        assert caught.value.body["type"] == "rate_limit_error"
        assert recorder.stats.injected == {"rate_limit(retry_after=0.01)": 3}
    assert len(server.seen) == 1


async def test_a_refused_connection_is_the_same_under_an_older_trio(tmp_path, monkeypatch):
    monkeypatch.delattr(trio.lowlevel, "in_trio_run")
    with memo.install("openai"), recording(tmp_path, faults=[fault.connection()]):
        with pytest.raises(openai.APIConnectionError) as caught:
            await ask_openai("http://127.0.0.1:9", retries=0)
    assert "attempts" in str(caught.value.__cause__)


async def collect(items, into):
    async for item in items:
        into.append(item)


async def ask_openai(url, retries):
    async with openai.AsyncOpenAI(api_key="k", base_url=f"{url}/v1", max_retries=retries) as client:
        return await client.chat.completions.create(model="m", messages=MESSAGES)


async def test_the_retries_of_the_user_see_it_where_the_sdk_has_none(server, tmp_path):
    with memo.install("ollama"):
        with recording(tmp_path, mode="record"):
            live = await use_ollama(server.url, stream=False)
        with recording(tmp_path, faults=["status(503, every=2)"]) as recorder:
            assert await use_ollama(server.url, stream=False) == live
            with pytest.raises(ollama.ResponseError, match="status 503"):
                await use_ollama(server.url, stream=False)
            assert await use_ollama(server.url, stream=False) == live
    assert recorder.stats.injected == {"status(503, every=2)": 1}
    assert recorder.stats.replayed == 2


async def test_a_stream_is_cut_after_its_first_items(server, tmp_path):
    async with openai.AsyncOpenAI(api_key="k", base_url=f"{server.url}/v1", max_retries=0) as client:
        with memo.install("openai"):
            for mode in ("record", "replay"):  # what is recorded in the meantime is whole
                with recording(tmp_path, mode=mode, faults=[fault.cut(after=2, call=1)]):
                    stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
                    got = []
                    with pytest.raises(Exception, match=r"peer closed|Connection error"):
                        await collect(stream, got)
                    assert [chunk.choices[0].delta.content for chunk in got] == ["Sat", "urn"]
            with recording(tmp_path):
                stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
                assert len([chunk async for chunk in stream]) == 4


@functools.lru_cache(maxsize=1)
def google(url):
    """A client that lives until the next one is made: it closes its connections when it is collected."""
    return genai.Client(api_key="plain-key", http_options=types.HttpOptions(base_url=url, async_client_args=by_httpx()))


SYNC = {
    "openai": lambda url, stream: openai.OpenAI(
        api_key="k", base_url=f"{url}/v1", max_retries=0
    ).chat.completions.create(model="m", messages=MESSAGES, stream=stream),
    "ollama": lambda url, stream: ollama.Client(host=url).chat(model="m", messages=MESSAGES, stream=stream),
    "google-genai": lambda url, stream: getattr(
        google(url).models, "generate_content_stream" if stream else "generate_content"
    )(model="m", contents="hi"),
}


@pytest.mark.parametrize("name", ["503, streamed", "400", "cut", "slow", "malformed"])
@pytest.mark.parametrize("sdk", SYNC)
def test_sync_clients(sdk, name, server, tmp_path):
    def made():
        items = []
        try:
            answer = SYNC[sdk](server.url, stream)
            if stream:
                items.extend(type(item) for item in answer)
        except Exception as error:
            return items, seen(error)
        return items, None

    wanted, stream = FAULTS[name]
    server.faults = [wanted]
    live = made()
    with memo.install(sdk):
        if wanted.kind in ("slow", "cut"):
            with recording(tmp_path, mode="record"):
                made()
        with recording(tmp_path, faults=[wanted]) as recorder:
            assert made() == live
    assert recorder.stats.injected == {str(wanted): 1}
