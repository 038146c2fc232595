"""Workers of pytest-xdist, one that crashes, and tests that are run again."""

XDIST = ("xdist.plugin", "xdist.looponfail")

MANY = """
@pytest.fixture(scope="module")
def shared():
    return ask_sync("shared")

@pytest.mark.memo
@pytest.mark.parametrize("number", range(8))
def test_it(number, shared):
    ask_sync(f"{number}")
    {more}
"""


def test_four_workers(project):
    project.write(test_app=MANY.replace("{more}", "ask_sync('more')"))
    project.run_process("-n2", "--memo-mode=record-if-missing", plugins=XDIST, passed=8)
    assert len(project.recordings) == 9
    assert project.calls
    project.write(test_app=MANY.replace("{more}", "number == 3 or ask_sync('more')").replace("range(8)", "range(7)"))
    run = project.run_process("-n4", plugins=XDIST, passed=7)
    assert project.calls == []
    assert "1 unused" in run.summary
    assert "recordings/test_app/test_it[3]/app.ask_sync/" in run.summary
    assert "rm -r 'recordings/test_app/test_it[7]'" in run.summary


CRASH = """
import os

@pytest.fixture(scope="module")
def shared():
    ask_sync("shared")
    {shared}

@pytest.mark.memo
def test_crash(shared):
    ask_sync("crash")
    {crash}

@pytest.mark.memo
@pytest.mark.parametrize("number", range(4))
def test_it(number):
    ask_sync(f"{number}")
    {other}
"""


def test_a_crashed_worker(recorded):
    project = recorded(
        test_app=CRASH.replace("{shared}", "ask_sync('shared, too')")
        .replace("{crash}", "ask_sync('more')")
        .replace("{other}", "ask_sync('other')")
    )
    before = project.recordings
    project.write(
        test_app=CRASH.replace("{shared}", "")
        .replace("{crash}", "os._exit(7)")
        .replace("{other}", "number == 1 or ask_sync('other')")
    )
    run = project.run_process("-n2", "--memo-unused=delete", plugins=XDIST)
    assert "crashed" in run.text
    after = project.recordings
    for place in ("recordings/test_app/test_crash", "recordings/test_app/@module"):
        assert after[place] == before[place]
    assert after["recordings/test_app/test_it[1]"] == ["1"]


AGAIN = """
tries = []

@pytest.mark.memo
def test_it():
    tries.append(1)
    ask_sync("always")
    if len(tries) < {fails}:
        ask_sync("before")
        assert False
    {rest}
"""


def test_a_test_that_is_run_again(recorded):
    project = recorded(test_app=AGAIN.format(fails=0, rest="ask_sync('before'); ask_sync('rest')"))
    project.write(test_app=AGAIN.format(fails=3, rest="pass"))
    run = project.run("--reruns=2", plugins=("pytest_rerunfailures",))
    assert "1 passed" in run.text
    assert "1 unused" in run.summary, "what an earlier attempt used is used"
    project.write(test_app=AGAIN.format(fails=9, rest="pass"))
    run = project.run("--reruns=2", "--memo-unused=delete", plugins=("pytest_rerunfailures",))
    assert "1 failed" in run.text
    assert "deleted" not in run.summary


def test_a_recording_that_is_made_at_the_third_attempt(project):
    project.write(test_app=AGAIN.format(fails=3, rest="pass"))
    project.run("--reruns=2", "--memo-mode=record", plugins=("pytest_rerunfailures",))
    assert project.recordings == {"recordings/test_app/test_it": ["always", "before"]}
    project.run("--reruns=2", "--memo-mode=record", plugins=("pytest_rerunfailures",))
    project.write(test_app=AGAIN.format(fails=0, rest="pass"))
    project.run("--memo-mode=record", passed=1)
    assert project.recordings == {"recordings/test_app/test_it": ["always"]}


def test_a_run_that_stops_early(recorded):
    project = recorded(test_app=MANY.replace("{more}", "ask_sync('more')"))
    before = project.recordings
    project.write(test_app=MANY.replace("{more}", "assert False"))
    project.run("-x", "--memo-unused=delete", failed=1)
    assert project.recordings == before
