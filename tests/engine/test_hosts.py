"""Who runs a call: threads, event loops, tasks and processes that somebody else owns. In replay none of them goes live."""

import asyncio
import multiprocessing
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse
from starlette.routing import Route

from memo import recordable, recording

calls = []


@recordable(name="hosts.ask")
def ask(question):
    calls.append(question)
    return {"answer": question}


@recordable(name="hosts.aask")
async def aask(question):
    calls.append(question)
    return {"answer": question}


def in_thread(function, *args):
    results = []
    thread = threading.Thread(target=lambda: results.append(function(*args)), name="own")
    thread.start()
    thread.join(10)
    return results[0]


class Worker:
    """A thread that is handed calls through a queue."""

    def __init__(self):
        self._jobs, self._done = queue.Queue(), queue.Queue()
        self._thread = threading.Thread(target=self._work, name="worker")
        self._thread.start()

    def _work(self):
        for job in iter(self._jobs.get, None):
            self._done.put(job())

    def run(self, job):
        self._jobs.put(job)
        return self._done.get(timeout=300)

    def close(self):
        self._jobs.put(None)
        self._thread.join(10)


class Loop:
    """An event loop that runs in its own thread."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loop")
        self._thread.start()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class Server:
    """A web server that calls memo in its requests, and in a background task after one."""

    def __init__(self):
        self.later = queue.Queue()
        app = Starlette(
            routes=[Route("/sync", self._sync), Route("/async", self._async), Route("/later", self._with_background)]
        )
        self._server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, name="server")
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
        self._url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def _sync(self, request):
        return JSONResponse(ask("s"))

    async def _async(self, request):
        return JSONResponse(await aask("a"))

    async def _with_background(self, request):
        async def afterwards():
            self.later.put(await aask("b"))

        return JSONResponse({}, background=BackgroundTask(afterwards))

    def get(self, path):
        return httpx.get(self._url + path, trust_env=False).json()

    def get_later(self):
        self.get("/later")
        return self.later.get(timeout=300)

    def close(self):
        self._server.should_exit = True
        self._thread.join(10)


@pytest.fixture
def hosts():
    """What is started before any scope is, and ended after the test."""
    made = []

    def start(kind):
        made.append(kind())
        return made[-1]

    yield start
    for host in made:
        host.shutdown() if isinstance(host, ThreadPoolExecutor) else host.close()


def pool(start):
    executor = start(lambda: ThreadPoolExecutor(1))
    executor.submit(int).result()
    return lambda: executor.submit(ask, 1).result(10)


def run_in_executor(start):
    async def run():
        return await asyncio.get_running_loop().run_in_executor(None, ask, 5)

    return lambda: asyncio.run(run())


def worker(start):
    thread = start(Worker)
    return lambda: thread.run(lambda: ask(2))


def second_loop(start):
    loop = start(Loop)
    return lambda: loop.run(aask(3))


def portal(start):
    opened = anyio.from_thread.start_blocking_portal("asyncio")
    running = opened.__enter__()

    class Portal:
        def close(self):
            opened.__exit__(None, None, None)

    start(Portal)
    return lambda: running.call(aask, 4)


def to_thread(start):
    async def run():
        return await anyio.to_thread.run_sync(ask, 6)

    return lambda: anyio.run(run)


def sync_in_loop(start):
    async def run():
        return ask(8)

    return lambda: asyncio.run(run())


def loop_in_thread(start):
    return lambda: in_thread(lambda: asyncio.run(aask(9)))


def request_sync(start):
    server = start(Server)
    return lambda: server.get("/sync")


def request_async(start):
    server = start(Server)
    return lambda: server.get("/async")


def background_task(start):
    server = start(Server)
    return server.get_later


HOSTS = {
    host.__name__: host
    for host in (
        pool,
        worker,
        run_in_executor,
        second_loop,
        portal,
        to_thread,
        sync_in_loop,
        loop_in_thread,
        request_sync,
        request_async,
        background_task,
    )
} | {"own thread": lambda start: lambda: in_thread(ask, 10)}


@pytest.mark.parametrize("host", HOSTS)
def test_no_host_goes_live_in_replay(host, hosts, tmp_path):
    run = HOSTS[host](hosts)
    calls.clear()
    with recording(tmp_path, mode="record") as recorder:
        recorded = run()
    assert recorder.stats.recorded == len(calls) == 1
    with recording(tmp_path) as recorder:
        assert run() == recorded
    assert (recorder.stats.replayed, len(calls)) == (1, 1)


async def test_a_task_that_is_older_than_the_scope(tmp_path):
    calls.clear()
    for mode in ("record", "replay"):
        go, answers = anyio.Event(), []

        async def wait(go=go, answers=answers):
            await go.wait()
            answers.append(await aask(7))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.lowlevel.checkpoint()
            with recording(tmp_path, mode=mode) as recorder:
                go.set()
                while not answers:
                    await anyio.lowlevel.checkpoint()
        assert recorder.stats.unscoped == 1
    assert calls == [7]


def _ask_in_child(sender):
    try:
        sender.send(ask(11))
    except Exception as error:  # the test compares it
        sender.send(type(error).__name__)


@pytest.mark.parametrize(("method", "expected"), [("fork", "RecordingNotFound"), ("spawn", "RecordingNotFound")])
def test_a_child_process(tmp_path, method, expected):
    """A fork inherits the open recorder, and a process that is spawned takes its scope along."""
    context = multiprocessing.get_context(method)
    receiver, sender = context.Pipe(duplex=False)
    with recording(tmp_path):
        child = context.Process(target=_ask_in_child, args=(sender,))
        child.start()
        try:
            assert receiver.poll(30)
            assert receiver.recv() == expected
        finally:
            child.join(10)
