"""What the pytest plugin costs: its import, 300 tests that replay one call each, 300 tests that record nothing."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks._harness import Row, race_processes, run_python

TESTS = 300

# What pytest has imported anyway before it looks for plugins.
PYTEST = "import pytest, _pytest.fixtures, _pytest.python, _pytest.terminal"
IMPORT = "import time; {}; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
ADDED = "import sys; {}; before = set(sys.modules); import memo.pytest_plugin; print(*(set(sys.modules) - before))"

APP = """
from memo import recordable
from pydantic import BaseModel

class Answer(BaseModel):
    text: str

async def stub(question: str) -> Answer:
    return Answer(text=question)

ask = recordable(name="ask")(stub)
"""
SUITE = """
import pytest
from app import Answer, ask, stub

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio{mark}
@pytest.mark.parametrize("number", range({tests}))
async def test_answer(number):
    assert await {function}(f"Which planet is number {{number}}?") == Answer(text=f"Which planet is number {{number}}?")
"""
RUN = """
import contextlib, importlib, io, os, sys, time
import pytest
folder, *arguments = sys.argv[1:]
os.chdir(folder)
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
start = time.perf_counter()
with contextlib.redirect_stdout(io.StringIO()) as said:
    # As a module: for a name, pytest would look through all that is installed, which it does once in any case.
    plugins = [importlib.import_module(each) for each in arguments if each.startswith("memo.")]
    arguments = [each for each in arguments if not each.startswith("memo.")]
    code = pytest.main(["-q", "-p", "anyio", "-p", "no:cacheprovider", *arguments], plugins)
assert code == 0, said.getvalue()
print(time.perf_counter() - start)
"""
PLUGIN = ("memo.pytest_plugin",)


def rows(*, quick: bool) -> Iterator[Row]:
    rounds = 5 if quick else 15
    added = run_python("-c", ADDED.format(PYTEST)).split()
    others = [each for each in added if each.partition(".")[0] != "memo"]
    with_plugin, without = (IMPORT.format(PYTEST, each) for each in ("import memo.pytest_plugin", "pass"))
    row = race_processes("plugin: import", 0.015, ["-c", with_plugin], ["-c", without], rounds=rounds, added=True)
    yield row._replace(note=f"{len(added) - len(others)} modules of memo, {len(others)} others")
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        run = ("-c", RUN, folder)
        run_python(*run, "test_replayed.py", *PLUGIN, "--memo-mode=record")
        stubbed = (*run, "test_stubbed.py")
        replayed = (*run, "test_replayed.py", *PLUGIN)
        yield race_processes(f"plugin: {TESTS} tests, one replay each", 1.2, replayed, stubbed, rounds=rounds)
        unmarked = race_processes(f"plugin: {TESTS} tests without", 1.05, (*stubbed, *PLUGIN), stubbed, rounds=rounds)
        yield unmarked._replace(note="no test records")


def write(folder: Path) -> None:
    """The suites: the same tests, recorded and with a stub."""
    (folder / "app.py").write_text(APP, encoding="utf-8")
    (folder / "conftest.py").write_text("import sys; sys.path.insert(0, '.')\n", encoding="utf-8")
    marks = {"test_replayed.py": ("\n@pytest.mark.memo", "ask"), "test_stubbed.py": ("", "stub")}
    for name, (mark, function) in marks.items():
        (folder / name).write_text(SUITE.format(mark=mark, function=function, tests=TESTS), encoding="utf-8")


if __name__ == "__main__":
    for each in rows(quick="--quick" in sys.argv):
        print(each.cells())
