"""google-genai: uploads are known by the content that is sent; downloads are written where they are to go, in a replay, too."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from answering import Answering
from uses import a

pytest.importorskip("google.genai")

from google_walking import opened

import memo

on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])
"""The SDK's async client needs asyncio."""


@pytest.fixture
def server() -> Iterator[Answering]:
    with Answering() as made, memo.install("google-genai"):
        made.answer(
            b'{"file": {"name": "files/f"}}',
            [("x-goog-upload-url", f"{made.url}/upload/f?upload_id=u"), ("x-goog-upload-status", "final")],
        )
        made.answer(b"\x00\xffcontent", [("content-type", "application/octet-stream")], path=":download")
        yield made


@pytest.fixture(params=["async", "sync"])
async def client(request: Any, server: Answering) -> Any:
    made = opened(server.url, "gemini")
    yield made.aio if request.param == "async" else made
    await made.aio.aclose()
    await anyio.to_thread.run_sync(made.close)


TEXT = {"mime_type": "text/plain"}


@on_asyncio
async def test_an_upload_is_known_by_its_content(client: Any, server: Answering, tmp_path: Path):
    file, elsewhere = tmp_path / "a.txt", tmp_path / "other"
    file.write_bytes(b"first")
    elsewhere.write_bytes(b"first")
    with memo.recording(tmp_path / "store", mode="record"):
        live = await a(client.files.upload(file=file, config=TEXT))
    server.stop()
    opened_file = io.BytesIO(b"--first")
    opened_file.seek(2)
    with elsewhere.open("rb") as descriptor, memo.recording(tmp_path / "store") as recorder:
        for same in (str(file), elsewhere, io.BytesIO(b"first"), descriptor, opened_file):
            assert await a(client.files.upload(file=same, config=TEXT)) == live
        assert opened_file.tell() == 7, "read to its end, as it is without memo"
        file.write_bytes(b"other")  # of the same size, at the same path
        with pytest.raises(memo.RecordingNotFound):
            await a(client.files.upload(file=file, config=TEXT))
    assert recorder.stats.replayed == 11


@on_asyncio
@pytest.mark.parametrize("kind", ["path", "text", "file", "nothing"])
async def test_a_download_is_written_in_a_replay_too(client: Any, server: Answering, tmp_path: Path, kind: str):
    async def downloaded(name: str) -> bytes:
        path, file = tmp_path / name, io.BytesIO()
        more: Any = {"path": path, "text": str(path), "file": file}.get(kind)
        result = await a(client.files.download(file="files/f", **({} if more is None else {"destination": more})))
        if kind == "nothing":
            return bytes(result)
        assert result is None
        return file.getvalue() if kind == "file" else path.read_bytes()

    without = await downloaded("without")
    with memo.recording(tmp_path / "store", mode="record"):
        assert await downloaded("live") == without == b"\x00\xffcontent"
    server.stop()
    with memo.recording(tmp_path / "store"):
        assert await downloaded("again") == without


@on_asyncio
async def test_what_cannot_be_written_to_is_refused_as_without_memo(client: Any, tmp_path: Path):
    with (
        memo.recording(tmp_path, mode="record"),
        pytest.raises(ValueError, match="Unsupported destination type: <class 'int'>"),
    ):
        await a(client.files.download(file="files/f", destination=3))


@on_asyncio
@pytest.mark.filterwarnings("ignore:Agents usage is experimental")
async def test_a_generated_resource_raises_its_recorded_errors(client: Any, server: Answering, tmp_path: Path):
    body = json.dumps({"error": {"code": 404, "message": "no such agent", "status": "NOT_FOUND"}}).encode()
    server.answer(body, [("content-type", "application/json")], status=404)
    with memo.recording(tmp_path, mode="record"), pytest.raises(Exception, match="no such agent") as live:
        await a(client.agents.get(id="none"))
    server.stop()
    with memo.recording(tmp_path), pytest.raises(Exception, match="no such agent") as again:
        await a(client.agents.get(id="none"))
    raised = [type(error.value) for error in (live, again)]
    assert raised[0] is raised[1]
    assert str(live.value) == str(again.value)
