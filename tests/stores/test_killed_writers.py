"""Processes that record the same calls into one store, while one after another of them is killed.

Quick by default; `MEMO_FLEET=16x1000` makes it sixteen processes with a thousand calls each, one of them killed every second.
"""

import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from memo import recordable, recording
from memo.maintenance.verify import verify
from memo.stores import as_store

ROOT = Path(__file__).parents[2]
LONG = os.environ.get("MEMO_FLEET", "")
PROCESSES, CALLS = map(int, LONG.split("x")) if LONG else (4, 60)
KILLS, PAUSE_SECONDS = (60, 1.0) if LONG else (4, 0.4)

WORKER = """
import asyncio, os, random, sys
from memo import recordable, recording
url, log, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
answered = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

@recordable(name="app.ask")
async def ask(n):
    await asyncio.sleep(random.uniform(0, 0.01))
    return [n, os.urandom(8).hex()]

async def main():
    waiting = iter(random.sample(range(calls), calls))

    async def work():
        for n in waiting:
            os.write(answered, b"%d %s\\n" % (n, (await ask(n))[1].encode()))

    with recording(url, mode="record-if-missing"):
        await asyncio.gather(*[work() for _ in range(8)])

asyncio.run(main())
"""


def start(url: str, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WORKER, url, str(log), str(CALLS)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE)


def work_and_kill(url: str, log: Path) -> list[str]:
    """Let the processes work until all calls are answered in each of them; return what those said that failed."""
    pick, failed = random.Random(5), []
    working = [start(url, log) for _ in range(PROCESSES)]
    for _ in range(KILLS):
        time.sleep(PAUSE_SECONDS)
        unlucky = pick.randrange(len(working))
        working[unlucky].kill()
        working[unlucky].communicate()
        working[unlucky] = start(url, log)
    for process in working:
        said = process.communicate(timeout=600)[1]
        if process.returncode:
            failed.append(said.decode())
    return failed


# What was recorded at once is replayed one by one.
@pytest.mark.filterwarnings("ignore::memo.errors.OrderNotKeptWarning")
@pytest.mark.parametrize("kind", ["directory", "sqlite", "redis"])
def test_nothing_is_lost_or_torn_and_every_call_has_one_outcome(kind, request, tmp_path):
    url = {
        "directory": lambda: str(tmp_path / "store"),
        "sqlite": lambda: f"sqlite:///{tmp_path}/store.db?timeout=60",
        "redis": lambda: f"redis://{request.getfixturevalue('valkey')}/0?prefix={tmp_path.name}&timeout=60",
    }[kind]()
    log = tmp_path / "answers.txt"
    assert work_and_kill(url, log) == []

    answers = defaultdict(set)
    for line in log.read_text().splitlines():
        number, answer = line.split()
        answers[int(number)].add(answer)
    assert sorted(answers) == list(range(CALLS))
    assert {number for number, given in answers.items() if len(given) > 1} == set()

    store = as_store(url)
    assert verify(store).failed == 0
    assert sum(1 for _ in store.scan()) == CALLS

    @recordable(name="app.ask")
    def ask(n):
        raise AssertionError(n)

    with recording(url):
        assert {n: {ask(n)[1]} for n in range(CALLS)} == answers
