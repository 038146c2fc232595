"""Options of a whole suite: every test recorded, `memo_config`, expiry, patches, totals."""

import re
from datetime import UTC, datetime, timedelta

import pytest


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
            "memo_config='ignored' is invalid (did you mean 'ignore'?); allowed: ",
        ),
        ("['trace']", "memo_config=['trace'] is invalid; allowed: a dict of options"),
        ("{'patches': ['openia']}", "did you mean 'openai'?"),
        ("{'patches': ['json:laods']}", "Did you mean json:loads or"),
        ("{'mode': 'record'}", "memo_config='mode' is invalid"),
        ("{'patches': [{'app:live': {}}]}", "memo_config: patches=[{'app:live': {}}] is invalid; allowed: a list of"),
        ("{'patches': 3}", "memo_config: patches=3 is invalid; allowed: a list of"),
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


@pytest.mark.parametrize(
    "patches",
    [
        '["app:live"]',
        '[memo.Patch("app:live")]',
        'memo.Patch("app:live", {"errors": "all"})',
        '{memo.Patch("app:live")}',
    ],
)
def test_patches_of_a_suite(project, patches):
    project.write(
        tool="def search(query):\n    raise OSError('no network')\n",
        conftest=f"""
import memo
import pytest

@pytest.fixture
def memo_config():
    return {{"patches": {patches}, "store": "tapes"}}
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
