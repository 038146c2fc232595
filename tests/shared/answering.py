"""A server on loopback that gives one prepared answer to every request."""

from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple, Self

from loopback import Loopback


class Answer(NamedTuple):
    """What the server says."""

    body: bytes
    headers: list[tuple[str, str]]
    status: int
    reason: str | None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: "Answering"

    def log_message(self, *_: Any) -> None: ...

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.reply
        raise AttributeError(name)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return "Sun, 29 Nov 2026 12:00:00 GMT"

    def reply(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("transfer-encoding") == "chunked":
            while (size := int(self.rfile.readline(), 16)) | len(self.rfile.read(size + 2)) > 2:
                pass
        path = self.path.partition("?")[0]
        special = (answer for end, answer in self.server.special.items() if path.endswith(end))
        body, headers, status, reason = next(special, self.server.prepared)
        self.server.count += 1
        self.server.authorization = self.headers.get("authorization")
        self.send_response(status, reason)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Answering(Loopback):
    """The server, running until it is stopped."""

    def __init__(self) -> None:
        self.prepared = Answer(b"{}", [("content-type", "application/json")], 200, None)
        self.special: dict[str, Answer] = {}
        self.count = 0
        self.authorization: str | None = None
        """That of the last request."""
        super().__init__(_Handler)

    def answer(
        self,
        body: bytes,
        headers: Iterable[tuple[str, str]],
        *,
        status: int = 200,
        reason: str | None = None,
        path: str | None = None,
    ) -> None:
        """Prepare the answer to the requests to come, or to those whose paths end so."""
        made = Answer(body, list(headers), status, reason)
        if path is None:
            self.prepared = made
        else:
            self.special[path] = made

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
