"""Child processes take the scope along: of multiprocessing, however they start, and those with `MEMO_SCOPE`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import memo


@memo.recordable
def ask(prompt):
    with open("calls.txt", "a") as calls:
        calls.write(f"{prompt}\\n")
    return prompt.upper()


@memo.recordable
def pair(prompt):
    return ask(prompt), os.getpid()
"""

SPAWNING = """
from program import *

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[2])
    with memo.recording("recordings", mode=sys.argv[1]) as recorder:
        with context.Pool(2) as pool:
            print(pool.map(ask, ["a", "b", "c"]))
        process = context.Process(target=ask, args=("d",))
        process.start()
        process.join()
        print(process.exitcode)
    print(recorder.stats.recorded, recorder.stats.replayed)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


def run(folder: Path, *command: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def recorded(folder: Path) -> list[str]:
    return sorted(json.loads(file.read_text())["arguments"]["prompt"] for file in folder.glob("recordings/*/*.json"))


def calls(folder: Path) -> list[str]:
    file = folder / "calls.txt"
    found = sorted(file.read_text().split()) if file.exists() else []
    file.unlink(missing_ok=True)
    return found


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_multiprocessing(folder, method):
    (folder / "spawning.py").write_text(SPAWNING)
    for mode, live in (("record", ["a", "b", "c", "d"]), ("replay", [])):
        said = run(folder, "spawning.py", mode, method).splitlines()
        assert said[:2] == ["['A', 'B', 'C']", "0"]
        assert calls(folder) == live
        if method != "fork":  # a fork has a copy of the recorder, and counts for itself
            assert said[2] == ("4 0" if mode == "record" else "0 4")
    assert recorded(folder) == ["a", "b", "c", "d"]


CHILD = """
from program import *
print(ask("child"), memo.current())
"""

PARENT = """
from program import *
with memo.recording("recordings", mode=sys.argv[1]) as recorder:
    env = {**os.environ, **recorder.env}
    print(ask("parent"))
    for command in (["child.py"], ["-m", "memo", "run", "--", "child.py"]):
        print(subprocess.run([sys.executable, *command], env=env, capture_output=True, text=True, check=True).stdout)
print(recorder.stats)
"""


def test_a_child_process_with_the_variables(folder):
    (folder / "child.py").write_text(CHILD)
    (folder / "parent.py").write_text(PARENT)
    said = run(folder, "parent.py", "record")
    assert "PARENT\nCHILD <memo scope of" in said
    assert "recorded=3" in said
    assert calls(folder) == ["child", "child", "parent"]
    said = run(folder, "parent.py", "replay")
    assert "replayed=3" in said
    assert calls(folder) == []


def test_a_child_of_another_run_is_stopped(folder):
    (folder / "child.py").write_text(CHILD)
    program = "from program import *; print(memo.Recorder('recordings', mode='record').env['MEMO_SCOPE'])"
    value = run(folder, "-c", program).strip()
    for secret in ("", "another"):
        done = subprocess.run(
            [sys.executable, "child.py"],
            cwd=folder,
            env={**os.environ, "MEMO_SCOPE": value, "MEMO_SCOPE_SECRET": secret},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "ScopeRefused: a carried scope was refused" in done.stderr
    assert calls(folder) == []
    assert recorded(folder) == []
