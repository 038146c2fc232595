"""`--memo-mode=verify`: the tests run with live answers, and what differs from the recordings is reported and fails the run."""

import pytest

from memo.maintenance.pending import all_pending
from memo.maintenance.trees import open_directory

TESTS = """
import itertools
from uuid import uuid4

import memo
import pytest

NOW = {now!r}

@memo.recordable(name="app.answer")
def answer(question):
    if NOW == "down":
        raise ValueError("down")
    return {{"id": uuid4().hex, **NOW}}

@pytest.mark.memo
@pytest.mark.parametrize("number", range(2))
def test_it(number):
    try:
        assert answer(f"rings? {{number}}")["id"]
    except ValueError:
        pass
    if {more}:
        answer("more")
"""


@pytest.fixture
def changed(project):
    """A project whose recorded function gives something else now."""

    def change(now, *, more=False):
        project.write(test_app=TESTS.format(now={"tokens": 3}, more=False))
        project.run("--memo-mode=record", passed=2)
        project.write(test_app=TESTS.format(now=now, more=more))
        return project

    return change


def kept(project):
    return {str(file): file.read_bytes() for file in (project.path / "recordings").rglob("*") if file.is_file()}


def test_what_differs_in_every_call_does_not_fail(changed):
    project = changed({"tokens": 4})
    before = kept(project)
    run = project.run("--memo-mode=verify", passed=2)
    assert "verified 2: 0 as recorded, 2 changed" in run.text
    assert "value: 4 places, as ids, times and texts are" in run.text
    assert kept(project) == before


def test_what_breaks_code_fails_the_run(changed):
    project = changed({})
    before = kept(project)
    run = project.run("--memo-mode=verify", passed=2)
    assert run.exit == 1
    assert "removed (fails):\n  app.answer: tokens: removed 3 (test_app.py::test_it[0])" in run.text
    assert "memo: the run fails for 2 calls that differ from their recordings (removed, type, error)" in run.text
    assert kept(project) == before
    assert project.run("--memo-mode=verify", "--memo-fail-on=type", passed=2).exit == 0
    assert project.run("--memo-mode=verify", "--memo-fail-on=none", passed=2).exit == 0


def test_an_error_in_place_of_an_answer_fails_the_run(changed):
    project = changed("down")
    assert (
        "error (fails):\n  app.answer: the whole: 'an answer' → 'ValueError: down'"
        in project.run("--memo-mode=verify", passed=2).text
    )


def test_calls_without_a_recording_are_counted(changed):
    project = changed({"tokens": 3}, more=True)
    assert "verified 4: 0 as recorded, 2 changed, 2 not recorded" in project.run("--memo-mode=verify", passed=2).text


def test_what_has_changed_is_put_aside(changed):
    project = changed({"tokens": "3"})
    before = kept(project)
    run = project.run("--memo-mode=verify", "--memo-pending", passed=2)
    assert "memo review recordings" in run.text
    assert {path: data for path, data in kept(project).items() if path in before} == before
    assert len(list(all_pending(open_directory(project.path / "recordings")))) == 2


def test_an_unknown_tier_is_refused(changed):
    project = changed({})
    assert "did you mean 'removed'?" in project.run("--memo-mode=verify", "--memo-fail-on=remved").errors


PARENT = """
import os
import subprocess
import sys

import pytest

@pytest.mark.memo
def test_it(memo_recorder):
    env = {**os.environ, **memo_recorder.env}
    subprocess.run([sys.executable, "-m", "memo", "run", "--", "child.py"], env=env, check=True)
"""
CHILD = """
import memo

memo.recordable(name="app.child")(lambda: {now!r})()
"""


def test_calls_of_child_processes_are_verified_too(project):
    project.write(test_app=PARENT, child=CHILD.format(now={"tokens": 3}))
    project.run("--memo-mode=record", passed=1)
    project.write(child=CHILD.format(now={}))
    before = kept(project)
    run = project.run("--memo-mode=verify", passed=1)
    assert run.exit == 1
    assert "app.child: tokens: removed 3 (test_app.py::test_it)" in run.text
    assert kept(project) == before
