"""Whatever is killed loses nothing that was acknowledged, leaves no torn recording, and blocks no next run.

Quick by default: a few kills of each, at system calls. MEMO_KILLS=2000 makes it so many of each, half of them at any instant.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import killed
import orjson
import pytest
from killed import NUMBERS, OWN, SECRET, answer, renewed
from llama_stack_files import Old, chunk, request, stream
from rekeying import documents

from memo.maintenance.pending import all_pending, pending_store
from memo.maintenance.scan import scan
from memo.maintenance.verify import verify
from memo.stores import DirectoryStore, Reviews, Store, as_store

pytest.importorskip("openai")
if not hasattr(os, "fork"):
    pytest.skip("needs fork", allow_module_level=True)

SEED = os.environ.get("MEMO_KILLS_SEED", "1")  # no test sees the variables of memo's own
LONG = int(os.environ.get("MEMO_KILLS", "0"))
KILLS = LONG or 5
MEMORY = Path("/dev/shm")
"""Where nothing waits for a disk: what a kill leaves there is the same."""
TASKS = ("record", "rekey", "prune", "mask", "copy", "push", "import", "aside", "accept", "reject", "review")

Run = Callable[[str, str, Path, str], tuple[int, str]]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Run a task in its own process, to be killed: the exit status, and what the process said."""
    shared = str(Path(killed.__file__).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([shared, *sys.path])}
    with subprocess.Popen(
        [sys.executable, killed.__file__], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def one(task: str, url: str, folder: Path, kill: str) -> tuple[int, str]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{task} {url} {folder} {kill}\n")
            process.stdin.flush()
            status, _, said = process.stdout.readline().partition(" ")
            return int(status), said.strip()

        yield one
        process.kill()


def made(task: str, kind: str, folder: Path) -> str:
    """Make what the task works on. Returns the URL of the store."""
    url = {"directory": str(folder / "store"), "sqlite": f"sqlite:///{folder}/store.db"}[kind]
    (folder / "tmp").mkdir()
    killed.made(task, url, folder)
    if task == "import":
        old = Old(folder)
        for number in NUMBERS:
            old.write(str(number), request(n=number, stream=True), stream(chunk(f"<{number}>")), test=f"t{number}")
    return url


def texts(store: Store) -> str:
    return b"\n".join(store.get(name) or b"" for name in store.scan()).decode()


def numbers(store: Store, function: str = "f") -> list[int]:
    return sorted(
        document["outcomes"][0]["value"]["number"] for document in documents(store) if document["function"] == function
    )


def judged(store: Store) -> dict[int, dict[str, Any]]:
    return {each["arguments"]["x"]: each["outcomes"][0]["value"] for each in documents(store)}


def nothing_is_lost(task: str, store: Store, folder: Path) -> None:
    """Check a store after a kill, at any instant."""
    assert [failure for failure in verify(store).failures if failure.reason != "type not found"] == []
    match task:
        case "record":
            held = {each["arguments"]["x"]: each["outcomes"][0]["value"] for each in documents(store)}
            log = folder / "answered"
            # What follows the last line break was being written when the kill came: it was not acknowledged.
            for line in log.read_bytes().split(b"\n")[:-1] if log.exists() else ():
                given = orjson.loads(line)
                assert held[given["number"]] == given
        case "rekey" | "mask":
            assert set(numbers(store)) == set(NUMBERS)
            assert set(numbers(store, "g")) == set(NUMBERS)
        case "prune":
            assert set(numbers(store)) <= set(NUMBERS)
        case "copy":
            assert numbers(DirectoryStore(folder / "source")) == [*NUMBERS]
        case "push":
            assert {*numbers(DirectoryStore(folder / "source")), *numbers(store)} == set(NUMBERS)
        case "import":
            assert len(list((folder / "old").iterdir())) == len(NUMBERS)
        case "aside" | "accept" | "reject" | "review":
            assert isinstance(store, Reviews)
            assert verify(store.pending()).failures == []
            assert numbers(store) == [*NUMBERS]
            for number, value in judged(store).items():
                assert value == answer(number) or (task in ("accept", "review") and value == renewed(number))
    for file in (folder / "tmp").rglob("*"):
        assert file.is_dir() or SECRET.encode() not in file.read_bytes()


def all_is_done(task: str, store: Store, folder: Path) -> None:
    """Check a store after the next run, which is not killed."""
    nothing_is_lost(task, store, folder)
    match task:
        case "record" | "copy":
            assert numbers(store) == [*NUMBERS]
        case "rekey":
            assert numbers(store) == numbers(store, "g") == [*NUMBERS]
            assert all("trace" not in each["arguments"] for each in documents(store))
            assert {each["watched"]["y"] for each in documents(store) if each["function"] == "g"} == {"1" * 16}
        case "prune":
            assert list(store.scan()) == []
        case "mask":
            assert numbers(store) == numbers(store, "g") == [*NUMBERS]
            assert scan(store, OWN).findings == []
            assert SECRET not in texts(store)
        case "push":
            assert numbers(store) == [*NUMBERS]
            assert list(DirectoryStore(folder / "source").scan()) == []
        case "aside":
            assert len(list(all_pending(store))) == len(NUMBERS)
        case "accept" | "reject" | "review":
            assert list(pending_store(store).scan()) == []
            made = answer if task == "reject" else renewed
            assert judged(store) == {number: made(number) for number in NUMBERS}
        case "import":
            assert len(list(store.scan())) == len(NUMBERS)
            assert all(f"<{number}>" in texts(store) for number in NUMBERS)


@pytest.mark.parametrize("kind", ["directory", "sqlite"])
@pytest.mark.parametrize("task", TASKS)
def test_a_kill_loses_nothing_and_blocks_no_other(task: str, kind: str, run: Run, tmp_path: Path):
    whole = tmp_path / "whole"
    whole.mkdir()
    began = time.perf_counter()
    status, calls = run(task, made(task, kind, whole), whole, "none")
    assert status == 0, calls
    seconds = time.perf_counter() - began
    random = Random(f"{task} {kind} {SEED}")
    survived = 0
    for number in range(KILLS):
        place = int(calls) * number // KILLS if not LONG else random.randrange(int(calls))
        kill = f"seconds={random.uniform(0, seconds):.6f}" if LONG and number % 2 else str(place)
        with tempfile.TemporaryDirectory(dir=MEMORY if LONG and MEMORY.is_dir() else tmp_path) as name:
            folder = Path(name)
            url = made(task, kind, folder)
            status, said = run(task, url, folder, kill)
            assert status in (-signal.SIGKILL, 0), said
            survived += status == 0
            nothing_is_lost(task, as_store(url), folder)
            assert run(task, url, folder, "none")[0] == 0
            all_is_done(task, as_store(url), folder)
    assert survived <= KILLS // 2
    shutil.rmtree(whole)
