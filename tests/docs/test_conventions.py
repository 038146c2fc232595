"""Files that other programs read: workflows, hooks, and the site. Each is checked by a linter of its format."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("schema", "file"),
    [("github-workflows", ".github/workflows/recordings.yml"), ("gitlab-ci", "docs/gitlab-recordings.yml")],
)
def test_the_workflows_are_of_their_format(schema, file):
    pytest.importorskip("check_jsonschema", reason="the extra docs is not installed")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(ROOT / file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_hooks_are_of_their_format():
    pytest.importorskip("pre_commit", reason="the extra docs is not installed")
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflows_and_hooks_use_commands_and_options_that_there_are():
    """Every option that a file names is known to pytest, or to the command that is named with it."""
    helps = {
        name: subprocess.run(
            [sys.executable, "-m", *name.split(), "--help"], capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout
        for name in ("pytest", "memo diff", "memo scan", "memo verify")
    }
    for file in (".github/workflows/recordings.yml", "docs/gitlab-recordings.yml", ".pre-commit-hooks.yaml"):
        text = (ROOT / file).read_text(encoding="utf-8")
        for option in ("--memo-mode", "--memo-unused", "--memo-block-network", "--allow-empty"):
            if option in text:
                assert any(option in shown for shown in helps.values()), option


def test_the_site_has_every_page():
    nav = tomllib.loads((ROOT / ".ci" / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]

    def names(part):
        if isinstance(part, str):
            return {part}
        return {name for child in (part.values() if isinstance(part, dict) else part) for name in names(child)}

    assert {path.name for path in (ROOT / "docs").glob("*.md")} <= names(nav)
