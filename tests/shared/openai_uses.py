"""Every use of the openai client, written once for its async and for its sync client."""

import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai.pagination import AsyncCursorPage, SyncCursorPage
from pydantic import BaseModel
from uses import a, collect, each, inside, some

MESSAGES: list[Any] = [{"role": "user", "content": "how many?"}]


class Answer(BaseModel):
    n: int


class OwnModel(openai.BaseModel):
    id: str


async def ended(value: Any, error: type[Exception]) -> list[Any]:
    """The items of a stream that breaks, and how it did."""
    items: list[Any] = []
    try:
        async for item in each(value):
            items.append(item)  # noqa: PERF401 - they count although it breaks
    except error as caught:
        return [*items, caught]
    raise AssertionError("it did not break")


async def raised(call: Any) -> Exception:
    with pytest.raises(openai.APIError) as caught:
        await a(call()) if callable(call) else await call
    return caught.value


Use = Callable[[Any, Path], Awaitable[Any]]
USES: dict[str, Use] = {}


def use(function: Use) -> Use:
    USES[function.__name__] = function
    return function


@use
async def chat(c: Any, folder: Path) -> Any:
    return await a(c.chat.completions.create(model="m", messages=MESSAGES))


@use
async def chat_streamed(c: Any, folder: Path) -> Any:
    stream = await a(c.chat.completions.create(model="m", messages=MESSAGES, stream=True))
    assert isinstance(stream, openai.AsyncStream | openai.Stream)
    assert stream.response.request.url.path.endswith("/chat/completions")
    return [
        await collect(stream),
        stream.response.status_code,
        stream.response.headers["x-request-id"],
        await collect(stream),
    ]


@use
async def chat_streamed_next(c: Any, folder: Path) -> Any:
    stream = await a(c.chat.completions.create(model="m", messages=MESSAGES, stream=True))
    first = await anext(stream) if hasattr(stream, "__anext__") else next(stream)
    return [first, await collect(stream)]


@use
async def chat_streamed_in_a_block(c: Any, folder: Path) -> Any:
    async with inside(await a(c.chat.completions.create(model="m", messages=MESSAGES, stream=True))) as stream:
        return [await collect(stream)]


@use
async def chat_left_in_a_block(c: Any, folder: Path) -> Any:
    async with inside(await a(c.chat.completions.create(model="m", messages=MESSAGES, stream=True))) as stream:
        return await some(stream, 2)


@use
async def chat_left_and_closed(c: Any, folder: Path) -> Any:
    stream = await a(c.chat.completions.create(model="m", messages=MESSAGES, stream=True))
    first = await some(stream, 1)
    await a(stream.close())
    return [first, await collect(stream)]


@use
async def chat_broken_midway(c: Any, folder: Path) -> Any:
    stream = await a(c.chat.completions.create(model="broken", messages=MESSAGES, stream=True))
    return await ended(stream, openai.APIError)


@use
async def chat_parse(c: Any, folder: Path) -> Any:
    parsed = await a(c.chat.completions.parse(model="m", messages=MESSAGES, response_format=Answer))
    assert parsed.choices[0].message.parsed == Answer(n=3)
    return parsed


@use
async def chat_stream_helper(c: Any, folder: Path) -> Any:
    async with inside(c.chat.completions.stream(model="json", messages=MESSAGES, response_format=Answer)) as stream:
        events = await collect(stream)
        final = await a(stream.get_final_completion())
    assert final.choices[0].message.parsed == Answer(n=3)
    return [[(type(event).__name__, event.type, event.model_dump(warnings=False)) for event in events], final]


@use
async def chat_stream_helper_left(c: Any, folder: Path) -> Any:
    async with inside(c.chat.completions.stream(model="m", messages=MESSAGES)) as stream:
        return [event.type for event in await some(stream, 1)]


@use
async def completions(c: Any, folder: Path) -> Any:
    plain = await a(c.completions.create(model="m", prompt="p"))
    return [plain, await collect(await a(c.completions.create(model="m", prompt="p", stream=True)))]


