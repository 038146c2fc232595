"""Fallbacks: directories of recordings that several tests share, below their own."""

import pytest

TESTS = """
@pytest.mark.memo
def test_one():
    assert ask_sync("shared") == "SHARED"
    assert ask_sync("one") == "ONE"

@pytest.mark.memo
def test_two():
    assert ask_sync("shared") == "SHARED"
"""


@pytest.fixture
def shared(project):
    """A project with a directory that has recordings of two calls, one of which the tests make."""
    project.write(test_make="def test_make():\n    with __import__('memo').recording('common/made', mode='record'):\n")
    with (project.path / "test_make.py").open("a") as file:
        file.write("        ask_sync('shared'), ask_sync('other')\n")
    project.run(passed=1)
    (project.path / "test_make.py").unlink()
    assert project.recordings == {"common/made": ["other", "shared"]}
    assert project.calls == ["other", "shared"]
    project.write(test_app=TESTS)
    return project


def by_ini(project):
    project.ini("memo_fallback = common/made")


def by_configuration(project):
    (project.path / "pyproject.toml").write_text('[tool.memo]\nfallback = ["common/made"]\n')


def by_mark(project):
    project.write(test_app=TESTS.replace("mark.memo", "mark.memo(fallback=['common/made'])"))


def by_fixture(project):
    fixture = "@pytest.fixture(scope='session')\ndef memo_config():\n    return {'fallback': 'common/made'}\n"
    project.write(conftest=f"import pytest\n\n{fixture}")


@pytest.mark.parametrize("place", [by_ini, by_configuration, by_mark, by_fixture])
def test_what_a_test_has_not_is_read_from_the_fallback(shared, place):
    place(shared)
    run = shared.run("--memo-mode=record-if-missing", passed=2)
    assert shared.calls == ["one"]
    assert shared.recordings == {"common/made": ["other", "shared"], "recordings/test_app/test_one": ["one"]}
    assert "2 replayed, 1 recorded, 1 live, 1 unused" in run.summary
    run = shared.run("--memo-unused=fail", passed=2)
    assert run.exit == pytest.ExitCode.TESTS_FAILED
    assert (
        "unused in common/made, although every test that has this fallback passed:\n  common/made/app.ask" in run.text
    )
    assert shared.calls == []


def test_it_is_found_from_wherever_pytest_is_started(shared, monkeypatch):
    by_ini(shared)
    (shared.path / "below").mkdir()
    shared.run("--memo-mode=record-if-missing", passed=2)
    monkeypatch.chdir(shared.path / "below")
    shared.run("..", "--rootdir=..", "-c../pytest.ini", passed=2)


@pytest.mark.parametrize("part", [["-k", "two"], ["test_app.py::test_two"], ["--deselect", "test_app.py::test_one"]])
def test_a_part_of_the_tests_does_not_judge_it(shared, part):
    by_ini(shared)
    shared.run("--memo-mode=record-if-missing", passed=2)
    run = shared.run("--memo-unused=fail", *part, passed=1)
    assert (run.exit, "unused" in run.summary) == (0, False)


def test_a_test_that_fails_judges_nothing(shared):
    by_ini(shared)
    run = shared.run(failed=1, passed=1)  # test_one has no recording of its own
    assert "unused" not in run.summary
    assert "common/made (" in run.text
    assert "recordings/test_app/test_one, then " in run.text


def test_recording_anew_leaves_it_alone_and_hides_it(shared):
    by_ini(shared)
    run = shared.run("--memo-mode=record", passed=2)
    assert shared.calls == ["one", "shared", "shared"]
    assert "unused" not in run.summary
    assert "deleted" not in run.summary
    run = shared.run(passed=2)
    assert "2 unused" in run.summary  # each test has its own "shared" now
    assert shared.recordings["common/made"] == ["other", "shared"]


def test_unused_recordings_of_a_fallback_are_deleted_on_request(shared):
    by_ini(shared)
    shared.run("--memo-mode=record-if-missing", passed=2)
    run = shared.run("--memo-unused=delete", "-k", "two", passed=1)
    assert "deleted" not in run.summary
    run = shared.run("--memo-unused=delete", passed=2)
    assert "1 deleted" in run.summary
    assert shared.recordings["common/made"] == ["shared"]
    assert shared.run("--memo-unused=fail", passed=2).exit == 0


def test_it_is_judged_for_all_workers_together(shared):
    by_ini(shared)
    shared.run("--memo-mode=record-if-missing", passed=2)
    run = shared.run("-n2", "--memo-unused=fail", plugins=("xdist", "xdist.looponfail"), passed=2)
    assert "1 unused" in run.summary


def test_a_fallback_of_a_fixture_with_a_wider_scope(shared):
    by_ini(shared)
    fixture = "@pytest.fixture(scope='module')\ndef model():\n    return ask_sync('other')\n"
    shared.write(test_app=f"{fixture}{TESTS}".replace("test_two()", "test_two(model)"))
    shared.run("--memo-mode=record-if-missing", passed=2)
    assert shared.calls == ["one"]
    assert shared.run("--memo-unused=fail", passed=2).exit == 0
