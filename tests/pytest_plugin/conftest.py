"""A small project with tests of its own, run by pytest as its users would."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import wrapt

# pytester takes away what an inner run imported: memo has to be there once, for the inner and the outer run.
import memo.patches
import memo.patches.presets.openai
import memo.pytest_plugin._suite  # noqa: F401

# It also restores `sys.meta_path`, where wrapt puts its finder at the first hook: that has to be there before.
wrapt.register_post_import_hook(lambda module: None, "no_module_of_that_name")

APP = '''
from pathlib import Path
from memo import recordable

CALLS = Path(__file__).with_name("calls.txt")

def live(prompt):
    """Every call that was paid for is written down, whichever process made it."""
    with CALLS.open("a") as calls:
        calls.write(prompt + "\\n")
    return prompt.upper()

@recordable
async def ask(prompt: str, trace: str = "") -> str:
    return live(prompt)

@recordable
def ask_sync(prompt: str, trace: str = "") -> str:
    return live(prompt)

def careless(prompt):
    try:
        return ask_sync(prompt)
    except Exception:
        return None
'''

_MEMO = ("-p", "memo.pytest_plugin")


class Project:
    """The project: its files, its runs, and what they left."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.write(app=APP, conftest="")

    def write(self, **files: str) -> None:
        for name, text in files.items():
            before = "import pytest\nfrom app import *\n\n" if name.startswith("test_") else ""
            (self.path / f"{name}.py").write_text(before + text, encoding="utf-8")

    def ini(self, *lines: str) -> None:
        (self.path / "pytest.ini").write_text("\n".join(["[pytest]", *lines]), encoding="utf-8")

    def run(self, *arguments: str, plugins: tuple[str, ...] = (), **outcomes: int) -> Run:
        """Run the tests in this process, with memo's plugin and those that are named, and see that they end like this."""
        named = [each for plugin in plugins for each in ("-p", plugin)]
        return self._checked(self.pytester.runpytest_inprocess(*_MEMO, *named, *arguments), outcomes)

    def run_process(self, *arguments: str, plugins: tuple[str, ...] = (), **outcomes: int) -> Run:
        """The same in its own process."""
        named = [each for plugin in plugins for each in ("-p", plugin)]
        return self._checked(self.pytester.runpytest_subprocess(*_MEMO, *named, *arguments), outcomes)

    def _checked(self, result: pytest.RunResult, outcomes: dict[str, int]) -> Run:
        if outcomes:
            known = {
                name: each for name, each in result.parseoutcomes().items() if name not in ("deselected", "warnings")
            }
            assert known == {name: each for name, each in outcomes.items() if each}, str(result.stdout)
        return Run(result)

    def paste(self, command: str) -> str:
        """Run what memo advises, in a shell, where pytest was started: what it printed."""
        command = command.replace("memo ", f"{sys.executable} -m memo ", 1)
        done = subprocess.run(command, shell=True, cwd=self.path, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def calls(self) -> list[str]:
        """The live calls since this was asked for the last time."""
        file = self.path / "calls.txt"
        if not file.exists():
            return []
        calls = file.read_text(encoding="utf-8").split("\n")[:-1]
        file.unlink()
        return sorted(calls)

    @property
    def recordings(self) -> dict[str, list[str]]:
        """The recorded prompts by directory, as seen from the project."""
        found: dict[str, list[str]] = {}
        for file in sorted(self.path.rglob("*.json")):
            document = json.loads(file.read_text(encoding="utf-8"))
            found.setdefault(str(file.parent.parent.relative_to(self.path)), []).append(document["arguments"]["prompt"])
        return {folder: sorted(prompts) for folder, prompts in found.items()}


class Run:
    """What a run said."""

    def __init__(self, result: pytest.RunResult) -> None:
        self.exit = result.ret
        self.text = str(result.stdout)
        self.errors = str(result.stderr)

    @property
    def summary(self) -> str:
        """memo's lines at the end."""
        found = re.search(r"^-+ memo -+\n((?:(?!^[=-]{3,}|^\d+ \w+ in ).*\n?)*)", self.text, re.MULTILINE)
        return found[1].strip() if found else ""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("CI", raising=False)
    return Project(pytester)


@pytest.fixture
def recorded(project: Project) -> Callable[..., Project]:
    """A project whose tests were recorded once."""

    def record(*arguments: str, **files: str) -> Project:
        project.write(**files)
        project.run("-q", "--memo-mode=record-if-missing", *arguments)
        assert project.calls
        return project

    return record


def one_file(folder: Path) -> Path:
    (file,) = folder.rglob("*.json")
    return file
