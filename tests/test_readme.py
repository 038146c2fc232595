"""The examples of the README and of the pages in docs/ run: Python blocks as programs, `$ memo …` and `$ pytest …` as commands.

The blocks of a page run in order, in one new directory. A block is left out by a comment on the line before it, which says why:
`<!-- not run: needs an API key -->`. A Python block that starts with its file's name (`# app.py`) is saved under that name, so
that later blocks can use it. What a console block shows after a command is compared with the command's output, where `…`
stands for whatever differs from run to run.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted(page for page in (ROOT / "docs").glob("*.md") if page.name != "CONTRIBUTING.md")]

_BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>.+?) -->\n\n?)?```(?P<kind>python|console)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_COMMAND = re.compile(r"^\$ (?P<typed>(?P<program>[\w.-]+) ?.*)\n(?P<shown>(?:(?!\$ ).*\n)*)", re.MULTILINE)
_EXIT = re.compile(r"exits with (\d+)")


class Block(NamedTuple):
    line: int
    kind: str
    text: str
    starts_later: bool = False
    """A program that a console block starts in the background."""


class Command(NamedTuple):
    """A command of a page: what follows Python, its exit code, and the output that the page shows for it."""

    arguments: list[str]
    code: int = 0
    shown: str = ""
    in_background: bool = False


def runnable_blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            text.count("\n", 0, match.start("text")),
            match["kind"],
            match["text"],
            f"$ python {match['text'].partition(chr(10))[0].removeprefix('# ')} &" in text,
        )
        for match in _BLOCK.finditer(text)
        if not match["reason"]
    ]


def commands(block: Block, folder: Path) -> Iterator[Command]:
    """What has to be run for a block: a Python block is a program, in a console block `pytest`, `memo` and `python` are run."""
    if block.kind == "python":
        named = re.match(r"# (\w+\.py)\n", block.text)
        program = folder / (named[1] if named else f"line_{block.line}.py")
        program.write_text(block.text, encoding="utf-8")
        if not block.starts_later:
            yield Command([program.name])
        return
    for match in _COMMAND.finditer(block.text):
        arguments = shlex.split(match["typed"].removeprefix("python -m "), comments=True)
        code = _EXIT.search(match["typed"])
        if arguments[0] in ("memo", "pytest"):
            yield Command(["-m", *arguments], int(code[1]) if code else 0, match["shown"])
        elif arguments[0] == "python" and arguments[-1] == "&":
            yield Command(arguments[1:-1], shown=match["shown"], in_background=True)
        elif arguments == ["kill", "%1"]:
            yield Command([])


def shows(output: str, shown: str) -> bool:
    """Return whether an output is what a page shows: `…` stands for any text, on its own line for any lines."""
    lines = [
        r"(?:.*\n)*?" if line.strip() == "…" else ".*".join(map(re.escape, line.rstrip().split("…"))) + r"\s*?\n"
        for line in shown.splitlines()
    ]
    return re.fullmatch(r"\s*" + "".join(lines) + r"\s*", output) is not None


class Reader:
    """Somebody who types what a page says, in its own directory."""

    def __init__(self, page: Path, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.background: list[subprocess.Popen[str]] = []

    def read(self) -> None:
        try:
            for block in runnable_blocks(self.page):
                for command in commands(block, self.folder):
                    if not command.arguments:
                        self.stop()
                    elif command.in_background:
                        self.start(command)
                    else:
                        self.run(block, command)
        finally:
            self.stop()

    def run(self, block: Block, command: Command) -> None:
        done = subprocess.run(
            [sys.executable, *command.arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        where = f"{self.page.name}:{block.line}: python {shlex.join(command.arguments)}"
        assert done.returncode == command.code, f"{where} exits with {done.returncode}\n{done.stdout}{done.stderr}"
        if command.shown.strip():
            output = done.stdout + done.stderr
            found = shows(done.stdout, command.shown) or shows(output, command.shown)
            assert found, f"{where} shows something else:\n{output}\ninstead of\n{command.shown}"

    def start(self, command: Command) -> None:
        started = subprocess.Popen(
            [sys.executable, *command.arguments], cwd=self.folder, stdout=subprocess.PIPE, text=True
        )
        self.background.append(started)
        assert started.stdout is not None
        assert shows(started.stdout.readline(), command.shown)

    def stop(self) -> None:
        while self.background:
            with self.background.pop() as started:
                started.terminate()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # What other tests need is installed too, and pytest would load it: that takes 2 s a run.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p memo -p asyncio -p anyio")
    monkeypatch.setenv("COLUMNS", "120")
    Reader(page, tmp_path).read()


def test_the_readme_is_short_and_starts_with_code_that_runs():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 160
    assert [block.line for block in runnable_blocks(README) if block.kind == "python" and block.line < 35]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "docs" / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    local = [link.partition("#")[0] for link in links if not link.startswith(("http", "#"))]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_every_option_is_in_the_reference():
    from memo._engine.calls.options import Options
    from memo._engine.sessions.options import RecorderOptions

    text = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
    options = {*RecorderOptions.__annotations__, *Options.__annotations__}
    assert sorted(name for name in options if f"`{name}`" not in text) == []


def test_every_error_is_in_the_reference():
    import memo.errors

    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert sorted(name for name in memo.errors.__all__ if f"`{name}`" not in text) == []


def test_every_public_name_is_in_the_reference():
    import memo

    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    named = {*re.findall(r"^::: memo\.(\w+)$", text, re.MULTILINE), *re.findall(r"`(?:memo\.)?(\w+)`", text)}
    assert sorted(set(memo.__all__) - named) == []


def test_every_mark_option_and_fixture_of_pytest_is_in_the_reference():
    shown = "".join(
        subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "memo", *wanted, "-p", "no:cacheprovider"],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT / "docs",
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        ).stdout
        for wanted in (["--help"], ["--fixtures", "--collect-only", "-q"])
    )
    text = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")
    named = {*re.findall(r"--memo-[a-z-]+", shown), *re.findall(r"\bmemo_[a-z_]+", shown)}
    assert {"--memo-mode", "memo_recorder", "memo_scope"} <= named
    assert sorted(name for name in named if name not in text) == []
