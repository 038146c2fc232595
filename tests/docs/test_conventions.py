"""Files that other programs read: workflows, hooks, and the site. Each is checked by a linter of its format."""

import html
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

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


@pytest.mark.parametrize("file", ["tests/recordings/app.f/0123.json", "tests/recordings/app.f/0123.jsonl"])
def test_the_hooks_run_forevery_file_of_a_recording(file):
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [hook["id"] for hook in hooks if re.search(hook["files"], file)] == ["memo-scan", "memo-verify"]


def test_no_job_comments_with_the_token_of_a_fork_which_may_not():
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "recordings.yml").read_text(encoding="utf-8"))
    commenting = [
        f"{job.get('if', '')} {step.get('if', '')}"
        for job in flow["jobs"].values()
        for step in job["steps"]
        if "gh pr" in step.get("run", "")
    ]
    own = "&& github.event.pull_request.head.repo.full_name == github.repository"
    assert len(commenting) == 2
    assert all(own in condition for condition in commenting)


def test_the_page_about_ci_names_every_input_and_secret_of_the_workflow():
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "recordings.yml").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    (called,) = (value["workflow_call"] for key, value in flow.items() if key in (True, "on"))  # YAML 1.1: on is True
    secrets = set(re.findall(r"secrets\.(\w+)", str(flow)))
    assert secrets
    assert [name for name in {*called["inputs"], *secrets} if f"`{name}`" not in page] == []


def test_the_page_about_ci_shows_a_caller_that_a_label_starts():
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    caller = yaml.safe_load(page.partition("# .github/workflows/tests.yml\n")[2].partition("```")[0])
    assert "labeled" in (caller.get("on") or caller[True])["pull_request"]["types"]


def test_the_hooks_are_of_their_format():
    pytest.importorskip("pre_commit", reason="the extra docs is not installed")
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", [".github/workflows/recordings.yml", "docs/gitlab-recordings.yml"])
def test_the_workflows_use_options_that_pytest_has(file):
    shown = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "memo", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "docs",
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
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
