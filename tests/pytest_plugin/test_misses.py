"""What goes wrong fails the test that it went wrong in, and says so once, in words."""

import os
import re

import pytest


def test_a_miss_is_shown_once_and_without_memos_own_frames(project):
    project.write(
        test_app="""
import asyncio

@pytest.mark.memo
def test_it():
    asyncio.run(ask("x"))
"""
    )
    run = project.run(failed=1)
    assert run.text.count("there are no recordings at all") == 1
    assert ">       asyncio.run(ask(" in run.text.replace("    asyncio", "    asyncio")
    assert "_run.py" not in run.text
    assert "base_events" not in run.text
    assert "During handling" not in run.text


def test_a_swallowed_miss_fails_the_test(project):
    project.write(
        test_app="""
@pytest.mark.memo
def test_it():
    assert careless("x") is None
"""
    )
    run = project.run(failed=1)
    assert "the code under test caught the error" in run.text
    assert run.text.count("there are no recordings at all") == 1
    assert re.search(r"called at: app\.py:\d+, in careless", run.text)
    assert project.calls == []


def test_a_swallowed_miss_is_reported_with_the_failure_it_led_to(project):
    project.write(
        test_app="""
@pytest.mark.memo
def test_it():
    assert careless("x") == "X"
"""
    )
    run = project.run(failed=1)
    assert "AssertionError" in run.text
    assert run.text.count("there are no recordings at all") == 1
    assert "the code under test caught the error" in run.text


def test_a_wrapped_miss_is_reported_once(project):
    project.write(
        test_app="""
@pytest.mark.memo
def test_it():
    for _ in range(3):
        try:
            ask_sync("x")
        except Exception as error:
            last = error
    raise RuntimeError("three times in vain") from last
"""
    )
    run = project.run(failed=1)
    assert run.text.count("there are no recordings at all") == 1
    assert "three times in vain" in run.text
    assert "_run.py" not in run.text


SWALLOWING = """
import asyncio
from memo import recordable
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

class Careful:
    def __enter__(self):
        pass
    def __exit__(self, kind, error, traceback):
        return isinstance(error, Exception)

@pytest.mark.memo(exhausted="error")
def test_exhausted(memo_recorder):
    ask_sync("x")
    with Careful():
        memo_recorder.mode == "replay" and ask_sync("x")

@recordable
def words(prompt):
    yield from prompt.split()

@recordable
async def awords(prompt):
    for word in prompt.split():
        yield word

@recordable
def answer(prompt):
    return Answer(text=prompt)

class Answer(BaseModel):
    text: str

@pytest.mark.memo
def test_cut_short(memo_recorder):
    stream = words("one two")
    next(stream)
    with Careful():
        memo_recorder.mode == "replay" and next(stream)
    stream.close()

@pytest.mark.memo
def test_cut_short_async(memo_recorder):
    async def main():
        stream = awords("one two")
        await anext(stream)
        with Careful():
            memo_recorder.mode == "replay" and await anext(stream)
        await stream.aclose()
    asyncio.run(main())

@pytest.mark.memo
def test_unreadable(memo_recorder):
    if memo_recorder.mode == "replay":
        del globals()["Answer"]
    with Careful():
        answer("x")

@pytest.mark.memo(max_age="0s", on_expiry="fail")
def test_expired_fail(memo_recorder):
    with Careful():
        ask_sync("x")

@pytest.mark.memo(max_age="0s", on_expiry="record")
def test_expired_record(memo_recorder):
    with Careful():
        ask_sync("x")

@pytest.mark.memo
def test_not_patched(memo_recorder):
    with Careful():
        memo_recorder.mode == "replay" and OpenAI(api_key="dummy", max_retries=0).models.list()

@pytest.mark.memo
def test_not_patched_async(memo_recorder):
    async def main():
        async with AsyncOpenAI(api_key="dummy", max_retries=0) as client:
            with Careful():
                await client.models.retrieve("gpt-4o")
    memo_recorder.mode == "replay" and asyncio.run(main())
"""
UNREACHABLE = """
@pytest.fixture
def memo_config():
    return {"store": "redis://127.0.0.1:9/0"}

@pytest.mark.memo
def test_store():
    careless("x")
"""


