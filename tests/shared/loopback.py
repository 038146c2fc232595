"""A server on loopback, which remembers what it was asked and can be stopped in the middle of a test."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server(ThreadingHTTPServer):
    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.seen: list[Any] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.up = True
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self) -> None:
        if self.up:
            self.up = False
            self.shutdown()
            self.thread.join()
            self.server_close()
