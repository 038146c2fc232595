"""Library mode and server mode of one suite. `--inference-mode` has the words of the recorder that memo replaces."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time

import anyio.from_thread
import httpx
import pytest

import memo

MODES = {"live": "live", "record": "record", "replay": "replay", "record-if-missing": "record-if-missing"}


def pytest_addoption(parser):
    parser.addoption("--inference-mode", choices=sorted(MODES), default="replay")
    parser.addoption("--stack", choices=["library", "server"], default="library")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    os.environ.setdefault("MEMO_MODE", MODES[config.getoption("--inference-mode")])


class ServerClient:
    """The stack, reached by HTTP."""

    def __init__(self, url):
        self.http = httpx.Client(base_url=url, timeout=60)

    def create(self, **body):
        response = self.http.post("/v1/responses", json=body)
        response.raise_for_status()
        return response.json()

    def stream(self, **body):
        with self.http.stream("POST", "/v1/responses", json={**body, "stream": True}) as response:
            for line in response.iter_lines():
                if line:
                    yield json.loads(line.removeprefix("data: "))

    def background(self, **body):
        name = self.create(**body, background=True)["id"]
        while True:
            # Each worker of the server knows its own responses.
            found = httpx.get(f"{self.http.base_url}/v1/responses/{name}").json()
            if found["status"] not in ("in_progress", "unknown"):
                return found
            time.sleep(0.02)


class LibraryClient:
    """The stack, in this process."""

    def __init__(self, portal):
        from stack import Stack

        self.portal, self.stack = portal, Stack()

    def create(self, **body):
        return self.portal.call(self.stack.create, body)

    def stream(self, **body):
        async def collect():
            return [event async for event in self.stack.events({**body, "stream": True})]

        yield from self.portal.call(collect)

    def background(self, **body):
        name = self.portal.call(self.stack.start, body)["id"]
        while self.stack.responses[name]["status"] == "in_progress":
            time.sleep(0.02)
        return self.stack.responses[name]


@pytest.fixture(scope="session")
def client(request):
    if request.config.getoption("--stack") == "library":
        with (
            memo.install("openai", "stack:SearchTool.invoke_tool"),
            anyio.from_thread.start_blocking_portal() as portal,
        ):
            yield LibraryClient(portal)
    else:
        with serving() as url, memo.propagate("httpx", hosts=(url,)):
            yield ServerClient(url)


@contextlib.contextmanager
def serving():
    if os.environ.get("STACK_URL"):
        yield os.environ["STACK_URL"]
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "server:app",
        "--port",
        str(port),
        "--workers",
        os.environ.get("WORKERS", "2"),
    ]
    with open("server.log", "ab") as log, subprocess.Popen([*command, "--log-level", "warning"], stderr=log) as server:
        url = f"http://127.0.0.1:{port}"
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{url}/health")
                break
            time.sleep(0.05)
        yield url
        server.terminate()
