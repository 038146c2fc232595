"""A stack of the shape of llama-stack's, run in every mode, as a library and as a server, from one suite."""

import json
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from servers import free_port

EXAMPLE = Path(__file__).parent / "example"


class Example:
    """A copy of the example, its runs, and what they left."""

    def __init__(self, folder: Path, project, port: int):
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
        self.path = folder
        self._project = project
        self._port = port

    @contextmanager
    def provider(self):
        with subprocess.Popen([sys.executable, "provider.py", str(self._port)], cwd=self.path) as process:
            try:
                while True:
                    with suppress(httpx.TransportError):
                        httpx.get(f"http://127.0.0.1:{self._port}/")
                        break
                    time.sleep(0.05)
                yield
            finally:
                process.kill()

    def run(self, stack: str, mode: str, *arguments: str, passed: int = 8) -> str:
        self._project.path = self.path
        # The server identifies a call, so that it has one address whether it runs or not.
        env = {"PROVIDER": f"http://127.0.0.1:{self._port}", **({"CI": "1"} if mode == "replay" else {})}
        return self._project.run(f"--stack={stack}", f"--inference-mode={mode}", *arguments, env=env, passed=passed)

    def calls(self) -> int:
        file = self.path / "calls.txt"
        count = len(file.read_text().splitlines()) if file.exists() else 0
        file.unlink(missing_ok=True)
        return count

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


@pytest.fixture
def example(tmp_path, project):
    port = free_port()
    return lambda name: Example(tmp_path / name, project, port)


CALLS = 17
"""Live calls of the suite."""


def test_library_and_server_do_the_same_in_every_mode(example):
    library, server = example("library"), example("server")
    for stack, project in (("library", library), ("server", server)):
        with project.provider():
            project.run(stack, "live")
            assert (project.calls(), project.recordings) == (CALLS, {})
        with project.provider():
            project.run(stack, "record-if-missing")
            assert project.calls() == CALLS
    assert library.recordings == server.recordings
    # What one wrote, the other replays, with every provider stopped.
    library.run("server", "replay")
    server.run("library", "replay")
    server.run("server", "replay", "-n2")
    library.run("library", "replay", "-n2")
    assert library.calls() == server.calls() == 0


def test_a_server_records_for_two_workers_of_pytest_at_once(example):
    project = example("parallel")
    with project.provider():
        project.run("server", "record", "-n2")
        assert project.calls() == CALLS
    project.run("library", "replay")
    assert project.calls() == 0
