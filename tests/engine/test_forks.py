"""A process that is forked while a call is in flight waits for nobody who is not there."""

import multiprocessing
import os
import threading
from contextlib import suppress

import pytest

from memo import Recorder


def in_fork(function):
    """What the function returns in a forked process. (A child that hangs is killed.)"""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            os.write(write, str(function()).encode())
        os._exit(0)
    os.close(write)
    watch = threading.Timer(10, os.kill, (child, 9))
    watch.start()
    with os.fdopen(read, "rb") as pipe:
        result = pipe.read().decode()
    watch.cancel()
    os.waitpid(child, 0)
    return result


@pytest.fixture
def fork():
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system cannot fork")
    return in_fork


@pytest.mark.parametrize("store", ["directory", "sqlite"])
def test_a_fork_while_a_call_is_in_flight_in_another_thread(tmp_path, fork, store):
    where = tmp_path / "recordings" if store == "directory" else f"sqlite:///{tmp_path}/claims.db"
    recorder = Recorder(where, mode="record-if-missing", claim_timeout=2)
    begun, release = threading.Event(), threading.Event()

    @recorder.recordable
    def call(n):
        if not begun.is_set():
            begun.set()
            assert release.wait(15)
        return n

    thread = threading.Thread(target=call, args=(1,))
    thread.start()
    assert begun.wait(5)
    assert fork(lambda: call(1)) == "1"
    release.set()
    thread.join()
    recorder.close_store()


@pytest.mark.parametrize("store", ["directory", "sqlite"])
def test_a_fork_from_inside_of_the_call(tmp_path, fork, store):
    recorder = Recorder(
        tmp_path / "recordings" if store == "directory" else f"sqlite:///{tmp_path}/claims.db",
        mode="record-if-missing",
    )
    calls = []

    @recorder.recordable
    def call(n):
        calls.append(n)
        return n if len(calls) > 1 else int(fork(lambda: call(n)))

    assert call(1) == 1
    recorder.close_store()
