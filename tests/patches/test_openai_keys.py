"""The openai preset: what identifies a call, and the options of the preset."""

import io
import json
import os
import re
from pathlib import Path
from typing import Any

import openai
import pytest
from openai_uses import MESSAGES, opened, raised, recordings

import memo
from memo.errors import AlreadyPatched, InvalidOption, RecordingNotFound, UnkeyableArgument, WatchedFieldChangedWarning

# The SDKs and httpx leave generators of their own behind, which trio reports.
pytestmark = pytest.mark.filterwarnings(r"ignore:Async generator '(openai|httpx|httpcore):ResourceWarning")


@pytest.fixture(autouse=True)
def installed() -> Any:
    with memo.install("openai") as installation:
        yield installation


async def test_what_identifies_a_call(server: Any, api_key: str, tmp_path: Path):
    async def calls(c: Any, **more: Any) -> int:
        with memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
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
        with memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
            for key in ("a", "b"):
                body = {"model": "m", "messages": MESSAGES}
                await c.post("/chat/completions", body=body, cast_to=object, options={"idempotency_key": key})
    assert recorder.stats.recorded == 1


async def test_uploads_are_known_by_their_content(server: Any, api_key: str, tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one")

    async def uploads(c: Any, file: Any) -> int:
        with memo.recording(tmp_path / "store", mode="record-if-missing", draws=False) as recorder:
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
    installed.uninstall()
    with memo.install("openai", headers=("OpenAI-Beta", "x-tenant", "authorization")):
        async with opened("async", server.url, api_key, default_headers={"X-Tenant": "t1"}) as c:
            with memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
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
    installed.uninstall()
    with memo.install("openai", ignore=("server",)):
        with memo.recording(tmp_path / "shared", mode="record"):
            await ask(server.url)
        server.stop()
        with memo.recording(tmp_path / "shared") as replayed:
            await ask("http://127.0.0.1:9")
    assert replayed.stats.replayed == 1


async def test_more_options_for_a_preset(server: Any, api_key: str, tmp_path: Path, installed: Any):
    installed.uninstall()
    body: Any = {"model": "m", "messages": MESSAGES}
    azure = {"data_sources": [{"authentication": {"type": "api_key", "key": "verysecretazure"}}]}
    with memo.install("openai", ignore=["body.user", "server"], watch="body.messages[0]", version=2, errors="all"):
        async with opened("async", server.url, api_key) as c:
            with memo.recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
                await c.chat.completions.create(**body, user="u1", extra_body=azure)
                await c.chat.completions.create(**body, user="u2", extra_body=azure)
                await raised(lambda: c.chat.completions.create(model="limited", messages=MESSAGES))
            assert recorder.stats.recorded == 2
            with (
                memo.recording(tmp_path),
                pytest.warns(WatchedFieldChangedWarning, match=re.escape("body.messages[0]")),
            ):
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
    with pytest.raises(AlreadyPatched):
        memo.install("openai", ignore=("server",))
    with pytest.raises(AlreadyPatched):
        memo.install("openai", headers=("x-a",))
    memo.install("openai").uninstall()
