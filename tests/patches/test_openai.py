"""The openai preset: every use of the client, recorded from a real server, which is stopped, and replayed."""

import gc
import io
import json
import logging
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import openai
import pytest
from openai.pagination import AsyncCursorPage, SyncCursorPage
from pydantic import BaseModel
from uses import a, collect, each, inside, some

import memo
from memo.errors import InvalidOption, RecordingNotFound, StreamCutShort, UnkeyableArgument, WatchedFieldChanged

# The SDKs and httpx leave generators of their own behind, which trio tells.
pytestmark = pytest.mark.filterwarnings(r"ignore:Async generator '(openai|httpx|httpcore):ResourceWarning")

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


@pytest.fixture(autouse=True)
def installed() -> Any:
    with memo.install("openai") as installation:
        yield installation


async def both(kind: str, used: Use, server: Any, key: str, folder: Path) -> tuple[Any, Any]:
    """What a use gives live, and what it gives replayed, the server being gone: each three times."""
    async with opened(kind, server.url, key) as c:
        with memo.recording(folder / "store", mode="record", errors="all") as live:
            first = await used(c, folder)
    server.stop()
    assert live.stats.recorded == live.stats.live > 0
    seconds: list[Any] = []
    async with opened(kind, server.url, key) as c:
        for _ in range(3):  # one client: what its calls become is remembered
            with memo.recording(folder / "store", mode="replay") as replayed:
                seconds.append(await used(c, folder))
            assert replayed.stats.replayed == live.stats.live
    return [first] * 3, seconds


@pytest.mark.parametrize("kind", ["async", "sync"])
@pytest.mark.parametrize("name", USES)
async def test_every_use_comes_back_as_it_was(
    name: str, kind: str, server: Any, api_key: str, tmp_path: Path, shown: Any
):
    first, second = await both(kind, USES[name], server, api_key, tmp_path)
    assert shown(second) == shown(first)


@pytest.mark.parametrize("kind", ["azure async", "azure sync"])
@pytest.mark.parametrize("name", ["chat", "chat_streamed", "chat_parse", "embeddings", "errors", "raw", "models"])
async def test_azure(name: str, kind: str, server: Any, api_key: str, tmp_path: Path, shown: Any):
    first, second = await both(kind, USES[name], server, api_key, tmp_path)
    assert shown(second) == shown(first)
    assert json.loads(one(tmp_path).read_text())["arguments"]["query"] == {"api-version": "2026-01-01"}


@pytest.mark.parametrize(
    "name", ["chat", "chat_streamed", "chat_stream_helper", "models", "raw", "read_in_pieces", "binary"]
)
async def test_gzipped_bodies_are_recorded_decoded(name: str, server: Any, api_key: str, tmp_path: Path, shown: Any):
    server.gzipped = True
    first, second = await both("async", USES[name], server, api_key, tmp_path)
    assert shown(second) == shown(first)
    assert b"\x1f\x8b" not in one(tmp_path).read_bytes()
    assert "H4sI" not in one(tmp_path).read_text()


@pytest.mark.parametrize("name", ["chat", "chat_streamed", "chat_parse", "models", "pages", "raw", "binary", "errors"])
@pytest.mark.parametrize("kinds", [("async", "sync"), ("sync", "async")])
async def test_recorded_by_one_client_and_replayed_by_the_other(
    name: str, kinds: tuple[str, str], server: Any, api_key: str, tmp_path: Path, shown: Any
):
    async with opened(kinds[0], server.url, api_key) as c:
        with memo.recording(tmp_path / "store", mode="record", errors="all"):
            first = await USES[name](c, tmp_path)
    async with opened(kinds[1], server.url, api_key) as c:
        other = await USES[name](c, tmp_path)
        server.stop()
        with memo.recording(tmp_path / "store") as replayed:
            second = await USES[name](c, tmp_path)
    assert replayed.stats.replayed > 0
    assert shown(second) == shown(other)
    assert (shown(first) == shown(other)) is (name not in ("models", "pages"))


async def test_clients_made_of_a_client(server: Any, api_key: str, tmp_path: Path, shown: Any):
    async with opened("async", server.url, api_key) as c:
        with memo.recording(tmp_path, mode="record"):
            first = await c.with_options(timeout=3, max_retries=1).chat.completions.create(model="m", messages=MESSAGES)
        server.stop()
        with memo.recording(tmp_path) as replayed:
            for other in (c.copy(), c.with_options(max_retries=7, default_headers={"x-y": "z"}), c):
                again = await other.chat.completions.create(
                    model="m", messages=MESSAGES, timeout=9, extra_headers={"x-trace": "1"}
                )
                assert shown(again) == shown(first)
    assert replayed.stats.replayed == 3


