"""Recording, against what it is made of: encode and prove (`memo.dumps`), and an atomic, flushed write of the bytes.

What is on top of that is the rest: the key, the search for secrets, the file's layout, the other calls that wait. Both
keep the event loop free while they write, in a worker thread.
"""

import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import count

import orjson
from anyio import to_thread
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel

from benchmarks._harness import Row, race
from benchmarks._samples import ANSWER, Answer, chunks, stream
from memo import Recorder
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.stores import DirectoryStore

VALUES = Values(Types())


def by_itself(value: BaseModel) -> bytes:
    """What `memo.dumps` does, with the types it has met before."""
    return orjson.dumps(VALUES.encode(value))


def rows(*, quick: bool) -> Iterator[Row]:
    rounds = 20 if quick else 80
    with tempfile.TemporaryDirectory() as directory:
        recorder = Recorder(directory, mode="record-if-missing")
        store = DirectoryStore(directory)
        yield model(recorder, store, rounds)
        yield chat(recorder, store, rounds)


def model(recorder: Recorder, store: DirectoryStore, rounds: int) -> Row:
    numbers = count()

    @recorder.recordable
    async def ask(number: int) -> Answer:
        return ANSWER

    async def by_hand() -> None:
        await to_thread.run_sync(store.put, f"by-hand/{next(numbers)}", by_itself(ANSWER))

    return race("record: model of 1 KB", 1.5, lambda: ask(next(numbers)), by_hand, rounds=rounds, number=5)


def chat(recorder: Recorder, store: DirectoryStore, rounds: int) -> Row:
    numbers = count()
    items = chunks()

    @recorder.recordable
    def ask(number: int) -> AsyncIterator[ChatCompletionChunk]:
        return stream(items)

    async def recorded() -> None:
        async for _ in ask(next(numbers)):
            pass

    async def by_hand() -> None:
        lines = [by_itself(item) async for item in stream(items)]
        await to_thread.run_sync(store.put, f"by-hand/{next(numbers)}", b"\n".join(lines))

    return race("record: stream of 30 chunks", 1.5, recorded, by_hand, rounds=rounds, number=5)
