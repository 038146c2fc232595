"""The first replay of a new process: only that replay is timed, everything is imported before.

Run as a module it is such a process: `python -m benchmarks.cold WAY DIRECTORY` prints the seconds that it took.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import orjson
from openai.types.chat import ChatCompletionChunk

from benchmarks._harness import Row, race_processes
from benchmarks._samples import ANSWER, MESSAGES, Answer, chunks, stream
from memo import recordable, recording

LINKS = 10_000  # some file systems allow 65,000 links to one file


@recordable(name="benchmarks.ask")
async def ask(messages: list[dict[str, str]], model: str) -> Answer:
    return ANSWER


@recordable(name="benchmarks.chat")
def chat(messages: list[dict[str, str]], model: str) -> AsyncIterator[ChatCompletionChunk]:
    return stream(chunks())


def rows(*, quick: bool) -> Iterator[Row]:
    rounds, many = (7, 10_000) if quick else (25, 100_000)
    with tempfile.TemporaryDirectory() as directory:
        small, large = Path(directory, "small"), Path(directory, "large")
        for store in (small, large):
            asyncio.run(record(str(store)))
            (store / "model.json").write_bytes(orjson.dumps({"value": ANSWER.model_dump()}))
            items = [item.model_dump(by_alias=True, exclude_unset=True) for item in chunks()]
            (store / "stream.json").write_bytes(orjson.dumps({"items": items}))
        fill(small / "benchmarks.ask", 1_000)
        fill(large / "benchmarks.ask", many)
        for kind, name in (("model", "model of 1 KB"), ("stream", "stream of 30 chunks")):
            yield race_processes(f"cold: {name}", 1.5, child(kind, small), child(f"{kind}-floor", small), rounds=rounds)
        subject = f"cold: among {many:,} (floor: among 1,000)"
        yield race_processes(subject, 1.1, child("model", large), child("model", small), rounds=rounds)


def child(way: str, store: Path) -> list[str]:
    return ["-m", "benchmarks.cold", way, str(store)]


async def record(store: str) -> None:
    with recording(store, mode="record-if-missing"):
        await ask(MESSAGES, "some-model")
        async for _ in chat(MESSAGES, "some-model"):
            pass


def fill(folder: Path, count: int) -> None:
    """So many recordings beside the one that is there. What they hold does not matter: they are never opened."""
    (one,) = folder.iterdir()
    data = one.read_bytes()
    for number in range(count - 1):
        path = folder / f"{number:032x}.json"
        if number % LINKS == 0:
            path.write_bytes(data)
            one = path
        else:
            os.link(one, path)


async def first(way: str, store: str) -> float:
    """The seconds that the first replay takes, or the same by hand."""
    ChatCompletionChunk.model_rebuild()  # the SDK puts it off until the first validation
    with recording(store):
        start = time.perf_counter()
        match way:
            case "model":
                await ask(MESSAGES, "some-model")
            case "stream":
                async for _ in chat(MESSAGES, "some-model"):
                    pass
            case "model-floor":
                Answer.model_validate_json(orjson.dumps(parsed(f"{store}/model.json")["value"]))
            case "stream-floor":
                for item in parsed(f"{store}/stream.json")["items"]:
                    ChatCompletionChunk.model_validate_json(orjson.dumps(item))
        return time.perf_counter() - start


def parsed(path: str) -> Any:
    with open(path, "rb") as file:  # noqa: PTH123
        return orjson.loads(file.read())


if __name__ == "__main__":
    print(asyncio.run(first(*sys.argv[1:])))