def test_the_module_level_client(
    server: Any, api_key: str, tmp_path: Path, shown: Any, monkeypatch: pytest.MonkeyPatch
):
    for name, value in {
        "api_key": api_key,
        "base_url": f"{server.url}/v1/",
        "api_type": "openai",
        "max_retries": 0,
    }.items():
        monkeypatch.setattr(openai, name, value)
    monkeypatch.setattr(openai, "_client", None)
    with memo.recording(tmp_path, mode="record"):
        first = openai.chat.completions.create(model="m", messages=MESSAGES)
        chunks = list(openai.chat.completions.create(model="m", messages=MESSAGES, stream=True))
    server.stop()
    with memo.recording(tmp_path) as replayed:
        assert shown(openai.chat.completions.create(model="m", messages=MESSAGES)) == shown(first)
        assert shown(list(openai.chat.completions.create(model="m", messages=MESSAGES, stream=True))) == shown(chunks)
    assert replayed.stats.replayed == 2
    assert openai._client is not None
    openai._client.close()


def test_a_resource_that_was_taken_before_the_patch(server: Any, api_key: str, tmp_path: Path, installed: Any):
    installed.remove()
    with client("sync", server.url, api_key) as c:
        create = c.chat.completions.with_raw_response.create
        with memo.install("openai"), memo.recording(tmp_path, mode="record") as live:
            create(model="m", messages=MESSAGES)
    assert live.stats.recorded == 1


# What identifies a call


async def test_what_identifies_a_call(server: Any, api_key: str, tmp_path: Path):
    async def calls(c: Any, **more: Any) -> int:
        with memo.recording(tmp_path, mode="record-if-missing") as recorder:
            await c.chat.completions.create(**{"model": "m", "messages": MESSAGES, **more})
        return recorder.stats.recorded

    async with opened("async", server.url, api_key) as c, opened("async", server.url, "sk-other") as other:
        assert await calls(c) == 1
        assert await calls(c) == 0
        assert await calls(other) == 0
        assert await calls(c, timeout=7, extra_headers={"x-a": "1", "Authorization": "Bearer x"}) == 0
        assert await calls(c, temperature=openai.omit, top_p=openai.NOT_GIVEN) == 0
        assert await calls(c, extra_query={"beta": "1"}) == 1
        assert await calls(c, extra_query={"beta": "2"}) == 1
        assert await calls(c, extra_body={"top_k": 1}) == 1
        assert await calls(c, extra_body={"top_k": 1}) == 0
        assert await calls(c, temperature=0.5) == 1
        assert await calls(c, extra_body={"temperature": 0.5}) == 0
        assert await calls(c.with_options(base_url=f"{server.url}/other/v1")) == 1
        assert await calls(c.with_options(default_query={"tenant": "a"})) == 1


async def test_idempotency_keys_identify_nothing(server: Any, api_key: str, tmp_path: Path):
    async with opened("async", server.url, api_key) as c:
        with memo.recording(tmp_path, mode="record-if-missing") as recorder:
            for key in ("a", "b"):
                body = {"model": "m", "messages": MESSAGES}
                await c.post("/chat/completions", body=body, cast_to=object, options={"idempotency_key": key})
    assert recorder.stats.recorded == 1


