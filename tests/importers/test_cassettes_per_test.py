"""Cassettes of pytest-recording, each in the directory where pytest's plugin looks for that test's recordings."""

import json
import os
import subprocess
import sys

import pytest
from cassette_files import interaction

import memo.stores
from memo.errors import InvalidOption
from memo.importers.vcr import import_recordings

pytest.importorskip("yaml")

URL = "https://planets.example/"
SUITE = """
import pytest, requests
@pytest.fixture(scope="session")
def memo_config():
    return {"patches": ["http"]}
pytestmark = pytest.mark.memo
class TestPlanets:
    def test_one(self):
        assert requests.get("https://planets.example/").text == "one"
@pytest.mark.parametrize("tea", ["black", "green tea/bag"])
def test_tea(tea):
    assert requests.get("https://planets.example/").text == tea
"""
CASSETTES = {"TestPlanets.test_one": "one", "test_tea[black]": "black", "test_tea[green tea-bag]": "green tea/bag"}


@pytest.fixture
def project(tmp_path, monkeypatch):
    root = tmp_path / "project"
    (root / "tests/cassettes/test_planets").mkdir(parents=True)
    (root / "tests/test_planets.py").write_text(SUITE)
    for name, answer in CASSETTES.items():
        told = json.dumps({"interactions": [interaction("", answer, url=URL, method="GET")], "version": 1})
        (root / f"tests/cassettes/test_planets/{name}.yaml").write_text(told)
    monkeypatch.chdir(root)
    return root


def run(root, *words):
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "memo.pytest_plugin", *words]
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("dest", [".", "kept"])
def test_the_plugin_finds_the_recordings_of_each_test(project, dest):
    (project / "pytest.ini").write_text("[pytest]\n" + ("" if dest == "." else f"memo_dir = {dest}\n"))
    assert "3 failed" in run(project)  # and pytest knows its tests from now on
    report = import_recordings(project / "tests/cassettes", project / dest, per_test=True)
    assert (report.failed, report.recordings) == ({}, 3)
    done = run(project)
    assert "3 passed" in done, done


def test_a_dash_is_a_dash_where_no_test_ran(project):
    import_recordings(project / "tests", project, per_test=True)
    folders = sorted(path.name.partition("-")[0] for path in (project / "tests/recordings/test_planets").iterdir())
    assert folders == ["TestPlanets.test_one", "test_tea[black]", "test_tea[green_tea"]
    (one,) = (project / "tests/recordings/test_planets/TestPlanets.test_one").rglob("*.json")
    assert json.loads(one.read_bytes())["test"] == "tests/test_planets.py::TestPlanets::test_one"


def test_a_cassette_of_no_test_is_named(project):
    shared = project / "tests/cassettes/shared.yaml"
    (project / "tests/cassettes/test_planets/test_tea[black].yaml").rename(shared)
    report = import_recordings(project / "tests", project, per_test=True)
    assert report.failed.keys() == {f"{shared}#1"}
    assert "without --per-test" in report.failed[f"{shared}#1"]
    assert report.imported == 2


def test_a_store_that_is_no_directory_has_no_place_for_tests(project):
    with pytest.raises(InvalidOption, match="a directory"):
        import_recordings(project / "tests", memo.stores.MemoryStore(), per_test=True)
