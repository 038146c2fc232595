"""The preset `ollama`: real clients against a real server, which is stopped before the replay."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import anyio
import ollama
import pytest
from loopback import Server

import memo
from memo import recording
from memo.codecs.sameness import difference
from memo.importers.llama_stack import import_recordings

# An error in the middle of a stream: the SDK leaves httpx's generators open, and trio minds when it collects them.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")

DETAILS = {
    "format": "gguf",
    "family": "llama",
    "families": ["llama"],
    "parameter_size": "1B",
    "quantization_level": "Q4",
}
MODEL = {"name": "tiny", "model": "tiny", "size": 5, "digest": "abc", "details": DETAILS}
QUESTION = [{"role": "user", "content": "Which planet has rings?"}]


def _chat(text: str, *, done: bool) -> dict:
    message = (
        {"role": "assistant", "content": text, "thinking": "hm"} if done else {"role": "assistant", "content": text}
    )
    return {"model": "tiny", "created_at": "2026-01-01T00:00:00.1Z", "message": message, "done": done, "eval_count": 7}


CHAT = [_chat("Sat", done=False), _chat("urn", done=False), _chat(" ✓", done=True)]
GENERATE = [{"model": "tiny", "response": each, "done": each == "urn", "context": [1, 2]} for each in ("Sat", "urn")]
ANSWERS = {
    "/api/chat": _chat("Saturn", done=True),
    "/api/generate": {"model": "tiny", "response": "Saturn", "done": True, "total_duration": 12},
    "/api/embed": {"model": "tiny", "embeddings": [[0.1, -2e-9], [0.5, 3.0]], "prompt_eval_count": 4},
    "/api/ps": {"models": [{**MODEL, "expires_at": "2026-01-01T00:00:00.5-07:00", "size_vram": 5}]},
    "/api/tags": {"models": [{**MODEL, "modified_at": "2026-01-01T00:00:00Z"}]},
    "/api/show": {"modelfile": "FROM x", "details": DETAILS, "model_info": {"general.architecture": "llama"}},
    "/api/pull": {"status": "success"},
}
STREAMS = {
    "/api/chat": CHAT,
    "/api/generate": GENERATE,
    "/api/pull": [{"status": "pulling", "total": 9, "completed": each} for each in (1, 9)] + [{"status": "success"}],
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        self.server.seen.append((self.command, self.path))
        match body.get("model"):
            case "missing":
                return self.answer(404, {"error": "model 'missing' not found"})
            case "busy":
                return self.answer(503, {"error": "busy"})
            case "breaks":
                return self.answer(200, _chat("Sat", done=False), {"error": "out of memory"})
        if body.get("stream"):
            return self.answer(200, *STREAMS[self.path])
        return self.answer(200, ANSWERS.get(self.path, {}))

    do_DELETE = do_GET  # noqa: N815 - the server's word

    def do_POST(self):
        if not self.path.startswith("/api/blobs/"):
            return self.do_GET()
        if self.headers.get("transfer-encoding") == "chunked":
            while int(self.rfile.readline(), 16):
                self.rfile.readline()
            self.rfile.readline()
        else:
            self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append((self.command, self.path))
        return self.answer(201)

    def answer(self, status, *lines):
        data = "".join(json.dumps(each) + "\n" for each in lines).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.send_header("set-cookie", "session=verysecret")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    with memo.install("ollama"):
        yield


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(Handler)
    yield server
    server.stop()


@pytest.fixture
def blob(tmp_path: Path) -> Path:
    path = tmp_path / "blob"
    path.write_bytes(b"\x00" * 40_000)
    return path


USES = {
    "chat": lambda client, _: client.chat(model="tiny", messages=QUESTION),
    "chat, positional": lambda client, _: client.chat("tiny", QUESTION),
    "chat with a tool": lambda client, _: client.chat("tiny", QUESTION, tools=[_chat], think=True, options={"seed": 1}),
    "chat, streamed": lambda client, _: client.chat("tiny", QUESTION, stream=True),
    "generate": lambda client, _: client.generate("tiny", "Which planet has rings?"),
    "generate, streamed": lambda client, _: client.generate("tiny", "Which planet has rings?", stream=True),
    "embed": lambda client, _: client.embed("tiny", ["a", "b"]),
    "ps": lambda client, _: client.ps(),
    "list": lambda client, _: client.list(),
    "show": lambda client, _: client.show("tiny"),
    "pull": lambda client, _: client.pull("tiny"),
    "pull, streamed": lambda client, _: client.pull("tiny", stream=True),
    "copy": lambda client, _: client.copy("tiny", "other"),
    "delete": lambda client, _: client.delete("other"),
    "create_blob": lambda client, blob: client.create_blob(blob),
}
ERRORS = {
    "not found": lambda client, _: client.chat("missing", QUESTION),
    "not found, streamed": lambda client, _: client.chat("missing", QUESTION, stream=True),
    "not found, raw": lambda client, _: client.delete("missing"),
    "breaks midway": lambda client, _: client.chat("breaks", QUESTION, stream=True),
}


def called(use, client, blob):
    """What came back, and what was raised."""
    items = []
    try:
        result = use(client, blob)
        if isinstance(result, Iterator):
            items.extend(result)
            return type(result).__name__, items, None
    except ollama.ResponseError as error:
        return None, items, error
    return result, items, None


async def acalled(use, client, blob):
    items = []
    try:
        result = await use(client, blob)
        if hasattr(result, "__anext__"):
            async for item in result:
                items.append(item)  # noqa: PERF401 - those before an error count, too
            return type(result).__name__, items, None
    except ollama.ResponseError as error:
        return None, items, error
    return result, items, None


def same(live, replayed):
    assert difference(live[:2], replayed[:2], repr) is None
    assert type(live[2]) is type(replayed[2])
    if live[2] is not None:
        assert vars(live[2]) == vars(replayed[2])
        assert live[2].args == replayed[2].args
        assert live[2].status_code == replayed[2].status_code


@pytest.mark.parametrize("name", [*USES, *ERRORS])
def test_sync(name, server, tmp_path, blob):
    use = (USES | ERRORS)[name]
    with ollama.Client(server.url, verify=False) as client, recording(tmp_path / "s", mode="record") as rec:
        live = called(use, client, blob)
    assert rec.stats.recorded == rec.stats.live == len(server.seen) == 1
    assert (live[2] is not None) == (name in ERRORS)
    server.stop()
    with ollama.Client(server.url, verify=False) as client, recording(tmp_path / "s") as rec:
        same(live, called(use, client, blob))
        same(live, called(use, client, blob))
    assert (rec.stats.replayed, rec.stats.live) == (2, 0)
    assert b"verysecret" not in b"".join(each.read_bytes() for each in (tmp_path / "s").rglob("*.json"))


@pytest.mark.parametrize("name", [*USES, *ERRORS])
async def test_async(name, server, tmp_path, blob):
    use = (USES | ERRORS)[name]
    async with ollama.AsyncClient(server.url, verify=False) as client:
        with recording(tmp_path / "s", mode="record") as rec:
            live = await acalled(use, client, blob)
    assert rec.stats.recorded == rec.stats.live == len(server.seen) == 1
    server.stop()
    async with ollama.AsyncClient(server.url, verify=False) as client:
        with recording(tmp_path / "s") as rec:
            same(live, await acalled(use, client, blob))
    assert (rec.stats.replayed, rec.stats.live) == (1, 0)


@pytest.mark.parametrize("name", USES)
async def test_what_one_client_recorded_the_other_replays(name, server, tmp_path, blob):
    with ollama.Client(server.url, verify=False) as client, recording(tmp_path / "sync", mode="record"):
        live = called(USES[name], client, blob)
    async with ollama.AsyncClient(server.url, verify=False) as client:
        with recording(tmp_path / "async", mode="record"):
            alive = await acalled(USES[name], client, blob)
    server.stop()
    with ollama.Client(server.url, verify=False) as client, recording(tmp_path / "async"):
        same(live, called(USES[name], client, blob))
    async with ollama.AsyncClient(server.url, verify=False) as client:
        with recording(tmp_path / "sync"):
            same(alive, await acalled(USES[name], client, blob))


def test_functions_of_the_module(server, tmp_path, monkeypatch):
    client = ollama.Client(server.url, verify=False)
    monkeypatch.setattr(ollama.chat.__self__, "_client", client._client)
    with recording(tmp_path, mode="record"):
        live = ollama.chat("tiny", QUESTION), list(ollama.chat("tiny", QUESTION, stream=True)), ollama.ps()
    assert len(server.seen) == 3
    server.stop()
    with recording(tmp_path) as rec:
        again = ollama.chat("tiny", QUESTION), list(ollama.chat("tiny", QUESTION, stream=True)), ollama.ps()
    assert difference(live, again, repr) is None
    assert rec.stats.replayed == 3
    client.close()


def test_names_and_arguments_are_the_importers(server, tmp_path):
    with ollama.Client(server.url, verify=False) as client, recording(tmp_path / "s", mode="record"):
        live = client.ps()
        client.chat("tiny", QUESTION)
        client.copy("tiny", "other")
    assert sorted(each.name for each in (tmp_path / "s").iterdir()) == ["ollama.chat", "ollama.copy", "ollama.ps"]
    written = json.loads(next((tmp_path / "s" / "ollama.ps").iterdir()).read_text())
    assert written["arguments"] == {"method": "GET", "path": "/api/ps", "query": {}, "body": None, "server": server.url}
    written = json.loads(next((tmp_path / "s" / "ollama.chat").iterdir()).read_text())
    assert written["arguments"]["body"]["messages"] == QUESTION
    server.stop()
    old = {
        "request": {"method": "POST", "url": f"{server.url}/api/ps", "body": {}, "endpoint": "/api/ps"},
        "response": {"body": {"__type__": "ollama._types.ProcessResponse", "__data__": live.model_dump(mode="json")}},
    }
    (tmp_path / "old.json").write_text(json.dumps(old))
    assert import_recordings(tmp_path / "old.json", tmp_path / "imported").imported == 1
    with ollama.Client(server.url, verify=False) as client, recording(tmp_path / "imported"):
        assert client.ps() == live


async def test_recordings_of_the_corpus(corpus, tmp_path):
    import_recordings(next(corpus.rglob("dev/inference/recordings")), tmp_path)
    async with ollama.AsyncClient("http://localhost:11434", verify=False) as client:
        with recording(tmp_path) as rec:
            assert isinstance(await client.ps(), ollama.ProcessResponse)
    assert rec.stats.replayed == 1


def test_a_web_search_belongs_to_the_server_it_goes_to(tmp_path):
    with ollama.Client("http://127.0.0.1:1", headers={"authorization": "Bearer 0123456789abcdef"}) as client:
        with recording(tmp_path), pytest.raises(memo.RecordingNotFound) as missed:
            client.web_search("rings")
    assert missed.value.function == "ollama.web_search"
    assert json.loads(missed.value.arguments)["server"] == "https://ollama.com"
    assert "0123456789abcdef" not in str(missed.value)


def test_another_server_does_not_answer(server, tmp_path):
    with ollama.Client(server.url, verify=False) as client, recording(tmp_path, mode="record"):
        client.ps()
    with (
        ollama.Client("http://127.0.0.1:1", verify=False) as client,
        recording(tmp_path),
        pytest.raises(memo.RecordingNotFound),
    ):
        client.ps()


@pytest.mark.filterwarnings("ignore::memo.errors.CallsNotRecordedWarning")
def test_errors_of_the_moment_are_not_recorded(server, tmp_path):
    with ollama.Client(server.url, verify=False) as client, recording(tmp_path, mode="record") as rec:
        for stream in (False, True):
            assert called(lambda c, _, s=stream: c.chat("busy", QUESTION, stream=s), client, None)[2].status_code == 503
    server.stop()
    with (
        ollama.Client(server.url, verify=False) as client,
        recording(tmp_path, mode="record") as rec,
        pytest.raises(ConnectionError),
    ):
        client.ps()
    assert rec.stats.recorded == 0
    assert not list(tmp_path.rglob("*.json"))


def test_a_missing_recording_is_recorded_once_through_both_methods(server, tmp_path):
    with (
        ollama.Client(server.url, verify=False) as client,
        recording(tmp_path, mode="record-if-missing", draws=False) as rec,
    ):
        for _ in range(2):
            client.ps()
            client.copy("a", "b")
    assert (rec.stats.live, rec.stats.recorded, rec.stats.replayed) == (2, 2, 2)
    assert len(server.seen) == 2


async def test_many_tasks_over_one_client(server, tmp_path):
    answers = []

    async def ask(client, number):
        stream = await client.chat("tiny", [{"role": "user", "content": str(number % 5)}], stream=True)
        answers.append(([each async for each in stream], await client.ps()))

    for live in (6, 0):
        with recording(tmp_path, mode="record-if-missing", draws=False) as rec:
            async with ollama.AsyncClient(server.url, verify=False) as client, anyio.create_task_group() as tasks:
                for number in range(100):
                    tasks.start_soon(ask, client, number)
        assert rec.stats.live == live
    assert len(answers) == 200
    assert all(each == answers[0] for each in answers)
    assert len(server.seen) == 6


def test_wrong_arguments_are_the_clients_to_refuse(server, tmp_path):
    with (
        ollama.Client(server.url, verify=False) as client,
        recording(tmp_path, mode="record"),
        pytest.raises(TypeError),
    ):
        client._request_raw("GET")
    assert not server.seen
