"""Files that other programs read: workflows, hooks, and the site. Each is checked by a linter of its format."""

import html
import re
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


@pytest.mark.parametrize("file", [".github/workflows/recordings.yml", "docs/gitlab-recordings.yml"])
def test_the_workflows_use_options_that_pytest_has(file):
    shown = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"], capture_output=True, text=True, check=True, cwd=ROOT / "docs"
    ).stdout
    used = set(re.findall(r"--memo-[a-z-]+", (ROOT / file).read_text(encoding="utf-8")))
    assert used
    assert used <= set(re.findall(r"--memo-[a-z-]+", shown))


def test_the_pictures_show_what_a_run_shows(tmp_path):
    def shown(picture):
        lines = re.findall(r"<text[^>]*>([^<]*)</text>", picture.read_text(encoding="utf-8"))
        return [re.sub(r" *\d+", " 0", html.unescape(line).replace("\xa0", " ")).strip() for line in lines]

    subprocess.run([sys.executable, ROOT / ".ci" / "pictures", tmp_path], check=True, timeout=120)
    for name in ("miss.svg", "stream.svg"):
        assert shown(tmp_path / name) == shown(ROOT / "docs" / "pictures" / name)
    for picture in tmp_path.iterdir():
        assert not re.search(r"(?:href|src|url)\s*[=(:]\s*[\"']?https?:", picture.read_text(encoding="utf-8"))


def test_the_site_has_every_page():
    nav = tomllib.loads((ROOT / ".ci" / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]

    def names(part):
        if isinstance(part, str):
            return {part}
        return {name for child in (part.values() if isinstance(part, dict) else part) for name in names(child)}

    assert {path.name for path in (ROOT / "docs").glob("*.md")} <= names(nav)
