"""A body that is given as an iterator is keyed by the bytes that are sent, and sent once."""

import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from answering import Answering
from uses import a

import memo

ANSWER = {
    "id": "file-1",
    "object": "file",
    "bytes": 3,
    "created_at": 1,
    "filename": "f",
    "purpose": "batch",
    "status": "processed",
}


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content[:1]
    yield content[1:]


GIVEN: dict[str, Callable[[bytes], Any]] = {
    "generator": lambda content: (content[at : at + 1] for at in range(len(content))),
    "map": lambda content: map(bytes, [content[:2], content[2:]]),
    "iterator": lambda content: iter([content]),
    "bytes": lambda content: content,
}
CASES = [("", name) for name in (*GIVEN, "file")] + [("Async", name) for name in ("async generator", "bytes")]
MAKE = {**GIVEN, "file": io.BytesIO, "async generator": _pieces}


@pytest.fixture
def server() -> Iterator[Answering]:
    with Answering() as made, memo.install("openai"):
        made.answer(json.dumps(ANSWER).encode(), [("content-type", "application/json")])
        yield made


@pytest.mark.parametrize(("kind", "name"), CASES)
async def test_a_body_is_its_bytes(kind: str, name: str, server: Answering, tmp_path: Path):
    client = getattr(openai, f"{kind}OpenAI")(base_url=server.url, api_key="k", max_retries=0)

    async def sent(content: Any) -> Any:
        return await a(client.post("/files", cast_to=openai.types.FileObject, content=content))

    with memo.recording(tmp_path, mode="record") as recorder:
        live = await sent(MAKE[name](b"one"))
    assert (recorder.stats.recorded, server.count) == (1, 1)
    server.stop()
    with memo.recording(tmp_path):
        assert await sent(MAKE[name](b"one")) == live
        with pytest.raises(memo.RecordingNotFound):
            await sent(MAKE[name](b"two"))
    await a(client.close())


async def test_the_options_of_the_caller_stay_as_they_are(server: Answering, tmp_path: Path):
    options = openai._models.FinalRequestOptions(method="post", url="/files", content=iter([b"one"]))
    given = options.content
    with openai.OpenAI(base_url=server.url, api_key="k") as client, memo.recording(tmp_path, mode="record"):
        client.request(openai.types.FileObject, options)
    assert options.content is given
