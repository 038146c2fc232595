"""Servers on loopback that can be stopped in the middle of a test."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Loopback(ThreadingHTTPServer):
    """A server on a free port, running until it is stopped."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._thread: threading.Thread | None = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def handle_error(self, *_: Any) -> None:
        """Ignore clients that leave."""

    def stop(self) -> None:
        """Let nothing answer at this address any more. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self.shutdown()
            thread.join()
            self.server_close()


class Server(Loopback):
    """A server that remembers what it was asked."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self.seen: list[Any] = []
        super().__init__(handler)
