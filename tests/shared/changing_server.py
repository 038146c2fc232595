"""A server on loopback that answers as the APIs of openai, anthropic and ollama do, and whose answers a test changes.

Ids, times and texts are others in every answer, as those of a real provider are.
"""

import copy
import itertools
import json
import random
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from loopback import Server

WORDS = "Saturn has rings of ice and rock, and more moons than any other planet that we know of".split()


class Volatile:
    """What differs in every answer."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.random = random.Random(7)

    def id(self, prefix: str) -> str:
        return f"{prefix}{next(self.numbers):x}{self.random.getrandbits(48):x}"

    def time(self) -> int:
        return 1_700_000_000 + next(self.numbers)

    def words(self) -> list[str]:
        return self.random.choices(WORDS, k=self.random.randint(2, 9))


def chat(new: Volatile) -> dict[str, Any]:
    words = new.words()
    message = {"role": "assistant", "content": " ".join(words), "refusal": None, "annotations": []}
    usage = {"prompt_tokens": 9, "completion_tokens": len(words), "total_tokens": 9 + len(words)}
    return {
        "id": new.id("chatcmpl-"),
        "object": "chat.completion",
        "created": new.time(),
        "model": "gpt-4o",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message, "logprobs": None}],
        "usage": {**usage, "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0}},
        "system_fingerprint": new.id("fp_"),
    }


def chat_chunks(new: Volatile) -> list[dict[str, Any]]:
    head = {"id": new.id("chatcmpl-"), "object": "chat.completion.chunk", "created": new.time(), "model": "gpt-4o"}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return {**head, "choices": [choice], "usage": None, "obfuscation": new.id("")}

    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    return [
        chunk({"role": "assistant", "content": "", "refusal": None}),
        *(chunk({"content": f" {word}"}) for word in new.words()),
        chunk({}, "stop"),
        {**chunk({}), "choices": [], "usage": usage},
    ]


def embedding(new: Volatile) -> dict[str, Any]:
    row = [new.random.random() for _ in range(32)]
    data = [{"object": "embedding", "index": 0, "embedding": row}]
    return {"object": "list", "data": data, "model": "e", "usage": {"prompt_tokens": 2, "total_tokens": 2}}


def models(new: Volatile) -> dict[str, Any]:
    data = [{"id": name, "object": "model", "created": new.time(), "owned_by": "us"} for name in ("a", "b")]
    return {"object": "list", "data": data}


def not_found(new: Volatile) -> dict[str, Any]:
    message = f"no such model ({new.id('req_')})"
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": "model_not_found"}}


def message(new: Volatile) -> dict[str, Any]:
    return {
        "id": new.id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": " ".join(new.words())}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 4},
    }


def message_events(new: Volatile) -> list[dict[str, Any]]:
    start = {**message(new), "content": [], "stop_reason": None}
    return [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
            for word in new.words()
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 4},
        },
        {"type": "message_stop"},
    ]


def ollama_lines(new: Volatile) -> list[dict[str, Any]]:
    head = {"model": "llama", "created_at": f"2026-01-01T00:00:{new.time() % 60:02}Z"}
    return [
        *({**head, "message": {"role": "assistant", "content": word}, "done": False} for word in new.words()),
        {
            **head,
            "message": {"role": "assistant", "content": ""},
            "done": True,
            "done_reason": "stop",
            "total_duration": new.time(),
            "eval_count": 4,
        },
    ]


def ollama_chat(new: Volatile) -> dict[str, Any]:
    last = ollama_lines(new)[-1]
    return {**last, "message": {"role": "assistant", "content": " ".join(new.words())}}


def google(new: Volatile) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": " ".join(new.words())}]}
    usage = {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10}
    candidate = {"content": content, "finishReason": "STOP", "index": 0}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini", "responseId": new.id("")}


def converse(new: Volatile) -> dict[str, Any]:
    message = {"role": "assistant", "content": [{"text": " ".join(new.words())}]}
    usage = {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10}
    return {"output": {"message": message}, "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 5}}


ANSWERS: dict[str, tuple[int, Callable[[Volatile], Any]]] = {
    "chat": (200, chat),
    "chat stream": (200, chat_chunks),
    "embeddings": (200, embedding),
    "models": (200, models),
    "not found": (404, not_found),
    "messages": (200, message),
    "messages stream": (200, message_events),
    "ollama": (200, ollama_chat),
    "google": (200, google),
    "google stream": (200, lambda new: [google(new), google(new)]),
    "converse": (200, converse),
    "converse refused": (400, lambda new: {"message": f"no ({new.id('')})", "code": "ValidationException"}),
    "deleted": (200, lambda new: {"id": "f1", "object": "file", "deleted": True}),
    "ollama stream": (200, ollama_lines),
}
PATHS = {
    "/v1/chat/completions": "chat",
    "/v1/embeddings": "embeddings",
    "/v1/models": "models",
    "/v1/messages": "messages",
    "/api/chat": "ollama",
    "/v1/files/f1": "deleted",
    "/v1/models/m:generateContent": "google",
    "/v1/models/m:streamGenerateContent": "google stream",
    "/model/m/converse": "converse",
    "/model/refused/converse": "converse refused",
}


class Handler(BaseHTTPRequestHandler):
    server: "ChangingServer"
    wbufsize = 1 << 16  # in one packet, or each answer waits for an acknowledgement
    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer({})

    def do_DELETE(self) -> None:
        self.answer({})

    def do_POST(self) -> None:
        self.answer(json.loads(self.rfile.read(int(self.headers.get("content-length", 0)))))

    def answer(self, body: dict[str, Any]) -> None:
        name = PATHS[self.path.partition("?")[0]]
        name = "not found" if body.get("model") == "gone" else f"{name} stream" if body.get("stream") else name
        self.server.seen.append((name, self.headers.get("authorization"), body))
        status, make = self.server.answers[name]
        tree = copy.deepcopy(make(self.server.new))
        kind, data = self.encoded(name, tree)
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.send_header("request-id", self.server.new.id("req_"))
        self.end_headers()
        self.wfile.write(data)

    def encoded(self, name: str, tree: Any) -> tuple[str, bytes]:
        if not (name.endswith("stream") and isinstance(tree, list)):
            return "application/json", json.dumps(tree).encode()
        if name == "ollama stream":
            return "application/x-ndjson", "".join(f"{json.dumps(line)}\n" for line in tree).encode()
        texts = (
            (f"event: {each['type']}\n" if "type" in each else "") + f"data: {json.dumps(each)}\n\n" for each in tree
        )
        return "text/event-stream", ("".join(texts) + ("data: [DONE]\n\n" if "chat" in name else "")).encode()

    def log_message(self, *args: Any) -> None: ...


class ChangingServer(Server):
    """Answers by `answers`, a status and a function for each name, which a test replaces: `change`."""

    def __init__(self) -> None:
        self.new = Volatile()
        self.answers = dict(ANSWERS)
        super().__init__(Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that are interrupted."""

    def change(self, name: str, change: Callable[[Any], Any], status: int | None = None) -> None:
        """Let answers of that name be changed by a function, which changes them in place, or returns others."""
        usual, make = ANSWERS[name]

        def changed(new: Volatile) -> Any:
            tree = make(new)
            other = change(tree)
            return tree if other is None else other

        self.answers[name] = (usual if status is None else status, changed)
