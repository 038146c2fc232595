"""A server on loopback for HTTP clients of every kind: JSON, events, compressed, slow and broken answers."""

import contextlib
import gzip
import json
import threading
import zlib
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import brotli
from loopback import Server

EVENTS = [
    b'event: start\ndata: {"type":"start","id":"r1"}\n\n',
    b": keep-alive\n\n",
    'data: {"text":"S\u00e4t"}\n\n'.encode(),
    b'data: {"text":"urn"}\n\n',
    b"data: [DONE]\n\n",
]
LINES = [b'{"text": "Sat"}\n', b'{"text": "urn"}\n']
SPACED = [
    f"event: delta\ndata: {json.dumps({'n': number, 'text': text, 'p': [0.5, 1e-05, 1e16]})}\n\n".encode()
    for number, text in enumerate(["a, b: c", "\0", "Sät", '"', "\\", '", "\0", "', "\x7f"])
]
"""As Python writes JSON, with all in its texts that separates values."""
CREDENTIAL = "sk-proj-Ab3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7b"
BINARY = bytes(range(256)) * 40
_ENCODERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "unknown": lambda data: data[::-1],
}


class Routes(BaseHTTPRequestHandler):
    """Answers by the first part of the path."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "HttpServer"

    def log_message(self, *_: Any) -> None: ...

    def date_time_string(self, timestamp: float | None = None) -> str:
        return "Sun, 29 Nov 2026 12:00:00 GMT"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        url = urlsplit(self.path)
        self.body = self.read()
        self.query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        self.server.seen.append((self.command, self.path, dict(self.headers), self.body))
        getattr(self, url.path.split("/")[1])()

    def read(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    # What the answers are made of

    def reply(self, data: bytes, kind: str = "application/json", status: int = 200, **headers: str) -> None:
        self.send_response(status, headers.pop("reason", None))
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def pieces(self, pieces: list[bytes], kind: str, *, waits: bool = False, cut: bool = False) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):  # the client may leave
            for index, piece in enumerate(pieces):
                if waits and index == 1:
                    self.server.go_on.wait(20)
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                self.wfile.flush()
            if cut:
                self.close_connection = True
                return
            self.wfile.write(b"0\r\n\r\n")

    # Routes

    def chat(self) -> None:
        message = {"role": "assistant", "content": "Saturn"}
        choices = [{"index": 0, "finish_reason": "stop", "message": message}]
        self.reply(
            json.dumps(
                {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": choices}
            ).encode()
        )

    def json(self) -> None:
        seen = {"method": self.command, "path": self.path, "body": self.body.decode("utf-8", "replace"), "n": 1.0}
        self.reply(json.dumps(seen, separators=(",", ":")).encode(), X_Request_Id="r1")

    def count(self) -> None:
        self.reply(json.dumps({"count": len(self.server.seen)}).encode())

    def events(self) -> None:
        self.pieces(EVENTS, "text/event-stream; charset=utf-8", waits="waits" in self.query)

    def spaced(self) -> None:
        self.pieces(SPACED, "text/event-stream")

    def cut(self) -> None:
        self.pieces(EVENTS[:3], "text/event-stream", cut=True)

    def torn(self) -> None:
        whole = b"".join(EVENTS)
        self.pieces([whole[at : at + 7] for at in range(0, len(whole), 7)], "text/event-stream")

    def lines(self) -> None:
        self.pieces(LINES, "application/x-ndjson")

    def binary(self) -> None:
        self.reply(BINARY, "application/octet-stream")

    def text(self) -> None:
        self.pieces(["Sät".encode()[:2], "Sät".encode()[2:], b"urn"], "text/plain; charset=utf-8")

    def encoded(self) -> None:
        name = self.query["as"]
        data = json.dumps({"planet": "Saturn", "rings": [True] * 50}).encode()
        self.reply(_ENCODERS[name](data), Content_Encoding=name)

    def note(self) -> None:
        text = b"a,b\n" * 50 + b"sk-" + b"abcdefghijklmnopqrstuvwxyz0123456789"
        self.reply(gzip.compress(text), "text/csv", Content_Encoding="gzip") if "zip" in self.path else self.reply(
            text, "text/csv"
        )

    def encoded_events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (gzip.compress(b"".join(EVENTS))[:20], gzip.compress(b"".join(EVENTS))[20:]):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def status(self) -> None:
        self.reply(b'{"error":"no"}', status=int(self.path.split("/")[2]), reason="As Asked")

    def redirect(self) -> None:
        left = int(self.path.split("/")[2])
        target = f"/redirect/{left - 1}" if left > 1 else "/json/end"
        self.reply(b"", status=302, Location=target, Set_Cookie=f"hop{left}=cookie-value-{left}; Path=/")

    def cookies(self) -> None:
        self.reply(b"{}", Set_Cookie="session=the-cookie-of-this-user; Path=/; HttpOnly")

    def credential(self) -> None:
        self.reply(b"{}", X_Upstream=f"via {CREDENTIAL}", X_Region="eu-west")

    def latin(self) -> None:
        self.wfile.write("HTTP/1.1 299 \r\nX-Name: Sät\r\nContent-Length: 2\r\n\r\n{}".encode("latin-1"))

    def loop(self) -> None:
        self.reply(b"", status=302, Location="/loop")

    def half(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"half")
        self.close_connection = True

    def slow(self) -> None:
        self.server.go_on.wait(20)
        with contextlib.suppress(OSError):
            self.reply(b"{}")


class HttpServer(Server):
    """The server. What waits in its routes goes on when `go_on` is set."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        self.go_on = threading.Event()
        super().__init__(Routes)

    def handle_error(self, *_: Any) -> None:
        """Ignore clients that leave."""

    def stop(self) -> None:
        self.go_on.set()
        super().stop()
