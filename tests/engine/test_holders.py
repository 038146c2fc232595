"""Whether the process that holds a claim is still there."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from memo import Recorder
from memo._engine.waiting.holders import is_gone, is_on_this_machine, is_this_process, look_in, new_token

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs /proc")

TOKEN = """
import sys
from memo._engine.waiting.holders import new_token
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


HIDDEN = """
import sys
from memo._engine.waiting.holders import look_in
look_in(sys.argv[1])
"""


@pytest.fixture
def without_proc(tmp_path):
    """A system without /proc, as macOS and the BSDs are: in this process, and in those that run what this returns."""
    look_in(tmp_path / "proc")
    yield HIDDEN, str(tmp_path / "proc")
    look_in("/proc")


def test_without_proc_a_process_is_there_until_it_ends(without_proc):
    program, folder = without_proc
    mine = new_token()
    assert is_this_process(mine)
    assert is_on_this_machine(mine)
    assert not is_gone(mine)
    with subprocess.Popen(
        [sys.executable, "-c", program + TOKEN, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        token = process.stdout.readline().strip()
        assert is_on_this_machine(token)
        assert not is_this_process(token)
        assert not is_gone(token)
        process.kill()
        process.wait()
        assert is_gone(token)


def test_without_proc_a_token_of_another_machine_or_of_a_system_with_proc_may_be_there(without_proc):
    host, _, place, rest = new_token().rsplit(":", 3)
    gone = f"{host}:99999:{place}:{rest}"
    assert is_gone(gone)
    assert not is_gone(gone.replace(place, f"0123456789ab.{place.partition('.')[2]}"))
    look_in("/proc")
    assert not is_gone(gone)
    assert not is_on_this_machine(gone)


LEADER = """
from memo import Recorder

@Recorder(sys.argv[2], mode="record-if-missing").recordable(name="app.ask")
def ask(n):
    print("called", flush=True)
    sys.stdin.readline()

ask(1)
"""


@pytest.mark.parametrize("arrives", ["before", "after"])
def test_without_proc_a_claim_of_a_process_that_was_killed_is_taken_over(without_proc, tmp_path, arrives):
    program, folder = without_proc
    url = f"sqlite:///{tmp_path}/store.db?lease=300"
    ask = Recorder(url, mode="record-if-missing").recordable(name="app.ask")(lambda n: "follower")
    with subprocess.Popen(
        [sys.executable, "-c", program + LEADER, folder, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "called\n"
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(ask, 1) if arrives == "before" else None
            process.kill()
            process.wait()
            assert (waiting or pool.submit(ask, 1)).result(60) == "follower"  # the lease is five times as long


@pytest.fixture
def others_hidden(tmp_path):
    """A system that hides other users' processes (`hidepid`)."""
    for shown in ("self", "sys"):
        (tmp_path / shown).symlink_to(f"/proc/{shown}")
    look_in(tmp_path)
    yield
    look_in("/proc")


@pytest.mark.usefixtures("others_hidden")
def test_a_process_that_is_hidden_may_be_there(holder):
    process, token = holder
    assert is_on_this_machine(token)
    assert not is_gone(token)
    process.kill()
    process.wait()
    assert is_gone(token)
