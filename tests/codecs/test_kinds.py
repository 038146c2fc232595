"""Every kind of value: recorded, and replayed identical in another process, or refused with the line that fixes it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import kinds
import pytest

SAME = {**kinds.SAME, **kinds.packages()}
PROGRAM = """
import json, sys, warnings
warnings.simplefilter("ignore")
import kinds, memo
from shapes import shape

def told(error):
    return "\\n".join(map(told, error.exceptions)) if isinstance(error, BaseExceptionGroup) else f"{type(error).__name__}: {error}"

mode, results = sys.argv[1], {}
for name, make in {**kinds.SAME, **kinds.packages(), **kinds.REFUSED}.items():
    live = []
    def function():
        live.append(name)
        return make()
    try:
        with memo.recording("recordings", mode=mode):
            value = memo.recordable(name=f"kinds.{name}")(function)()
            nested = memo.recordable(name=f"kinds.{name}.nested")(lambda: {"a": [function()], "b": (1,)})()
        same = shape(value) == shape(make()) and shape(nested["a"][0]) == shape(make())
        results[name] = "same" if same and bool(live) == (mode == "record") else f"other: {value!r}"
    except BaseException as error:
        results[name] = told(error)
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What came of each kind, in one process that records and in another that replays."""
    folder = tmp_path_factory.mktemp("kinds")
    shared = str(Path(kinds.__file__).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([shared, *sys.path]), "PYTHONHASHSEED": "random"}
    found = {}
    for mode in ("record", "replay"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, mode],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        found[mode] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_there_are_many_kinds():
    assert len(SAME) + len(kinds.REFUSED) >= 260
    assert len(kinds.SAME) >= 200


@pytest.mark.parametrize("name", SAME)
def test_comes_back_identical_in_another_process(results, name):
    assert results["record"][name] == "same"
    assert results["replay"][name] == "same"


@pytest.mark.parametrize("name", kinds.REFUSED)
def test_is_refused_with_the_line_that_fixes_it(results, name):
    refusal = results["record"][name]
    assert "UnrecordableValue: kinds." in refusal
    assert "\n  to " in refusal
    assert "streams=" not in refusal
    assert "RecordingNotFound" in results["replay"][name]
