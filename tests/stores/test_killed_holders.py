"""Claims of processes that ended or are paused: nobody waits for those who will not answer."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from memo import Recorder
from memo.stores import as_store

ROOT = Path(__file__).parents[2]
LEASE = 300.0
"""Seconds. Whoever waited for it would be noticed."""

PROGRAM = """
import os, sys, time
from memo import recordable, recording

@recordable(name="app.ask")
def ask(n):
    print("called", flush=True)
    sys.stdin.readline()
    if sys.argv[2] == "exit":
        os._exit(3)
    return [n, "leader"]

with recording(sys.argv[1], mode="record-if-missing"):
    print(ask(1), flush=True)
"""


@pytest.fixture
def leader(fleet):
    """A process in the middle of a call that it has claimed, and the store's URL."""
    started = []

    def start(what="answer", *, lease=LEASE):
        url = fleet.replace("lease=1", f"lease={lease:g}")
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, url, what],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "called\n"
        return process, url

    yield start
    for process in started:
        process.kill()
        process.communicate()


def asking(recorder, calls):
    @recorder.recordable(name="app.ask")
    async def ask(n):
        calls.append(n)
        return [n, "follower"]

    @recorder.recordable(name="app.ask")
    def ask_sync(n):
        calls.append(n)
        return [n, "follower"]

    return ask, ask_sync


@pytest.mark.parametrize("end", ["kill", "exit"])
async def test_a_waiter_continues_after_the_process_it_waits_for_is_killed(leader, end):
    process, url = leader("exit")
    calls = []
    recorder = Recorder(url, mode="record-if-missing")
    ask, _ = asking(recorder, calls)
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:

            async def end_it():
                await anyio.sleep(0.5)
                assert calls == []
                # Its parent, this process, has not waited for it yet: it keeps its number.
                process.kill() if end == "kill" else process.stdin.write("now\n")
                process.stdin.flush()

            tasks.start_soon(end_it)
            assert await ask(1) == [1, "follower"]
    assert calls == [1]


def test_a_later_caller_continues_at_once(leader):
    process, url = leader()
    process.kill()
    process.wait()
    calls = []
    _, ask = asking(Recorder(url, mode="record-if-missing"), calls)
    start = time.monotonic()
    assert ask(1) == [1, "follower"]
    assert time.monotonic() - start < 20
    assert asking(Recorder(url), calls)[1](1) == [1, "follower"]
    assert calls == [1]


def test_one_of_many_waiters_continues(leader):
    process, url = leader()
    calls = []
    recorders = [Recorder(url, mode="record-if-missing") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(asking(recorder, calls)[1], 1) for recorder in recorders]
        time.sleep(0.3)
        process.kill()
        assert [each.result(60) for each in waiting] == [[1, "follower"]] * 4
    assert calls == [1]


def test_a_process_that_is_there_is_waited_for(leader):
    process, url = leader()
    calls = []
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(asking(Recorder(url, mode="record-if-missing"), calls)[1], 1)
        time.sleep(1.2)
        assert not waiting.done()
        process.stdin.write("now\n")
        process.stdin.flush()
        assert waiting.result(60) == [1, "leader"]
    assert calls == []


@pytest.mark.parametrize("token", ["elsewhere:1:0123456789ab.77:x", "elsewhere:1:x", "no token"])
def test_a_process_of_another_machine_has_its_lease(fleet, token):
    store, calls = as_store(fleet), []
    _, ask = asking(Recorder(store, mode="record-if-missing", memory=0), calls)
    ask(1)
    [name] = store.scan()
    store.delete(name)
    assert store.claim(name, token) is None
    start = time.monotonic()
    assert ask(1) == [1, "follower"]
    assert time.monotonic() - start > 0.8 * store.lease
    assert calls == [1, 1]


def test_a_process_that_is_paused_has_its_lease_and_loses_nothing(leader):
    process, url = leader(lease=1)
    process.send_signal(signal.SIGSTOP)
    calls = []
    _, ask = asking(Recorder(url, mode="record-if-missing"), calls)
    try:
        assert ask(1) == [1, "follower"]
    finally:
        process.send_signal(signal.SIGCONT)
    printed, _ = process.communicate("now\n", timeout=300)
    assert printed == "[1, 'follower']\n"  # it gets what was recorded first
    assert calls == [1]
