"""What happens to a suite in its life: it is recorded, replayed, edited, run in parts."""

import json
import re

import pytest

TWO = """
@pytest.mark.memo
def test_one():
    assert ask_sync("one") == "ONE"

@pytest.mark.memo
def test_two():
    assert ask_sync("two") == "TWO"
    assert ask_sync("three") == "THREE"
"""


def test_nothing_is_paid_before_somebody_says_so(project):
    project.write(test_app=TWO)
    run = project.run(failed=2)
    assert project.calls == []
    assert "memo: mode replay, recordings in recordings/ beside each test file" in run.text
    assert "--memo-mode=record-if-missing test_app.py::test_one" in run.text
    assert run.summary == "0 replayed, 2 missed; saved 0.0 s"


def test_the_first_recording_and_the_replay(project):
    project.write(test_app=TWO)
    run = project.run("--memo-mode=record-if-missing", passed=2)
    assert project.calls == ["one", "three", "two"]
    assert run.summary == "0 replayed, 3 recorded, 3 live; saved 0.0 s"
    assert project.recordings == {
        "recordings/test_app/test_one": ["one"],
        "recordings/test_app/test_two": ["three", "two"],
    }
    assert project.run(passed=2).summary == "3 replayed; saved 0.0 s"
    assert project.calls == []


def test_each_recording_names_its_test(recorded):
    project = recorded(
        test_app="""
class TestAnswers:
    @pytest.mark.memo
    @pytest.mark.parametrize("prompt", ["a", "b/../c", "d" * 300], ids=str)
    def test_one(self, prompt):
        ask_sync(prompt)
"""
    )
    files = sorted((project.path / "recordings" / "test_app").rglob("*.json"))
    assert [json.loads(file.read_text())["test"] for file in files] == [
        "test_app.py::TestAnswers::test_one[a]",
        "test_app.py::TestAnswers::test_one[b/../c]",
        "test_app.py::TestAnswers::test_one[" + "d" * 300 + "]",
    ]
    names = [file.parent.parent.name for file in files]
    assert names[0] == "TestAnswers.test_one[a]"
    assert re.fullmatch(r"TestAnswers\.test_one\[b_\.\._c\]-[0-9a-f]{12}", names[1])
    assert len(names[2]) <= 120
    project.run(passed=3)


def test_an_edited_prompt_misses_and_is_recorded_anew(recorded):
    project = recorded(test_app=TWO)
    project.write(test_app=TWO.replace('"two") == "TWO"', '"too") == "TOO"'))
    run = project.run(passed=1, failed=1)
    assert "no recording of this call" in run.text
    assert '"prompt":"too"' in run.text
    assert project.calls == []
    run = project.run("--memo-mode=record-if-missing", passed=2)
    assert project.calls == ["too"]
    assert "1 unused" in run.summary
    assert "recordings/test_app/test_two/app.ask_sync/" in run.summary


def test_recording_one_test_touches_only_its_files(recorded):
    project = recorded(test_app=TWO)
    project.write(test_app=TWO.replace('"two") == "TWO"', '"too") == "TOO"'))
    run = project.run("--memo-mode=record", "test_app.py::test_two", passed=1)
    assert project.calls == ["three", "too"]
    assert "1 deleted" in run.summary
    assert project.recordings == {
        "recordings/test_app/test_one": ["one"],
        "recordings/test_app/test_two": ["three", "too"],
    }


def test_a_failed_recording_deletes_nothing(recorded):
    project = recorded(test_app=TWO)
    project.write(test_app=TWO.replace('"two") == "TWO"', '"too") == "no"'))
    project.run("--memo-mode=record", passed=1, failed=1)
    assert project.recordings["recordings/test_app/test_two"] == ["three", "too", "two"]


def test_a_teardown_that_fails_deletes_nothing(recorded):
    project = recorded(test_app=TWO)
    fixture = """
@pytest.fixture(autouse=True)
def breaks():
    yield
    raise OSError("broken")
"""
    project.write(test_app=fixture + TWO.replace('    assert ask_sync("two") == "TWO"\n', ""))
    project.run("--memo-mode=record", passed=2, errors=2)
    assert project.recordings["recordings/test_app/test_two"] == ["three", "two"]


def test_a_deleted_test_is_named_in_a_full_run_only(recorded):
    project = recorded(test_app=TWO, test_gone="@pytest.mark.memo\ndef test_it():\n    ask_sync('x')\n")
    project.write(test_app=TWO.partition("@pytest.mark.memo\ndef test_two")[0])
    (project.path / "test_gone.py").unlink()
    for part in (["-k", "one"], ["test_app.py"], ["test_app.py::test_one"]):
        whole = part == ["-k", "one"]  # it selects what there is
        assert ("rm -r" in project.run(*part, passed=1).text) is whole, part
    run = project.run("--memo-unused=delete", passed=1)
    assert run.summary.splitlines()[1:] == [
        "of tests that are gone, or no longer record:",
        "  rm -r recordings/test_app/test_two",
        "  rm -r recordings/test_gone/test_it",
    ]
    assert len(project.recordings) == 3, "nothing is deleted for a test that did not run"
    assert project.run("--memo-unused=fail").exit == pytest.ExitCode.TESTS_FAILED


