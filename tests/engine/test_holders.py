"""Whether the process that holds a claim is still there."""

import os
import subprocess
import sys

import pytest

from memo._engine.holders import is_gone, is_on_this_machine, is_this_process, new_token

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs /proc")

TOKEN = """
import sys
from memo._engine.holders import new_token
print(new_token(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder():
    """Another process, and its token."""
    with subprocess.Popen(
        [sys.executable, "-c", TOKEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process, process.stdout.readline().strip()
        process.kill()


def test_this_process_is_there():
    token = new_token()
    assert token != new_token()
    assert is_this_process(token)
    assert is_on_this_machine(token)
    assert not is_gone(token)


def test_another_process_is_there_until_it_ends(holder):
    process, token = holder
    assert not is_this_process(token)
    assert is_on_this_machine(token)
    assert not is_gone(token)
    process.communicate("")
    assert is_gone(token)


def test_a_process_that_was_killed_is_gone_before_its_parent_knows(holder):
    process, token = holder
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and its number is not free yet
    assert is_gone(token)


def test_another_process_with_its_number_is_another_process():
    host, process, place, rest = new_token().rsplit(":", 3)
    machine, _, start = place.partition(".")
    assert is_gone(f"{host}:{process}:{machine}.{int(start) - 1}:{rest}")


def test_a_number_that_begins_like_this_one_is_another_process():
    host, process, place, rest = new_token().rsplit(":", 3)
    assert not is_this_process(f"{host}:{process}0:{place}:{rest}")
    assert is_gone(f"{host}:{process}00000:{place}:{rest}")


@pytest.mark.parametrize("token", ["", "one", "host:1:abc", "a:b:c:d", "host:1:abc.1:x", "host:1:abc:def", "::::"])
def test_what_is_no_token_of_this_machine_may_be_there(token):
    assert not is_on_this_machine(token)
    assert not is_gone(token)


def test_a_forked_process_is_another_one():
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, new_token().encode())
        os._exit(0)
    token = os.read(read, 1000).decode()
    os.waitpid(child, 0)
    os.close(read)
    os.close(write)
    assert not is_this_process(token)
    assert is_gone(token)


def test_a_process_that_is_hidden_may_be_there(monkeypatch, tmp_path, holder):
    """As where other users' processes are hidden (`hidepid`)."""
    process, token = holder
    assert not is_gone(token)  # this process knows its machine from here on
    monkeypatch.setattr("memo._engine.holders._PROCESSES", tmp_path)
    assert not is_gone(token)
    process.kill()
    process.wait()
    assert is_gone(token)
