"""A mode for each function under pytest: in a mark, `memo_config`, `[tool.memo]` and `MEMO_MODES`, and what the summary says."""

import pytest

TEST = """
@pytest.mark.memo{mark}
def test_it():
    assert ask_sync("x") == "X"
"""


def written(project, mark=""):
    project.write(test_app=TEST.format(mark=mark))
    return project


def test_the_mark(project):
    written(project, '(modes={"app.*": "record-if-missing"})').run(passed=1)
    assert project.calls == ["x"]
    written(project, '(modes={"app.ask_sync": "live", "app.*": "replay"})').run(passed=1)
    assert project.calls == ["x"]


def test_a_live_function_leaves_its_recordings_in_peace(recorded):
    project = recorded(test_app=TEST.format(mark=""))
    written(project, '(modes={"app.ask_sync": "live"})')
    run = project.run("--memo-unused=delete", passed=1)
    assert project.recordings == {"recordings/test_app/test_it": ["x"]}
    assert run.summary == "0 replayed, 1 live; saved 0.0 s\nmodes: app.ask_sync = live (1 call)"


@pytest.mark.parametrize("where", ["config", "file"])
def test_of_a_whole_suite(project, where):
    if where == "config":
        project.write(
            conftest="import pytest\n@pytest.fixture(scope='session')\ndef memo_config():\n"
            "    return {'modes': {'app.ask_sync': 'record-if-missing', 'app.a': 'live'}}\n"
        )
    else:
        (project.path / "pyproject.toml").write_text(
            '[tool.memo.modes]\n"app.ask_sync" = "record-if-missing"\n"app.a" = "live"\n'
        )
    run = written(project).run(passed=1)
    assert project.calls == ["x"]
    assert "modes: app.ask_sync = record-if-missing (1 call)" in run.summary
    assert "modes: app.a = live (no call; did you mean app.ask?)" in run.summary
    project.run(passed=1)
    assert project.calls == []


def test_the_environment_counts_before_the_mark(project, monkeypatch):
    written(project, '(modes={"app.ask_sync": "replay"})')
    run = project.run(failed=1)
    assert "to record: MEMO_MODES=app.ask_sync=record-if-missing pytest test_app.py::test_it" in run.text
    monkeypatch.setenv("MEMO_MODES", "app.ask_sync=record-if-missing")
    project.run(passed=1)
    assert project.calls == ["x"]


def test_the_rules_of_all_workers_are_added(project, monkeypatch):
    monkeypatch.setenv("MEMO_MODES", "app.*=live")
    project.write(test_app=TEST.format(mark=""), test_other=TEST.format(mark=""))
    run = project.run_process("-n", "2", plugins=("xdist",), passed=2)
    assert "MEMO_MODES: app.* = live (2 calls)" in run.summary


@pytest.mark.parametrize(
    ("environ", "mark", "says"),
    [
        ("app.*=reply", "", "did you mean 'replay'?"),
        ("app.*", "", "PATTERN=MODE"),
        ("", '(modes={"opnai.*": "live"})', "did you mean 'openai.*'?"),
        ("", '(modes={"a*b": "live", "*ab": "replay"})', "'a*b' (live) and '*ab' (replay) are equally specific"),
    ],
)
def test_a_wrong_rule(project, monkeypatch, environ, mark, says):
    monkeypatch.setenv("MEMO_MODES", environ)
    run = written(project, mark).run()
    assert says in run.text + run.errors
    assert run.exit == (pytest.ExitCode.USAGE_ERROR if environ else pytest.ExitCode.TESTS_FAILED)


def test_a_wrong_mode_in_the_file_names_the_file(project):
    (project.path / "pyproject.toml").write_text('[tool.memo.modes]\n"app.*" = "reply"\n')
    run = written(project).run()
    assert "pyproject.toml: modes.app.*='reply'" in run.errors


def test_no_directory_of_deleted_recordings_stays(recorded):
    project = recorded(test_app=TEST.format(mark=""))
    project.write(test_app="import pytest\n@pytest.mark.memo\ndef test_it(): pass\n")
    assert "1 deleted" in project.run("--memo-unused=delete", passed=1).summary
    assert [path.name for path in (project.path / "recordings").rglob("*")] == []