UNUSED = """
@pytest.mark.memo
def test_one():
    ask_sync("one")

@pytest.mark.memo
def test_two():
    ask_sync("two")
    {}
"""


@pytest.fixture
def with_unused(recorded):
    """test_two does not use one of its recordings any more, and is what the test makes of it."""
    project = recorded(test_app=UNUSED.format("ask_sync('three')"))
    project.write(test_app=UNUSED.format("pass"))
    return project


def test_unused_recordings_are_reported(with_unused):
    run = with_unused.run(passed=2)
    assert "2 replayed, 1 unused" in run.summary
    assert "recordings/test_app/test_two/app.ask_sync/" in run.summary
    assert "--memo-unused=delete" in run.summary
    assert with_unused.run("-q", passed=2).summary == ""


@pytest.mark.parametrize("how", ["option", "ini", "CI"])
def test_unused_recordings_fail_the_run(with_unused, monkeypatch, how):
    if how == "ini":
        with_unused.ini("memo_unused = fail")
    if how == "CI":
        monkeypatch.setenv("CI", "true")
    run = with_unused.run("-q", *(["--memo-unused=fail"] if how == "option" else []), passed=2)
    assert run.exit == pytest.ExitCode.TESTS_FAILED
    assert "app.ask_sync" in run.summary, "a failing run says why, also under -q"
    assert with_unused.run("--memo-unused=ignore", passed=2).exit == 0


def test_unused_recordings_are_deleted(with_unused):
    run = with_unused.run("--memo-unused=delete", passed=2)
    assert "1 deleted" in run.summary
    assert with_unused.recordings["recordings/test_app/test_two"] == ["two"]


@pytest.mark.parametrize(
    "ending",
    [
        "assert False",
        "pytest.skip('not now')",
        "pytest.xfail('known')",
        "pytest.exit('enough')",
    ],
)
def test_nothing_is_unused_of_a_test_that_did_not_pass(with_unused, ending):
    with_unused.write(test_app=UNUSED.format(ending))
    run = with_unused.run("--memo-unused=delete")
    assert "deleted" not in run.summary
    assert len(with_unused.recordings["recordings/test_app/test_two"]) == 2


@pytest.mark.parametrize("mark", ["skip", "xfail(run=False, reason='x')", "skipif(True, reason='x')"])
def test_nothing_is_unused_of_a_test_that_was_not_run(with_unused, mark):
    with_unused.write(test_app=UNUSED.format("pass").replace("def test_two", f"@pytest.mark.{mark}\ndef test_two"))
    run = with_unused.run("--memo-unused=delete")
    assert "deleted" not in run.summary
    assert "rm -r" not in run.summary
    assert len(with_unused.recordings["recordings/test_app/test_two"]) == 2


@pytest.mark.parametrize("part", [["-k", "one"], ["--deselect", "test_app.py::test_two"], ["test_app.py::test_one"]])
def test_nothing_is_unused_of_a_test_that_was_left_out(with_unused, part):
    run = with_unused.run("--memo-unused=fail", *part, passed=1)
    assert run.exit == 0
    assert run.summary == "1 replayed; saved 0.0 s"


def test_the_last_failed_alone(with_unused):
    with_unused.write(test_app=UNUSED.format("assert False"), test_other=UNUSED.format("pass"))
    with_unused.run("--memo-mode=record-if-missing")
    run = with_unused.run("--lf", "--memo-unused=fail", failed=1)
    assert "unused" not in run.summary
    assert "rm -r" not in run.summary


def test_a_module_that_skips_itself_is_not_gone(recorded):
    project = recorded(test_app=TWO)
    project.write(test_app="pytest.importorskip('no_such_module')\n" + TWO, test_other=UNUSED.format("pass"))
    project.run("-q", "--memo-mode=record-if-missing")
    assert "rm -r" not in project.run(passed=2, skipped=1).summary


def test_recordings_of_the_users_own_are_left_alone(project):
    project.write(
        test_app="""
from memo import recording
from pathlib import Path

@pytest.mark.memo
def test_one():
    with recording(Path(__file__).parent / "recordings", mode="record-if-missing"):
        ask_sync("one")
"""
    )
    run = project.run("--memo-unused=fail", passed=1)
    assert run.exit == 0
    assert len(project.recordings) == 1
