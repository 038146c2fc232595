"""A program ends although its event loop leaves a call behind."""

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio

import memo
from memo.stores import DirectoryStore


class Stopping(DirectoryStore):
    reads_in_place = False

    def get(self, name):
        if {step!r} == "get":
            loop.call_soon_threadsafe(loop.stop)
        return super().get(name)

    def create(self, name, data):
        loop.call_soon_threadsafe(loop.stop)
        return super().create(name, data)


@memo.recordable
async def ask(question):
    return question


loop = asyncio.new_event_loop()
with memo.recording(Stopping("recordings"), mode="record-if-missing"):
    task = loop.create_task(ask("Saturn"))
    loop.run_forever()
print("done", flush=True)
"""


@pytest.mark.parametrize("step", ["get", "create"])
def test_a_loop_that_stops_during_a_call_does_not_keep_the_process(tmp_path, step):
    command = [sys.executable, "-c", PROGRAM.format(step=step)]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr
