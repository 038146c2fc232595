"""The other SDKs built by Stainless: each recorded from a real server, which is stopped, and replayed."""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from uses import a, collect, each, inside, some

import memo
from memo.errors import StreamCutShort

# The SDKs and httpx leave generators of their own behind, which trio reports.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:Async generator '(anthropic|cerebras|groq|httpx|httpcore|llama_stack_client|ogx_client|together):ResourceWarning"
)

MESSAGES: list[Any] = [{"role": "user", "content": "how many?"}]


class SDK(NamedTuple):
    preset: str
    module: str
    client: str
    base: str = ""
    more: tuple[tuple[str, Any], ...] = ()
    function: str = ""


SDKS = [
    SDK("groq", "groq", "Groq", function="groq.openai.chat.completions"),
    SDK("together", "together", "Together", "/v1", (("project_id", "p"),)),
    SDK("cerebras", "cerebras.cloud.sdk", "Cerebras", "", (("warm_tcp_connection", False),)),
    SDK(
        "llama-stack-client",
        "llama_stack_client",
        "LlamaStackClient",
        function="llama_stack_client.openai.chat.completions",
    ),
    SDK("ogx-client", "ogx_client", "OgxClient"),
]


def recordings(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.json"))


@asynccontextmanager
async def opened(sdk: SDK, kind: str, url: str, key: str) -> AsyncIterator[Any]:
    module = importlib.import_module(sdk.module)
    made = getattr(module, f"Async{sdk.client}" if kind == "async" else sdk.client)
    client = made(base_url=url + sdk.base, api_key=key, max_retries=0, **dict(sdk.more))
    try:
        yield client
    finally:
        await a(client.close())


def errors_of(sdk: SDK) -> Any:
    return importlib.import_module(sdk.module).APIStatusError


async def uses(c: Any, sdk: SDK) -> list[Any]:
    create = c.chat.completions.create
    # llama-stack-client would read the [DONE] at the end of a stream as JSON.
    read = collect if sdk.preset != "llama-stack-client" else (lambda stream: some(stream, 8))
    stream = await a(create(model="m", messages=MESSAGES, stream=True))
    found = [
        type(stream).__name__,
        await read(stream),
        stream.response.status_code,
        await a(create(model="m", messages=MESSAGES)),
        await a(c.models.list()),
    ]
    await a(stream.close())
    async with inside(await a(create(model="left", messages=MESSAGES, stream=True))) as stream:
        found.append(await some(stream, 2))
    raw = await a(c.chat.completions.with_raw_response.create(model="m", messages=MESSAGES))
    found += [type(raw).__name__, raw.status_code, await a(raw.parse()), await a(raw.json())]
    async with inside(c.chat.completions.with_streaming_response.create(model="m", messages=MESSAGES)) as got:
        found += [type(got).__name__, await collect(got.iter_lines())]
    for model in ("bad", "limited", "html"):
        with pytest.raises(errors_of(sdk)) as error:
            await a(create(model=model, messages=MESSAGES))
        found.append(error.value)
    found.append(await a(c.post("/v1/chat/completions", body={"model": "m", "messages": MESSAGES}, cast_to=object)))
    return found


@pytest.mark.parametrize("kind", ["async", "sync"])
@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.preset)
async def test_every_use_comes_back_as_it_was(
    sdk: SDK, kind: str, server: Any, api_key: str, tmp_path: Path, shown: Any
):
    with memo.install(sdk.preset):
        async with opened(sdk, kind, server.url, api_key) as c:
            with memo.recording(tmp_path, mode="record", errors="all") as live:
                first = await uses(c, sdk)
        server.stop()
        assert live.stats.recorded == live.stats.live == 10
        async with opened(sdk, kind, server.url, api_key) as c:
            with memo.recording(tmp_path) as replayed:
                second = await uses(c, sdk)
    assert replayed.stats.replayed == live.stats.live
    assert shown(second) == shown(first)
    stored = b"".join(path.read_bytes() for path in recordings(tmp_path))
    for secret in (api_key, "set-cookie", "authorization", "Bearer", "verysecret"):
        assert secret.encode() not in stored
    plain = sdk.preset.replace("-", "_")
    assert (tmp_path / (sdk.function or f"{plain}.chat.completions")).is_dir()