def test_whatever_is_swallowed_fails_its_test(recorded):
    project = recorded(test_app=SWALLOWING)
    project.write(test_other=UNREACHABLE)
    run = project.run("-rf")
    assert project.calls == []
    said = {
        "exhausted": "the only recorded outcome",
        "cut_short": "its consumer left after 1 item",
        "cut_short_async": "its consumer left after 1 item",
        "unreadable": "the recording names the type test_app:Answer",
        "expired_fail": "which is more than max_age=0 seconds",
        "expired_record": "which is more than max_age=0 seconds",
        "not_patched": "openai._base_client:SyncAPIClient.request",
        "not_patched_async": "openai._base_client:AsyncAPIClient.request",
        "store": "redis://127.0.0.1:9",
    }
    parts = re.split(r"^_{3,} test_(\w+) _{3,}$", run.text, flags=re.MULTILINE)
    assert dict(zip(parts[1::2], parts[2::2], strict=True)).keys() == said.keys(), run.text
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        assert "memo: a call failed in replay, and the code under test caught the error" in text
        assert said[name] in text


@pytest.mark.parametrize("when", ["set up", "tear down"])
def test_a_miss_that_a_fixture_swallowed(project, when):
    project.write(
        test_app=f"""
@pytest.fixture
def answer():
    {"careless('x')" if when == "set up" else ""}
    yield
    {"careless('x')" if when == "tear down" else ""}

@pytest.mark.memo
def test_it(answer):
    pass
"""
    )
    run = project.run()
    assert "1 error" in run.text
    assert "the code under test caught the error" in run.text


def test_a_test_that_means_to_miss(project):
    project.write(
        test_app="""
from memo import RecordingNotFound

@pytest.mark.memo
def test_it(memo_recorder):
    with pytest.raises(RecordingNotFound):
        ask_sync("x")
    assert [type(miss) for miss in memo_recorder.misses] == [RecordingNotFound]
    memo_recorder.misses.clear()

@pytest.mark.xfail(reason="not yet", strict=True)
@pytest.mark.memo
def test_not_yet():
    careless("x")
"""
    )
    project.run(passed=1, xfailed=1)


def test_what_cannot_be_recorded_fails_the_test(project):
    project.write(
        test_app="""
from memo import recordable

@recordable
def opened(name):
    return open(name, 'w')

@pytest.mark.memo(mode="record")
def test_it():
    opened("x.txt").close()

@pytest.mark.memo(mode="record")
def test_other():
    ask_sync("x")
"""
    )
    run = project.run(failed=1, passed=1)
    assert "memo: a call of this test could not be recorded:" in run.text
    assert "register_codec" in run.text
    assert "_attempt.py" not in run.text


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written(project):
    (project.path / "recordings").mkdir(mode=0o500)
    project.write(test_app="@pytest.mark.memo(mode='record')\ndef test_it():\n    ask_sync('x')\n")
    assert "cannot be written" in project.run(failed=1).text


def test_a_file_where_the_directory_should_be(project):
    (project.path / "recordings").write_text("in the way")
    project.write(
        test_app="""
@pytest.mark.memo(mode="record")
def test_it():
    ask_sync("x")

def test_other():
    pass
"""
    )
    assert "cannot be written" in project.run(failed=1, passed=1).text


