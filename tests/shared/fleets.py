"""Processes that run the same program on one store."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]

APP = """
import asyncio, os, sys, time
from memo import Recorder, recordable, recording

def note(n):
    file = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, b"%d\\n" % n)
    os.close(file)

@recordable(name="app.ask")
async def ask(n):
    note(n)
    await asyncio.sleep(0.05)
    return [n, os.getpid()]

@recordable(name="app.ask_sync")
def ask_sync(n):
    note(n)
    time.sleep(0.05)
    return [n, os.getpid()]

@recordable(name="app.tell")
async def tell(n):
    note(n)
    for i in range(3):
        await asyncio.sleep(0.02)
        yield [i, os.getpid()]

@recordable(name="app.fails")
async def fails(n):
    note(n)
    await asyncio.sleep(0.05)
    raise ValueError(n, os.getpid())

async def caught(n):
    try:
        await fails(n)
    except ValueError as error:
        return list(error.args)

async def told(n):
    return [each async for each in tell(n)]
"""


class Fleet:
    """Processes that run the same program on one store, and the live calls that they made."""

    def __init__(self, store: str, folder: Path) -> None:
        self.store = store
        self.log = folder / "calls.txt"

    def start(self, program: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", APP + program, self.store, str(self.log)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, program: str, count: int) -> list[str]:
        """What each of them printed."""
        started = [self.start(program) for _ in range(count)]
        try:
            printed = [process.communicate(timeout=300)[0] for process in started]
        finally:
            for process in started:
                process.kill()  # one that does not end would take its time from all tests after this one
        assert [process.returncode for process in started] == [0] * count
        return printed

    def calls(self) -> list[int]:
        return sorted(map(int, self.log.read_text().split())) if self.log.exists() else []

    def until_calls(self, count: int) -> None:
        end = time.monotonic() + 20
        while len(self.calls()) < count:
            assert time.monotonic() < end
            time.sleep(0.01)
