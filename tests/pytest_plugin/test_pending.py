"""`--memo-pending`: what is recorded again waits for a review, and a run in CI fails until it was judged."""

import pytest

from memo.maintenance.pending import accept, all_pending
from memo.maintenance.trees import open_directory

TESTS = """
import memo

@pytest.mark.memo
@pytest.mark.parametrize("number", range(3))
def test_it(number):
    assert ask_sync("x").startswith({start!r})
    if number < {asked}:
        ask_sync(f"more {{number}}")
"""


@pytest.fixture
def ask(project):
    """Change what is asked, and what comes of it."""

    def ask(start="X", asked=0):
        project.write(test_app=TESTS.format(start=start, asked=asked))

    return ask


def kept(project):
    """The recordings, byte by byte."""
    files = (project.path / "recordings").rglob("*.json")
    return {str(file): file.read_bytes() for file in files if ".pending" not in file.parts}


def waiting(project):
    return list(all_pending(open_directory(project.path / "recordings")))


def test_new_recordings_wait_and_the_run_in_ci_fails(recorded, monkeypatch):
    project = recorded(test_app=TESTS.format(start="X", asked=0))
    before = kept(project)
    project.write(test_app=TESTS.format(start="X", asked=2))
    run = project.run("--memo-mode=record", "--memo-pending", passed=3)
    assert "memo: mode record, put aside for a review, recordings in recordings/" in run.text
    assert run.summary.endswith("2 pending recordings, which nothing replays:\n  memo review recordings")
    assert kept(project) == before
    found = waiting(project)
    assert [each.is_new for each in found] == [True, True]
    assert {each.test for each in found} == {"test_app.py::test_it[0]", "test_app.py::test_it[1]"}

    project.write(test_app=TESTS.format(start="X", asked=0))
    run = project.run(passed=3)  # replays beside what is pending
    assert "2 pending recordings, which nothing replays:\n  memo review recordings" in run.summary
    assert "unused" not in run.summary
    monkeypatch.setenv("CI", "true")
    run = project.run(passed=3)
    assert run.exit == pytest.ExitCode.TESTS_FAILED
    last = run.text.strip().splitlines()[-1]
    assert last == "memo: the run fails for 2 pending recordings: memo pending recordings"
    run = project.run("-q", passed=3)
    assert "memo pending recordings" in run.text

    tree = open_directory(project.path / "recordings")
    for each in found:
        accept(tree, each)
    project.write(test_app=TESTS.format(start="X", asked=2))
    assert project.run(passed=3).exit == pytest.ExitCode.OK


def test_what_is_put_aside_is_named_under_q_too(recorded):
    project = recorded(test_app=TESTS.format(start="X", asked=0))
    assert project.run("-q", passed=3).summary == ""
    project.write(test_app=TESTS.format(start="X", asked=2))
    run = project.run("-q", "--memo-mode=record", "--memo-pending", passed=3)
    assert run.summary == "2 pending recordings, which nothing replays:\n  memo review recordings"


def test_what_no_call_records_any_more_stays(recorded):
    project = recorded(test_app=TESTS.format(start="X", asked=3))
    before = kept(project)
    project.write(test_app=TESTS.format(start="X", asked=1))
    run = project.run("--memo-mode=record", "--memo-pending", passed=3)
    assert kept(project) == before
    assert "unused, although their tests passed" in run.summary
    assert waiting(project) == []


def test_the_run_that_puts_aside_does_not_fail_for_it_in_ci(project, monkeypatch):
    monkeypatch.setenv("CI", "true")
    project.write(test_app=TESTS.format(start="X", asked=0))
    assert project.run("--memo-mode=record-if-missing", "--memo-pending", passed=3).exit == pytest.ExitCode.OK
    assert len(waiting(project)) == 3
    assert project.run(failed=3).exit == pytest.ExitCode.TESTS_FAILED  # they are never replayed


def test_a_mark_puts_aside(project):
    project.write(
        test_app=TESTS.format(start="X", asked=0).replace("mark.memo", 'mark.memo(pending=True, mode="record")')
    )
    project.run(passed=3)
    assert len(waiting(project)) == 3


def test_the_workers_of_xdist(project, monkeypatch):
    monkeypatch.setenv("CI", "true")
    project.write(test_app=TESTS.format(start="X", asked=0))
    project.run("--memo-mode=record", "--memo-pending", passed=3)
    run = project.run_process("--memo-mode=live", "-n2", plugins=("xdist",), passed=3)
    assert "the run fails for 3 pending recordings: memo pending recordings" in run.text


@pytest.mark.parametrize("mode", ["replay", "live"])
def test_nothing_is_put_aside_where_nothing_is_recorded(project, mode):
    project.write(test_app=TESTS.format(start="X", asked=0))
    run = project.run(f"--memo-mode={mode}", "--memo-pending")
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert f"the mode {mode} records nothing: --memo-mode=record --memo-pending" in run.errors


def test_a_store_that_cannot_hold_pending_recordings(project, monkeypatch):
    monkeypatch.setenv("MEMO_STORE", "redis://localhost/0")
    project.write(test_app=TESTS.format(start="X", asked=0))
    run = project.run("--memo-mode=record", "--memo-pending")
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert "allowed: a directory, sqlite:///FILE, memory://" in run.errors


@pytest.mark.parametrize("ini", [("memo_layout = test",), ("memo_fallback = common",), ("memo_dir = kept",)])
def test_each_layout_of_the_recordings(project, monkeypatch, ini):
    monkeypatch.setenv("CI", "true")
    project.ini(*ini)
    project.write(test_app=TESTS.format(start="X", asked=0))
    project.run("--memo-mode=record", passed=3)
    project.write(test_app=TESTS.format(start="X", asked=1))
    project.run("--memo-mode=record", "--memo-pending", passed=3)
    project.write(test_app=TESTS.format(start="X", asked=0))
    run = project.run(passed=3)
    place = "kept" if "memo_dir = kept" in ini else "recordings"
    assert f"memo: the run fails for 1 pending recording: memo pending {place}" in run.text
    assert len(list(all_pending(open_directory(project.path / place)))) == 1


def test_one_database_for_all_tests(project, monkeypatch):
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("MEMO_STORE", f"sqlite:///{project.path}/calls.db")
    project.write(test_app=TESTS.format(start="X", asked=0))
    project.run("--memo-mode=record", passed=3)
    project.write(test_app=TESTS.format(start="X", asked=2))
    project.run("--memo-mode=record", "--memo-pending", passed=3)
    project.write(test_app=TESTS.format(start="X", asked=0))
    run = project.run(passed=3)
    assert f"the run fails for 2 pending recordings: memo pending sqlite:///{project.path}/calls.db" in run.text


IDS = """
import uuid
import memo

@memo.recordable(name="app.ask")
def ask(question):
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "text": question}

@pytest.mark.memo
@pytest.mark.parametrize("number", range(2))
def test_it(number):
    ask("x")
"""


def test_what_differs_in_ids_alone_is_left_out_and_counted(project):
    project.write(test_app=IDS)
    project.run("--memo-mode=record", passed=2)
    before = kept(project)
    run = project.run("--memo-mode=record", "--memo-pending", passed=2)
    left = "2 recordings differ in ids and times alone: not put aside (--memo-pending-all puts them aside, too)"
    assert run.summary.endswith(left)
    assert (kept(project), waiting(project)) == (before, [])
    run = project.run("--memo-mode=record", "--memo-pending-all", passed=2)
    assert "2 pending recordings" in run.summary
    assert (kept(project), len(waiting(project))) == (before, 2)
