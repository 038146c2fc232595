"""Faults under pytest: in a mark and on the command line, and what the summary says."""

import pytest

TEST = """
import memo

@pytest.mark.memo{mark}
def test_it():
    try:
        ask_sync("x")
    except TimeoutError:
        assert ask_sync("x") == "X"
"""


@pytest.mark.parametrize("mark", ["(faults=[memo.fault.timeout(call=1)])", '(faults=["timeout(call=1)"])'])
def test_the_mark(recorded, mark):
    project = recorded(test_app=TEST.format(mark=""))
    project.write(test_app=TEST.format(mark=mark))
    run = project.run(passed=1)
    assert run.summary == "1 replayed; saved 0.0 s\nfault: timeout(call=1) (injected 1 time)"


def test_the_command_line_adds_to_the_mark(recorded):
    project = recorded(test_app=TEST.format(mark='(faults="timeout(call=1)")'))
    run = project.run("--memo-faults=timeout(call=3), status(503, function='app.ask')", passed=1)
    assert (
        "fault: timeout(call=1) (injected 1 time)\nfault: timeout(call=3) (not injected: no call was due)\n"
        in run.summary
    )
    assert "fault: status(503, function='app.ask') (not injected: no call was due)" in run.summary


def test_the_file(recorded):
    project = recorded(test_app=TEST.format(mark=""))
    (project.path / "pyproject.toml").write_text('[tool.memo]\nfaults = ["timeout(call=1)"]\n')
    assert "fault: timeout(call=1) (injected 1 time)" in project.run(passed=1).summary


def test_a_wrong_fault(project):
    project.write(test_app=TEST.format(mark=""))
    run = project.run("--memo-faults=timout()")
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert "did you mean 'timeout'?" in run.errors
