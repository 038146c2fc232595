"""What is judged unused: only what every test that could use it did not use."""

import pytest

CONFTEST = """
import pytest
from app import *

@pytest.fixture(scope="session")
def model():
    return ask_sync("model")

@pytest.fixture(scope="session")
def index(request):
    return ask_sync("index")
"""
UNIT = """
@pytest.mark.memo
def test_unit(model):
    ask_sync("unit")
"""
AGENTS = """
@pytest.mark.memo
def test_agents(model, index):
    ask_sync("agents")
"""


@pytest.fixture
def suite(project):
    """Two directories of tests, one of which uses more recordings of the session."""
    project.write(conftest=CONFTEST)
    for name, text in (("unit", UNIT), ("agents", AGENTS)):
        (project.path / "tests" / name).mkdir(parents=True)
        project.write(**{f"tests/{name}/test_{name}": "import pytest\nfrom app import *\n" + text})
    project.run("--memo-mode=record-if-missing", passed=2)
    assert project.recordings["recordings/@session"] == ["index", "model"]
    return project


@pytest.mark.parametrize("action", ["fail", "delete"])
@pytest.mark.parametrize(
    "part", [["tests/unit"], ["tests/unit/test_unit.py"], ["tests/unit", "-k", "unit"], ["-k", "unit"]]
)
def test_a_part_does_not_judge_what_others_use(suite, action, part, monkeypatch):
    monkeypatch.setenv("CI", "true")
    before = suite.recordings
    run = suite.run(f"--memo-unused={action}", *part, passed=1)
    assert run.exit == 0
    assert "unused" not in run.summary
    assert suite.recordings == before
    assert suite.run(passed=2).exit == 0


@pytest.mark.parametrize("everything", [[], ["tests"], ["tests/unit", "tests/agents"]])
def test_all_who_could_use_it_judge(suite, everything):
    text = (suite.path / "tests/agents/test_agents.py").read_text()
    (suite.path / "tests/agents/test_agents.py").write_text(text.replace("model, index", "model"))
    run = suite.run("--memo-unused=fail", *everything, passed=2)
    assert run.exit == pytest.ExitCode.TESTS_FAILED
    assert "recordings/@session/" in run.summary


def test_a_directory_judges_what_is_under_it_alone(suite):
    (suite.path / "tests/agents/test_agents.py").unlink()
    assert "agents" not in suite.run("tests/unit", passed=1).summary
    assert "rm -r tests/agents/recordings/test_agents/test_agents" in suite.run("tests", passed=1).summary


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_the_last_line_says_why_the_run_fails(recorded, quiet):
    project = recorded(test_app=UNIT.replace("model", ""), test_gone=UNIT.replace("model", ""))
    (project.path / "test_gone.py").unlink()
    text = (project.path / "test_app.py").read_text()
    (project.path / "test_app.py").write_text(text.replace('"unit"', '"unit"') + "\n")
    run = project.run("--memo-unused=fail", *quiet, passed=1)
    assert run.text.splitlines()[-1] == "memo: the run fails for 1 directory of a removed test (memo_unused = fail)"
    project.write(test_app=UNIT.replace("model", "").replace('ask_sync("unit")', "pass"))
    run = project.run("--memo-unused=fail", *quiet, passed=1)
    assert run.text.splitlines()[-1] == (
        "memo: the run fails for 1 unused recording and 1 directory of a removed test (memo_unused = fail)"
    )
    assert "the run fails for" not in project.run("--memo-unused=report", *quiet, passed=1).text


@pytest.mark.parametrize("option", ["--memo-mode=record", "--memo-unused=delete"])
def test_what_another_process_writes_during_the_run_is_kept(recorded, option):
    project = recorded(test_app='@pytest.mark.memo\ndef test_it():\n    ask_sync("a")\n    ask_sync("b")\n')
    project.write(
        test_app='''
import shutil, subprocess, sys

@pytest.mark.memo
def test_it(memo_recorder):
    ask_sync("a")
    program = """
import sys, memo
from app import ask_sync
with memo.recording(sys.argv[1], mode="record"):
    ask_sync("server")
"""
    subprocess.run([sys.executable, "-c", program, memo_recorder.store.location()], check=True)
'''
    )
    project.run_process(option, passed=1)
    assert project.recordings == {"recordings/test_app/test_it": ["a", "server"]}


NESTED = """
import asyncio
import pytest
from memo import recordable
from app import ask_sync

@recordable
def summary(prompt):
    return [ask_sync(f"{prompt} {part}") for part in range(2)]

@recordable
async def report(prompt):
    return await asyncio.to_thread(summary, prompt)

@recordable
def chapters(prompt):
    for part in range(2):
        yield ask_sync(f"{prompt} chapter {part}")

@pytest.mark.memo
def test_it():
    assert CALL
"""


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
@pytest.mark.parametrize("call", ["summary('tea')", "asyncio.run(report('tea'))", "list(chapters('tea'))"])
def test_what_was_recorded_inside_of_what_is_used_is_used(project, call, mode, monkeypatch):
    project.write(test_app=NESTED.replace("CALL", call))
    project.run(f"--memo-mode={mode}", passed=1)
    before = project.recordings
    monkeypatch.setenv("CI", "true")
    for action in ("fail", "delete"):
        run = project.run(f"--memo-unused={action}", passed=1)
        assert run.exit == 0
        assert "unused" not in run.summary
    assert project.recordings == before
    project.write(test_app=NESTED.replace("CALL", "chapters"))
    assert "unused" in project.run(passed=1).summary  # nothing of it is used
