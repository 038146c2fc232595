"""A small local server that answers as OpenAI's does: a plain answer, a stream, an embedding, each of them as recorded."""

import base64
import json
import threading
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks._samples import ANSWER, EMBEDDING, chunks

COMPLETION = {
    "id": "chatcmpl-Bx2kqT0v9aSg7cL1mN4pR8wZ",
    "object": "chat.completion",
    "created": 1770000000,
    "model": "some-model-2026-05-01",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": ANSWER.text, "refusal": None, "annotations": []},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 46, "completion_tokens": 113, "total_tokens": 159},
    "service_tier": "default",
    "system_fingerprint": "fp_44709d6fcb",
}
CHUNKS = [chunk.model_dump(by_alias=True, exclude_unset=True) for chunk in chunks()]
_VECTOR = array("f", EMBEDDING)
EMBEDDED: dict[str, Any] = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": _VECTOR.tolist()}],
    "model": "some-embedding",
    "usage": {"prompt_tokens": 19, "total_tokens": 19},
}


def answer_to(path: str, body: dict[str, Any]) -> tuple[str, bytes]:
    """Content type and body."""
    if path.endswith("/embeddings"):
        if body.get("encoding_format") != "base64":
            return "application/json", json.dumps(EMBEDDED).encode()
        packed = {**EMBEDDED["data"][0], "embedding": base64.b64encode(_VECTOR.tobytes()).decode()}
        return "application/json", json.dumps({**EMBEDDED, "data": [packed]}).encode()
    if body.get("stream"):
        return "text/event-stream", b"".join(events())
    return "application/json", json.dumps(COMPLETION).encode()


def events() -> Iterator[bytes]:
    for chunk in CHUNKS:
        yield f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n".encode()  # without spaces, as OpenAI does
    yield b"data: [DONE]\n\n"


@contextmanager
def serving(delay: float = 0.0) -> Iterator[str]:
    """The base URL of a server, stopped at the end. With a delay, a stream's chunks come one by one, each after so long."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # an answer in one piece

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            kind, data = answer_to(self.path, body)
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header(*(("transfer-encoding", "chunked") if delay else ("content-length", str(len(data)))))
            self.end_headers()
            if not delay:
                self.wfile.write(data)
                return
            for piece in events():
                self.wfile.flush()
                time.sleep(delay)
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
