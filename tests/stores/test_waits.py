"""Waits for a store end: the answer that was paid for is handed over, and kept until the store takes it."""

import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import anyio
import pytest

from memo import recordable, recording
from memo.__main__ import main
from memo.errors import RecordingsSpooledWarning, StoreError, StoreLocked, StoreNotWritable
from memo.stores import DirectoryStore, as_store

LOCKS = {
    "writers": ["BEGIN IMMEDIATE"],
    "everybody": ["PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE", "DELETE FROM entries"],
    "while it is made": ["BEGIN EXCLUSIVE"],
}

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    connection.execute(statement).fetchall()
print("locked", flush=True)
sys.stdin.read()
"""

FOLDER_HOLDER = """
import fcntl, os, sys
folder = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(folder, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(program, *arguments):
    """Another process that has locked something, and ends with the `with`."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "locked\n"
            yield
        finally:
            process.kill()


@contextmanager
def locked(file, how):
    if how != "while it is made":
        as_store(f"sqlite:///{file}").put("f/a", b"1")
    with held(HOLDER, file, *LOCKS[how]):
        yield


@pytest.fixture(autouse=True)
def spool(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MEMO_SPOOL", str(tmp_path / "spool"))
    return tmp_path / "spool"


class Asked:
    """A function, and the numbers that it was really called with."""

    def __init__(self):
        self.calls = []

        @recordable(name="app.ask")
        async def ask(n):
            self.calls.append(n)
            return {"n": n}

        @recordable(name="app.ask")
        def ask_sync(n):
            self.calls.append(n)
            return {"n": n}

        self.ask, self.ask_sync = ask, ask_sync


def pushed_and_replayed(spool, url, count):
    """Whether nothing was lost: what is in the spool is delivered, and all of it is replayed."""
    assert main(["push", str(spool), url]) == 0
    asked = Asked()
    with recording(url, mode="replay"):
        assert [asked.ask_sync(n) for n in range(count)] == [{"n": n} for n in range(count)]
    return asked.calls == []


MANY = 30
"""If each waited for itself, that would take as many time-outs."""


@pytest.mark.parametrize("how", LOCKS)
async def test_all_who_wait_for_a_locked_file_share_one_time_out(tmp_path, spool, how):
    url, asked, answers = f"sqlite:///{tmp_path}/store.db?timeout=1", Asked(), {}

    async def call(n):
        answers[n] = await asked.ask(n)

    with locked(tmp_path / "store.db", how):
        start = time.monotonic()
        with pytest.warns(RecordingsSpooledWarning), recording(url, mode="record-if-missing"):
            async with anyio.create_task_group() as tasks:
                for n in range(MANY):
                    tasks.start_soon(call, n)
        assert time.monotonic() - start < MANY / 2
    assert answers == {n: {"n": n} for n in range(MANY)}
    assert sorted(asked.calls) == list(range(MANY))
    assert pushed_and_replayed(spool, url, MANY)


@pytest.mark.parametrize("how", LOCKS)
@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
def test_threads_share_it_too(tmp_path, spool, how, mode):
    url, asked = f"sqlite:///{tmp_path}/store.db?timeout=1", Asked()
    with locked(tmp_path / "store.db", how):
        start = time.monotonic()
        with (
            pytest.warns(RecordingsSpooledWarning),
            recording(url, mode=mode) as recorder,
            ThreadPoolExecutor(8) as pool,
        ):
            bound = recorder.recordable(name="app.ask")(asked.ask_sync.__wrapped__)
            assert list(pool.map(bound, range(MANY))) == [{"n": n} for n in range(MANY)]
        assert time.monotonic() - start < MANY / 2
    assert sorted(asked.calls) == list(range(MANY))
    assert pushed_and_replayed(spool, url, MANY)


def test_in_replay_a_locked_file_is_an_error_soon(tmp_path):
    url, asked = f"sqlite:///{tmp_path}/store.db?timeout=1", Asked()
    with locked(tmp_path / "store.db", "everybody"):
        start = time.monotonic()
        with recording(url):
            for n in range(MANY):
                with pytest.raises(StoreLocked, match="locked for 1 seconds"):
                    asked.ask_sync(n)
        assert time.monotonic() - start < MANY / 2
    assert asked.calls == []


def test_a_lock_that_is_given_up_is_waited_for_again(tmp_path):
    store = as_store(f"sqlite:///{tmp_path}/store.db?timeout=0.2")
    with locked(tmp_path / "store.db", "writers"):
        for _ in range(3):
            with pytest.raises(StoreLocked, match=r"locked for 0\.2 seconds"):
                store.put("f/b", b"1")
    store.put("f/b", b"1")
    assert store.get("f/b") == b"1"


def test_a_short_lock_is_waited_out(tmp_path):
    store = as_store(f"sqlite:///{tmp_path}/store.db?timeout=30")
    store.put("f/a", b"1")
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(store.put, f"f/{n}", b"1") for n in range(4)]
        time.sleep(0.1)
        assert not any(each.done() for each in writing)
        other.execute("ROLLBACK")
        for each in writing:
            each.result(20)
    other.close()


@pytest.fixture
def fast_clock(monkeypatch):
    """A clock on which the five seconds that the lock is waited for are over at once."""
    monkeypatch.setattr(time, "monotonic", lambda real=time.monotonic: real() * 25)


@pytest.mark.parametrize("write", ["put", "swap", "delete"])
def test_a_folder_that_another_process_keeps_locked(tmp_path, fast_clock, write):
    store = DirectoryStore(tmp_path / "store")
    store.put("f/a", b"1")
    act = {
        "put": lambda: store.put("f/a", b"2"),
        "swap": lambda: store.swap("f/a", b"1", b"2"),
        "delete": lambda: store.delete("f/a"),
    }[write]
    with held(FOLDER_HOLDER, tmp_path / "store" / "f"):
        with pytest.raises(StoreLocked, match="kept its folder locked"):
            act()
        assert store.get("f/a") == b"1"
        assert store.create("f/b", b"1") is None
        assert sorted(path.name for path in (tmp_path / "store" / "f").iterdir()) == ["a.json", "b.json"]
    act()
    assert store.get("f/a") in (b"2", None)


def test_an_answer_is_kept_where_the_folder_is_locked(tmp_path, spool, fast_clock):
    (tmp_path / "store" / "app.ask").mkdir(parents=True)
    asked = Asked()
    with held(FOLDER_HOLDER, tmp_path / "store" / "app.ask"):
        with pytest.warns(RecordingsSpooledWarning), recording(tmp_path / "store", mode="record"):
            assert [asked.ask_sync(n) for n in range(3)] == [{"n": n} for n in range(3)]
    assert pushed_and_replayed(spool, str(tmp_path / "store"), 3)


# Buckets that contradict themselves


@contextmanager
def bucket(*, put, get):
    """The endpoint of a server that answers each request with the next status of that method, by turns."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            statuses = put if self.command == "PUT" else get
            status = statuses[sum(command == self.command for command in requests) % len(statuses)]
            requests.append(self.command)
            self.rfile.read(int(self.headers.get("content-length", 0)))
            body = b"memo/1 plain 1\n1" if status == 200 and self.command == "GET" else b""
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.send_header("etag", '"1"')
            self.send_header("last-modified", "Sun, 22 Nov 2026 21:30:05 GMT")
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = answer  # noqa: N815 - as http.server calls them

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"s3://bucket/store?endpoint=http://127.0.0.1:{server.server_port}&region=eu-west-1&timeout=1", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


CONTRADICTIONS = {
    "there, and not there": ([412], [404]),
    "conflicts": ([409], [404]),
    "by turns": ([412, 409, 412], [404]),
    "there, and failing": ([412], [404, 404, 503]),
}


@pytest.fixture
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "access")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2-hunter2")


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("kind", CONTRADICTIONS)
async def test_a_bucket_that_contradicts_itself_takes_the_answer_from_nobody(tmp_path, spool, kind):
    put, get = CONTRADICTIONS[kind]
    asked = Asked()
    start = time.monotonic()
    with bucket(put=put, get=get) as (url, requests):
        with pytest.warns(RecordingsSpooledWarning), recording(url, mode="record-if-missing"):
            assert [await asked.ask(n) for n in range(3)] == [{"n": n} for n in range(3)]
        assert len(requests) < 200
    assert time.monotonic() - start < 20
    assert asked.calls == [0, 1, 2]
    assert pushed_and_replayed(spool, str(tmp_path / "store"), 3)


