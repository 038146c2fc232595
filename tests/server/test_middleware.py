"""The middleware: which requests it serves in which scope, and which scopes it refuses."""

import asyncio
import base64
import json
import logging
import queue
import threading

import anyio
import anyio.lowlevel
import httpx
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

import memo
from memo import scrub
from memo._engine.scopes.carried import close_all
from memo.errors import InvalidOption, ScopeNotPortable
from memo.integrations import asgi, wsgi

SECRET = "5ecret" * 8


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("MEMO_SCOPE_SECRET", SECRET)
    yield
    close_all()  # a server's process ends


@memo.recordable(name="app.ask")
async def ask(prompt: str) -> str:
    return prompt.upper()


@memo.recordable(name="app.ask_sync")
def ask_sync(prompt: str) -> str:
    return prompt.upper()


def here() -> str:
    recorder = memo.current()
    return recorder.store.location() if recorder is not None else "nowhere"


async def where(request):
    await anyio.lowlevel.checkpoint()
    return PlainTextResponse(here())


async def stream(request):
    async def parts():
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
            yield here() + "\n"

    return StreamingResponse(parts())


async def later(request):
    async def work():
        await ask("later")

    return PlainTextResponse(here(), background=BackgroundTask(work))


async def answer(request):
    return PlainTextResponse(await ask(request.query_params["q"]))


ROUTES = [Route(f"/{each.__name__}", each) for each in (where, stream, later, answer)]


def client(**options):
    app = asgi.Middleware(Starlette(routes=ROUTES), **options)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def scope(folder, **options):
    """A scope as the process of a test would hand it over. (Here it is the same process: it is not open.)"""
    recorder = memo.Recorder(folder, **{"mode": "record", **options})
    return recorder, recorder.headers


async def test_a_request_is_served_in_its_scope_alone(tmp_path):
    scopes = [scope(tmp_path / name) for name in "abc"]
    found = {}

    async def ask_where(http, name, headers):
        found[name] = (await http.get("/where", headers=headers)).text

    async with client() as http, anyio.create_task_group() as tasks:
        for (_, headers), name in zip(scopes, "abc", strict=True):
            tasks.start_soon(ask_where, http, name, headers)
        tasks.start_soon(ask_where, http, "none", {})
    assert found == {**{name: str(tmp_path / name) for name in "abc"}, "none": "nowhere"}


async def test_streams_and_background_tasks_are_inside(tmp_path):
    recorder, headers = scope(tmp_path / "a")
    async with client() as http:
        assert set((await http.get("/stream", headers=headers)).text.split()) == {str(tmp_path / "a")}
        assert (await http.get("/later", headers=headers)).text == str(tmp_path / "a")
        assert (await http.get("/where")).text == "nowhere"
    recorder.catch_up()
    assert recorder.stats.recorded == 1
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["app.ask"]


async def test_what_was_recorded_is_replayed_in_another_scope(tmp_path):
    for mode, count in (("record-if-missing", "recorded"), ("replay", "replayed")):
        recorder, headers = scope(tmp_path / "a", mode=mode)
        async with client() as http:
            assert (await http.get("/answer?q=why", headers=headers)).text == "WHY"
        recorder.catch_up()
        assert getattr(recorder.stats, count) == 1


def payload_of(value):
    payload = value.partition(".")[0]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def packed(tree):
    return base64.urlsafe_b64encode(json.dumps(tree).encode()).rstrip(b"=").decode()


HOSTILE = {
    "another run's": lambda value, secret: secret.setenv("MEMO_SCOPE_SECRET", "other" * 8) or value,
    "no secret here": lambda value, secret: secret.delenv("MEMO_SCOPE_SECRET") or value,
    "truncated": lambda value, secret: value[:-7],
    "without a signature": lambda value, secret: value.partition(".")[0],
    "a path in the store's name": lambda value, secret: (
        f"{packed({**payload_of(value), 'store': '/etc'})}.{value.partition('.')[2]}"
    ),
    "another mode": lambda value, secret: f"{packed({**payload_of(value), 'mode': 'live'})}.{value.partition('.')[2]}",
    "no base64": lambda value, secret: "../../etc/passwd." + "A" * 43,
    "not ASCII": lambda value, secret: "é" * 50 + "." + "é" * 43,
    "endless": lambda value, secret: "A" * 100_000 + "." + "A" * 43,
    "empty": lambda value, secret: "",
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_scope_is_refused_with_an_error_in_the_log_and_has_no_effect(
    tmp_path, monkeypatch, caplog, kind
):
    _, headers = scope(tmp_path / "a", mode="record")
    value = HOSTILE[kind](headers["memo-scope"], monkeypatch)
    with caplog.at_level(logging.ERROR, "memo"):
        async with client() as http:
            response = await http.get("/later", headers=[(b"memo-scope", value.encode("latin-1"))])
    assert response.text == "nowhere"
    assert "a carried scope was refused: " in caplog.text
    assert "the request is served without a scope" in caplog.text
    assert not (tmp_path / "a").exists()
    assert value not in caplog.text or not value


async def test_two_scopes_in_one_request_are_refused(tmp_path, caplog):
    _, headers = scope(tmp_path / "a")
    async with client() as http:
        response = await http.get("/where", headers=[*headers.items(), *headers.items()])
    assert response.text == "nowhere"
    assert "carries several" in caplog.text


async def test_without_the_middleware_the_header_does_nothing(tmp_path):
    _, headers = scope(tmp_path / "a")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(Starlette(routes=ROUTES)), base_url="http://test"
    ) as http:
        assert (await http.get("/where", headers=headers)).text == "nowhere"


