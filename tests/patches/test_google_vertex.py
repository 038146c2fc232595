"""The resources that are generated for google-genai, on Vertex: a replay asks nobody for a token."""

from collections.abc import Iterator
from pathlib import Path

import anyio.to_thread
import pytest
from answering import Answering
from google import genai
from google.auth import credentials, exceptions

import memo

pytestmark = [
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),  # the SDK's async client needs asyncio
    pytest.mark.filterwarnings("ignore::google.genai.errors.ExperimentalWarning"),
]


class Issued(credentials.Credentials):
    """Credentials that have to be fetched, from a server that can be gone."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.is_gone = False

    def refresh(self, request: object) -> None:
        self.asked += 1
        if self.is_gone:
            raise exceptions.RefreshError("there is nobody to ask")
        self.token = "ya29.issued"


@pytest.fixture
def server() -> Iterator[Answering]:
    with Answering() as made:
        made.answer(
            b'{"id": "i1", "object": "interaction", "model": "m", "status": "completed", "created": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:00Z", "steps": []}',
            [("content-type", "application/json")],
        )
        yield made


def connected(server: Answering, issued: Issued) -> genai.Client:
    return genai.Client(
        vertexai=True, project="p", location="l", credentials=issued, http_options={"base_url": server.url}
    )


def stored(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*.json"))


async def closed(client: genai.Client) -> None:
    await client.aio.aclose()
    await anyio.to_thread.run_sync(client.close)


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_a_replay_needs_no_token(kind: str, server: Answering, tmp_path: Path):
    async def use(client: genai.Client) -> str:
        if kind == "async":
            return repr(await client.aio.interactions.create(model="m", input="text"))
        return repr(client.interactions.create(model="m", input="text"))

    with memo.install("google-genai"):
        issued = Issued()
        client = connected(server, issued)
        live = await use(client)
        assert issued.asked == 1
        with memo.recording(tmp_path, mode="record"):
            assert await use(client) == live
        await closed(client)
        late = Issued()
        late.is_gone = True
        client = connected(server, late)
        with memo.recording(tmp_path, mode="record-if-missing") as rec:
            assert await use(client) == live
        assert (rec.stats.replayed, late.asked) == (1, 0)
        await closed(client)
        client = connected(server, late)
        with memo.recording(tmp_path) as rec:
            assert await use(client) == live
        assert rec.stats.replayed == 1
        assert late.asked == 0
        late.is_gone = False
        assert await use(client) == live  # with a token of its own, not with the one that stood for it
        assert late.asked == 1
        await closed(client)
        with memo.recording(tmp_path / "other", mode="record-if-missing"):
            issued = Issued()
            client = connected(server, issued)
            assert await use(client) == live
            assert (issued.asked, server.authorization) == (1, "Bearer ya29.issued")
            await closed(client)
    assert b"ya29" not in stored(tmp_path)
