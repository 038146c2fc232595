"""The benchmarks run and say what they measured. How fast anything is, is theirs to show, and no test's to judge."""

import importlib
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT))
harness = importlib.import_module("benchmarks._harness")
drawing = importlib.import_module("benchmarks._picture")
PEERS = ("vcr", "cassetter", "cashews", "joblib", "cachier", "aiocache", "diskcache", "async_lru")

HIDING = f"""
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {PEERS!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
import importlib.util
there = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {PEERS!r} else there(name, package)
sys.argv[:] = ["benchmarks", *sys.argv[1:]]
from benchmarks.__main__ import main
main()
"""


def run(*arguments: str, program: tuple[str, ...] = ("-m", "benchmarks")) -> str:
    command = [sys.executable, "-W", "ignore", *program, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_the_others_each_row_says_how_to_install_them():
    rows = json.loads(run("llm", "--quick", "--json", program=("-c", HIDING)))
    measured = [row for row in rows if "memo" in row]
    skipped = [row for row in rows if "memo" not in row]
    assert {row["against"] for row in skipped} == {"vcrpy", "cassetter"}
    assert all("pip install" in row["note"] for row in skipped)
    assert {row["against"] for row in measured} == {"by hand", "the SDK", "transport"}
    for row in measured:
        assert row["memo"] > 0
        assert row["other"] > 0
        assert row["ratio"] == pytest.approx(row["memo"] / row["other"])


def test_a_family_that_is_not_there():
    command = [sys.executable, "-m", "benchmarks", "lllm"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no family lllm: replay, cold," in done.stderr


@pytest.mark.skipif(not all(map(find_spec, PEERS)), reason='needs pip install -e ".[benchmarks]"')
def test_with_the_others(tmp_path: Path):
    rows = json.loads(run("llm", "--quick", "--json", "--picture", str(tmp_path / "picture.svg")))
    assert [row for row in rows if "memo" not in row] == []
    assert {row["against"] for row in rows} == {"by hand", "the SDK", "transport", "vcrpy", "cassetter"}
    texts = [each.text or "" for each in ET.parse(tmp_path / "picture.svg").iter()]
    assert any("vcrpy: " in text for text in texts)


def row(subject: str, memo: float, other: float, **more: object) -> object:
    return harness.Row(subject, memo, other, **more)


@pytest.mark.parametrize(
    ("made", "cells"),
    [
        (row("a", 2e-6, 1e-6, target=1.5), ["a", "2.00 µs", "floor", "1.00 µs", "2.00", "1.50 MISSED", "-", ""]),
        (
            row("b", 1e-3, 0.1, target=1 / 40, against="vcrpy", spread=0.5),
            ["b", "1.00 ms", "vcrpy", "100 ms", "1/100", "1/40", "50%", ""],
        ),
        (row("c", 3e3, 1e3, unit="B"), ["c", "3.00 kB", "floor", "1.00 kB", "3.00", "-", "-", ""]),
        (harness.Skipped("d", "why", "joblib"), ["d", "-", "joblib", "-", "-", "-", "-", "skipped: why"]),
    ],
)
def test_a_line_of_the_table(made: object, cells: list[str]):
    assert made.cells() == cells


def test_a_failure_is_reported_in_its_own_words():
    async def works() -> int:
        return 1

    async def fails() -> int:
        raise TypeError("unhashable type: 'list'")

    others = {"floor": harness.Way(works), "other": harness.Way(fails), "none": "keeps nothing on disk"}
    rows = list(harness.race_all({"subject": harness.Way(works)}, others, rounds=3))
    assert [type(each).__name__ for each in rows] == ["Row", "Skipped", "Skipped"]
    assert [each.note for each in rows] == ["", "TypeError: unhashable type: 'list'", "keeps nothing on disk"]


def test_the_picture_has_a_line_for_each_subject_and_a_dot_for_each_library():
    rows = [row("one", 1e-3, 0.1, against="vcrpy"), row("one", 1e-3, 5e-4, against="cassetter"), row("two", 1, 2)]
    root = ET.fromstring(drawing.picture(rows))
    titles = [each.text for each in root.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == ["vcrpy: 100 ms, memo: 1.00 ms", "cassetter: 500 µs, memo: 1.00 ms"]


def test_two_versions_are_compared_row_by_row():
    rows = json.loads(run("replay in", "record in memory: tiny", "--against", str(ROOT), "--quick", "--json"))
    assert [row["row"] for row in rows] == ["replay in a scope: model of 1 KB", "record in memory: tiny int"]
    for row in rows:
        assert row["ratio"] == pytest.approx(row["now"] / row["before"])