async def test_options_travel_and_memos_own_scrubbers_too(tmp_path):
    rules = {"prompt": (scrub.uuids, scrub.floats(2))}
    _, headers = scope(tmp_path / "a", scrub=rules, ignore=("trace",), max_age="30d", test="test_x.py::test_it")
    async with client() as http:
        one = "8f14e45f-ceea-467f-a0e6-d9f9d8d2b0a1"
        await http.get(f"/answer?q={one}", headers=headers)
    [file] = (tmp_path / "a" / "app.ask").iterdir()
    document = json.loads(file.read_text())
    assert (document["arguments"]["prompt"], document["test"]) == ("<uuid>", "test_x.py::test_it")


async def test_layers_travel(tmp_path):
    with memo.recording(tmp_path / "common", mode="record"):
        await ask("below")
    recorder, headers = scope([tmp_path / "own", tmp_path / "common"], mode="record-if-missing")
    async with client() as http:
        for prompt in ("below", "own"):
            assert (await http.get(f"/answer?q={prompt}", headers=headers)).text == prompt.upper()
    recorder.catch_up()
    assert (recorder.stats.replayed, recorder.stats.recorded) == (1, 1)
    assert [len(list((tmp_path / name).rglob("*.json"))) for name in ("own", "common")] == [1, 1]


async def test_a_scrubber_of_ones_own_is_brought_by_the_server(tmp_path, caplog):
    rules = {"prompt": lambda text: text.lower()}
    _, headers = scope(tmp_path / "a", scrub=rules)
    async with client() as http:
        assert (await http.get("/where", headers=headers)).text == "nowhere"
    assert "its scrub cannot travel" in caplog.text
    assert "Middleware(app, scrub=...)" in caplog.text
    async with client(scrub=rules) as http:
        assert (await http.get("/where", headers=headers)).text == str(tmp_path / "a")


def test_an_option_of_the_middleware_is_checked_at_once():
    with pytest.raises(InvalidOption, match="scrubb"):
        asgi.Middleware(Starlette(), scrubb={})


@pytest.mark.parametrize("store", ["memory://", "redis://user:word@host/0", memo.stores.MemoryStore()])
def test_a_store_that_no_other_process_can_reach_does_not_travel(store):
    with pytest.raises(ScopeNotPortable, match="the scope cannot leave this process"):
        memo.Recorder(store).headers  # noqa: B018


async def test_a_worker_that_was_started_before_takes_the_scope(tmp_path):
    send, receive = anyio.create_memory_object_stream(1)
    recorders = [memo.Recorder(tmp_path / name, mode="record", isolated=True) for name in "ab"]

    async def work():
        with receive:
            async for taken, prompt in receive:
                with taken:
                    await ask(prompt)
                assert here() == "nowhere"

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        for recorder in recorders:
            with recorder:
                await send.send((memo.captured(), recorder.store.location()[-1]))
        await send.send((memo.captured(), "outside"))
        send.close()
    assert [recorder.stats.recorded for recorder in recorders] == [1, 1]


def test_a_thread_that_was_started_before_takes_the_scope_of_a_request(tmp_path):
    work: queue.Queue = queue.Queue()

    def worker():
        while (item := work.get()) is not None:
            with item[0]:
                item[1].append((ask_sync("thread"), here()))

    def app(environ, start_response):
        done: list = []
        work.put((memo.captured(), done))
        start_response("200 OK", [])

        def parts():
            yield here().encode()
            while not done:
                pass
            yield done[0][1].encode()

        return parts()

    thread = threading.Thread(target=worker)
    thread.start()
    _, headers = scope(tmp_path / "a")
    body = wsgi.Middleware(app)({"HTTP_MEMO_SCOPE": headers["memo-scope"]}, lambda *_: None)
    assert [part.decode() for part in body] == [str(tmp_path / "a")] * 2
    body.close()
    assert here() == "nowhere"
    work.put(None)
    thread.join()


async def test_tasks_that_a_request_creates_are_inside(tmp_path, anyio_backend_name):
    if anyio_backend_name != "asyncio":
        pytest.skip("asyncio's own tasks")
    found = []

    async def app(request):
        async def work():
            await asyncio.sleep(0)
            found.append(here())

        tasks.append(asyncio.create_task(work()))
        return PlainTextResponse("")

    tasks: list = []
    _, headers = scope(tmp_path / "a")
    middleware = asgi.Middleware(Starlette(routes=[Route("/", app)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(middleware), base_url="http://test") as http:
        await http.get("/", headers=headers)
    await tasks[0]
    assert found == [str(tmp_path / "a")]
