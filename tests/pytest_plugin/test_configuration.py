"""`[tool.memo]` under pytest, and what takes precedence over it."""

import pytest

TOOLS = """
from app import live

class Client:
    def ask(self, prompt, trace=""):
        return live(prompt)
"""
TEST = """
from tools import Client

@pytest.mark.memo
def test_it():
    assert Client().ask("x", trace="a") == "X"
"""


@pytest.fixture
def configured(project):
    """A project with that `[tool.memo]`."""

    def written(text, name="pyproject.toml"):
        project.write(tools=TOOLS, test_app=TEST)
        (project.path / name).write_text(text if name == "memo.toml" else f"[tool.memo]\n{text}")
        return project

    return written


@pytest.mark.parametrize("name", ["pyproject.toml", "memo.toml"])
@pytest.mark.parametrize("patches", ["patches", "targets"])
def test_patches_are_installed(configured, name, patches):
    project = configured(f'{patches} = ["tools:Client.ask"]', name)
    project.run("--memo-mode=record-if-missing", passed=1)
    assert project.calls == ["x"]
    project.run(passed=1)
    assert project.calls == []


def test_options_of_a_patch_and_of_recorders(configured):
    project = configured('errors = "all"\n[tool.memo.patches]\n"tools:Client.ask" = {ignore = ["trace"]}')
    project.run("--memo-mode=record-if-missing", passed=1)
    project.write(
        test_app=TEST.replace('trace="a"', 'trace="b"').replace("test_it()", "test_it(memo_recorder)")
        + '    assert memo_recorder.errors == "all"\n'
    )
    project.run(passed=1)


def test_patches_from_the_environment(configured, monkeypatch):
    project = configured("")
    monkeypatch.setenv("MEMO_PATCHES", "tools:Client.ask")
    project.run("--memo-mode=record-if-missing", passed=1)
    project.run(passed=1)
    assert project.calls == ["x"]


@pytest.mark.parametrize(
    ("ini", "mark", "environ", "option", "mode"),
    [
        (None, None, None, None, "record-if-missing"),
        ("live", None, None, None, "live"),
        ("live", "record", None, None, "record"),
        ("live", "live", "record", None, "record"),
        ("live", "live", "live", "record", "record"),
    ],
)
def test_precedence(configured, monkeypatch, ini, mark, environ, option, mode):
    project = configured('mode = "record-if-missing"\npatches = ["tools:Client.ask"]')
    if ini:
        project.ini(f"memo_mode = {ini}")
    if mark:
        project.write(test_app=TEST.replace("mark.memo", f"mark.memo(mode='{mark}')"))
    if environ:
        monkeypatch.setenv("MEMO_MODE", environ)
    text = (project.path / "test_app.py").read_text().replace("test_it()", "test_it(memo_recorder)")
    (project.path / "test_app.py").write_text(f"{text}    assert str(memo_recorder.mode) == '{mode}'\n")
    project.run(*([f"--memo-mode={option}"] if option else []), passed=1)


def test_a_store_holds_the_recordings_of_all_tests(configured, monkeypatch):
    project = configured('mode = "record-if-missing"\nstore = "kept"\npatches = ["tools:Client.ask"]')
    project.run(passed=1)
    assert project.recordings == {"kept/test_app/test_it": ["x"]}
    project.ini("memo_dir = elsewhere")
    project.run(passed=1)
    monkeypatch.setenv("MEMO_STORE", "third")
    project.run(passed=1)
    assert sorted(project.recordings) == [
        "elsewhere/test_app/test_it",
        "kept/test_app/test_it",
        "third/test_app/test_it",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('patchs = ["openai"]', "patchs"),
        ('patches = ["opneai"]', "did you mean 'openai'"),
        ('mode = "reply"', "mode='reply'"),
        ("max_age = 3", "max_age=3"),
        ('[tool.memo.patches]\nopenai = {ignor = ["server"]}', "ignor"),
        ("errors = [", "Invalid value"),
    ],
)
def test_a_typo_is_an_error(configured, text, says):
    run = configured(text).run()
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert says in run.errors
    assert "pyproject.toml" in run.errors
    assert "Traceback" not in run.errors


def test_a_project_without_a_configuration(project):
    (project.path / "pyproject.toml").write_text("[tool.other]\nmemo = 1\n")
    project.write(test_app="@pytest.mark.memo\ndef test_it():\n    pass\n")
    project.run(passed=1)