@use
async def embeddings(c: Any, folder: Path) -> Any:
    packed = await a(c.embeddings.create(model="e", input=["x", "y"]))
    floats = await a(c.embeddings.create(model="e", input=["x", "y"], encoding_format="float"))
    assert packed.data[0].embedding == pytest.approx(floats.data[0].embedding)
    return [packed, floats, await a(c.embeddings.create(model="e", input=["x", "y"], encoding_format="base64"))]


@use
async def models(c: Any, folder: Path) -> Any:
    page = await a(c.models.list())
    return [page, await collect(page), await collect(c.models.list())]


@use
async def pages(c: Any, folder: Path) -> Any:
    first = await a(c.files.list(limit=2))
    assert isinstance(first, AsyncCursorPage | SyncCursorPage)
    second = await a(first.get_next_page())
    third = await a(second.get_next_page())
    assert not third.has_next_page()
    walked = [page async for page in each(first.iter_pages())]
    ids = [file.id async for file in each(c.files.list(limit=2))]
    assert ids == [f"f{i}" for i in range(6)]
    return [first, second, third, walked, ids]


@use
async def responses(c: Any, folder: Path) -> Any:
    plain = await a(c.responses.create(model="m", input="i"))
    parsed = await a(c.responses.parse(model="m", input="i", text_format=Answer))
    assert parsed.output_parsed == Answer(n=3)
    return [plain, parsed, await collect(await a(c.responses.create(model="m", input="i", stream=True)))]


@use
async def responses_stream_helper(c: Any, folder: Path) -> Any:
    async with inside(c.responses.stream(model="m", input="i", text_format=Answer)) as stream:
        events = await collect(stream)
        final = await a(stream.get_final_response())
    assert final.output_parsed == Answer(n=3)
    return [[(type(event).__name__, event.type, event.model_dump(warnings=False)) for event in events], final]


@use
async def raw(c: Any, folder: Path) -> Any:
    got = await a(c.chat.completions.with_raw_response.create(model="m", messages=MESSAGES))
    assert got.parse() is got.parse()
    told = [got.status_code, got.headers["x-request-id"], got.request_id, got.text, got.content, got.method]
    parsed = await a(c.chat.completions.with_raw_response.parse(model="m", messages=MESSAGES, response_format=Answer))
    return [type(got).__name__, told, got.parse(), str(got.url), parsed.parse(), got.elapsed.total_seconds() > 0]


@use
async def raw_list(c: Any, folder: Path) -> Any:
    got = await a(c.models.with_raw_response.list())
    return [got.parse(), got.text]


@use
async def raw_streamed(c: Any, folder: Path) -> Any:
    got = await a(c.chat.completions.with_raw_response.create(model="m", messages=MESSAGES, stream=True))
    stream = got.parse()
    return [type(got).__name__, type(stream).__name__, got.headers["content-type"], await collect(stream)]


@use
async def read_in_pieces(c: Any, folder: Path) -> Any:
    create = c.chat.completions.with_streaming_response.create
    found: list[Any] = []
    async with inside(create(model="m", messages=MESSAGES)) as got:
        found += [type(got).__name__, got.status_code, got.headers["x-request-id"], await collect(got.iter_lines())]
    async with inside(create(model="a", messages=MESSAGES)) as got:
        found += [b"".join(await collect(got.iter_bytes(7))), got.http_request.method]
    async with inside(create(model="b", messages=MESSAGES)) as got:
        found += [await a(got.text()), await a(got.json())]
    async with inside(create(model="c", messages=MESSAGES)) as got:
        found += [await a(got.parse())]
    async with inside(create(model="d", messages=MESSAGES)) as got:
        found += [await a(got.read())]
    return found


