"""The README's examples run: its Python blocks as programs, its `$ memo …` and `$ pytest …`, in order, in one new directory.

A block is left out by a comment on the line before it, which says why: `<!-- not run: needs an API key -->`. A Python
block that starts with its file's name (`# app.py`) is saved under that name, so that later blocks can use it.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

README = Path(__file__).parent.parent / "README.md"

_BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>.+?) -->\n\n?)?```(?P<kind>python|console)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    line: int
    kind: str
    text: str


def runnable_blocks() -> list[Block]:
    readme = README.read_text(encoding="utf-8")
    return [
        Block(readme.count("\n", 0, match.start("text")), match["kind"], match["text"])
        for match in _BLOCK.finditer(readme)
        if not match["reason"]
    ]


def commands(block: Block, folder: Path) -> list[list[str]]:
    """What has to be run for a block, as arguments of the Python that runs the tests."""
    if block.kind == "python":
        named = re.match(r"# (\w+\.py)\n", block.text)
        program = folder / (named[1] if named else f"readme_line_{block.line}.py")
        program.write_text(block.text, encoding="utf-8")
        return [[program.name]]
    typed = re.findall(r"^\$ (?:python -m )?(memo|pytest)\b(.*)$", block.text, re.MULTILINE)
    return [["-m", program, *shlex.split(arguments, comments=True)] for program, arguments in typed]


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # What other tests need is installed too, and pytest would load it.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cassetter -p no:recording -p no:randomly -p no:hypothesispytest")
    for block in runnable_blocks():
        for command in commands(block, tmp_path):
            done = subprocess.run(
                [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, (
                f"README.md:{block.line}: python {shlex.join(command)} exits with {done.returncode}\n{done.stdout}{done.stderr}"
            )


def test_it_starts_with_code_that_runs():
    assert [block.line for block in runnable_blocks() if block.kind == "python" and block.line < 35]
