"""The openai preset: every use of the client, recorded from a real server, which is stopped, and replayed."""

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from openai_uses import MESSAGES, USES, Use, client, one, opened

import memo

# The SDKs and httpx leave generators of their own behind, which trio reports.
pytestmark = pytest.mark.filterwarnings(r"ignore:Async generator '(openai|httpx|httpcore):ResourceWarning")


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
    installed.uninstall()
    with client("sync", server.url, api_key) as c:
        create = c.chat.completions.with_raw_response.create
        with memo.install("openai"), memo.recording(tmp_path, mode="record") as live:
            create(model="m", messages=MESSAGES)
    assert live.stats.recorded == 1
