"""memo as a memoizer, in memory and on disk, against the libraries that people take for it.

Each kind of value is recorded once and then asked for again. On disk nothing is kept in memory, by anybody who has that
choice (`Recorder(memory=0)`): a hit reads its file. Before it is timed, each has to prove that it makes no second call
and gives back an equal value; what it cannot do is said in its own words.

Run as a module it is a process that stores or reads many keys: `python -m benchmarks.memoizer write|read WHO DIRECTORY COUNT`.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import orjson
from openai.types.chat import ChatCompletionChunk
from pydantic import TypeAdapter

from benchmarks._harness import Row, Skipped, Way, race, race_all, run_python, said
from benchmarks._peers import DISK, FLUSHED, MEMORY, Decorate, Function
from benchmarks._samples import ANSWER, EMBEDDING, HISTORY, QUESTION, Answer, chunks
from memo import Recorder
from memo._calls.key_builder import KeyBuilder
from memo._calls.signature import Signature
from memo.stores import MemoryStore

MANY = 10_000
CHUNKS = chunks()
called = 0


async def tiny(number: int) -> int:
    return _called(number)


async def answer(question: str) -> Answer:
    return _called(ANSWER)


async def pieces(question: str) -> list[ChatCompletionChunk]:
    return _called(CHUNKS)


async def stream(question: str) -> AsyncIterator[ChatCompletionChunk]:
    for chunk in _called(CHUNKS):
        yield chunk


async def embedding(text: str) -> list[float]:
    return _called(EMBEDDING)


async def judged(history: list[dict[str, str]]) -> Answer:
    return _called(ANSWER)


def _called(value: Any) -> Any:
    global called  # noqa: PLW0603
    called += 1
    return value


KINDS: tuple[tuple[str, Any, Any], ...] = (
    ("tiny int", tiny, 7),
    ("model of 1 KB", answer, QUESTION),
    ("30 chunks", pieces, QUESTION),
    ("stream of 30 chunks", stream, QUESTION),
    ("embedding", embedding, QUESTION),
    ("100 KB argument", judged, HISTORY),
)


def rows(*, quick: bool) -> Iterator[Row | Skipped]:
    rounds = 5 if quick else 25
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for kind, function, argument in KINDS:
            memo = hit(Recorder("memory://", mode="record-if-missing").recordable, function, argument)
            targets = {"cashews": 1 / 5, "cashews, fresh": 1 / 5}
            others = ways(MEMORY, directory / f"in-memory {kind}", function, argument, targets)
            yield from race_all({f"memory: {kind}": memo}, others, rounds=rounds)
        for kind, function, argument in KINDS:
            here = directory / kind
            memo = hit(Recorder(here / "memo", mode="record-if-missing", memory=0).recordable, function, argument)
            others = {
                **by_hand(here, function),
                **ways(DISK, here, function, argument, dict.fromkeys(DISK, 1.0)),
            }
            yield from race_all({f"disk: {kind}": memo}, others, rounds=rounds)
        yield from misses(directory / "misses", rounds)
        yield key_of_100_kb(rounds)
        yield from many(directory, 300 if quick else MANY, rounds=1 if quick else 3)


def ways(
    peers: dict[str, Any], directory: Path, function: Function, argument: Any, targets: dict[str, float]
) -> dict[str, Way | str]:
    found: dict[str, Way | str] = {}
    for name, make in peers.items():
        try:
            found[name] = make if isinstance(make, str) else hit(make(directory / name), function, argument)
        except Exception as error:  # noqa: BLE001 - the decorator may refuse the function
            found[name] = said(error)
        else:
            if isinstance(found[name], Way):
                found[name] = found[name]._replace(target=targets.get(name))
    return found


def hit(decorate: Decorate, function: Function, argument: Any) -> Way:
    """Asking again for what is stored."""
    decorated = decorate(function)
    streams = function is stream

    async def call() -> Any:
        return [each async for each in decorated(argument)] if streams else await decorated(argument)

    async def prove() -> None:
        await call()
        before, again = called, await call()
        if called != before:
            raise TypeError("calls again")
        expected = [chunk async for chunk in stream(argument)] if streams else await function(argument)
        if again != expected or type(again) is not type(expected):
            raise TypeError(f"gives back a {type(again).__name__} that is not equal")

    async def consume() -> None:
        async for _ in decorated(argument):
            pass

    return Way(consume if streams else lambda: decorated(argument), prove=prove)


def by_hand(directory: Path, function: Function) -> dict[str, Way | str]:
    """The least: the arguments' digest names a JSON file, which is validated."""
    value = {answer: ANSWER, pieces: CHUNKS, stream: CHUNKS}.get(function)
    if value is None:
        return {}
    adapter: TypeAdapter[Any] = TypeAdapter(type(value) if value is ANSWER else list[ChatCompletionChunk])
    folder = directory / "by-hand"
    folder.mkdir(parents=True)

    async def call() -> Any:
        key = sha256(orjson.dumps([QUESTION], option=orjson.OPT_SORT_KEYS)).hexdigest()
        path = f"{folder}/{key}.json"
        try:
            with open(path, "rb") as file:  # noqa: ASYNC230, PTH123
                return adapter.validate_json(file.read())
        except FileNotFoundError:
            with open(path, "wb") as file:  # noqa: ASYNC230, PTH123
                file.write(adapter.dump_json(value, by_alias=True, exclude_unset=True))

    return {"by hand": Way(call, target=1.5)}


