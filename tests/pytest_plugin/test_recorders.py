"""Whose recorder it is: the test's, a fixture's of wider scope, one that several tests share."""

import socket

import pytest

from memo import current

SCOPES = """
@pytest.fixture(scope="session")
def of_session():
    return ask_sync("session")

@pytest.fixture(scope="package")
def of_package():
    return ask_sync("package")

@pytest.fixture(scope="module")
def of_module(of_session):
    yield ask_sync("module")
    ask_sync("module, at its end")

@pytest.fixture(scope="class")
def of_class(of_module):
    return ask_sync("class")

@pytest.fixture
def of_test(of_class):
    yield ask_sync("test")
    ask_sync("test, at its end")

def test_without():
    pass

@pytest.mark.memo
class TestIt:
    def test_one(self, of_test, of_package, of_session):
        ask_sync("one")

    def test_two(self, of_test):
        ask_sync("two")
"""

PLACES = {
    "recordings/@package": ["package"],
    "recordings/@session": ["session"],
    "recordings/test_app/@module": ["module", "module, at its end"],
    "recordings/test_app/TestIt.@class": ["class"],
    "recordings/test_app/TestIt.test_one": ["one", "test", "test, at its end"],
    "recordings/test_app/TestIt.test_two": ["test", "test, at its end", "two"],
}


def test_fixtures_record_where_they_belong(recorded):
    project = recorded(test_app=SCOPES)
    assert project.recordings == PLACES
    assert project.run("--memo-unused=fail", passed=3).exit == 0
    assert project.calls == []


def test_fixtures_of_a_part_of_the_tests(recorded):
    project = recorded(test_app=SCOPES)
    project.write(test_app=SCOPES.replace('ask_sync("module, at its end")', "pass"))
    assert "unused" not in project.run("-k", "test_one", passed=1).summary
    run = project.run(passed=3)
    assert "1 unused" in run.summary
    assert "recordings/test_app/@module/app.ask_sync/" in run.summary
    project.run("--memo-mode=record", passed=3)
    assert project.recordings["recordings/test_app/@module"] == ["module"]


XUNIT = """
import unittest

def setup_module():
    ask_sync("module")

def teardown_module():
    ask_sync("module, at its end")

@pytest.mark.memo
class TestNew:
    @classmethod
    def setup_class(cls):
        ask_sync("class")

    def setup_method(self):
        ask_sync("method")

    def test_one(self):
        pass

    def test_two(self):
        pass

@pytest.mark.memo
class TestOld(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ask_sync("class")

    @classmethod
    def tearDownClass(cls):
        ask_sync("class, at its end")

    def test_one(self):
        ask_sync("one")

    def test_two(self):
        pass
"""


def test_what_classes_and_modules_set_up_belongs_to_them(recorded):
    project = recorded(test_app=XUNIT)
    assert project.recordings == {
        "recordings/test_app/@module": ["module", "module, at its end"],
        "recordings/test_app/TestNew.@class": ["class"],
        "recordings/test_app/TestNew.test_one": ["method"],
        "recordings/test_app/TestNew.test_two": ["method"],
        "recordings/test_app/TestOld.@class": ["class", "class, at its end"],
        "recordings/test_app/TestOld.test_one": ["one"],
    }
    assert project.run("-k", "test_two", passed=2).exit == 0
    assert project.run("--memo-unused=fail", passed=4).exit == 0
    assert project.calls == []


def test_a_fixture_that_an_unmarked_test_asks_for_first(project):
    project.write(
        test_app="""
@pytest.fixture(scope="module")
def shared():
    return ask_sync("shared")

def test_first(shared):
    assert shared == "SHARED"

@pytest.mark.memo
def test_second(shared):
    assert shared == "SHARED"
"""
    )
    project.run(errors=2)
    assert project.calls == []
    project.run("--memo-mode=record", passed=2)
    assert project.recordings == {"recordings/test_app/@module": ["shared"]}


def test_a_fixture_that_no_recorded_test_uses_is_not_recorded(project):
    project.write(
        test_app="""
@pytest.fixture(scope="module")
def shared():
    return ask_sync("shared")

def test_first(shared):
    pass

@pytest.mark.memo
def test_second():
    pass
"""
    )
    project.run(passed=2)
    assert project.calls == ["shared"]


THREE = """
@pytest.mark.memo
def test_one():
    ask_sync("one")

@pytest.mark.memo
def test_two():
    ask_sync("one")
    ask_sync("two")
"""


