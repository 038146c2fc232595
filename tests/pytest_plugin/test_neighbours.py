"""Other plugins beside memo's, memo's not there, and memo's found without being named."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from memo import errors

NEIGHBOURS = """
@pytest.mark.memo
def test_memo(memo_recorder):
    assert ask_sync("x") == "X"

@pytest.mark.vcr
def test_theirs(vcr):
    assert vcr is not None
"""
SNAPSHOTS = """
import inline_snapshot

@pytest.mark.memo
def test_syrupy(snapshot):
    assert ask_sync("y") == snapshot

@pytest.mark.memo
def test_inline():
    assert ask_sync("z") == inline_snapshot.snapshot()
"""
OTHERS = {"recording": "cassetter", "cassetter": "recording"}


@pytest.fixture
def installed(project, monkeypatch):
    """The project, run with every plugin that is installed, but for those that cannot be together."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
        monkeypatch.delenv(name, raising=False)  # it is no worker, wherever this runs

    def run(*arguments, without=()):
        blocked = [f"-pno:{name}" for name in ("asyncio", "hypothesispytest", "rerunfailures", *without)]
        return project.pytester.runpytest_subprocess(*blocked, *arguments)

    return run


@pytest.mark.parametrize("other", ["recording", "cassetter"])
def test_beside_other_recorders(project, installed, other):
    # These two take the same option and exclude each other: pytest starts with one of them.
    project.write(test_app=NEIGHBOURS, test_snapshots=SNAPSHOTS)
    without = [OTHERS[other], "randomly", "anyio"]
    installed(
        "--memo-mode=record-if-missing", "--snapshot-update", "--inline-snapshot=create", without=without
    ).assert_outcomes(passed=4, errors=1)  # inline-snapshot's own: what it created was missing
    assert project.calls == ["x", "y", "z"]
    assert "ask_sync(\"z\") == inline_snapshot.snapshot('Z')" in (project.path / "test_snapshots.py").read_text()
    installed("--record-mode=none", "--memo-block-network", without=without).assert_outcomes(passed=4)
    assert project.calls == []


def test_in_any_order(project):
    project.write(
        test_app="""
@pytest.fixture(scope="module")
def shared():
    return ask_sync("shared")

@pytest.mark.memo
@pytest.mark.parametrize("number", range(6))
def test_it(number, shared):
    ask_sync(str(number))
    ask_sync("same")

def test_other(shared):
    pass
"""
    )
    project.run("--memo-mode=record-if-missing", passed=7)
    before = project.recordings
    orders = set()
    for seed in (1, 2, 3):
        run = project.run("-v", "--memo-unused=fail", f"--randomly-seed={seed}", plugins=("pytest_randomly",), passed=7)
        assert run.exit == 0
        orders.add(tuple(re.findall(r"::(\w+\S*) PASSED", run.text)))
    assert len(orders) == 3
    assert project.recordings == before
    assert len(project.calls) == 13


def test_without_the_plugin(project, installed):
    project.write(
        test_app=NEIGHBOURS.replace("memo_recorder", "")
        .replace("(vcr)", "(request)")
        .replace("vcr is not", "request is not")
    )
    result = installed(without=["memo", "recording", "cassetter", "randomly"])
    result.assert_outcomes(passed=2)
    assert "memo" not in str(result.stdout)
    assert project.calls == ["x"]


def test_options_of_its_own():
    taken = """
        --record-mode --block-network --allowed-hosts --disable-recording --snapshot-update --inline-snapshot
        --vcr-record --disable-vcr --cassette-mode
    """.split()
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "memo.pytest_plugin", "--help"],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert [option for option in taken if option in run.split()] == []
    assert "--memo-mode" in run


def test_nothing_is_imported_that_is_not_needed(project):
    program = """
import sys, pytest
class Look:
    def pytest_sessionfinish(self):
        print("imported:", *sorted(name for name in sys.modules if name.partition(".")[0] in
            ("memo", "pydantic", "orjson", "wrapt", "anyio", "openai", "httpx", "trio")))
pytest.main(["-q", "-p", "memo.pytest_plugin", "test_plain.py"], plugins=[Look()])
"""
    (project.path / "test_plain.py").write_text("def test_it():\n    pass\n")
    done = subprocess.run([sys.executable, "-c", program], cwd=project.path, capture_output=True, text=True, check=True)
    (line,) = [line for line in done.stdout.splitlines() if "imported:" in line]
    assert line.partition("imported: ")[2].split() == [
        "memo",
        "memo._engine",
        "memo._engine.rules",
        "memo._engine.rules.modes",
        "memo._engine.sessions",
        "memo._engine.sessions.scope_names",
        "memo._installation",
        "memo.errors",
        *(f"memo.errors.{path.stem}" for path in sorted(Path(errors.__file__).parent.glob("_[a-z]*.py"))),
        "memo.pytest_plugin",
        "memo.pytest_plugin._ledger",
        "memo.pytest_plugin._run",
        "memo.pytest_plugin._settings",
        "memo.pytest_plugin._usage",
    ]


def test_memo_may_be_imported_before_pytest(project, monkeypatch):
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    program = "import memo, pytest, sys; sys.exit(pytest.main(sys.argv[1:]))"
    blocked = [f"-pno:{name}" for name in ("asyncio", "cassetter", "hypothesispytest", "randomly", "recording")]
    (project.path / "test_plain.py").write_text("def test_it():\n    pass\n")
    done = subprocess.run(
        [sys.executable, "-c", program, "-Werror", *blocked, "test_plain.py"],
        cwd=project.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "memo: mode replay" in done.stdout
