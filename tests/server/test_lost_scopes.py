"""Calls in a server from threads and tasks that have no context of a request: never live in silence."""

import asyncio
import os
import queue
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

import memo
from memo._engine.scopes.carried import close_all
from memo.errors import ScopeLost, ScopeLostWarning
from memo.integrations import asgi, wsgi

pytestmark = pytest.mark.anyio
CALLS: list[str] = []


@pytest.fixture
def anyio_backend():
    return "asyncio"  # run_in_executor and to_thread are asyncio's


@pytest.fixture(autouse=True)
def server(monkeypatch):
    monkeypatch.setenv("MEMO_SCOPE_SECRET", "5ecret" * 8)
    CALLS.clear()
    yield
    close_all()  # a server's process ends


@memo.recordable(name="app.ask")
def ask(prompt: str) -> str:
    CALLS.append(prompt)
    return prompt.upper()


def caught(function):
    try:
        return function("why")
    except ScopeLost as error:
        return f"lost: {error.context}"


async def in_pool(function, worker):
    with ThreadPoolExecutor(thread_name_prefix="pool") as pool:
        return pool.submit(caught, function).result()


async def in_executor(function, worker):
    return await asyncio.get_running_loop().run_in_executor(None, caught, function)


async def in_own_thread(function, worker):
    answers = queue.Queue()
    thread = threading.Thread(target=lambda: answers.put(caught(function)))
    thread.start()
    thread.join()
    return answers.get()


async def in_older_worker(function, worker):
    answers = queue.Queue()
    worker.put((function, answers))
    return answers.get()


async def behind_the_response(function, worker):
    """The thread goes on after the request: the test that made it may still be running."""
    threading.Thread(target=lambda: LATER.put(caught(function)), daemon=True).start()
    return ""


LATER: queue.Queue = queue.Queue()
HOSTS = [in_pool, in_executor, in_own_thread, in_older_worker]


@pytest.fixture
def worker():
    work = queue.Queue()

    def run():
        while (item := work.get()) is not None:
            item[1].put(caught(item[0]))

    thread = threading.Thread(target=run, name="older")
    thread.start()
    yield work
    work.put(None)
    thread.join()


def application(host, worker, take=lambda function: function):
    async def answer(request):
        return PlainTextResponse(await host(take(ask), worker))

    async def plain(request):
        return PlainTextResponse(await asyncio.to_thread(ask, "plain"))

    async def stream(request):
        async def parts():
            yield await asyncio.to_thread(ask, "stream")

        return StreamingResponse(parts())

    routes = [Route("/", answer), Route("/plain", plain), Route("/stream", stream)]
    transport = httpx.ASGITransport(asgi.Middleware(Starlette(routes=routes)))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


def scope(folder, mode):
    recorder = memo.Recorder(folder, mode=mode)
    return recorder, recorder.headers


@pytest.fixture
def store(tmp_path):
    with memo.recording(tmp_path / "store", mode="record"):
        ask("why")
    CALLS.clear()
    return tmp_path / "store"


@pytest.mark.parametrize("host", HOSTS)
async def test_in_replay_no_call_is_made(store, worker, host):
    recorder, headers = scope(store, "replay")
    async with application(host, worker) as http:
        answer = (await http.get("/", headers=headers)).text
    assert answer.startswith("lost: thread ")
    assert CALLS == []
    recorder.catch_up()
    assert (recorder.stats.unscoped, recorder.stats.replayed) == (1, 0)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
async def test_while_recording_the_call_is_made_and_both_processes_warn(tmp_path, worker, host, mode):
    recorder, headers = scope(tmp_path, mode)
    with pytest.warns(ScopeLostWarning, match=r"app\.ask: called from thread .* while a recorder is open"):
        async with application(host, worker) as http:
            assert (await http.get("/", headers=headers)).text == "WHY"
    with pytest.warns(ScopeLostWarning, match=r"called from thread '.*' of process \d+, which is in no scope"):
        recorder.catch_up()
    assert (CALLS, recorder.stats.unscoped, recorder.stats.recorded) == (["why"], 1, 0)