async def anthropic_uses(c: Any) -> list[Any]:
    ask: dict[str, Any] = {"max_tokens": 9, "messages": MESSAGES}
    create = c.messages.create
    stream = await a(create(model="m", stream=True, **ask))
    found = [type(stream).__name__, await collect(stream), await a(create(model="m", **ask))]
    async with inside(c.messages.stream(model="n", **ask)) as helper:
        events = await collect(helper)
        found += [[(type(event).__name__, event) for event in events], await a(helper.get_final_message())]
    async with inside(c.messages.stream(model="o", **ask)) as helper:
        found += await collect(helper.text_stream)
    async with inside(c.messages.stream(model="p", **ask)) as helper:
        found += [event.type for event in await some(helper, 2)]
    async with inside(await a(create(model="left", stream=True, **ask))) as stream:
        found += await some(stream, 3)
    found.append(await a(c.messages.count_tokens(model="m", messages=MESSAGES)))
    page = await a(c.models.list())
    found += [page, await collect(page), await collect(c.models.list())]
    raw = await a(c.messages.with_raw_response.create(model="m", **ask))
    found += [type(raw).__name__, await a(raw.parse()), await a(raw.text()), raw.headers["request-id"]]
    raw = await a(c.messages.with_raw_response.create(model="m", stream=True, **ask))
    found += [await collect(await a(raw.parse()))]
    async with inside(c.messages.with_streaming_response.create(model="m", stream=True, **ask)) as got:
        found += [await collect(got.iter_lines())]
    for call in (
        lambda: create(model="bad", **ask),
        lambda: create(model="limited", **ask),
        lambda: create(model="html", **ask),
        lambda: create(model="bad", stream=True, **ask),
    ):
        with pytest.raises(anthropic().APIStatusError) as error:
            await a(call())
        found.append(error.value)
    items: list[Any] = []
    try:
        async for item in each(await a(create(model="broken", stream=True, **ask))):
            items.append(item)  # noqa: PERF401 - they count although it breaks
    except anthropic().APIStatusError as broken:
        return [*found, items, broken]
    raise AssertionError("it did not break")


def anthropic() -> Any:
    return importlib.import_module("anthropic")


ANTHROPIC = SDK("anthropic", "anthropic", "Anthropic")


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_anthropic(kind: str, server: Any, api_key: str, tmp_path: Path, shown: Any):
    with memo.install("anthropic"):
        async with opened(ANTHROPIC, kind, server.url, api_key) as c:
            with memo.recording(tmp_path, mode="record", errors="all") as live:
                first = await anthropic_uses(c)
        server.stop()
        assert live.stats.recorded == live.stats.live
        async with opened(ANTHROPIC, kind, server.url, api_key) as c:
            with memo.recording(tmp_path) as replayed:
                second = await anthropic_uses(c)
                ask: dict[str, Any] = {"model": "left", "max_tokens": 9, "messages": MESSAGES, "stream": True}
                with pytest.raises(StreamCutShort):
                    await collect(await a(c.messages.create(**ask)))
    assert replayed.stats.replayed == live.stats.live + 1
    assert shown(second) == shown(first)
    names = {path.parent.name for path in recordings(tmp_path)}
    assert names == {"anthropic.messages", "anthropic.messages.count_tokens", "anthropic.models"}
    stored = b"".join(path.read_bytes() for path in recordings(tmp_path))
    for secret in (api_key, "set-cookie", "x-api-key", "verysecret"):
        assert secret.encode() not in stored


@pytest.mark.parametrize("kinds", [("async", "sync"), ("sync", "async")])
async def test_anthropic_by_the_other_client(
    kinds: tuple[str, str], server: Any, api_key: str, tmp_path: Path, shown: Any
):
    with memo.install("anthropic"):
        async with opened(ANTHROPIC, kinds[0], server.url, api_key) as c:
            with memo.recording(tmp_path, mode="record", errors="all"):
                await anthropic_uses(c)
        async with opened(ANTHROPIC, kinds[1], server.url, api_key) as c:
            first = await anthropic_uses(c)
            server.stop()
            with memo.recording(tmp_path):
                assert shown(await anthropic_uses(c)) == shown(first)


async def test_anthropic_tokens_of_remote_servers_are_not_written(server: Any, api_key: str, tmp_path: Path):
    servers = [{"type": "url", "name": "s", "url": "http://mcp", "authorization_token": "verysecrettoken"}]
    with memo.install("anthropic"):
        async with opened(ANTHROPIC, "async", server.url, api_key) as c:
            with memo.recording(tmp_path, mode="record") as live:
                await c.beta.messages.create(model="m", max_tokens=1, messages=MESSAGES, mcp_servers=servers)
    (path,) = recordings(tmp_path)
    assert live.stats.recorded == 1
    assert "verysecret" not in path.read_text()


async def test_anthropic_and_its_beta_are_not_the_same_call(server: Any, api_key: str, tmp_path: Path):
    ask: dict[str, Any] = {"model": "m", "max_tokens": 1, "messages": MESSAGES}
    with memo.install("anthropic"):
        async with opened(ANTHROPIC, "async", server.url, api_key) as c:
            for mode in ("record-if-missing", "replay"):
                with memo.recording(tmp_path, mode=mode):
                    for resource in (c.messages, c.beta.messages):
                        beta = "Beta" if resource is c.beta.messages else ""
                        assert type(await resource.create(**ask)).__name__ == f"{beta}Message"
                        first = (await collect(await resource.create(**ask, stream=True)))[0]
                        assert type(first).__name__ == f"{beta}RawMessageStartEvent"
                    assert type((await c.models.list()).data[0]).__name__ == "ModelInfo"
                    assert type((await c.beta.models.list()).data[0]).__name__ == "BetaModelInfo"
                server.stop()
