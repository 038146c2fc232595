"""What was called, what is kept, and the limit on live calls, through real SDKs."""

import anthropic
import ollama
import openai
import pytest
from faulty_server import FaultyServer

import memo
from memo import fault, keep, recording
from memo.errors import CallsNotRecordedWarning, TooManyLiveCalls

pytestmark = [
    pytest.mark.anyio,
    # The SDKs leave httpx's generators open where a stream breaks, and trio minds when it collects them.
    pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning"),
]
MESSAGES = [{"role": "user", "content": "Which planet has rings?"}]


@pytest.fixture
def server():
    made = FaultyServer()
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def installed():
    with memo.install("openai", "anthropic", "ollama"):
        yield


async def ask(url):
    """Call three SDKs, one of them streamed."""
    async with (
        openai.AsyncOpenAI(api_key="k", base_url=f"{url}/v1", max_retries=0) as gpt,
        anthropic.AsyncAnthropic(api_key="k", base_url=url, max_retries=0) as claude,
    ):
        stream = await gpt.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        assert [chunk.choices[0].delta.content async for chunk in stream] == ["Sat", "urn", " has", " rings"]
        await claude.messages.create(model="m", max_tokens=9, messages=MESSAGES)
    await ollama.AsyncClient(host=url).chat(model="m", messages=MESSAGES)


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
async def test_the_calls_of_sdks(server, tmp_path, mode):
    for live in (True, False):
        with recording(tmp_path, mode=mode if live else "replay", calls=True, keep=keep.finished) as recorder:
            await ask(server.url)
        streamed, message, chat = recorder.calls
        assert [call.replayed for call in recorder.calls] == [not live] * 3
        assert streamed.function == "openai.chat.completions"
        assert streamed.arguments["body"]["messages"] == MESSAGES
        assert [item["choices"][0]["delta"]["content"] for item in streamed.items] == ["Sat", "urn", " has", " rings"]
        assert streamed.end == "complete"
        assert message.function == "anthropic.messages"
        assert message.value["content"][0]["text"] == "Saturn"
        assert message.tokens == 3
        assert chat.value["message"]["content"] == "Saturn"


async def test_the_error_of_an_sdk(server, tmp_path):
    server.faults = [fault.status(400, body={"error": {"message": "no"}})]
    for mode in ("record", "replay"):
        with recording(tmp_path, mode=mode, calls=True) as recorder, pytest.raises(openai.BadRequestError):
            await ask(server.url)
        (call,) = recorder.calls
        assert call.error == "openai:BadRequestError"


@pytest.mark.parametrize("body", [{"stop_reason": "max_tokens"}, {"stop_reason": "refusal"}, {"content": []}], ids=str)
async def test_what_a_model_did_not_finish_is_not_kept(server, tmp_path, body, monkeypatch):
    import faulty_server

    whole = faulty_server.anthropic_whole()
    api = faulty_server.APIS["/v1/messages"]
    monkeypatch.setitem(faulty_server.APIS, "/v1/messages", (lambda: {**whole, **body}, *api[1:]))
    with pytest.warns(CallsNotRecordedWarning, match=r"anthropic.messages: 1 call"):
        with recording(tmp_path, mode="record-if-missing", keep=keep.finished) as recorder:
            await ask(server.url)
    assert (recorder.stats.recorded, recorder.stats.unrecorded) == (2, 1)


async def test_a_run_stops_before_it_pays(server, tmp_path):
    with recording(tmp_path, mode="record-if-missing", max_live=0), pytest.raises(TooManyLiveCalls, match="openai"):
        await ask(server.url)
    assert server.seen == []


async def test_live_calls_have_their_arguments(server, tmp_path):
    with recording(tmp_path, mode="live", calls=True) as recorder:
        await ask(server.url)
        memo.recordable(name="app.f")(lambda x, y=2: x)(1)
        memo.recordable(name="app.g")(lambda x: x)(object())  # has no form
    streamed, message, chat, own, formless = recorder.calls
    assert [streamed.function, message.function, chat.function] == [
        "openai.chat.completions",
        "anthropic.messages",
        "ollama.chat",
    ]
    assert streamed.arguments["body"]["messages"] == MESSAGES
    assert (own.function, own.arguments, own.replayed) == ("app.f", {"x": 1, "y": 2}, False)
    assert (formless.function, formless.arguments) == ("app.g", None)
    assert not list(tmp_path.rglob("*.json"))