@pytest.mark.parametrize(
    ("scope", "place"), [("module", "recordings/test_app/@module"), ("session", "recordings/@session")]
)
def test_recordings_that_tests_share(project, scope, place):
    project.ini(f"memo_scope = {scope}")
    project.write(test_app=THREE)
    run = project.run("--memo-mode=record-if-missing", passed=2)
    assert f"shared by each {scope}" in run.text
    assert project.calls == ["one", "two"]
    assert project.recordings == {place: ["one", "two"]}
    assert "2 replayed" in project.run("-k", "two", passed=1).summary
    project.write(test_app=THREE.replace('    ask_sync("two")', ""))
    assert "unused" not in project.run("-k", "two", passed=1).summary
    assert "1 unused" in project.run(passed=2).summary
    project.write(test_app=THREE.replace('ask_sync("two")', "assert False"))
    assert "unused" not in project.run(passed=1, failed=1).summary


@pytest.mark.parametrize("scope", ["module", "session"])
def test_what_is_shared_is_not_judged_by_a_part(project, scope):
    project.ini(f"memo_scope = {scope}")
    project.write(test_app=THREE)
    project.run("--memo-mode=record-if-missing", passed=2)
    before = project.recordings
    for option in ("--memo-unused=delete", "--memo-mode=record"):
        project.run(option, "test_app.py::test_one", passed=1)
        project.run(option, "--deselect=test_app.py::test_two", passed=1)
        assert project.recordings == before
    project.write(test_app=THREE.replace('ask_sync("two")', "assert False"))
    project.run(passed=1, failed=1)
    project.write(test_app=THREE.replace('    ask_sync("two")', ""))
    project.run("--lf", "--memo-unused=delete", passed=1)
    assert project.recordings == before
    project.write(test_other="pytest.importorskip('no_such_module')\n" + THREE)
    run = project.run("--memo-unused=delete", passed=2, skipped=1)
    assert ("deleted" in run.summary) is (scope == "module")
    (project.path / "test_other.py").unlink()
    project.run("--memo-unused=delete", passed=2)
    assert list(project.recordings.values()) == [["one"]]


def test_a_fixture_of_a_class_outside_of_any(project):
    project.write(
        test_app="""
@pytest.fixture(scope="class")
def of_class():
    return ask_sync("class")

@pytest.mark.memo
def test_it(of_class):
    pass
"""
    )
    project.run("--memo-mode=record", passed=1)
    assert project.recordings == {"recordings/test_app/test_it": ["class"]}


def test_tests_that_differ_in_case_only(project):
    project.write(test_app=THREE.replace("test_two", "TEST_One").replace("test_one", "test_one"))
    project.ini("python_functions = test_* TEST_*")
    project.run("--memo-mode=record", passed=2)
    before = project.recordings
    project.run("--memo-unused=delete", passed=2)
    assert project.recordings == before


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
def test_a_stream_that_is_closed_after_its_test(project, mode):
    project.write(
        test_app="""
from memo import recordable

kept = []

@recordable
def words(prompt):
    yield from prompt.split()

@pytest.mark.memo
def test_it():
    stream = words("one two three")
    assert next(stream) == "one"
    kept.append(stream)

def test_later():
    kept.pop().close()
"""
    )
    for _ in range(2):
        project.run(f"--memo-mode={mode}", "--memo-unused=delete", passed=2)
        assert project.recordings == {"recordings/test_app/test_it": ["one two three"]}


def test_an_interrupted_test_leaves_no_recorder(project):
    project.write(test_app="@pytest.mark.memo\ndef test_it():\n    pytest.exit('enough')\n")
    project.run("--memo-block-network")
    assert current() is None
    assert "connect" not in vars(socket.socket)


def test_a_mark_that_contradicts_what_is_shared(project):
    project.ini("memo_scope = module")
    project.write(test_app="@pytest.mark.memo(mode='live')\ndef test_it():\n    pass\n")
    assert "memo_scope = module shares one recorder" in project.run(errors=1).text


def test_another_directory(project, monkeypatch):
    project.ini("memo_dir = tapes")
    (project.path / "unit").mkdir()
    project.write(**{"test_app": THREE, "unit/test_app": ""})
    (project.path / "unit" / "test_app.py").write_text("import pytest\nfrom app import *\n" + THREE)
    (project.path / "unit" / "__init__.py").touch()
    run = project.run("--memo-mode=record-if-missing", passed=4)
    assert "recordings in tapes" in run.text
    assert sorted(project.recordings) == [
        "tapes/test_app/test_one",
        "tapes/test_app/test_two",
        "tapes/unit/test_app/test_one",
        "tapes/unit/test_app/test_two",
    ]
    (project.path / "unit" / "test_app.py").write_text(
        "import pytest\nfrom app import *\n" + THREE.partition("\n\n")[0]
    )
    assert "rm -r tapes/unit/test_app/test_two" in project.run(passed=3).summary
    monkeypatch.setenv("MEMO_STORE", "elsewhere")
    project.run("--memo-mode=record-if-missing", passed=3)
    assert "elsewhere/unit/test_app/test_one" in project.recordings
    monkeypatch.setenv("MEMO_STORE", "memory://")
    project.run("--memo-mode=record-if-missing", passed=3)
    project.run(failed=3)
