"""What grows with the number of recordings, and what does not.

Run as a module it is its own process: `python -m benchmarks.growth WHAT DIRECTORY COUNT` prints seconds, or bytes.
"""

import asyncio
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from pydantic import BaseModel

from benchmarks._harness import Row, run_python, spread
from benchmarks._samples import ANSWER, Answer
from memo import Recorder
from memo._calls.digest import KEY_CHARACTERS, call_key
from memo._json import canonical_json
from memo.errors import RecordingNotFound

ASKED = 1_000
"""How many of the recordings are replayed, and how many that are not there are asked for."""

KB = 26
MEMORY = 64 * 1024 * 1024


class Page(BaseModel):
    text: str


class Item(BaseModel):
    number: int
    text: str = "so it goes"


async def ask(number: int) -> Answer:
    raise AssertionError("it is recorded")


async def read(number: int) -> Page:
    raise AssertionError("it is recorded")


async def items(count: int) -> AsyncIterator[Item]:
    for number in range(count):
        yield Item(number=number)


def rows(*, quick: bool) -> Iterator[Row]:
    rounds = 3 if quick else 7
    small, *larger = (100, 10_000) if quick else (100, 10_000, 1_000_000)
    with directory_of_many() as directory:
        for count in (small, *larger):
            fill(Path(directory, str(count)), "benchmarks.growth.ask", ANSWER, count)
        for count in larger:
            for what in ("replay", "absent", "miss"):
                times = [[timed(what, directory, each) for each in (count, small)] for _ in range(rounds)]
                best, floor = (sorted(each)[rounds // 2] for each in zip(*times, strict=True))
                yield Row(
                    f"growth: {TOLD[what]} among {count:,}",
                    best,
                    floor,
                    1.3,
                    spread([one / other for one, other in times]),
                    against=f"among {small:,}",
                )
    few, many = (3_000, 6_000) if quick else (5_000, 100_000)
    with directory_of_many() as directory:
        fill(Path(directory, str(many)), "benchmarks.growth.read", Page(text="memo " * (KB * 200)), many)
        peaks = [float(run_python("-m", "benchmarks.growth", f"memory {n}", directory, str(many))) for n in (few, many)]
        note = f"the memory= of 64 MiB holds {MEMORY // (KB * 1024):,}"
        subject = f"growth: peak memory, {many:,} recordings of {KB} KB replayed"
        yield Row(subject, peaks[1], peaks[0], 1.1, unit="B", against=f"{few:,} replayed", note=note)
    few, many = (500, 5_000) if quick else (1_000, 100_000)
    for what in ("record", "play"):
        with tempfile.TemporaryDirectory() as directory:
            taken: list[list[float]] = []
            for count in (few, many):
                for each in ("record",) if what == "record" else ("record", "play"):
                    told = run_python("-m", "benchmarks.growth", each, directory, str(count))
                taken.append([float(each) for each in told.split()])
        (seconds, peak), (seconds_few, peak_few) = taken[1], taken[0]
        subject = f"growth: an item of a stream of {many:,}, {what}ed"
        yield Row(subject, seconds / many, seconds_few / few, 1.3, against=f"of {few:,}")
        yield Row(f"growth: peak memory, {many:,} items {what}ed", peak, peak_few, unit="B", against=f"{few:,} items")


TOLD = {"replay": "a replay", "absent": "cache_contains of what is not there", "miss": "a miss in replay"}


def timed(what: str, directory: str, count: int) -> float:
    return float(run_python("-m", "benchmarks.growth", what, directory, str(count)))


@contextmanager
def directory_of_many() -> Iterator[str]:
    """A temporary directory. Its files are deleted as they lie on the disk: in any other order a million take half an hour."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            yield directory
        finally:
            for folder, _, _ in os.walk(directory):
                with os.scandir(folder) as entries:
                    files = sorted((each.inode(), each.path) for each in entries if each.is_file())
                for _, path in files:
                    os.unlink(path)  # noqa: PTH108


def fill(store: Path, function: str, value: BaseModel, count: int) -> None:
    """Recordings as memo writes them, but not flushed."""
    folder = store / function
    folder.mkdir(parents=True)
    module = type(value).__module__
    head = f'{{\n  "memo": 1,\n  "function": "{function}",\n  "key": "'
    tail = (
        '"},\n  "recorded_at": "2026-11-23T09:30:00Z",\n  "outcomes": [\n    '
        + orjson.dumps(
            {"value": {"__type__": f"{module}:{type(value).__qualname__}", "value": value.model_dump()}, "seconds": 1.0}
        ).decode()
        + "\n  ]\n}\n"
    ).replace('"}', "}", 1)
    for number in range(count):
        arguments = canonical_json({"number": number})
        key = call_key(function, arguments)
        with open(f"{folder}/{key[:KEY_CHARACTERS]}.json", "wb") as file:  # noqa: PTH123
            file.write(f'{head}{key}",\n  "arguments": {arguments.decode()[:-1]}{tail}'.encode())


async def run(what: str, directory: str, count: int) -> str:
    """The seconds that one call takes, or bytes at the most in memory."""
    what, _, replayed = what.partition(" ")
    recorder = Recorder(f"{directory}/{count}", mode="replay", memory=MEMORY if what == "memory" else 0)
    if what in ("record", "play"):
        return await streamed(what, directory, count)
    if what == "memory":
        page = recorder.recordable(name="benchmarks.growth.read")(read)
        for number in range(int(replayed)):
            await page(number)
        return str(peak())
    decorated = recorder.recordable(name="benchmarks.growth.ask")(ask)
    numbers = random.Random(0).sample(range(count), min(count, ASKED))
    await decorated(numbers[0])
    start = time.perf_counter()
    for number in numbers:
        match what:
            case "replay":
                await decorated(number)
            case "absent":
                assert not decorated.cache_contains(-1 - number)
            case "miss":
                try:
                    await decorated(-1 - number)
                except RecordingNotFound:
                    continue
                raise AssertionError("it was found")
        if time.perf_counter() - start > 10:
            break
    return str((time.perf_counter() - start) / len(numbers))


async def streamed(what: str, directory: str, count: int) -> str:
    recorder = Recorder(directory, mode="record" if what == "record" else "replay")
    stream = recorder.recordable(name="benchmarks.growth.items")(items)
    start = time.perf_counter()
    seen = 0
    async for _ in stream(count):
        seen += 1
    assert seen == count
    recorder.raise_failures()
    return f"{time.perf_counter() - start} {peak()}"


def peak() -> int:
    """The bytes that this process had in memory at the most."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says begins with the peak of the parent process
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    print(asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
