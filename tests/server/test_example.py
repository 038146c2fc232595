"""A stack of the shape of llama-stack's, run in every mode, as a library and as a server, from one suite."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import httpx
from servers import free_port, listens

EXAMPLE = Path(__file__).parent / "example"
SECRET = "s" * 64
TESTS, CALLS = 10, 23
"""Tests of the suite, and their live calls."""


class Example:
    """A copy of the example, its runs, and what they left."""

    def __init__(self, folder: Path, project, provider: int, stack: int):
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
        self.path = folder
        self._project = project
        self.port, self.url = provider, f"http://127.0.0.1:{provider}"
        # The provider identifies a call, so that it has one address whether it runs or not.
        self.env = {"PROVIDER": self.url, "MEMO_SCOPE_SECRET": SECRET, "RESPONSES": str(folder.parent / "responses")}
        self.stack = stack

    @contextmanager
    def running(self, *command: str, port: int):
        with subprocess.Popen([sys.executable, *command], cwd=self.path, env=self._project.env(**self.env)) as process:
            try:
                while not listens(port):
                    assert process.poll() is None
                    time.sleep(0.05)
                yield
            finally:
                process.terminate()

    def provider(self):
        return self.running("provider.py", str(self.port), port=self.port)

    def server(self):
        """The stack as one server, for all runs of all copies."""
        command = ("-m", "uvicorn", "server:app", "--port", str(self.stack), "--workers", "2", "--log-level", "warning")
        return self.running(*command, port=self.stack)

    def run(self, stack: str, mode: str, *arguments: str) -> str:
        self._project.path = self.path
        env = {**self.env, "STACK_URL": f"http://127.0.0.1:{self.stack}", **({"CI": "1"} if mode == "replay" else {})}
        return self._project.run(f"--stack={stack}", f"--inference-mode={mode}", *arguments, env=env, passed=TESTS)

    def calls(self) -> list[str]:
        """The live calls since this was asked for the last time; the next answer is the first again."""
        return httpx.post(f"{self.url}/start").json()

    @property
    def recordings(self) -> dict[str, str]:
        """The recordings by their path, without times."""
        found = {}
        for file in sorted(self.path.rglob("recordings/**/*.json")):
            document = json.loads(file.read_text())
            document.pop("recorded_at")
            for outcome in document["outcomes"]:
                outcome.pop("seconds", None)
            text = json.dumps(document, sort_keys=True)
            found[str(file.relative_to(self.path))] = re.sub(r'"date": ".*?"', '"date": ""', text)
        return found

    @property
    def counts(self) -> Counter[str]:
        """How many recordings of each function each test has. (Which ones depends on the answers of tools.)"""
        return Counter(str(Path(path).parent) for path in self.recordings)


def test_library_and_server_do_the_same_in_every_mode(tmp_path, project):
    provider, stack = free_port(), free_port()
    library, server, parallel = (
        Example(tmp_path / name, project, provider, stack) for name in ("library", "server", "parallel")
    )
    with server.server():
        with server.provider():
            for mode, example in (("library", library), ("server", server)):
                example.calls()
                example.run(mode, "live")
                assert (len(example.calls()), example.recordings) == (CALLS, {})
                example.run(mode, "record-if-missing")
                assert len(example.calls()) == CALLS
            assert library.recordings == server.recordings
            # Two processes of pytest, two of the server: each test has what it has alone.
            parallel.run("server", "record", "-n2")
            called = parallel.calls()
            assert (len(called), called.count("search"), called.count("distance")) == (CALLS, 3, 2)
            assert parallel.counts == server.counts
        # What one wrote, the other replays, with every provider stopped. (A recording that no test uses would fail these runs.)
        library.run("server", "replay")
        server.run("library", "replay")
        parallel.run("server", "replay", "-n2")
