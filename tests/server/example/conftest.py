"""Library mode and server mode of one suite. `--inference-mode` has the words of the recorder that memo replaces."""

import contextlib
import os
import socket
import subprocess
import sys
import time

import anyio.from_thread
import openai
import pytest
from openai.types.responses import Response

import memo

MODES = {"live": "live", "record": "record", "replay": "replay", "record-if-missing": "record-if-missing"}


def pytest_addoption(parser):
    parser.addoption("--inference-mode", choices=sorted(MODES), default="replay")
    parser.addoption("--stack", choices=["library", "server"], default="library")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    os.environ.setdefault("MEMO_MODE", MODES[config.getoption("--inference-mode")])


class ServerClient:
    """The stack, reached by an SDK."""

    def __init__(self, url):
        self.sdk = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60)
        self.create = self.sdk.responses.create

    def stream(self, **body):
        return self.create(**body, stream=True)

    def background(self, **body):
        found = self.create(**body, background=True)
        while found.status == "in_progress":
            time.sleep(0.02)
            found = self.sdk.responses.retrieve(found.id)
        return found


class LibraryClient:
    """The stack, in this process."""

    def __init__(self, portal):
        from stack import Stack, kept

        self.portal, self.stack, self.kept = portal, Stack(), kept

    def create(self, **body):
        return Response.construct(**self.portal.call(self.stack.create, body))

    def stream(self, **body):
        async def collect():
            return [event async for event in self.stack.events({**body, "stream": True})]

        for event in self.portal.call(collect):
            yield openai._models.construct_type(value=event, type_=openai.types.responses.ResponseStreamEvent)

    def background(self, **body):
        name = self.portal.call(self.stack.start, body)["id"]
        while self.kept(name)["status"] == "in_progress":
            time.sleep(0.02)
        return Response.construct(**self.kept(name))


@pytest.fixture(scope="session")
def client(request):
    if request.config.getoption("--stack") == "library":
        with (
            memo.install("openai", "mcp", "stack:SearchTool.invoke_tool"),
            anyio.from_thread.start_blocking_portal() as portal,
        ):
            yield LibraryClient(portal)
    else:
        with serving() as url, memo.propagate("openai", hosts=(url,)):
            yield ServerClient(url)


@contextlib.contextmanager
def serving():
    if os.environ.get("STACK_URL"):
        yield os.environ["STACK_URL"]
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "server:app", "--port", str(port), "--log-level", "warning"]
    with open("server.log", "ab") as log, subprocess.Popen([*command, "--workers", "2"], stderr=log) as server:
        while server.poll() is None:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
        server.terminate()