@pytest.mark.usefixtures("credentials")
def test_a_swap_that_is_always_refused_ends(tmp_path):
    with bucket(put=[412], get=[200]) as (url, _):
        store = as_store(url)
        assert store.get("f/a") == b"1"
        assert store.swap("f/a", b"0", b"2") == b"1"
        with pytest.raises(StoreNotWritable, match="by turns"):
            store.swap("f/a", b"1", b"2")


@pytest.mark.usefixtures("credentials")
def test_what_was_deleted_just_now_is_written_after_all():
    with bucket(put=[412, 200], get=[404]) as (url, requests):
        assert as_store(url).create("f/a", b"1") is None
        assert requests == ["PUT", "GET", "PUT"]


# Stores that take nothing at all


def a_directory_in_its_place(folder):
    (folder / "store.db").mkdir()
    return f"sqlite:///{folder}/store.db?timeout=0.5"


def a_file_in_the_place_of_its_folder(folder):
    (folder / "file").write_text("x")
    return str(folder / "file" / "store")


def no_database(folder):
    (folder / "store.db").write_bytes(b"no database" * 100)
    return f"sqlite:///{folder}/store.db?timeout=0.5"


@pytest.mark.parametrize("make", [a_directory_in_its_place, a_file_in_the_place_of_its_folder, no_database])
@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
def test_a_store_that_can_never_work_is_an_error_at_once_and_takes_no_answer(tmp_path, make, mode):
    url, asked, start = make(tmp_path), Asked(), time.monotonic()
    answers = []
    with pytest.raises((StoreError, ExceptionGroup)), recording(url, mode=mode):
        answers += [asked.ask_sync(n) for n in range(3)]
    assert time.monotonic() - start < 20
    assert len(answers) == len(asked.calls)  # whoever paid got the answer


@contextmanager
def accepting():
    """The port of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as server:
        yield server.getsockname()[1]


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:{}/0?timeout=0.5",
        "s3://bucket/store?endpoint=http://127.0.0.1:{}&region=eu-west-1&timeout=0.5",
    ],
    ids=["redis", "s3"],
)
async def test_a_server_that_never_answers_costs_one_time_out(tmp_path, spool, url):
    asked, answers = Asked(), {}

    async def call(n):
        answers[n] = await asked.ask(n)

    with accepting() as port:
        start = time.monotonic()
        with pytest.warns(RecordingsSpooledWarning), recording(url.format(port), mode="record-if-missing"):
            async with anyio.create_task_group() as tasks:
                for n in range(MANY):
                    tasks.start_soon(call, n)
        assert time.monotonic() - start < MANY / 2 * 0.5
    assert answers == {n: {"n": n} for n in range(MANY)}
    assert pushed_and_replayed(spool, str(tmp_path / "store"), MANY)
