"""A bucket: what is said when it does not answer, refuses, or is not there, and what of it is ever shown."""

import multiprocessing
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
import traceback
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from memo import recordable, recording
from memo.errors import (
    InvalidOption,
    NewerFormat,
    RecordingDamaged,
    RecordingsSpooledWarning,
    StoreError,
    StoreNotReadable,
    StoreNotWritable,
)
from memo.stores import as_store

SECRET = "hunter2-hunter2"


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "access")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


@contextmanager
def answering(status, body=b"", wait=None):
    """The endpoint of a server that gives every request the same answer, and the requests that it got."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            requests.append((self.command, self.path))
            if wait is not None:
                wait.wait(20)
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                with suppress(BrokenPipeError):  # whoever asked may have gone
                    self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_POST = answer  # noqa: N815 - as http.server calls them

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"s3://bucket/store?endpoint=http://127.0.0.1:{server.server_port}&region=eu-west-1", requests
    finally:
        if wait is not None:
            wait.set()
        server.shutdown()
        server.server_close()
        thread.join()


def nobody():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"s3://bucket/store?endpoint=http://127.0.0.1:{free.getsockname()[1]}&region=eu-west-1"


def failing(url, kinds=(StoreNotReadable, StoreNotWritable)):
    """What is raised by a read and by a write. Neither shows a credential, anywhere."""
    store = as_store(url)
    raised = []
    for operation, kind in zip((lambda: store.get("f/a"), lambda: store.put("f/a", b"x")), kinds, strict=True):
        with pytest.raises(kind) as caught:
            operation()
        error = caught.value
        shown = "".join(traceback.format_exception(error)) + repr(store) + repr(vars(error))
        assert SECRET not in shown
        assert error.location == "s3://bucket/store"
        assert str(pickle.loads(pickle.dumps(error))) == str(error)
        raised.append(str(error))
    return raised


def test_a_server_that_cannot_be_reached():
    read, write = failing(nobody())
    assert read == "s3://bucket/store cannot be read: the server cannot be reached"
    assert write == "s3://bucket/store cannot be written: the server cannot be reached"


def test_one_who_does_not_answer_is_given_up_in_the_stated_time():
    with answering(200, wait=threading.Event()) as (url, _):
        start = time.monotonic()
        with pytest.raises(StoreNotReadable, match="did not answer within 1 seconds"):
            as_store(f"{url}&timeout=1").get("f/a")
        assert time.monotonic() - start < 5  # not the 180 seconds of the client's own retries


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_are_refused(status):
    body = f"<Error><Code>SignatureDoesNotMatch</Code><StringToSign>{SECRET}</StringToSign></Error>".encode()
    with answering(status, body) as (url, _):
        read, write = failing(url)
    assert read.endswith(
        "cannot be read: the server refused the credentials, or what they may do (SignatureDoesNotMatch)"
    )
    assert write.endswith(
        "cannot be written: the server refused the credentials, or what they may do (SignatureDoesNotMatch)"
    )


def test_no_bucket_is_not_an_empty_one(bucket):
    url = f"s3://none/store?endpoint={bucket}&region=eu-west-1"
    for operation in (
        lambda store: store.get("f/a"),
        lambda store: store.put("f/a", b"x"),
        lambda store: store.create("f/a", b"x"),
        lambda store: list(store.scan()),
        lambda store: store.get_many(["f/a"]),
    ):
        with pytest.raises(StoreError, match="there is no such bucket"):
            operation(as_store(url))


def test_a_busy_server_is_asked_again():
    with answering(503, b"<Error><Code>SlowDown</Code></Error>") as (url, requests):
        with pytest.raises(StoreNotReadable, match=r"the server failed \(SlowDown\)"):
            as_store(f"{url}&timeout=2").get("f/a")
        assert len(requests) > 1


def test_no_credentials_in_the_environment():
    program = (
        "from memo.stores import as_store\n"
        "from memo.errors import StoreError\n"
        "try: as_store('s3://bucket/store?region=eu-west-1&timeout=1').get('f/a')\n"
        "except StoreError as error: print(error)\n"
    )
    environment = {name: each for name, each in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    assert "s3://bucket/store cannot be read" in done.stdout
    assert "AWS_ACCESS_KEY_ID" in done.stdout


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (b"memo/1 plain 500\nabc", RecordingDamaged),
        (b"memo/1 zlib 500\nabc", RecordingDamaged),
        (b"", RecordingDamaged),
        (b"memo/2 zstd 500\nabc", NewerFormat),
    ],
)
async def test_an_entry_that_is_not_whole_or_newer(entry, kind):
    with answering(200, entry) as (url, _):
        store = as_store(url)
        with pytest.raises(kind):
            store.get("f/a")
        with recording(store), pytest.raises(kind):
            await ask(1)


@recordable(name="f")
async def ask(number: int) -> int:
    return number + 1


async def test_an_answer_that_could_not_be_stored_is_handed_over_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("MEMO_SPOOL", str(tmp_path / "spool"))
    with pytest.warns(RecordingsSpooledWarning), recording(nobody(), mode="record-if-missing"):
        assert await ask(1) == 2
    assert len(list((tmp_path / "spool").rglob("*.json"))) == 1


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3:///prefix",
        f"s3://access:{SECRET}@bucket/prefix",
        "s3://bucket/prefix?speed=fast",
        "s3://bucket/prefix?timeout=never",
        "gs://bucket/prefix?endpoint=http://localhost",
    ],
)
def test_what_is_no_url_of_a_bucket(url):
    with pytest.raises(InvalidOption) as raised:
        as_store(url)
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_a_forked_process_gets_an_error_and_does_not_wait_forever(bucket):
    store = as_store(f"s3://bucket/forked?endpoint={bucket}&region=eu-west-1")
    store.put("f/a", b"parent")
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        try:
            store.get("f/a")
        except StoreError as error:
            sender.send(str(error))
        os._exit(0)
    os.waitpid(child, 0)
    assert receiver.poll(0)
    assert "forked" in receiver.recv()


def test_keys_are_paths_of_two_parts_under_the_prefix(bucket):
    store = as_store(f"s3://bucket/odd names?endpoint={bucket}&region=eu-west-1")
    for name in ("../../x/k", "../k", "./k", "/k", "a/b/c/k", "%2e%2e/k"):
        store.put(name, name.encode())
    assert {store.get(name) for name in store.scan()} == {name.encode() for name in store.scan()}
    assert list(as_store(f"s3://bucket/x?endpoint={bucket}&region=eu-west-1").scan()) == []
    assert store.location("../k") == "s3://bucket/odd names/%2E%2E/k"
