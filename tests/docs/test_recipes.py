"""The recipes of docs/CONTRIBUTING.md, followed in a copy of the project: blocks become files, or lines of files, and the tests run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_there_are_five():
    assert list(RECIPES) == ["A preset for an SDK", "A codec for a type", "A store", "A command", "An importer"]


@pytest.fixture
def copy(tmp_path):
    """A copy of the project, without what a run leaves in it."""
    for name in ("memo", "tests", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "recordings", tmp_path / "recordings")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def follow(folder: Path, block: str) -> None:
    """Write a new file, or add lines to one."""
    head, _, body = block.partition("\n")
    path, _, where = head.removeprefix("# ").removeprefix("<!-- ").removesuffix(" -->").partition(", ")
    file = folder / path
    if not where:
        assert not file.exists(), f"{path} exists already"
        file.write_text(body, encoding="utf-8")
        return
    text = file.read_text(encoding="utf-8")
    if where == "at the end":
        file.write_text(text + body, encoding="utf-8")
        return
    line = where.removeprefix("after: ")
    lines = text.split("\n")
    assert sum(found.startswith(line) for found in lines) == 1, f"{path} has no one line {line!r}"
    at = next(index for index, found in enumerate(lines) if found.startswith(line)) + 1
    file.write_text("\n".join([*lines[:at], body.rstrip("\n"), *lines[at:]]), encoding="utf-8")


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_works(recipe, copy):
    for block in re.findall(
        r"^```(?:python|markdown)\n((?:# |<!-- ).*?)^```$", RECIPES[recipe], re.MULTILINE | re.DOTALL
    ):
        follow(copy, block)
    (command,) = re.findall(r"^\$ pytest (.+)$", RECIPES[recipe], re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *shlex.split(command)],
        cwd=copy,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            "PYTHONPATH": str(copy),
            "HOME": str(copy),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # loading every plugin that is installed takes 2 s
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
