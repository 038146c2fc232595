"""Whose recorder it is: the test's, a fixture's of wider scope, one that several tests share."""

import re
import socket
from datetime import UTC, datetime, timedelta

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


def test_every_test(project):
    project.ini("memo_all = true")
    project.write(
        test_app="""
import unittest

def test_plain():
    ask_sync("plain")

@pytest.mark.memo(mode="live")
def test_marked():
    ask_sync("marked")

class TestOld(unittest.TestCase):
    def setUp(self):
        ask_sync("set up")

    def test_it(self):
        ask_sync("unittest")
"""
    )
    project.run(failed=2, passed=1)
    assert project.calls
    project.ini("memo_all = true", "memo_mode = record-if-missing")
    project.run(passed=3)
    assert project.recordings == {
        "recordings/test_app/TestOld.test_it": ["set up", "unittest"],
        "recordings/test_app/test_plain": ["plain"],
    }


def test_the_fixture_alone_records(project):
    project.write(
        test_app="""
def test_it(memo_recorder):
    ask_sync("x")
    assert memo_recorder.stats.recorded == 1

def test_later(request):
    ask_sync("live")
    recorder = request.getfixturevalue("memo_recorder")
    ask_sync("later")
    assert recorder.stats.recorded == 1
"""
    )
    project.run("--memo-mode=record", passed=2)
    assert project.recordings == {"recordings/test_app/test_it": ["x"], "recordings/test_app/test_later": ["later"]}


def test_recorders_of_the_tests_own(project):
    project.write(
        test_app="""
import threading
import memo

@pytest.mark.memo
def test_a_scope(tmp_path):
    with memo.recording(tmp_path, mode="record"):
        ask_sync("inner")
    ask_sync("outer")

@pytest.mark.memo
def test_one_that_is_started(memo_recorder):
    recorder = memo.start("memory://", mode="record")
    assert memo.current() is recorder
    ask_sync("started")
    memo.stop()
    assert memo.current() is memo_recorder
    ask_sync("ours")

@pytest.mark.memo
def test_a_thread():
    thread = threading.Thread(target=ask_sync, args=["thread"])
    thread.start()
    thread.join()

def test_nobody():
    assert memo.current() is None
"""
    )
    project.run("--memo-mode=record-if-missing", passed=4)
    recordings = {place: prompts for place, prompts in project.recordings.items() if place.startswith("recordings")}
    assert recordings == {
        "recordings/test_app/test_a_scope": ["outer"],
        "recordings/test_app/test_a_thread": ["thread"],
        "recordings/test_app/test_one_that_is_started": ["ours"],
    }


CONFIGURED = """
import datetime

@pytest.fixture(scope="module")
def memo_config():
    return {"ignore": ["trace", "nothing.of.the.kind"], "errors": "all", "trust": ["decimal"]}

@pytest.fixture(autouse=True)
def early():
    ask_sync("early", trace=str(datetime.datetime.now()))

@pytest.fixture(scope="session", autouse=True)
def even_earlier():
    ask_sync("even earlier", trace=str(datetime.datetime.now()))

@pytest.mark.memo(errors="answers")
def test_it(memo_recorder):
    assert (memo_recorder.errors, memo_recorder.trust) == ("answers", {"decimal"})
    ask_sync("x", trace=str(datetime.datetime.now()))
"""


def test_options_of_a_suite(project):
    project.write(test_app=CONFIGURED)
    project.run("--memo-mode=record-if-missing", passed=1)
    assert len(project.calls) == 3
    project.run(passed=1)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            "{'ignored': ['trace']}",
            "memo_config='ignored' is not known to memo; allowed: claim_timeout, claims, errors",
        ),
        ("['trace']", "memo_config=['trace'] is not known to memo; allowed: a dict of options"),
        ("{'patches': ['openia']}", "did you mean 'openai'?"),
        ("{'patches': ['json:laods']}", "Did you mean json:loads or"),
        ("{'mode': 'record'}", "memo_config='mode' is not known to memo"),
    ],
)
def test_wrong_options_of_a_suite(project, config, said):
    project.write(
        conftest=f"import pytest\n\n@pytest.fixture(scope='session')\ndef memo_config():\n    return {config}\n",
        test_app="@pytest.mark.memo\ndef test_it():\n    pass\n\ndef test_other():\n    pass\n",
    )
    run = project.run(errors=1, passed=1)
    assert said in run.text
    assert "_suite.py" not in run.text


EXPIRING = """
@pytest.mark.memo
def test_old():
    ask_sync("old")

@pytest.mark.memo(max_age="300d")
def test_older():
    ask_sync("older")
"""


def test_old_recordings(recorded):
    project = recorded(test_app=EXPIRING)
    for file in project.path.rglob("*.json"):
        made = datetime.now(UTC) - timedelta(days=40)
        file.write_text(re.sub(r'"recorded_at": ".*?"', f'"recorded_at": "{made.isoformat()}"', file.read_text()))
    project.ini("memo_max_age = 30d")
    assert (
        project.run("-Wdefault", passed=2).text.count("was recorded 40 days ago, which is more than max_age=30 days")
        == 1
    )
    project.ini("memo_max_age = 30d", "memo_on_expiry = fail")
    run = project.run(passed=1, failed=1)
    assert "pytest --memo-mode=record test_app.py::test_old" in run.text
    project.ini("memo_max_age = 30d", "memo_on_expiry = record")
    assert "pytest --memo-mode=record-if-missing test_app.py::test_old" in project.run(passed=1, failed=1).text
    assert project.calls == []
    project.run("--memo-mode=record-if-missing", passed=2)
    assert project.calls == ["old"]
    project.run(passed=2)


def test_patches_of_a_suite(project):
    project.write(
        tool="def search(query):\n    raise OSError('no network')\n",
        conftest="""
import pytest

@pytest.fixture(scope="session")
def memo_config():
    return {"patches": ["app:live"], "store": "tapes"}
""",
        test_app="""
import app

def test_before():
    assert not hasattr(app.live, "cache_info")

@pytest.mark.memo
def test_it():
    assert app.live("x") == "X"
""",
    )
    project.run("--memo-mode=record-if-missing", passed=2)
    assert list(project.recordings) == ["tapes"]
    assert project.run("--memo-unused=fail", passed=2).exit == 0
    assert project.calls == ["x"]


def test_tokens_and_time_saved(project):
    project.write(
        model="""
from memo import recordable
from pydantic import BaseModel

class Usage(BaseModel):
    total_tokens: int
    prompt_tokens: int

class Answer(BaseModel):
    text: str
    usage: Usage

@recordable
def answer(prompt: str):
    return Answer(text=prompt, usage=Usage(total_tokens=1200, prompt_tokens=1000))

@recordable
def chunks(prompt: str):
    for number in (10, 20, 34):
        yield {"usage": {"input_tokens": 20, "output_tokens": number}}
""",
        test_app="""
from model import answer, chunks

@pytest.mark.memo
def test_it():
    answer("one")
    answer("one")
    list(chunks("two"))
""",
    )
    project.run("--memo-mode=record-if-missing", passed=1)
    assert project.run(passed=1).summary == "3 replayed; saved 0.0 s and 2,454 tokens"
