"""Recording, against the same by hand: encode, prove, write to a temporary file, flush it to disk, move it into place.

Both keep the event loop free while they write, in a worker thread.
"""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

from anyio import to_thread
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel

from benchmarks._harness import Row, race
from benchmarks._samples import ANSWER, Answer, chunks, stream
from memo import Recorder


def rows(*, quick: bool) -> Iterator[Row]:
    rounds = 20 if quick else 80
    with tempfile.TemporaryDirectory() as directory:
        recorder = Recorder(directory, mode="record-if-missing")
        folder = Path(directory, "by-hand")
        folder.mkdir()
        yield model(recorder, folder, rounds)
        yield chat(recorder, folder, rounds)


def model(recorder: Recorder, folder: Path, rounds: int) -> Row:
    numbers = count()

    @recorder.recordable
    async def ask(number: int) -> Answer:
        return ANSWER

    async def by_hand() -> None:
        await to_thread.run_sync(write, folder / f"{next(numbers)}.json", encode_and_prove(ANSWER))

    return race("record: model of 1 KB", 1.5, lambda: ask(next(numbers)), by_hand, rounds=rounds, number=5)


def chat(recorder: Recorder, folder: Path, rounds: int) -> Row:
    numbers = count()
    items = chunks()

    @recorder.recordable
    def ask(number: int) -> AsyncIterator[ChatCompletionChunk]:
        return stream(items)

    async def recorded() -> None:
        async for _ in ask(next(numbers)):
            pass

    async def by_hand() -> None:
        lines = [encode_and_prove(item) async for item in stream(items)]
        await to_thread.run_sync(write, folder / f"{next(numbers)}.json", b"\n".join(lines))

    return race("record: stream of 30 chunks", 1.5, recorded, by_hand, rounds=rounds, number=5)


def encode_and_prove(value: BaseModel) -> bytes:
    data = value.model_dump_json(by_alias=True, exclude_unset=True).encode()
    if type(value).model_validate_json(data) != value:
        raise ValueError(value)
    return data


def write(path: Path, data: bytes) -> None:
    file, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        os.write(file, data)
        os.fsync(file)
    finally:
        os.close(file)
    os.replace(temporary, path)  # noqa: PTH105
