"""The examples of the README and of the pages in docs/ run: Python blocks as programs, `$ memo …` and `$ pytest …` as commands.

The blocks of a page run in order, in one new directory. A block is left out by a comment on the line before it, which says why:
`<!-- not run: needs an API key -->`. A Python block that starts with its file's name (`# app.py`) is saved under that name, so
that later blocks can use it.
"""

import re
import shlex
import subprocess
import sys
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


class Block(NamedTuple):
    line: int
    kind: str
    text: str


def runnable_blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(text.count("\n", 0, match.start("text")), match["kind"], match["text"])
        for match in _BLOCK.finditer(text)
        if not match["reason"]
    ]


def commands(block: Block, folder: Path) -> list[list[str]]:
    """What has to be run for a block, as arguments of the Python that runs the tests."""
    if block.kind == "python":
        named = re.match(r"# (\w+\.py)\n", block.text)
        program = folder / (named[1] if named else f"line_{block.line}.py")
        program.write_text(block.text, encoding="utf-8")
        return [[program.name]]
    typed = re.findall(r"^\$ (?:python -m )?(memo|pytest)\b(.*)$", block.text, re.MULTILINE)
    return [["-m", program, *shlex.split(arguments, comments=True)] for program, arguments in typed]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # What other tests need is installed too, and pytest would load it.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cassetter -p no:recording -p no:randomly -p no:hypothesispytest")
    for block in runnable_blocks(page):
        for command in commands(block, tmp_path):
            done = subprocess.run(
                [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, (
                f"{page.name}:{block.line}: python {shlex.join(command)} exits with {done.returncode}\n"
                f"{done.stdout}{done.stderr}"
            )


def test_the_readme_is_short_and_starts_with_code_that_runs():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 160
    assert [block.line for block in runnable_blocks(README) if block.kind == "python" and block.line < 35]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "docs" / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    local = [link.partition("#")[0] for link in links if not link.startswith(("http", "#"))]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_every_option_is_in_the_reference():
    from memo._engine.options import RecorderOptions
    from memo._engine.recordable import Options

    text = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
    options = {*RecorderOptions.__annotations__, *Options.__annotations__}
    assert sorted(name for name in options if f"`{name}`" not in text) == []
