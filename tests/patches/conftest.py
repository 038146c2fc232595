"""A fake server of the OpenAI and Anthropic APIs on loopback, and what the tests of the SDKs' patches compare."""

import array
import base64
import gzip
import hashlib
import importlib
import json
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from loopback import Loopback
from patched import SOURCE, names
from pydantic import BaseModel

from memo.patches import _registry

KEY = "sk-" + "a1B2c3D4" * 4
ORGANIZATION = "org-verysecretorganization"
BINARY = bytes(range(256)) * 8


class Handler(BaseHTTPRequestHandler):
    """Answers by the end of the path; the model's name asks for what goes wrong."""

    protocol_version = "HTTP/1.1"
    server: "FakeServer"

    def log_message(self, *_: Any) -> None: ...

    def do_GET(self) -> None:
        self.answer(None)

    def do_DELETE(self) -> None:
        self.answer(None)

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("content-type", "").startswith("application/json"):
            self.answer(json.loads(data or b"{}"))
        else:
            self.answer({"upload": data})

    def answer(self, body: Any) -> None:
        url = urlsplit(self.path)
        with self.server.lock:
            self.server.seen.append((self.command, self.path, body))
            number = len(self.server.seen)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        model = body.get("model", "") if isinstance(body, dict) else ""
        if self.fails(model, number):
            return
        answer = next((answer for end, answer in ROUTES if url.path.endswith(end)), None)
        if answer is not None:
            answer(self, body, query)
        else:
            self.json({"error": {"message": f"no such path: {url.path}", "code": "not_found"}}, 404)

    def fails(self, model: str, number: int) -> bool:
        match model:
            case "flaky" if number <= 2:
                self.json({"error": {"message": "try again"}}, 500, {"retry-after-ms": "1"})
            case "bad":
                self.json({"error": {"message": "nope", "code": "bad_model", "type": "invalid", "param": "model"}}, 400)
            case "unauthorized":
                shown = f"{KEY[:5]}{'*' * 16}{KEY[-4:]}"
                self.json(
                    {"error": {"message": f"Incorrect API key provided: {shown}.", "code": "invalid_api_key"}}, 401
                )
            case "limited":
                self.json({"error": {"message": "slow down", "code": "rate_limit"}}, 429, {"retry-after": "7"})
            case "down":
                self.json({"error": {"message": "down"}}, 503)
            case "html":
                self.raw(b"<html>teapot</html>", "text/html", 418)
            case _:
                return False
        return True

    # Answers

    def json(self, tree: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        # Spaces and order as no JSON library of ours would write them.
        self.raw(json.dumps(tree, indent=1).encode(), "application/json", status, headers)

    def raw(self, data: bytes, kind: str, status: int = 200, headers: dict[str, str] | None = None) -> None:
        if self.server.gzipped:
            data, headers = gzip.compress(data), {**(headers or {}), "content-encoding": "gzip"}
        self.head(kind, status, {**(headers or {}), "content-length": str(len(data))})
        self.wfile.write(data)

    def head(self, kind: str, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        own = {"x-request-id": "req_17", "request-id": "req_17", "set-cookie": "session=verysecretcookie; Path=/"}
        for name, value in {"content-type": kind, **own, "openai-organization": ORGANIZATION, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def events(self, events: list[Any], *, named: bool = False, done: bool = True, drop: bool = False) -> None:
        zipped = {"content-encoding": "gzip"} if self.server.gzipped else {}
        self.head("text/event-stream", 200, {"transfer-encoding": "chunked", **zipped})
        texts = [(f"event: {each['type']}\n" if named else "") + f"data: {json.dumps(each)}\n\n" for each in events]
        if done:
            texts.append("data: [DONE]\n\n")
        if self.server.gzipped:
            self.chunk(gzip.compress("".join(texts).encode()))
        else:
            for text in texts:
                self.chunk(text.encode())
        if drop:
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    # Routes

    def chat(self, body: Any, query: Any) -> None:
        model = body["model"]
        if body.get("stream"):
            whole = ['{"n"', ": 3", "}"] if model == "json" else [f"{i} " for i in range(5)]
            chunks: list[Any] = [self.part(model, {"role": "assistant", "content": ""})]
            chunks += [self.part(model, {"content": text}) for text in whole]
            if model == "broken":
                self.events(
                    [*chunks[:3], {"error": {"message": "out of luck", "code": "unlucky", "type": "x"}}], done=False
                )
                return
            if model == "dropped":
                self.events(chunks[:3], done=False, drop=True)
                return
            chunks += [
                self.part(model, {}, finish_reason="stop"),
                {**self.part(model, {}), "choices": [], "usage": USAGE},
            ]
            self.events(chunks)
            return
        text = '{"n": 3}' if model != "words" else "three"
        message = {"role": "assistant", "content": text, "reasoning_content": "because"}
        if model == "signed":
            message["content"] = "https://x.blob.core.windows.net/i.png?se=2026&sig=AbCdEfGhIjKlMnOpQrStUvWxYz%3D"
        self.json(
            {
                "id": "c1", "object": "chat.completion", "created": 1, "model": model, "usage": USAGE, "xtra": 5,
                "choices": [{"index": 0, "finish_reason": "stop", "message": message, "logprobs": None}],
            }
        )  # fmt: skip

    def part(self, model: str, delta: Any, finish_reason: str | None = None) -> Any:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return {
            "id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice],
            "obfuscation": "x",
        }  # fmt: skip

    def completions(self, body: Any, query: Any) -> None:
        def completion(text: str, reason: str | None) -> Any:
            choice = {"index": 0, "text": text, "finish_reason": reason, "logprobs": None}
            return {"id": "t1", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}

        if body.get("stream"):
            self.events([completion("a", None), completion("b", "stop")])
        else:
            self.json(completion("ab", "stop"))

    def embeddings(self, body: Any, query: Any) -> None:
        vector = [0.1, -0.25, 1.5]
        packed: Any = vector
        if body.get("encoding_format") == "base64":
            packed = base64.b64encode(array.array("f", vector).tobytes()).decode()
        data = [{"object": "embedding", "index": i, "embedding": packed} for i in range(2)]
        self.json({"object": "list", "model": "e", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}})

    def models(self, body: Any, query: Any) -> None:
        if self.headers.get("anthropic-version"):
            kind = {"type": "model", "display_name": "M", "created_at": "2026-01-02T03:04:05Z"}
            self.json({"data": [{"id": "m1", **kind}], "has_more": False, "first_id": "m1", "last_id": "m1"})
            return
        kind = {"object": "model", "created": 1, "owned_by": "x", "shape": {"a": [1]}, "type": "chat"}
        kind |= {"identifier": "m", "metadata": {}, "provider_id": "p", "api_model_type": "llm", "model_type": "llm"}
        models = [{"id": name, **kind} for name in ("m1", "m2")]
        self.json({"object": "list", "data": models})

    def files(self, body: Any, query: Any) -> None:
        if self.command == "POST":
            self.json(file_object("file-" + hashlib.sha256(parts(body["upload"])).hexdigest()[:8]))
            return
        after = query.get("after", "")
        at = int(after.removeprefix("f")) + 1 if after else 0
        data = [file_object(f"f{i}") for i in range(at, at + 2)]
        self.json(
            {"object": "list", "data": data, "has_more": at < 4, "first_id": data[0]["id"], "last_id": data[-1]["id"]}
        )

    def binary(self, body: Any, query: Any) -> None:
        self.raw(BINARY, "application/octet-stream")

    def answer_responses(self, body: Any, query: Any) -> None:
        def response(status: str, texts: list[str]) -> Any:
            return {
                "id": "r1", "object": "response", "created_at": 1.0, "model": "m", "status": status, "error": None,
                "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True,
                "temperature": 1.0, "tool_choice": "auto", "top_p": 1.0, "text": {"format": {"type": "text"}},
                "output": [item("completed", texts)] if texts else [], "usage": None,
                "tools": [{k: v for k, v in tool.items() if k != "server_url"} for tool in body.get("tools", [])],
            }  # fmt: skip

        def item(status: str, texts: list[str]) -> Any:
            content = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
            return {"id": "i1", "type": "message", "role": "assistant", "status": status, "content": content}

        if not body.get("stream"):
            self.json(response("completed", ['{"n": 3}']))
            return
        at = {"item_id": "i1", "output_index": 0, "content_index": 0}
        part = {"type": "output_text", "text": "", "annotations": []}
        deltas = ['{"n"', ": 3", "}"]
        events: list[Any] = [
            {"type": "response.created", "response": response("in_progress", [])},
            {"type": "response.output_item.added", "output_index": 0, "item": item("in_progress", [])},
            {"type": "response.content_part.added", **at, "part": part},
            *({"type": "response.output_text.delta", **at, "delta": each, "logprobs": []} for each in deltas),
            {"type": "response.output_text.done", **at, "text": "".join(deltas), "logprobs": []},
            {"type": "response.content_part.done", **at, "part": {**part, "text": "".join(deltas)}},
            {"type": "response.output_item.done", "output_index": 0, "item": item("completed", ["".join(deltas)])},
            {"type": "response.completed", "response": response("completed", ["".join(deltas)])},
        ]
        for number, event in enumerate(events):
            event["sequence_number"] = number
        self.events(events, named=True, done=False)

    def messages(self, body: Any, query: Any) -> None:
        usage = {"input_tokens": 1, "output_tokens": 2}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "stop_sequence": None}
        if not body.get("stream"):
            content = [{"type": "text", "text": "three"}]
            self.json({**message, "content": content, "stop_reason": "end_turn", "usage": usage, "xtra": 1})
            return
        start = {**message, "content": [], "stop_reason": None, "usage": usage}
        events: list[Any] = [
            {"type": "message_start", "message": start},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "ping"},
            *(
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f"{i} "}}
                for i in range(4)
            ),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
            {"type": "message_stop"},
        ]
        if body["model"] == "broken":
            events[4:] = [{"type": "error", "error": {"type": "overloaded_error", "message": "out of luck"}}]
        self.events(events, named=True, done=False)

    def count_tokens(self, body: Any, query: Any) -> None:
        self.json({"input_tokens": 12})


USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
ROUTES = [
    ("/chat/completions", Handler.chat),
    ("/completions", Handler.completions),
    ("/embeddings", Handler.embeddings),
    ("/models", Handler.models),
    ("/supported-models", Handler.models),
    ("/files", Handler.files),
    ("/content", Handler.binary),
    ("/audio/speech", Handler.binary),
    ("/responses", Handler.answer_responses),
    ("/count_tokens", Handler.count_tokens),
    ("/messages", Handler.messages),
]


def parts(upload: bytes) -> bytes:
    """A multipart body without its boundary, which is another each time."""
    boundary = upload.partition(b"\r\n")[0]
    return upload.replace(boundary, b"--")


def file_object(name: str) -> Any:
    kind = {
        "object": "file",
        "bytes": 3,
        "created_at": 1,
        "filename": "a.txt",
        "purpose": "batch",
        "status": "processed",
    }
    return {"id": name, **kind}


class FakeServer(Loopback):
    """A real HTTP server. `seen` has each request: method, path, body."""

    request_queue_size = 256

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, Any]] = []
        self.lock = threading.Lock()
        self.gzipped = False
        super().__init__(Handler)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """The fake server, running until the test stops it."""
    made = FakeServer()
    yield made
    made.stop()


def shape(value: Any) -> Any:
    """All that a user can see of a result: the types all the way down, values, set fields, extras, private attributes."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(value, BaseModel):
        private = value.__pydantic_private__
        return (
            name,
            shape(value.__dict__),
            sorted(value.__pydantic_fields_set__),
            shape(value.__pydantic_extra__),
            # Pages hold their client, and the request that got them.
            None if private is None else {key: shape_private(key, each) for key, each in sorted(private.items())},
        )
    if isinstance(value, dict):
        return (name, [(key, shape(each)) for key, each in value.items()])
    if isinstance(value, list | tuple):
        return (name, [shape(each) for each in value])
    if isinstance(value, Exception):
        names = ("status_code", "body", "code", "param", "type", "request_id", "message")
        told = {key: shape(getattr(value, key, None)) for key in names}
        return (name, shape(value.args), told, shape(getattr(value, "response", None)))
    if name in ("httpx.Response", "httpx2.Response"):
        kept = ("content-type", "x-request-id", "request-id", "retry-after")
        try:
            content = value.content
        except RuntimeError:  # that of a stream, which broke
            content = "unread"
        return (name, value.status_code, content, {key: value.headers[key] for key in kept if key in value.headers})
    if isinstance(value, str | bytes | int | float | datetime | None):
        return (name, value)
    raise AssertionError(f"the tests do not know how to compare a {name}")


def shape_private(name: str, value: Any) -> Any:
    if name == "_options":
        return (value.method, value.url, dict(value.params), value.json_data)
    return value if name == "_model" else type(value)


@pytest.fixture
def mod(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Its own module, imported."""
    name = next(names)
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module(name)
    yield module
    assert not [target for target in _registry._applied if target.startswith(f"{name}:")], "left behind"
    sys.modules.pop(name, None)


@pytest.fixture
def unimported(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The names of a module and a package that are not imported yet."""
    name = next(names)
    package = tmp_path / f"{name}_pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "tools.py").write_text(SOURCE)
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for module in list(sys.modules):
        if module.startswith(name):
            del sys.modules[module]


@pytest.fixture
def shown() -> Any:
    """`shape`, for the tests: nothing imports a conftest."""
    return shape


@pytest.fixture
def api_key() -> str:
    """A key in the shape of a real one."""
    return KEY


@pytest.fixture
def organization() -> str:
    return ORGANIZATION


@pytest.fixture
async def closed_clients() -> AsyncIterator[None]:
    """Close the clients of `remembered_calls` at the end of the test."""
    from remembered_calls import clients
    from uses import a

    yield
    while clients:
        await a(clients.pop().close())


@pytest.fixture
def transformed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """How often openai transforms arguments, a `Transformed`."""
    from remembered_calls import METHODS, Transformed

    made = Transformed()
    for name in METHODS:
        made.watch(importlib.import_module(f"openai.resources.{name}"), monkeypatch)
    return made