def misses(directory: Path, rounds: int) -> Iterator[Row | Skipped]:
    """A call that is not stored yet: made, and stored. memo proves what it stores, and flushes it to disk."""

    def new(decorate: Decorate) -> Way:
        decorated, numbers = decorate(answer), count()
        return Way(lambda: decorated(f"{next(numbers)}"))

    def others(place: str, peers: dict[str, Any], note: str = "") -> dict[str, Way | str]:
        return {
            name: make if isinstance(make, str) else new(make(directory / place / name))._replace(note=note)
            for name, make in peers.items()
        }

    memo = new(Recorder("memory://", mode="record-if-missing").recordable)
    yield from race_all({"memory: miss and store, 1 KB": memo}, others("memory", MEMORY), rounds=rounds)
    memo = new(Recorder(directory / "memo", mode="record-if-missing").recordable)
    quick = {
        name: each if isinstance(each, str) else each._replace(target=1.0)
        for name, each in others("disk", DISK, "does not flush").items()
    }
    bare = {"bare write, flushed": bare_write(directory / "bare")}
    yield from race_all(
        {"disk: miss and store, 1 KB": memo}, {**quick, **others("disk", FLUSHED), **bare}, rounds=rounds
    )


def bare_write(directory: Path) -> Way:
    """What flushing costs by itself: the bytes of one recording, written to a temporary file, flushed, linked into place."""
    store = MemoryStore()
    asyncio.run(Recorder(store, mode="record-if-missing").recordable(answer)(QUESTION))
    data, numbers = store.get(next(store.scan())) or b"", count()
    directory.mkdir(parents=True)

    async def write() -> None:
        path = f"{directory}/{next(numbers)}.json"
        file = os.open(f"{path}.tmp", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(file, data)
        os.fsync(file)
        os.close(file)
        os.link(f"{path}.tmp", path)
        os.unlink(f"{path}.tmp")  # noqa: PTH108

    return Way(write)


def key_of_100_kb(rounds: int) -> Row:
    key_builder = KeyBuilder("benchmarks.judged", Signature(judged))

    async def key() -> None:
        key_builder.call(None, (HISTORY,), {})

    async def by_hand() -> None:
        sha256(orjson.dumps({"history": HISTORY}, option=orjson.OPT_SORT_KEYS)).hexdigest()

    return race("key of a 100 KB argument", 1.5, key, by_hand, rounds=rounds, number=20)


def many(directory: Path, number: int, *, rounds: int) -> Iterator[Row | Skipped]:
    """Many keys, stored by one process and read by a new one. Imports are not counted."""
    taken: dict[str, dict[str, list[float]]] = {}
    reasons: dict[str, str] = {name: each for name, each in DISK.items() if isinstance(each, str)}
    names = ["memo", *(name for name in DISK if name not in reasons)]
    sizes: dict[str, float] = {}
    for _ in range(rounds):
        for name in names:
            store = directory / "many" / name
            try:
                for what in ("write", "read"):
                    time_taken = float(run_python("-m", "benchmarks.memoizer", what, name, str(store), str(number)))
                    taken.setdefault(what, {}).setdefault(name, []).append(time_taken)
            except RuntimeError as error:
                reasons[name] = str(error)
            if store.exists():
                sizes[name] = sum(each.stat().st_blocks * 512 for each in store.rglob("*") if each.is_file()) / number
                shutil.rmtree(store)
    for what, subject in (
        ("write", f"disk: {number:,} new keys stored"),
        ("read", f"disk: {number:,} keys read by a cold process"),
    ):
        for name in DISK:
            if name in reasons:
                yield Skipped(subject, reasons[name], name)
                continue
            mine, others = (sorted(taken[what][each])[rounds // 2] for each in ("memo", name))
            yield Row(subject, mine, others, 1.0, against=name, note="does not flush" if what == "write" else "")
    for name in DISK:
        if name not in reasons:
            yield Row("disk: bytes a key takes", sizes["memo"], sizes[name], unit="B", against=name)


async def run(what: str, name: str, directory: str, number: int) -> float:
    """Store or read that many keys, and the seconds that it took."""
    make: Callable[[Path], Decorate] | Any = DISK.get(name)
    decorate = make(Path(directory)) if make else Recorder(directory, mode="record-if-missing").recordable
    decorated = decorate(answer)
    start = time.perf_counter()
    for each in range(number):
        await decorated(f"question {each}")
    taken = time.perf_counter() - start
    if called != (number if what == "write" else 0):
        raise RuntimeError(f"{called} calls to {what} {number} keys")
    return taken


if __name__ == "__main__":
    from benchmarks import memoizer  # by its own name: the stored functions and models are named by their module

    print(asyncio.run(memoizer.run(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))))
