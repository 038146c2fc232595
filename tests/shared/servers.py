"""Servers for stores, each in a process of its own."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen


def free_port() -> int:
    """Return a port on which nobody listens. (Left alone, servers that are started at once all take the first.)"""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def object_server() -> Iterator[str]:
    """A server with a bucket, in a process of its own. Nothing in it refuses credentials."""
    program = (
        "import logging; from moto.server import ThreadedMotoServer; logging.disable()\n"
        "server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False); server.start()\n"
        "print(server.get_host_and_port()[1], flush=True); input()"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
            urlopen(Request(f"{endpoint}/bucket", method="PUT")).close()
            yield endpoint
        finally:
            server.kill()
