"""Kills at any instant: of processes that have a scope, of a server, and of the pytest that calls it."""

import os
import random
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers import free_port, listens

import memo

KILLS = int(os.environ.get("MEMO_KILLS", "4"))

LOOPING = """
import memo

@memo.recordable(name="app.ask")
def ask(prompt):
    return prompt

while True:
    ask("again")
"""


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.parametrize("mode", ["live", "replay"])
def test_a_journal_is_read_whatever_processes_were_killed_while_they_wrote_it(tmp_path, mode):
    """Each process takes numbers and writes events as fast as it can; the numbers stay unique, and the events readable."""
    program = tmp_path / "program.py"
    program.write_text(LOOPING)

    @memo.recordable(name="app.ask")
    def ask(prompt):
        return prompt

    with memo.recording(tmp_path / "store", mode="record"):
        ask("again")
    recorder = memo.Recorder(tmp_path / "store", mode=mode)
    env = {**os.environ, **recorder.env}
    journal = Path(recorder.share().path)
    chance = random.Random(KILLS)
    for _ in range(KILLS):
        before = journal.stat().st_size if journal.exists() else 0
        processes = [subprocess.Popen([sys.executable, program], env=env) for _ in range(2)]
        more = before + chance.randrange(1, 100_000)
        wait_for(lambda: journal.exists() and journal.stat().st_size > more)  # noqa: B023
        for process in processes:
            process.kill()
            process.wait()
    recorder.catch_up()
    done = recorder.stats.replayed if mode == "replay" else recorder.stats.live
    whole = journal.read_bytes().count(b'"replayed"' if mode == "replay" else b'"live"')
    assert KILLS <= done <= whole <= done + 2 * KILLS
    if mode == "replay":
        with recorder:
            ask("again")
        assert recorder.stats.replayed == done + 1


TESTS = """
import pytest

@pytest.mark.memo
@pytest.mark.parametrize("number", range(6))
def test_it(client, number):
    first, second = client.get(f"/answer?q={number}").text, client.get(f"/answer?q={number}").text
    assert first != second
"""


@contextmanager
def serving(project, port, secret):
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), "--log-level", "warning"]
    env = project.env(MEMO_SCOPE_SECRET=secret)
    with (
        open(project.path / "server.log", "ab") as log,
        subprocess.Popen(command, cwd=project.path, env=env, stderr=log) as process,
    ):
        try:
            wait_for(lambda: listens(port))
            yield process
        finally:
            process.kill()


def test_the_next_run_goes_on_after_kills_of_pytest_and_of_the_server(project):
    project.write(test_app=TESTS)
    port, secret = free_port(), "s" * 64
    env = {"SERVER": f"http://127.0.0.1:{port}", "MEMO_SCOPE_SECRET": secret}
    with serving(project, port, secret):
        project.run("--memo-mode=record", env=env, passed=6)
        recorded = project.recordings
        assert len(project.calls) == 12
        # The same server, run after run: each starts again, one that is killed in the middle too.
        killed = subprocess.Popen(
            [sys.executable, "-m", "pytest", "--memo-mode=record"],
            cwd=project.path,
            env=project.env(**env),
            stdout=subprocess.DEVNULL,
        )
        wait_for(lambda: (project.path / "calls.txt").exists())
        killed.kill()
        killed.wait()
        said = project.run("--memo-mode=record", env=env, passed=6)
        # What the server did for the run that was killed is read by this one, once.
        assert re.search(r"other processes, in the scopes of a run that was killed:\n  1?\d .*live", said), said
        assert project.recordings.keys() == recorded.keys()
        said = project.run(env={**env, "CI": "1"}, passed=6)
        assert "that was killed" not in said
    # A server that is killed with its requests open, and another in its place.
    with serving(project, port, secret) as server:
        running = subprocess.Popen(
            [sys.executable, "-m", "pytest", "--memo-mode=record"],
            cwd=project.path,
            env=project.env(**env),
            stdout=subprocess.DEVNULL,
        )
        project.calls  # noqa: B018
        wait_for(lambda: (project.path / "calls.txt").exists())
        server.kill()
        assert running.wait(120) == 1
    with serving(project, port, secret):
        project.run("--memo-mode=record", env=env, passed=6)
        said = project.run(env={**env, "CI": "1"}, passed=6)
    assert "12 replayed" in said