async def test_uploads_are_known_by_their_content(server: Any, api_key: str, tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one")

    async def uploads(c: Any, file: Any) -> int:
        with memo.recording(tmp_path / "store", mode="record-if-missing") as recorder:
            await c.files.create(file=file, purpose="batch")
        return recorder.stats.recorded

    async with opened("async", server.url, api_key) as c:
        assert await uploads(c, path) == 1
        assert await uploads(c, str(path) and path) == 0
        with path.open("rb") as file:
            assert await uploads(c, file) == 0
            assert file.tell() == 0
            assert file.read() == b"one"
            file.seek(1)
            assert await uploads(c, file) == 1  # the rest of it is another upload
        assert await uploads(c, ("a.txt", b"one")) == 0
        assert await uploads(c, ("a.txt", b"two")) == 1
        big = os.urandom(100_000)
        assert await uploads(c, ("a.bin", big)) == 1
        assert await uploads(c, ("a.bin", io.BytesIO(big))) == 0
        assert await uploads(c, ("a.bin", big[:-1] + b"\0" + big[-1:])) == 1
    assert max(each.stat().st_size for each in recordings(tmp_path / "store")) < 10_000


async def test_the_position_of_a_replayed_upload_is_unchanged(server: Any, api_key: str, tmp_path: Path):
    async with opened("async", server.url, api_key) as c:
        with memo.recording(tmp_path, mode="record"):
            await c.files.create(file=("a", io.BytesIO(b"0123456789")), purpose="batch")
            file = io.BytesIO(b"0123456789")
        server.stop()
        with memo.recording(tmp_path):
            file.seek(0)
            await c.files.create(file=("a", file), purpose="batch")
            assert file.tell() == 0


async def test_an_upload_that_can_be_read_once_is_refused_and_not_read(server: Any, api_key: str, tmp_path: Path):
    reading, writing = os.pipe()
    os.write(writing, b"once")
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        async with opened("async", server.url, api_key) as c:
            with memo.recording(tmp_path, mode="record"), pytest.raises(UnkeyableArgument, match="files"):
                await c.files.create(file=("a", pipe), purpose="batch")
        assert pipe.read() == b"once"
    assert server.seen == []


async def test_headers_identify_a_call_where_they_are_asked_for(
    server: Any, api_key: str, tmp_path: Path, installed: Any
):
    installed.remove()
    with memo.install("openai", headers=("OpenAI-Beta", "x-tenant", "authorization")):
        async with opened("async", server.url, api_key, default_headers={"X-Tenant": "t1"}) as c:
            with memo.recording(tmp_path, mode="record-if-missing") as recorder:
                for beta in ("a", "b", "a"):
                    headers = {"openai-beta": beta, "x-other": beta, "Authorization": f"Bearer {beta}"}
                    await c.chat.completions.create(model="m", messages=MESSAGES, extra_headers=headers)
                await c.with_options(default_headers={"x-tenant": "t2"}).chat.completions.create(
                    model="m", messages=MESSAGES, extra_headers={"openai-beta": "a"}
                )
    assert recorder.stats.recorded == 3
    told = [json.loads(each.read_text())["arguments"]["headers"] for each in recordings(tmp_path)]
    key = lambda headers: sorted(headers.items())  # noqa: E731
    assert sorted(told, key=key) == sorted(
        [{"openai-beta": "a", "x-tenant": "t1"}, {"openai-beta": "b", "x-tenant": "t1"}, {"openai-beta": "a", "x-tenant": "t2"}],
        key=key,
    )  # fmt: skip


async def test_recordings_of_one_server_answer_for_another_if_asked_to(
    server: Any, api_key: str, tmp_path: Path, installed: Any
):
    async def ask(url: str) -> Any:
        async with opened("async", url, api_key) as c:
            return await c.chat.completions.create(model="m", messages=MESSAGES)

    with memo.recording(tmp_path / "apart", mode="record"):
        await ask(server.url)
    with memo.recording(tmp_path / "apart"), pytest.raises(RecordingNotFound):
        await ask("http://127.0.0.1:9")
    installed.remove()
    with memo.install("openai", ignore=("server",)):
        with memo.recording(tmp_path / "shared", mode="record"):
            await ask(server.url)
        server.stop()
        with memo.recording(tmp_path / "shared") as replayed:
            await ask("http://127.0.0.1:9")
    assert replayed.stats.replayed == 1


async def test_more_options_for_a_preset(server: Any, api_key: str, tmp_path: Path, installed: Any):
    installed.remove()
    body: Any = {"model": "m", "messages": MESSAGES}
    azure = {"data_sources": [{"authentication": {"type": "api_key", "key": "verysecretazure"}}]}
    with memo.install("openai", ignore=["body.user", "server"], watch="body.messages[0]", version=2, errors="all"):
        async with opened("async", server.url, api_key) as c:
            with memo.recording(tmp_path, mode="record-if-missing") as recorder:
                await c.chat.completions.create(**body, user="u1", extra_body=azure)
                await c.chat.completions.create(**body, user="u2", extra_body=azure)
                await raised(lambda: c.chat.completions.create(model="limited", messages=MESSAGES))
            assert recorder.stats.recorded == 2
            with memo.recording(tmp_path), pytest.warns(WatchedFieldChanged, match=re.escape("body.messages[0]")):
                await c.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": "?"}], extra_body=azure
                )
    stored = b"".join(each.read_bytes() for each in recordings(tmp_path))
    assert b"verysecretazure" not in stored
    assert b'"version": 2' in stored
    for wrong in ({"name": "x"}, {"headres": ("x",)}, {"errors": "some"}, {"ignore": "["}):
        with pytest.raises(InvalidOption):
            memo.install("openai", **wrong)
    with pytest.raises(InvalidOption, match="headers"):
        memo.install("ollama", headers=("x",))
    with pytest.raises(InvalidOption, match="headers"):
        memo.install("json:dumps", headers=("x",))


def test_installed_twice_with_other_options_is_refused():
    with pytest.raises(InvalidOption):
        memo.install("openai", ignore=("server",))
    with pytest.raises(InvalidOption):
        memo.install("openai", headers=("x-a",))
    memo.install("openai").remove()


# Errors, retries, streams that end otherwise


async def test_errors_that_are_no_answer_are_not_recorded(server: Any, api_key: str, tmp_path: Path):
    async with opened("async", server.url, api_key) as c:
        with memo.recording(tmp_path, mode="record") as recorder:
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


async def test_errors_tell_what_they_told(server: Any, api_key: str, tmp_path: Path):
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
        with memo.recording(tmp_path, mode="record") as recorder:
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

        with memo.recording(tmp_path, mode="record-if-missing") as recorder:
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
        with memo.recording(tmp_path, mode="record-if-missing"), anyio.fail_after(10):
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


def recordings(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def one(folder: Path) -> Path:
    """Any of the recordings."""
    return next(path for path in recordings(folder) if path.suffix == ".json")