@pytest.mark.parametrize("host", HOSTS)
async def test_carry_takes_the_scope_there(store, worker, host):
    recorder, headers = scope(store, "replay")
    async with application(host, worker, memo.carry) as http:
        assert (await http.get("/", headers=headers)).text == "WHY"
    recorder.catch_up()
    assert (CALLS, recorder.stats.replayed, recorder.stats.unscoped) == ([], 1, 0)


async def test_live_scopes_lose_nothing(tmp_path, worker):
    _, headers = scope(tmp_path, "live")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with application(in_pool, worker) as http:
            assert (await http.get("/", headers=headers)).text == "WHY"


async def test_a_thread_that_outlives_its_request_counts_until_the_test_ends(store, worker):
    recorder, headers = scope(store, "replay")
    async with application(behind_the_response, worker) as http:
        await http.get("/", headers=headers)
        assert LATER.get(timeout=300).startswith("lost: ")
        assert CALLS == []
        recorder.end()
        await http.get("/")
        assert LATER.get(timeout=300) == "WHY"  # a server without a scope


async def test_a_request_without_a_scope_disturbs_no_other(store, worker):
    _, headers = scope(store, "replay")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with application(in_pool, worker) as http:
            await http.get("/", headers=headers)  # its scope stays open
            assert [(await http.get(path)).text for path in ("/plain", "/stream")] == ["PLAIN", "STREAM"]
            assert (await http.get("/plain", headers={"memo-scope": "forged"})).text == "PLAIN"
    assert CALLS == ["plain", "stream", "plain"]


def test_the_same_under_wsgi(store):
    def app(environ, start_response):
        start_response("200 OK", [])

        def parts():
            if environ.get("in_pool"):
                with ThreadPoolExecutor() as pool:
                    yield pool.submit(caught, ask).result().encode()
            else:
                yield ask("why").encode()

        return parts()

    served = wsgi.Middleware(app)
    _, headers = scope(store, "replay")
    carried = {"HTTP_MEMO_SCOPE": headers["memo-scope"]}
    for environ, expected, calls in (
        (carried, b"WHY", 0),
        ({**carried, "in_pool": True}, b"lost: thread", 0),
        ({}, b"WHY", 1),
    ):
        body = served(environ, lambda *_: None)
        assert b"".join(body).startswith(expected)
        body.close()
        assert len(CALLS) == calls
    assert caught(ask).startswith("lost: ")  # not the request without a scope any more


TESTS = """
import pytest

@pytest.mark.memo
def test_it(client):
    client.get("/pool?q=one")
"""


def test_the_test_that_loses_a_scope_is_warned(project):
    project.write(test_app=TESTS)
    said = project.run("--memo-mode=record", passed=1)
    assert "ScopeLostWarning: app.ask: called from thread 'pool_0' of process" in said
    assert project.calls == ["one"]
    said = project.run("--memo-mode=replay", failed=1)
    assert "app.ask: called from thread 'pool_0', which is in no scope, while a recorder is open" in said
    assert "executor.submit(memo.carry(function), ...)" in said
    assert project.calls == []


FORKING = """
import os
import memo
from memo.integrations import wsgi

@memo.recordable(name="app.ask")
def ask(prompt):
    return prompt.upper()

def app(environ, start_response):
    child = os.fork()
    if child == 0:  # a helper of the server, which is in no request
        import threading
        answers = []
        thread = threading.Thread(target=lambda: answers.append(ask("new")))
        thread.start()
        thread.join()
        os._exit(0 if answers == ["NEW"] else 1)
    return [str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode()]

print(wsgi.Middleware(app)({"HTTP_MEMO_SCOPE": os.environ["SCOPE"]}, None)[0].decode())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_request_of_the_parent_is_not_open_in_a_fork(store):
    recorder = memo.Recorder(store, mode="replay")
    env = {**os.environ, "SCOPE": recorder.headers["memo-scope"], "MEMO_SCOPE_SECRET": "5ecret" * 8}
    done = subprocess.run([sys.executable, "-c", FORKING], env=env, capture_output=True, text=True, check=False)
    assert done.stdout == "0\n", done.stderr
