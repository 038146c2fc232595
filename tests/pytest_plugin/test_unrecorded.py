"""What is not recorded is reported when it is recorded, and by the miss that follows."""

import pytest

BUSY = """
class Busy(Exception):
    status_code = {status}

@recordable
def chat(prompt, times=1):
    live(prompt)
    raise Busy("slow down")

@pytest.mark.memo({options})
@pytest.mark.parametrize("number", range(2))
def test_it(number):
    with pytest.raises(Busy):
        chat(str(number))
"""


def busy(status=429, options=""):
    return BUSY.format(status=status, options=options)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_calls_that_have_no_answer_are_counted(project, status, quiet):
    project.write(test_app=busy(status))
    run = project.run("--memo-mode=record-if-missing", *quiet, passed=2)
    line = f"2 calls of test_app.chat answered {status} (Busy) and were not recorded (errors='all' records such errors)"
    assert line in run.summary
    run = project.run(failed=2)
    assert f"not recorded: this call answered {status} (Busy) when it was to be recorded" in run.text
    assert "@pytest.mark.memo(errors='all')" in run.text
    assert "not recorded" not in project.run("--memo-mode=live", passed=2).summary


def test_what_the_miss_advises_works(project):
    project.write(test_app=busy())
    project.run("--memo-mode=record-if-missing", passed=2)
    project.write(test_app=busy(options="errors='all'"))
    assert "not recorded" not in project.run("--memo-mode=record-if-missing", passed=2).summary
    project.run(passed=2)
    project.write(test_app=busy(options="errors='all'").replace("str(number)", "str(number + 9)"))
    assert "not recorded" not in project.run(failed=2).text


@pytest.mark.parametrize(("status", "options"), [(404, ""), (429, "errors='all'"), (429, "errors='none'")])
def test_nothing_is_reported_that_is_recorded_or_not_wanted(project, status, options):
    project.write(test_app=busy(status, options))
    assert "not recorded" not in project.run("--memo-mode=record-if-missing", passed=2).summary


def test_workers_report_together(project):
    project.write(test_app=busy())
    run = project.run_process("-n2", "--memo-mode=record-if-missing", plugins=("xdist",), passed=2)
    assert "2 calls of test_app.chat answered 429 (Busy) and were not recorded" in run.summary
    assert "not recorded: this call" in project.run_process("-n2", plugins=("xdist",), failed=2).text


def test_without_a_cache(project):
    project.write(test_app=busy())
    assert "not recorded" in project.run("--memo-mode=record-if-missing", "-pno:cacheprovider", passed=2).summary
    project.run("-pno:cacheprovider", failed=2)
