"""Servers for stores, each in its own process."""

import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.request import Request, urlopen

_random = random.SystemRandom()
"""Not the module's own generator, which tests give the same seed in all processes."""


def free_port() -> int:
    """Return a port on which nobody listens.

    One below those that the system gives away by itself, and chosen by chance: other tests, which run at the same time, take
    another one between this call and the start of the server.
    """
    while True:
        port = _random.randint(20_000, 32_000)
        with socket.socket() as one, suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


def listens(port: int) -> bool:
    """Return whether somebody listens on a port of this machine. (A request with httpx takes 0.1 s: it loads certificates.)"""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


_OBJECTS = """
import logging, threading
from moto.moto_server.werkzeug_app import DomainDispatcherApplication as Application
from moto.server import ThreadedMotoServer

logging.disable()
one, answer = threading.Lock(), Application.__call__


def in_one_step(*arguments):
    with one:
        return answer(*arguments)


Application.__call__ = in_one_step
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
input()
"""


@contextmanager
def object_server() -> Iterator[str]:
    """A server with a bucket, in its own process. Nothing in it refuses credentials. As S3 does, it decides a condition and writes in one step."""
    command = [sys.executable, "-c", _OBJECTS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
            urlopen(Request(f"{endpoint}/bucket", method="PUT")).close()
            yield endpoint
        finally:
            server.kill()
