"""The preset `google-genai`: real clients against a real server, which is stopped before the replay."""

import copy
import json
from collections.abc import Iterator
from enum import Enum
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import anyio.lowlevel
import httpx2
import pytest
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials
from loopback import Server
from pydantic import BaseModel

import memo
from memo import recording
from memo.codecs.http import is_public_header

# The SDK needs asyncio: under trio its live calls find no running event loop.
on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])
# Values that the server knows and this version of the SDK does not.
pytestmark = pytest.mark.filterwarnings("ignore:NEW_REASON is not a valid FinishReason:UserWarning")

KEY = "plain-key-that-has-no-shape"
MODEL = "gemini-2.5-flash"


class Planet(BaseModel):
    name: str
    rings: bool


def _said(text: str, reason: str = "STOP") -> dict:
    content = {"parts": [{"text": text, "thoughtSignature": "AQID"}], "role": "model"}
    usage = {"promptTokenCount": 3, "totalTokenCount": 5, "newCount": 1}
    return {"candidates": [{"content": content, "finishReason": reason, "avgLogprobs": -1e-07}], "usageMetadata": usage}


CALLED = {"candidates": [{"content": {"parts": [{"functionCall": {"name": "rings", "args": {"planet": "Saturn"}}}]}}]}
ANSWERS = {
    "generateContent": _said("Sätürn ✓"),
    "batchEmbedContents": {"embeddings": [{"values": [0.1, -2e-09, 3]}, {"values": [0.5]}]},
    "countTokens": {"totalTokens": 7},
    "models": {"models": [{"name": "models/tiny", "inputTokenLimit": 8}]},
    "models/tiny": {"name": "models/tiny", "displayName": "Tiny"},
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        text = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        path = self.path.partition("?")[0]
        self.server.seen.append(self.path)
        verb = path.rpartition(":")[2] if ":" in path else path.removeprefix("/v1beta/").removeprefix("/v1/")
        for word, status in (("denied", 400), ("busy", 503)):
            if word in path:
                return self.answer(status, json.dumps({"error": {"code": status, "message": word, "status": "NO"}}))
        if verb == "streamGenerateContent":
            chunks = [_said("Sät"), _said("ürn"), _said("", "NEW_REASON")]
            if "breaks" in path:
                chunks = [chunks[0], {"error": {"code": 400, "message": "no more", "status": "INVALID_ARGUMENT"}}]
            return self.answer(
                200, "".join(f"data: {json.dumps(each)}\r\n\r\n" for each in chunks), "text/event-stream"
            )
        answer = ANSWERS.get(verb, {})
        if "NEW_REASON" in text:
            answer = _said("?", "NEW_REASON")
        elif "functionDeclarations" in text and "functionResponse" not in text:
            answer = CALLED
        elif "responseSchema" in text:
            answer = _said('{"name": "Saturn", "rings": true}')
        if "compact" in path:
            return self.answer(200, json.dumps(answer, separators=(",", ":")))
        return self.answer(200, json.dumps(answer, indent=2, ensure_ascii=False) + "\n")

    do_POST = do_GET  # noqa: N815 - the server's word

    def answer(self, status, text, kind="application/json; charset=UTF-8"):
        data = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": len(data), "Set-Cookie": "session=hidden"}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    def date_time_string(self, timestamp=None):
        return "Thu, 01 Jan 2026 00:00:00 GMT"

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    with memo.install("google-genai"):
        yield


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(Handler)
    yield server
    server.stop()


def connect(url: str | None, **options) -> genai.Client:
    http = {
        "base_url": url,
        "client_args": {"verify": False},
        "async_client_args": {"transport": httpx2.AsyncHTTPTransport(verify=False)},
    }
    return genai.Client(**({"api_key": KEY} | options), http_options=types.HttpOptions(**http))


def on_vertex(url: str | None, project: str = "p") -> genai.Client:
    return connect(
        url, api_key=None, vertexai=True, project=project, location="mars1", credentials=Credentials("ya29.token")
    )


def rings(planet: str) -> dict:
    """Whether a planet has rings."""
    asked.append(planet)
    return {"rings": True}


asked: list[str] = []
CONFIG = {"temperature": 0.5, "seed": 1, "system_instruction": "Be brief."}
USES = {
    "generate": lambda models: models.generate_content(model=MODEL, contents="Which planet has rings?", config=CONFIG),
    "unknown value": lambda models: models.generate_content(model=MODEL, contents="NEW_REASON"),
    "bytes": lambda models: models.generate_content(
        model=MODEL, contents=[types.Part.from_bytes(data=b"\x00\xff" * 3000, mime_type="image/png"), "What is it?"]
    ),
    "parsed": lambda models: models.generate_content(
        model=MODEL, contents="Which?", config={"response_mime_type": "application/json", "response_schema": Planet}
    ),
    "raw": lambda models: models.generate_content(
        model=MODEL, contents="Raw", config={"should_return_http_response": True}
    ),
    "raw, compact": lambda models: models.generate_content(
        model="compact", contents="Raw", config={"should_return_http_response": True}
    ),
    "streamed": lambda models: models.generate_content_stream(model=MODEL, contents="Which planet has rings?"),
    "embed": lambda models: models.embed_content(model="embedding-1", contents=["a", "b"]),
    "count": lambda models: models.count_tokens(model=MODEL, contents="a b c"),
    "get": lambda models: models.get(model="models/tiny"),
    "list": lambda models: models.list(config={"query_base": True, "page_size": 5}),
}
ERRORS = {
    "denied": lambda models: models.generate_content(model="denied", contents="a"),
    "denied, streamed": lambda models: models.generate_content_stream(model="denied", contents="a"),
    "breaks midway": lambda models: models.generate_content_stream(model="breaks", contents="a"),
}


def called(use, client):
    """What came back, and what was raised."""
    items = []
    try:
        result = use(client.models)
        if isinstance(result, Iterator) or isinstance(result, genai.pagers.Pager):
            items.extend(result)
            return type(result), items, None
    except errors.APIError as error:
        return None, items, error
    return type(result), [result], None


async def acalled(use, client):
    items = []
    try:
        result = await use(client.aio.models)
        if hasattr(result, "__aiter__"):
            async for item in result:
                items.append(item)  # noqa: PERF401 - those before an error count, too
            return type(result), items, None
    except errors.APIError as error:
        return None, items, error
    return type(result), [result], None


def public(items):
    """The same objects as they may be written: with the headers that are kept."""
    items = copy.deepcopy(items)
    for item in items:
        held = item if isinstance(item, types.HttpResponse) else getattr(item, "sdk_http_response", None)
        if held is not None and held.headers is not None:
            held.headers = {name: each for name, each in held.headers.items() if is_public_header(name)}
    return items


def tree(value):
    """A value as types and values: members of enums by their values, since the SDK makes unknown ones anew each time."""
    match value:
        case Enum():
            return type(value), value.value
        case BaseModel():
            fields = {name: tree(each) for name, each in vars(value).items()}
            return type(value), fields, value.model_fields_set, value.model_extra
        case list():
            return [tree(each) for each in value]
        case dict():
            return {name: tree(each) for name, each in value.items()}
    return type(value), repr(value)


def same(live, replayed):
    assert live[0] is replayed[0]
    assert tree(public(live[1])) == tree(replayed[1])
    assert type(live[2]) is type(replayed[2])
    if live[2] is not None:
        for name in ("args", "code", "status", "message", "details"):
            assert getattr(live[2], name) == getattr(replayed[2], name)


def written(folder: Path) -> list[dict]:
    return [json.loads(each.read_text()) for each in sorted(folder.rglob("*.json"))]


@pytest.mark.parametrize("name", [*USES, *ERRORS])
def test_sync(name, server, tmp_path):
    use = (USES | ERRORS)[name]
    with connect(server.url) as client, recording(tmp_path, mode="record") as rec:
        live = called(use, client)
    assert rec.stats.recorded == rec.stats.live == len(server.seen) == 1
    assert (live[2] is not None) == (name in ERRORS)
    server.stop()
    with connect(server.url) as client, recording(tmp_path) as rec:
        same(live, called(use, client))
        same(live, called(use, client))
    assert (rec.stats.replayed, rec.stats.live) == (2, 0)
    for secret in (KEY.encode(), b"hidden", b"set-cookie"):
        assert not any(secret in each.read_bytes().lower() for each in tmp_path.rglob("*.json"))


@on_asyncio
@pytest.mark.parametrize("name", [*USES, *ERRORS])
async def test_async(name, server, tmp_path):
    use = (USES | ERRORS)[name]
    async with connect(server.url).aio as client:
        with recording(tmp_path, mode="record") as rec:
            live = await acalled(use, _Both(client))
    assert rec.stats.recorded == rec.stats.live == len(server.seen) == 1
    server.stop()
    async with connect(server.url).aio as client:
        with recording(tmp_path) as rec:
            same(live, await acalled(use, _Both(client)))
            same(live, await acalled(use, _Both(client)))
    assert (rec.stats.replayed, rec.stats.live) == (2, 0)


class _Both:
    """A client by its async half, which is what can be closed."""

    def __init__(self, aio):
        self.aio = aio


@on_asyncio
@pytest.mark.parametrize("name", [each for each in USES if each != "list"])
async def test_what_one_client_recorded_the_other_replays(name, server, tmp_path):
    with connect(server.url) as client, recording(tmp_path / "sync", mode="record"):
        live = called(USES[name], client)
    async with connect(server.url).aio as client:
        with recording(tmp_path / "async", mode="record"):
            alive = await acalled(USES[name], _Both(client))
    server.stop()
    with connect(server.url) as client, recording(tmp_path / "async"):
        same(live, called(USES[name], client))
    async with connect(server.url).aio as client:
        with recording(tmp_path / "sync"):
            same(alive, await acalled(USES[name], _Both(client)))


def test_the_users_own_tools_run_in_a_replay(server, tmp_path):
    def ask():
        with connect(server.url) as client:
            return client.models.generate_content(model=MODEL, contents="Rings?", config={"tools": [rings]})

    asked.clear()
    with recording(tmp_path, mode="record") as rec:
        live = ask()
    assert rec.stats.recorded == 2
    server.stop()
    with recording(tmp_path) as rec:
        replayed = ask()
    assert rec.stats.replayed == 2
    assert asked == ["Saturn", "Saturn"]
    assert live.text == replayed.text == "Sätürn ✓"
    assert tree(public([live])) == tree([replayed])


def test_chats(server, tmp_path):
    def talk():
        with connect(server.url) as client:
            chat = client.chats.create(model=MODEL)
            first = [each.text for each in chat.send_message_stream("One")]
            return first, chat.send_message("Two").text, chat.get_history()

    with recording(tmp_path, mode="record"):
        live = talk()
    server.stop()
    with recording(tmp_path) as rec:
        assert tree(list(live)) == tree(list(talk()))
    assert rec.stats.replayed == 2


def test_names_arguments_and_files_that_can_be_read(server, tmp_path):
    with connect(server.url) as client, recording(tmp_path, mode="record"):
        for name in ("generate", "streamed", "embed", "list", "get", "count"):
            called(USES[name], client)
    names = ["count_tokens", "embed_content", "generate_content", "generate_content_stream", "models"]
    assert sorted(each.name for each in tmp_path.iterdir()) == [f"google.{each}" for each in names]
    (plain,) = written(tmp_path / "google.generate_content")
    api = "v1beta" if "/v1beta/" in server.seen[0] else "v1"
    assert plain["arguments"] == {
        "method": "POST",
        "path": f"/{api}/models/{MODEL}:generateContent",
        "query": {},
        "body": {
            "contents": [{"parts": [{"text": "Which planet has rings?"}], "role": "user"}],
            "generationConfig": {"temperature": 0.5, "seed": 1},
            "systemInstruction": {"parts": [{"text": "Be brief."}], "role": "user"},
        },
        "server": server.url,
    }
    assert plain["outcomes"][0]["value"]["body"] == ANSWERS["generateContent"]
    (streamed,) = written(tmp_path / "google.generate_content_stream")
    assert streamed["arguments"]["query"] == {"alt": ["sse"]}
    assert streamed["outcomes"][0]["stream"]["end"] == "complete"


def test_vertex_and_gemini_and_two_projects_are_distinguished(server, tmp_path):
    clients = [connect(server.url), on_vertex(server.url), on_vertex(server.url, "q"), connect("http://127.0.0.1:1")]
    with recording(tmp_path, mode="record"):
        for client in clients[:2]:
            assert client.models.generate_content(model=MODEL, contents="a").text == "Sätürn ✓"
    server.stop()
    with recording(tmp_path) as rec:
        for client in clients[:2]:
            assert client.models.generate_content(model=MODEL, contents="a").text == "Sätürn ✓"
        for client in clients[2:]:
            with pytest.raises(memo.RecordingNotFound):
                client.models.generate_content(model=MODEL, contents="a")
    assert rec.stats.replayed == 2
    gemini, vertex = sorted(written(tmp_path), key=lambda each: "projects" in each["arguments"]["path"])
    assert vertex["arguments"]["path"].endswith(
        f"/projects/p/locations/mars1/publishers/google/models/{MODEL}:generateContent"
    )
    assert gemini["function"] == vertex["function"] == "google.generate_content"
    assert not any(b"ya29" in each.read_bytes() for each in tmp_path.rglob("*.json"))
    for client in clients:
        client.close()


def test_where_vertex_and_gemini_are(tmp_path, monkeypatch):
    for name in ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    servers = []
    for client in (connect(None), on_vertex(None)):
        with recording(tmp_path), pytest.raises(memo.RecordingNotFound) as missed:
            client.models.generate_content(model=MODEL, contents="a")
        servers.append(json.loads(missed.value.arguments)["server"])
        client.close()
    assert servers == ["https://generativelanguage.googleapis.com", "https://mars1-aiplatform.googleapis.com"]


def test_options_of_a_call(server, tmp_path):
    def ask(client, **http):
        config = types.GenerateContentConfig(http_options=types.HttpOptions(**http))
        return client.models.generate_content(model=MODEL, contents="a", config=config)

    with connect(server.url) as client:
        with recording(tmp_path, mode="record"):
            ask(client, timeout=5000, headers={"x-trace": "1"}, extra_body={"labels": {"a": "b"}})
        with recording(tmp_path) as rec:
            ask(client, timeout=9000, headers={"x-goog-api-key": "another"}, extra_body={"labels": {"a": "b"}})
            for other in (
                {"extra_body": {"labels": {"a": "c"}}},
                {"api_version": "v9"},
                {"base_url": "http://127.0.0.1:1"},
            ):
                with pytest.raises(memo.RecordingNotFound):
                    ask(client, **{"extra_body": {"labels": {"a": "b"}}, **other})
    assert rec.stats.replayed == 1


def test_a_key_in_the_url_stays_out(server, tmp_path):
    with connect(server.url) as client:
        with recording(tmp_path, mode="record"):
            live = client._api_client.request("get", "models?pageSize=1&key=verysecret", {})
        with recording(tmp_path) as rec:
            assert client._api_client.request("get", "models?pageSize=1&key=another", {}).body == live.body
    assert rec.stats.replayed == 1
    assert not any(b"verysecret" in each.read_bytes() for each in tmp_path.rglob("*.json"))


@pytest.mark.filterwarnings("ignore::memo.errors.CallsNotRecordedWarning")
def test_errors_of_the_moment_are_not_recorded(server, tmp_path):
    with connect(server.url) as client, recording(tmp_path, mode="record") as rec:
        for ask in (
            client.models.generate_content,
            lambda **given: list(client.models.generate_content_stream(**given)),
        ):
            with pytest.raises(errors.ServerError):
                ask(model="busy", contents="a")
    assert rec.stats.recorded == 0


@on_asyncio
async def test_left_early(server, tmp_path):
    async with connect(server.url).aio as client:
        with recording(tmp_path, mode="record"):
            stream = await client.models.generate_content_stream(model=MODEL, contents="a")
            first = await anext(stream)
            await stream.aclose()
        for _ in range(50):  # the SDK leaves what is inside its stream to the garbage collector
            await anyio.lowlevel.checkpoint()
    async with connect(server.url).aio as client:
        with recording(tmp_path):
            stream = await client.models.generate_content_stream(model=MODEL, contents="a")
            assert (await anext(stream)).text == first.text
            await stream.aclose()


@on_asyncio
async def test_many_tasks_over_one_client(server, tmp_path):
    answers = []

    async def ask(client, number):
        stream = await client.models.generate_content_stream(model=MODEL, contents=str(number % 5))
        answers.append("".join([each.text or "" async for each in stream]))

    for live in (5, 0):
        with recording(tmp_path, mode="record-if-missing", draws=False) as rec:
            async with connect(server.url).aio as client, anyio.create_task_group() as tasks:
                for number in range(100):
                    tasks.start_soon(ask, client, number)
        assert rec.stats.live == live
    assert answers == ["Sätürn"] * 200
    assert len(server.seen) == 5


def test_early_versions_that_return_plain_data():
    from memo.patches.presets.google_genai import _answer, _recorded

    assert _answer(_recorded({"candidates": []})) == {"candidates": []}


def test_wrong_arguments_are_the_clients_to_refuse(server, tmp_path):
    with connect(server.url) as client, recording(tmp_path, mode="record"), pytest.raises(TypeError, match="request"):
        client._api_client.request("get")
