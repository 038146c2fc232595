"""Damaged recordings give errors of memo's own, at once: never another error, a hang, or more memory than they are long.

MEMO_FUZZ=1000000 python -m pytest tests/codecs/test_fuzz.py tries so many mutations, in a process with a limit on memory.
"""

import asyncio
import os
import resource
import subprocess
import sys
import warnings
from pathlib import Path
from random import Random
from time import process_time

import mutations
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memo import Recorder
from memo._calls.digest import entry_name
from memo._recordings.document import parse
from memo._recordings.outcomes import Outcome
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import MemoError
from memo.stores import MemoryStore

LONG = int(os.environ.get("MEMO_FUZZ", "0"))
SEED = os.environ.get("MEMO_FUZZ_SEED", "1")  # no test sees the variables of memo's own
SECONDS, MEGABYTES = 1.0, 256
SEEDS = mutations.recordings()


def tried(data: bytes) -> None:
    """Read all of a damaged recording, as a replay does."""
    try:
        document = parse(data, "here")
    except MemoError:
        return
    values = Values(Types())
    for tree in document.outcomes:
        for once in (None, data):
            try:
                outcome = Outcome(orjson.loads(orjson.dumps(tree)), values, lambda: "here", once=once)
            except MemoError:
                continue
            items = outcome.items or ()
            for read in (outcome.read, outcome.error, outcome.returned, outcome.response, items.__iter__):
                try:
                    list(read() if read == items.__iter__ else [read and read()])
                except MemoError:
                    continue


async def replayed(data: bytes) -> None:
    """Replay a damaged recording through the API."""
    try:
        document = parse(data, "here")
    except MemoError:
        return
    store = MemoryStore()
    recorder = Recorder(store, mode="replay")
    store.put(entry_name(document.function, document.key), data)

    def function(arguments):
        raise AssertionError("a live call")

    function = recorder.recordable(
        name=document.function, version=document.version, key=lambda given: given["arguments"]
    )(function)
    for _ in range(2):
        try:
            result = function(document.arguments)
            if hasattr(result, "__aiter__"):
                result = [item async for item in result]
            elif hasattr(result, "__await__"):
                result = await result
            elif hasattr(result, "__next__"):
                result = [*result]
        except MemoError:
            continue
        except Exception as error:
            # It may be what was recorded: an error that the function raised, or a stream ended with.
            if not any("error" in tree or "error" in (tree.get("stream") or ()) for tree in document.outcomes):
                raise AssertionError(f"{type(error).__name__}: {error}") from error


def mutation(random: Random) -> bytes:
    return mutations.mutated(random.choice(SEEDS), random, SEEDS)


@pytest.mark.parametrize("number", range(len(SEEDS)))
def test_the_recordings_themselves_are_read(number):
    document = parse(orjson.dumps(SEEDS[number]), "here")
    for tree in document.outcomes:
        if "ogx_api" in str(tree):  # a package that is not installed
            continue
        outcome = Outcome(tree, Values(Types()), lambda: "here")
        for read in (outcome.read, outcome.error, outcome.returned):
            if read is not None:
                read()


@given(st.randoms(use_true_random=False, note_method_calls=False))
def test_a_damaged_recording_gives_an_error_of_memos(random):
    data = mutation(random)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tried(data)


def test_and_so_does_its_replay():
    random = Random(5)

    async def run():
        for _ in range(150):
            await replayed(mutation(random))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asyncio.run(run())


@pytest.mark.skipif(not LONG, reason="MEMO_FUZZ=100000 tries so many mutations")
def test_many_mutations_take_neither_time_nor_memory():
    shared = [str(Path(mutations.__file__).parent), str(Path(__file__).parent), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(shared)}
    program = f"import test_fuzz; test_fuzz.run({LONG}, {SEED})"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]


def run(count: int, seed: int) -> None:
    """Try that many mutations, in a process that cannot take much more memory than it has now."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + MEGABYTES * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    slowest, bad = 0.0, 0

    async def all_of_them() -> None:
        nonlocal slowest, bad
        for number in range(count):
            data = mutation(Random(f"{seed}:{number}"))
            began = process_time()
            try:
                tried(data)
                if number % 4 == 0:
                    await replayed(data)
            except BaseException as error:
                bad += 1
                sys.stdout.write(f"{seed}:{number}: {type(error).__name__}: {error}\n{data[:3000]!r}\n")
                if bad > 20:
                    raise
            slowest = max(slowest, process_time() - began)
            if process_time() - began > SECONDS:
                bad += 1
                sys.stdout.write(f"{seed}:{number}: took {process_time() - began:.1f} s\n{data[:3000]!r}\n")

    asyncio.run(all_of_them())
    sys.stdout.write(f"{count} mutations, {bad} faults, the slowest took {slowest:.3f} s\n")
    if bad:
        raise SystemExit(1)
