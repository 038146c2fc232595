"""The command that a miss prints is pasted where pytest was started, and records the call."""

import os
import re
import shlex
import subprocess
import sys

import pytest

APP = """
import memo

@memo.recordable
def ask(question):
    return question.upper()
"""

TESTS = {
    "marked": """
import pytest
from app import ask

@pytest.mark.memo
def test_it():
    assert ask("why") == "WHY"
""",
    "scope of its own": """
import memo
from app import ask

def test_it():
    with memo.recording("{store}"):
        assert ask("why") == "WHY"
""",
    "scope of its own in another directory": """
import memo
from app import ask

def test_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with memo.recording("{store}"):
        assert ask("why") == "WHY"
""",
}


def typed(command, folder):
    """What a shell does with a command, with this Python and nothing but memo's plugin."""
    variables = {}
    words = shlex.split(command)
    while "=" in words[0] and not words[0].startswith("-"):
        name, _, variables[name] = words.pop(0).partition("=")
    assert words[0] == "pytest"
    options = ["-p", "memo.pytest_plugin", "-p", "no:cacheprovider"]
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(folder / ".."), **variables}
    environ.pop("PYTEST_CURRENT_TEST", None)
    if folder.name != "tests":
        environ["PYTHONPATH"] = str(folder)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *words[1:]],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("start", ["", "tests"])
@pytest.mark.parametrize("case", TESTS)
def test_it_records_the_call(tmp_path, case, start):
    project = tmp_path / "proj"
    (project / "tests").mkdir(parents=True)
    (project / "pytest.ini").write_text("[pytest]\n")
    (project / "app.py").write_text(APP)
    (project / "tests" / "test_x.py").write_text(TESTS[case].replace("{store}", str(tmp_path / "store")))
    folder = project / start
    missed = typed("pytest", folder)
    assert missed.returncode == 1, missed.stdout
    (command,) = set(re.findall(r"to record: (.*)", missed.stdout))
    assert ("tests/" in command) is not bool(start)
    assert command.startswith("pytest --memo-mode=" if case == "marked" else "MEMO_MODE=")
    recorded = typed(command, folder)
    assert recorded.returncode == 0, recorded.stdout
    assert typed("pytest", folder).returncode == 0
