"""Faults under the preset `litellm`: its own exceptions, by its own code, as a provider that does the same makes it raise them."""

import re

import pytest
from fault_table import WAIT, aread_chat, faults, injected_as_live, read_chat
from faulty_server import FaultyServer

import memo
from memo import fault, recording

litellm = pytest.importorskip("litellm")

pytestmark = [
    pytest.mark.anyio,
    # litellm and its clients leave generators and connections open where a stream breaks.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
FAULTS = faults({"error": {"message": "no luck", "type": "unlucky", "code": "503"}})
MESSAGES = [{"role": "user", "content": "Which planet has rings?"}]


def asked(url, stream, model="openai/m"):
    base = f"{url}/v1" if model.startswith("openai") else url
    at = {"api_base": base, "api_key": "k", "timeout": WAIT, "max_retries": 0}
    return {"model": model, "messages": MESSAGES, "stream": stream, **at}


async def by_acompletion(url, stream, got, model="openai/m"):
    await aread_chat(await litellm.acompletion(**asked(url, stream, model)), stream, got)


async def by_completion(url, stream, got):
    read_chat(litellm.completion(**asked(url, stream)), stream, got)


async def by_router(url, stream, got):
    at = {name: value for name, value in asked(url, stream).items() if name not in ("messages", "stream")}
    router = litellm.Router(model_list=[{"model_name": "mine", "litellm_params": at}], num_retries=0)
    answer = await router.acompletion(model="mine", messages=MESSAGES, stream=stream)
    await aread_chat(answer, stream, got)


async def by_anthropic(url, stream, got):
    await by_acompletion(url, stream, got, "anthropic/m")


CLIENTS = {
    "acompletion": by_acompletion,
    "completion": by_completion,
    "router": by_router,
    "acompletion of anthropic": by_anthropic,
}


@pytest.fixture
def anyio_backend():
    return "asyncio"  # which litellm needs


@pytest.fixture
def server():
    made = FaultyServer()
    yield made
    made.stop()


def seen(error):
    """What a program can tell of an error."""
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None) or getattr(error, "litellm_response_headers", None) or {}
    names = ("status_code", "body", "code", "type", "llm_provider", "model")
    parts = {name: getattr(error, name, None) for name in names}
    message = re.sub(r"time taken=\S+|object at 0x\w+", "", str(error))
    if "127.0.0.1:9 " in message or "connection attempts failed" in message:  # below litellm are aiohttp and httpx
        message = "no connection"
    return type(error), message, parts, headers.get("retry-after")


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_a_fault_is_what_a_provider_that_does_the_same_makes_of_a_call(client, name, server, tmp_path):
    wanted, stream = FAULTS[name]
    if client == "acompletion of anthropic" and wanted.kind in ("cut", "slow"):
        pytest.skip("litellm wants more events of a stream of anthropic's than the server has")
    injected = await injected_as_live(CLIENTS[client], "litellm", wanted, stream, seen, server, tmp_path)
    assert [*injected] == [str(wanted)]  # litellm itself tries again where it cannot connect


async def test_the_retries_of_litellm_see_the_fault(server, tmp_path):
    async def ask(**options):
        answer = await litellm.acompletion(**{**asked(server.url, stream=False), **options})
        return answer.choices[0].message.content

    with memo.install("litellm"):
        with recording(tmp_path, mode="record"):
            live = await ask()
        with recording(tmp_path, faults=[fault.rate_limit(call=1, retry_after=0.01)]) as recorder:
            assert await ask(max_retries=1) == live
        assert recorder.stats.injected == {"rate_limit(retry_after=0.01, call=1)": 1}
        with recording(tmp_path, faults=[fault.status(500, call=1)]) as recorder:
            assert await ask(num_retries=1) == live
        assert recorder.stats.injected == {"status(500, call=1)": 1}
    assert len(server.seen) == 1


async def test_a_call_that_makes_no_request_cannot_have_a_fault(tmp_path):
    with memo.install("litellm"), recording(tmp_path, faults=[fault.status(500)]):
        with pytest.raises(memo.errors.InvalidOption, match="makes a request"):
            await litellm.acompletion(model="openai/m", messages=MESSAGES, mock_response="Saturn", api_key="k")
