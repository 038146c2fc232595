"""Connections over WebSockets: a scope says that they are not recorded, and a replay makes none."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from google import genai

import memo
from memo.errors import RecordingNotFound, UnrecordableValue

pytestmark = pytest.mark.filterwarnings("ignore:connect\\(\\) must be used:DeprecationWarning")  # openai's own
serve = pytest.importorskip("websockets.sync.server").serve


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    opened: list[str] = []

    def answer(connection: Any) -> None:
        opened.append(connection.request.path)
        connection.send('{"type": "session.created", "event_id": "e", "session": {}}')

    with serve(answer, "127.0.0.1", 0) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{made.socket.getsockname()[1]}", opened
        made.shutdown()
        thread.join()


def use(url: str) -> str:
    client = openai.OpenAI(api_key="k", websocket_base_url=url)
    with client.realtime.connect(model="m") as connection:
        return connection.recv().type


async def ause(url: str) -> str:
    connection = await openai.AsyncOpenAI(api_key="k", websocket_base_url=url).realtime.connect(model="m").enter()
    try:
        return (await connection.recv()).type
    finally:
        await connection.close()


def test_it_works_and_the_scope_says_that_nothing_is_recorded(server: tuple[str, list[str]], tmp_path: Path):
    url, opened = server
    with memo.install("openai"):
        with (
            pytest.raises(UnrecordableValue, match="a connection over a WebSocket") as raised,
            memo.recording(tmp_path, mode="record"),
        ):
            assert use(url) == "session.created"
        assert 'modes={"openai.websocket": "live"}' in str(raised.value)
        with memo.recording(tmp_path), pytest.raises(RecordingNotFound):
            use(url)
        assert len(opened) == 1
        for mode in ("record", "replay"):
            with memo.recording(tmp_path, mode=mode, modes={"openai.websocket": "live"}):
                assert use(url) == "session.created"
    assert len(opened) == 3


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # openai's library for WebSockets runs on asyncio alone
async def test_the_async_client(server: tuple[str, list[str]], tmp_path: Path):
    url, opened = server
    with memo.install("openai"):
        with pytest.raises(UnrecordableValue), memo.recording(tmp_path, mode="record"):
            assert await ause(url) == "session.created"
        with memo.recording(tmp_path), pytest.raises(RecordingNotFound):
            await ause(url)
    assert len(opened) == 1


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_google_live_is_not_opened_in_a_replay(tmp_path: Path):
    client = genai.Client(api_key="k")
    with memo.install("google-genai"), memo.recording(tmp_path), pytest.raises(RecordingNotFound):
        async with client.aio.live.connect(model="m"):
            pass