def test_a_damaged_file(recorded):
    project = recorded(
        test_app="""
@pytest.mark.memo
def test_one():
    careless("one")

@pytest.mark.memo
def test_two():
    ask_sync("two")
"""
    )
    (file,) = (project.path / "recordings" / "test_app" / "test_one").rglob("*.json")
    file.write_text("{")
    run = project.run(failed=1, passed=1)
    assert "is not valid JSON" in run.text
    assert "rm '" in run.text
    project.run("--memo-mode=record-if-missing", failed=1, passed=1)
    assert file.read_text() == "{"


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("mode='replya'", "mode='replya' is invalid"),
        ("mod='replay'", "@pytest.mark.memo='mod' is invalid (did you mean 'mode'?); allowed: "),
        ("'replay'", "options by name: mode=..."),
        ("exhausted='maybe'", "exhausted='maybe' is invalid; allowed: repeat, error"),
        ("ignore='a b['", "ignore='a b[' is invalid"),
    ],
)
def test_a_wrong_mark(project, mark, said):
    project.write(test_app=f"@pytest.mark.memo({mark})\ndef test_it():\n    pass\n\ndef test_other():\n    pass\n")
    run = project.run(errors=1, passed=1)
    assert said in run.text
    assert "_suite.py" not in run.text


def test_two_recorders_for_one_test(project):
    project.write(
        test_app="""
pytestmark = pytest.mark.memo(mode="record", errors="all")

@pytest.mark.memo(mode="replay")
@pytest.mark.memo(mode="live")
def test_torn():
    pass

@pytest.mark.memo(mode="live")
@pytest.mark.memo(exhausted="error")
def test_agreed(memo_recorder):
    assert (memo_recorder.mode, memo_recorder.exhausted, memo_recorder.errors) == ("live", "error", "all")

def test_of_the_module(memo_recorder):
    assert memo_recorder.mode == "record"
"""
    )
    run = project.run(errors=1, passed=2)
    assert "@pytest.mark.memo twice: mode=" in run.text


@pytest.mark.parametrize(
    ("arguments", "ini", "variable", "said"),
    [
        (
            ["--memo-mode=recrod"],
            "",
            "",
            "--memo-mode='recrod' is invalid (did you mean 'record'?); allowed: live, record, replay",
        ),
        ([], "memo_mode = recrod", "", "memo_mode='recrod' is invalid"),
        ([], "", "recrod", "MEMO_MODE='recrod' is invalid"),
        (
            ["--memo-unused=shout"],
            "",
            "",
            "--memo-unused='shout' is invalid; allowed: report, fail, delete, ignore",
        ),
        ([], "memo_max_age = 30", "", "memo_max_age: invalid duration '30': use a number and s, m, h, d or w"),
        ([], "memo_on_expiry = no", "", "memo_on_expiry='no' is invalid; allowed: warn, fail, record, refresh"),
        ([], "memo_scope = class", "", "memo_scope='class' is invalid; allowed: test, module, session"),
    ],
)
def test_a_wrong_option_ends_the_run_at_once(project, monkeypatch, arguments, ini, variable, said):
    if variable:
        monkeypatch.setenv("MEMO_MODE", variable)
    project.ini(ini)
    project.write(test_app="def test_it():\n    pass\n")
    run = project.run(*arguments)
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert said in run.errors


MODES = """
@pytest.mark.memo{}
def test_it(memo_recorder):
    print(f"mode is {{memo_recorder.mode}}")
"""


@pytest.mark.parametrize(
    ("option", "variable", "mark", "ini", "mode"),
    [
        ("live", "record", "(mode='replay')", "record-if-missing", "live"),
        ("", "record", "(mode='replay')", "record-if-missing", "record"),
        ("", "", "(mode='live')", "record-if-missing", "live"),
        ("", "", "", "record-if-missing", "record-if-missing"),
        ("", "", "", "", "replay"),
        ("once", "", "", "", "record-if-missing"),
        ("", "", "(mode='all')", "", "record"),
        ("", "", "", "none", "replay"),
    ],
)
def test_which_mode_counts(project, monkeypatch, option, variable, mark, ini, mode):
    if variable:
        monkeypatch.setenv("MEMO_MODE", variable)
    project.ini(f"memo_mode = {ini}")
    project.write(test_app=MODES.format(mark))
    run = project.run("-s", *([f"--memo-mode={option}"] if option else []), passed=1)
    assert f"mode is {mode}\n" in run.text.replace(".", "\n")
