"""Faults of cohere, mistralai, tavily and huggingface-hub: their own exceptions, as a server that does the same makes them raise."""

import importlib.util

import pytest
from fault_table import WAIT, aread_chat, faults, injected_as_live, read_chat
from faulty_server import FaultyServer

import memo
from memo import fault, recording

pytestmark = [
    pytest.mark.anyio,
    # The SDKs leave generators and connections open where a stream breaks.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
FAULTS = faults({"message": "no luck", "detail": {"error": "no luck"}})
MESSAGES = [{"role": "user", "content": "Which planet has rings?"}]


async def by_cohere(url, stream, got):
    import cohere

    client = cohere.AsyncClientV2(api_key="k", base_url=url, timeout=WAIT, max_retries=0)
    if not stream:
        got.append((await client.chat(model="m", messages=MESSAGES)).message.content[0].text)
        return
    async for event in client.chat_stream(model="m", messages=MESSAGES):
        got.append(event.delta.message.content.text)


async def by_sync_cohere(url, stream, got):
    import cohere

    client = cohere.ClientV2(api_key="k", base_url=url, timeout=WAIT, max_retries=0)
    if not stream:
        got.append(client.chat(model="m", messages=MESSAGES).message.content[0].text)
        return
    for event in client.chat_stream(model="m", messages=MESSAGES):
        got.append(event.delta.message.content.text)


async def by_mistralai(url, stream, got):
    from mistralai.client import Mistral

    async with Mistral(api_key="k", server_url=url, timeout_ms=int(WAIT * 1000)) as client:
        if not stream:
            got.append((await client.chat.complete_async(model="m", messages=MESSAGES)).choices[0].message.content)
            return
        async for event in await client.chat.stream_async(model="m", messages=MESSAGES):
            got.append(event.data.choices[0].delta.content)


async def by_sync_mistralai(url, stream, got):
    from mistralai.client import Mistral

    with Mistral(api_key="k", server_url=url, timeout_ms=int(WAIT * 1000)) as client:
        if not stream:
            got.append(client.chat.complete(model="m", messages=MESSAGES).choices[0].message.content)
            return
        for event in client.chat.stream(model="m", messages=MESSAGES):
            got.append(event.data.choices[0].delta.content)


async def by_tavily(url, stream, got):
    from tavily import AsyncTavilyClient

    got.append(await AsyncTavilyClient(api_key="tvly-x", api_base_url=url).search("rings", timeout=WAIT))


async def by_sync_tavily(url, stream, got):
    from tavily import TavilyClient

    got.append(TavilyClient(api_key="tvly-x", api_base_url=url).search("rings", timeout=WAIT))


async def by_huggingface_hub(url, stream, got):
    from huggingface_hub import AsyncInferenceClient

    async with AsyncInferenceClient(base_url=f"{url}/v1", api_key="k", timeout=WAIT) as client:
        await aread_chat(await client.chat_completion(MESSAGES, model="m", stream=stream), stream, got)


async def by_sync_huggingface_hub(url, stream, got):
    from huggingface_hub import InferenceClient

    with InferenceClient(base_url=f"{url}/v1", api_key="k", timeout=WAIT) as client:
        read_chat(client.chat_completion(MESSAGES, model="m", stream=stream), stream, got)


CLIENTS = {
    "cohere": ("cohere", by_cohere),
    "cohere, sync": ("cohere", by_sync_cohere),
    "mistralai": ("mistralai", by_mistralai),
    "mistralai, sync": ("mistralai", by_sync_mistralai),
    "tavily": ("tavily", by_tavily),
    "tavily, sync": ("tavily", by_sync_tavily),
    "huggingface-hub": ("huggingface-hub", by_huggingface_hub),
    "huggingface-hub, sync": ("huggingface-hub", by_sync_huggingface_hub),
}


@pytest.fixture
def server():
    made = FaultyServer()
    yield made
    made.stop()


def needs(preset):
    if importlib.util.find_spec(preset.replace("-", "_")) is None:
        pytest.skip(f"{preset} is not installed")


def seen(error):
    """What a program can tell of an error."""
    response = getattr(error, "response", None) or getattr(error, "raw_response", None)
    headers = getattr(error, "headers", None) or getattr(response, "headers", None) or {}
    names = ("status_code", "body", "message", "doc", "pos")
    parts = {name: str(getattr(error, name, None)) for name in names}
    message = str(error).partition(" object at 0x")[0]
    return type(error), plain(message), parts, headers.get("retry-after")


def plain(text):
    """A message without the address of an object, or what one run alone has, in it."""
    return text.partition(" object at 0x")[0].partition("'date'")[0].partition("headers: ")[0]


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_a_fault_is_what_a_server_that_does_the_same_makes_of_a_call(
    client, name, server, tmp_path, anyio_backend
):
    preset, ask = CLIENTS[client]
    needs(preset)
    if anyio_backend == "trio" and preset == "mistralai" and "sync" not in client:
        pytest.skip("the SDK needs asyncio")
    wanted, stream = FAULTS[name]
    injected = await injected_as_live(ask, preset, wanted, stream, seen, server, tmp_path)
    assert injected == {str(wanted): 1}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_retries_of_cohere_see_the_fault(server, tmp_path):
    needs("cohere")
    import cohere

    client = cohere.AsyncClientV2(api_key="k", base_url=server.url, max_retries=1)
    with memo.install("cohere"):
        with recording(tmp_path, mode="record"):
            live = await client.chat(model="m", messages=MESSAGES)
        with recording(tmp_path, faults=[fault.rate_limit(call=1, retry_after=0.01)]) as recorder:
            assert await client.chat(model="m", messages=MESSAGES) == live
        assert recorder.stats.injected == {"rate_limit(retry_after=0.01, call=1)": 1}
        with recording(tmp_path, faults=[fault.rate_limit(retry_after=0.01)]) as recorder:
            with pytest.raises(cohere.TooManyRequestsError):
                await client.chat(model="m", messages=MESSAGES)
        assert recorder.stats.injected == {"rate_limit(retry_after=0.01)": 2}
    assert len(server.seen) == 1


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_retries_of_mistralai_see_the_fault(server, tmp_path):
    needs("mistralai")
    from mistralai.client import Mistral
    from mistralai.client.utils import BackoffStrategy, RetryConfig

    retries = RetryConfig("backoff", BackoffStrategy(1, 5, 1.5, 2000), retry_connection_errors=True)
    with memo.install("mistralai"):
        async with Mistral(api_key="k", server_url=server.url, retry_config=retries) as client:
            with recording(tmp_path, mode="record"):
                live = await client.chat.complete_async(model="m", messages=MESSAGES)
            faults = [fault.status(503, call=1), fault.connection(call=2)]
            with recording(tmp_path, faults=faults) as recorder:
                assert await client.chat.complete_async(model="m", messages=MESSAGES) == live
    assert recorder.stats.injected == {"status(503, call=1)": 1, "connection(call=2)": 1}
    assert len(server.seen) == 1
