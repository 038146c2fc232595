"""The assistant's project, its model on a loopback server, and what a person types there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import textwrap
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx  # noqa: F401
import pytest
from loopback import Server
from pydantic import BaseModel  # noqa: F401 - it imports its classes when they are asked for

# pytester takes away what an inner run imported: memo has to be there once, for the inner and the outer run.
import memo.cli.diff
import memo.cli.ls
import memo.cli.mv
import memo.cli.rekey
import memo.cli.verify
import memo.pytest_plugin._suite  # noqa: F401
from memo.cli import main

collect_ignore = ["project"]
PROJECT = Path(__file__).parent / "project"


class Model(BaseHTTPRequestHandler):
    """Answers what it is asked: deterministic, but for samples and for who is busy."""

    server: Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.server.seen.append(url.path)
        match url.path:
            case "/search":
                titles = ("Saturn", "Jupiter", "Mars", "Venus")[: int(asked["limit"])]
                self._answer([{"title": title, "text": f"{title} on {asked['query']}"} for title in titles])
            case "/weather":
                self._answer({"celsius": 21.5})
            case _:
                self._answer(round(float(asked["amount"]) * 0.92, 2))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(self.path)
        question = body["messages"][-1]["content"]
        if self.path == "/stream":
            self._send(200, "".join(json.dumps({"text": part}) + "\n" for part in ("About ", question, ".")))
        elif "busy" in question:
            self._send(429, "try again later")
        else:
            text = f"Planet {len(self.server.seen)}" if body["temperature"] else f"It is so: {question}"
            self._answer({"text": text, "model": "small", "usage": {"total": len(question)}})

    def _answer(self, tree: object) -> None:
        self._send(200, json.dumps(tree))

    def _send(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None:
        pass


class Day:
    """A day with the project: what is typed, what is edited, and what the screen shows."""

    def __init__(self, pytester: pytest.Pytester, model: Server, capsys: pytest.CaptureFixture[str]) -> None:
        self._pytester = pytester
        self._capsys = capsys
        self.model = model
        self.path = pytester.path
        shutil.copytree(PROJECT, self.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))

    def pytest(self, *arguments: str) -> str:
        """Run the tests; return memo's part of the screen and the last line."""
        self._capsys.readouterr()
        text = str(self._pytester.runpytest_inprocess(*arguments).stdout)
        self._capsys.readouterr()
        found = re.search(r"^-+ memo -+\n((?:(?!^[=-]{3,}|^\d+ \w+ in ).*\n?)*)", text, re.MULTILINE)
        lines = [*(found[1].split("\n") if found else ()), *text.rstrip().splitlines()[-2:]]
        shown = dict.fromkeys(line for line in lines if line and not line.startswith(("FAILED", "ERROR", "--")))
        self.screen = text
        return _settled("\n".join(line.strip("= ") if line.startswith("==") else line for line in shown))

    def snapshot(self, text: str) -> str:
        """Return an inline snapshot as it is compared."""
        return textwrap.dedent(text).strip("\n")

    def type(self, command: str, code: int = 0) -> str:
        """Type a command of memo, and see its exit code; return what it printed."""
        self._capsys.readouterr()
        (name, *arguments) = shlex.split(command)
        assert name == "memo"
        found = main(arguments)
        out, err = self._capsys.readouterr()
        assert found == code, out + err
        return _settled(f"{out}{err}".rstrip())

    def edit(self, file: str, old: str, new: str) -> None:
        """Edit a file."""
        text = (self.path / file).read_text(encoding="utf-8")
        assert old in text
        (self.path / file).write_text(text.replace(old, new), encoding="utf-8")
        time = (self.path / file).stat().st_mtime + 10
        os.utime(self.path / file, (time, time))  # Python compiles again what is another second old

    @property
    def requests(self) -> int:
        """The requests to the model since this was asked for the last time."""
        seen = len(self.model.seen)
        self.model.seen.clear()
        return seen


def _settled(text: str) -> str:
    """Return a screen without what is another one each time: times, sizes, directories."""
    text = re.sub(r"/\S*/test_\w+0(?=/)", "…", text)
    text = re.sub(r"\d+\.\d+ ?s\b(?: \(\d+:\d+:\d+\))?|\b\d+m$|\b\d+m(?= )", "…s", text, flags=re.MULTILINE)
    return (
        re.sub(r" +(…s|… B|SIZE)", r"  \1", re.sub(r"\b\d+(?:\.\d+)? k?B\b", "… B", text))
        .replace("saved  ", "saved ")
        .replace("in  …", "in …")
        .replace(",  …", ", …")
    )


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server(Model)
    monkeypatch.setenv("ASSISTANT_URL", server.url)
    yield server
    server.stop()


@pytest.fixture
def day(
    pytester: pytest.Pytester, model: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Day:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    return Day(pytester, model, capsys)
