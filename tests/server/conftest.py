"""A server under test, in processes of its own, and the tests that call it, run by pytest as its users would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

APP = """
import asyncio
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

import memo
from memo import recordable

CALLS = Path(__file__).with_name("calls.txt")
count = itertools.count(1)


@recordable
async def ask(prompt: str) -> str:
    with CALLS.open("a") as calls:
        calls.write(prompt + "\\n")
    return f"{prompt.upper()} {os.getpid()}.{next(count)}"  # no other process gives this answer, either


@recordable
async def words(prompt: str):
    for word in (await ask(prompt)).split():
        yield word


async def answer(request):
    return PlainTextResponse(await ask(request.query_params["q"]))


async def careful(request):
    try:
        return PlainTextResponse(await ask(request.query_params["q"]))
    except memo.MemoError:
        return PlainTextResponse("nothing")


async def stream(request):
    async def parts():
        async for word in words(request.query_params["q"]):
            yield word + "\\n"
    return StreamingResponse(parts())


async def later(request):
    return PlainTextResponse("soon", background=BackgroundTask(ask, request.query_params["q"]))


async def pool(request):
    # The call is made by a thread that has no context of the request.
    with ThreadPoolExecutor(thread_name_prefix="pool") as threads:
        answer = threads.submit(lambda: asyncio.run(ask(request.query_params["q"])))
        while not answer.done():
            await asyncio.sleep(0.01)
    return PlainTextResponse(str(answer.exception() or answer.result()))


async def pid(request):
    return JSONResponse(os.getpid())


app = Starlette(routes=[Route(f"/{each.__name__}", each) for each in (answer, careful, stream, later, pool, pid)])
if not os.environ.get("WITHOUT_MIDDLEWARE"):
    app.add_middleware(memo.integrations.asgi.Middleware)
"""

CONFTEST = """
import os
import subprocess
import sys
import time

import httpx
import pytest

import memo

memo.propagate("httpx")


@pytest.fixture(scope="session")
def client():
    url = os.environ.get("SERVER")
    if url:
        with httpx.Client(base_url=url, timeout=30) as client:
            yield client
        return
    with serving(os.environ.get("WORKERS", "1")) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client
"""

SERVING = """
import contextlib
import socket
import subprocess
import sys
import time


@contextlib.contextmanager
def serving(workers="1", env=None):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), "--workers", workers, "--log-level", "warning"]
    with open("server.log", "ab") as log, subprocess.Popen(command, stderr=log, stdout=log, env=env) as server:
        try:
            while server.poll() is None:
                with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
"""


collect_ignore = ["example"]


class Project:
    """The project: its files, its runs, and what they left."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write(app=APP, serving=SERVING, conftest=f"from serving import serving\n{CONFTEST}")
        (path / "pytest.ini").write_text("[pytest]\npythonpath = .\naddopts = -p memo.pytest_plugin\n")

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.path / f"{name}.py").write_text(text, encoding="utf-8")

    def env(self, **more: str) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if name != "CI"},
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            **more,
        }

    def run(self, *arguments: str, env: dict[str, str] | None = None, **outcomes: int) -> str:
        """Run the tests in a process, and see that they end like this; return what pytest said."""
        plugins = ["-p", "xdist.plugin", "-p", "xdist.looponfail"] if "-n2" in arguments else []
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *plugins, *arguments],
            cwd=self.path,
            env=self.env(**(env or {})),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        said = done.stdout + done.stderr
        found = {name.rstrip("s"): int(number) for number, name in re.findall(r"(\d+) (passed|failed|errors?)\b", said)}
        assert found == {name.rstrip("s"): number for name, number in outcomes.items()}, said + self.log
        return said

    @property
    def log(self) -> str:
        file = self.path / "server.log"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    @property
    def calls(self) -> list[str]:
        """The live calls since this was asked for the last time."""
        file = self.path / "calls.txt"
        found = file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []
        file.unlink(missing_ok=True)
        return sorted(found)

    @property
    def recordings(self) -> dict[str, bytes]:
        """The recordings by their path, without the time at which they were made."""
        found: dict[str, bytes] = {}
        for file in sorted(self.path.rglob("recordings/**/*.json")):
            document = json.loads(file.read_text(encoding="utf-8"))
            document.pop("recorded_at", None)
            for outcome in document["outcomes"]:
                outcome.pop("seconds", None)
            found[str(file.relative_to(self.path))] = json.dumps(document, sort_keys=True).encode()
        return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
