"""The fake server of the SDKs' tests, and what the tests of both kinds of cassettes do with a client."""

import importlib.util
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cassette_files import Cassettes
from llama_stack_files import Old
from pydantic import BaseModel
from uses import a, collect, each

# Nothing imports a conftest, and this one is not above the other: it is run once more, under another name.
_spec = importlib.util.spec_from_file_location("fake_server", Path(__file__).parent.parent / "patches" / "conftest.py")
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
server, shown, api_key, organization = _module.server, _module.shown, _module.api_key, _module.organization

MESSAGES: list[Any] = [{"role": "user", "content": "how many? ünï😀"}]
TOOL = {"type": "function", "function": {"name": "count", "parameters": {"type": "object", "properties": {}}}}


class Answer(BaseModel):
    n: int


async def streamed(value: Any) -> list[Any]:
    return await collect(await a(value))


async def raised(call: Callable[[], Any]) -> Any:
    try:
        await a(call())
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def chat(client: Any, **more: Any) -> Any:
    return client.chat.completions.create(**{"model": "m", "messages": MESSAGES, **more})


async def plain(client: Any) -> Any:
    return await a(chat(client, temperature=1.0, tools=[TOOL], extra_body={"top_k": 3}))


async def stream(client: Any) -> Any:
    return await streamed(chat(client, stream=True, stream_options={"include_usage": True}))


async def parsed(client: Any) -> Any:
    return await a(client.chat.completions.parse(model="m", messages=MESSAGES, response_format=Answer))


async def embedded(client: Any) -> Any:
    return await a(client.embeddings.create(model="e", input=["a", "b"]))


async def embedded_as_floats(client: Any) -> Any:
    return await a(client.embeddings.create(model="e", input="a", encoding_format="float"))


async def response(client: Any) -> Any:
    return await a(client.responses.create(model="m", input="how many?"))


async def response_stream(client: Any) -> Any:
    return await streamed(client.responses.create(model="m", input="how many?", stream=True))


async def completion(client: Any) -> Any:
    return await a(client.completions.create(model="m", prompt="a"))


async def completion_stream(client: Any) -> Any:
    return await streamed(client.completions.create(model="m", prompt="a", stream=True))


async def models(client: Any) -> Any:
    return await streamed(client.models.list())


async def bad_request(client: Any) -> Any:
    return await raised(lambda: chat(client, model="bad"))


async def no_json(client: Any) -> Any:
    return await raised(lambda: chat(client, model="html"))


async def bad_stream(client: Any) -> Any:
    return await raised(lambda: chat(client, model="bad", stream=True))


async def broken_stream(client: Any) -> Any:
    got, opened = [], each(await a(chat(client, model="broken", stream=True)))
    try:
        while True:
            got.append(await anext(opened))
    except Exception as error:
        return got, error


async def raw(client: Any) -> Any:
    answer = await a(client.chat.completions.with_raw_response.create(model="m", messages=MESSAGES))
    return answer.http_response.content, answer.parse()


async def raw_stream(client: Any) -> Any:
    answer = await a(client.chat.completions.with_raw_response.create(model="m", messages=MESSAGES, stream=True))
    return await streamed(answer.parse())


async def read_piece_by_piece(client: Any) -> Any:
    manager = client.chat.completions.with_streaming_response.create(model="m", messages=MESSAGES)
    if hasattr(manager, "__aenter__"):
        async with manager as answer:
            return await answer.read()
    with manager as answer:
        return answer.read()


async def with_query(client: Any) -> Any:
    return await a(chat(client, extra_query={"deployment": "ü b", "api_key": "sk-" + "a1B2" * 8}))


USES: list[Callable[[Any], Awaitable[Any]]] = [
    plain, stream, parsed, embedded, embedded_as_floats, response, response_stream, completion, completion_stream,
    models, bad_request, no_json, bad_stream, broken_stream, raw, raw_stream, read_piece_by_piece, with_query,
]  # fmt: skip


@pytest.fixture
def uses() -> list[Callable[[Any], Awaitable[Any]]]:
    """What is recorded and replayed, each for the async and for the sync client."""
    return USES


@pytest.fixture
def cassettes(tmp_path):
    return Cassettes(tmp_path)


@pytest.fixture
def old(tmp_path):
    return Old(tmp_path)