@use
async def events_in_pieces(c: Any, folder: Path) -> Any:
    create = c.chat.completions.with_streaming_response.create
    found: list[Any] = []
    async with inside(create(model="m", messages=MESSAGES, stream=True)) as got:
        found += [type(got).__name__, await collect(got.iter_lines())]
    async with inside(create(model="a", messages=MESSAGES, stream=True)) as got:
        stream = await a(got.parse())
        found += [type(stream).__name__, await collect(stream)]
    return found


@use
async def only_headers(c: Any, folder: Path) -> Any:
    async with inside(c.chat.completions.with_streaming_response.create(model="m", messages=MESSAGES)) as got:
        return [got.status_code, got.headers["x-request-id"]]


@use
async def binary(c: Any, folder: Path) -> Any:
    content = await a(c.files.content("file-abc"))
    speech = await a(c.audio.speech.create(model="m", voice="alloy", input="hello"))
    await a(content.write_to_file(folder / "content"))
    pieces = content.iter_bytes(100)
    return [type(content).__name__, content.content, b"".join(pieces), (folder / "content").read_bytes(), speech.read()]


@use
async def binary_in_pieces(c: Any, folder: Path) -> Any:
    speech = c.audio.speech.with_streaming_response.create(model="m", voice="alloy", input="hello")
    async with inside(speech) as got:
        await a(got.stream_to_file(folder / "speech"))
    async with inside(c.files.with_streaming_response.content("file-abc")) as got:
        whole = b"".join(await collect(got.iter_bytes()))
    raw = await a(c.files.with_raw_response.content("file-abc"))
    return [(folder / "speech").read_bytes(), whole, raw.content]


@use
async def uploads(c: Any, folder: Path) -> Any:
    path = folder / "a.txt"
    path.write_bytes(b"one")
    found = [await a(c.files.create(file=b"one", purpose="batch"))]
    found += [await a(c.files.create(file=path, purpose="batch"))]
    with path.open("rb") as file:
        found += [await a(c.files.create(file=file, purpose="batch"))]
    found += [await a(c.files.create(file=("b.txt", io.BytesIO(b"two"), "text/plain"), purpose="batch"))]
    return found


@use
async def low_level(c: Any, folder: Path) -> Any:
    body = {"model": "m", "messages": MESSAGES}

    async def post(cast_to: Any, **more: Any) -> Any:
        return await a(c.post("/chat/completions", body=body, cast_to=cast_to, **more))

    return [
        await post(object),
        await post(dict[str, object]),
        await post(str),
        await post(httpx2.Response),
        await post(OwnModel),
        await post(openai.types.chat.ChatCompletion),
        await a(c.get("/models", cast_to=object)),
    ]


@use
async def errors(c: Any, folder: Path) -> Any:
    found: list[Any] = []
    for model in ("bad", "limited", "down", "html"):
        for stream in (False, True):
            error = await raised(
                lambda m=model, s=stream: c.chat.completions.create(model=m, messages=MESSAGES, stream=s)
            )
            found.append(error)
    found.append(await raised(lambda: c.chat.completions.with_raw_response.create(model="bad", messages=MESSAGES)))
    found.append(await raised(lambda: c.models.retrieve("no-such")))
    return found


CLIENTS: dict[str, Callable[..., Any]] = {
    "async": openai.AsyncOpenAI,
    "sync": openai.OpenAI,
    "azure async": openai.AsyncAzureOpenAI,
    "azure sync": openai.AzureOpenAI,
}


def client(kind: str, url: str, key: str, **more: Any) -> Any:
    if kind.startswith("azure"):
        return CLIENTS[kind](azure_endpoint=url, api_key=key, api_version="2026-01-01", max_retries=0, **more)
    return CLIENTS[kind](base_url=f"{url}/v1", api_key=key, max_retries=0, **more)


@asynccontextmanager
async def opened(kind: str, url: str, key: str, **more: Any) -> AsyncIterator[Any]:
    made = client(kind, url, key, **more)
    try:
        yield made
    finally:
        await a(made.close())


def recordings(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def one(folder: Path) -> Path:
    """Any of the recordings."""
    return next(path for path in recordings(folder) if path.suffix == ".json")
