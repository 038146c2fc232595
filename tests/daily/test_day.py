"""A day with a recorded project, step by step, as it is typed: what the screen shows, and how many requests were made."""

import re
import shutil
import sys

import pytest

ACCEPT = (
    "memo rekey recordings --only assistant.complete --only assistant.stream "
    "--replace 'messages[0].content#ee2d8a92ddae94f2=\"Answer in two sentences, from the passages alone.\"'"
)


def test_the_first_hour_and_the_day_after_it(day, monkeypatch):
    # The first run records; what was not recorded is said, then and when it misses.
    assert day.pytest("--memo-mode=record-if-missing") == (
        "0 replayed, 30 recorded, 31 live, 1 unrecorded; saved …s\n"
        "1 call of assistant.complete answered 429 (Busy) and was not recorded (errors='all' records such errors)\n"
        "19 passed in …s"
    )
    assert day.requests == 31
    assert day.pytest() == "30 replayed, 1 missed; saved …s\n1 failed, 18 passed in …s"
    assert (
        "not recorded: this call answered 429 (Busy) when it was to be recorded, which is not an answer" in day.screen
    )
    assert "to record such errors too: @pytest.mark.memo(errors='all')" in day.screen

    # A fault is recorded, if that is wished for.
    day.edit("test_assistant.py", "async def test_a_busy", '@pytest.mark.memo(errors="all")\nasync def test_a_busy')
    assert day.pytest("--memo-mode=record-if-missing") == "30 replayed, 1 recorded, 1 live; saved …s\n19 passed in …s"
    assert day.requests == 1

    # An edited prompt is one cause, and one command accepts it.
    day.model.stop()
    day.edit("prompts.py", "one sentence", "two sentences")
    assert day.pytest() == (
        "19 replayed, 12 missed; saved …s\n"
        "12 tests missed because of one change of assistant.complete and assistant.stream, recorded → asked for:\n"
        "    messages[0].content: 'Answer in one sentence, from the passages alone.' → "
        "'Answer in two sentences, from the passages alone.'\n"
        f"  answers still right? {ACCEPT}\n"
        "  to record:           pytest --memo-mode=record-if-missing test_assistant.py\n"
        "12 failed, 7 passed in …s"
    )
    assert day.type(ACCEPT) == "12 recordings of 12 tests got a new key; 2 recordings as before, in …/recordings"

    # A renamed test is no loss.
    day.edit("test_tools.py", "test_the_weather", "test_the_weather_in_paris")
    old, new = "recordings/test_tools/test_the_weather", "recordings/test_tools/test_the_weather_in_paris"
    assert day.pytest() == (
        "30 replayed, 1 missed; saved …s\n"
        "recordings of the same calls, of tests that were renamed:\n"
        f"  memo mv {old} {new}\n"
        "1 failed, 18 passed in …s"
    )
    assert day.type(f"memo mv {old} {new}") == f"moved 1 recording from {old} to {new}"

    # What is unused fails in CI, and the last line says so.
    day.edit("test_assistant.py", '["rings", "moon", "dust"]', '["rings", "moon"]')
    monkeypatch.setenv("CI", "true")
    gone = "'recordings/test_assistant/test_an_answer_is_read_aloud[dust]'"
    assert day.pytest() == (
        "30 replayed; saved …s\n"
        "of tests that are gone, or no longer record:\n"
        f"  rm -r {gone}\n"
        "18 passed in …s\n"
        "memo: the run fails for 1 directory of a removed test (memo_unused = fail)"
    )
    shutil.rmtree(day.path / gone.strip("'"))
    assert day.pytest() == "30 replayed; saved …s\n18 passed in …s"

    # Commands see what the tests recorded; a store is shared.
    assert day.type("memo ls") == day.snapshot(
        """
        FUNCTION            TESTS  RECORDINGS  OUTCOMES  ERRORS  SIZE  OLDEST  NEWEST
        assistant.complete     11          11        13       1  … B  …s  …s
        assistant.search       12          12        12       0  … B  …s  …s
        assistant.stream        2           2         2       0  … B  …s  …s
        tools.convert           1           1         1       0  … B  …s  …s
        tools.weather           1           1         1       0  … B  …s  …s
        27 recordings of 5 functions, … B, in …/recordings
        """
    )
    assert day.type("memo copy recordings sqlite:///team.db") == "copied 27 of 27 recordings to sqlite:…/team.db"
    monkeypatch.setenv("MEMO_STORE", "sqlite:///team.db")
    assert day.pytest() == "30 replayed; saved …s\n18 passed in …s"
    assert day.type("memo verify recordings --trust assistant") == "27 recordings in …/recordings: 27 sound, 0 failed"


@pytest.mark.parametrize("columns", [80, 200])
def test_what_is_listed_fits_the_terminal(day, columns):
    terminal = pytest.importorskip("terminal", exc_type=ImportError)  # Windows has none of this kind
    day.pytest("--memo-mode=record-if-missing", "-k", "question and (0 or 1)")
    shown, code = terminal.on_terminal(
        [sys.executable, "-m", "memo", "ls", "--function", "assistant.*"], columns=columns
    )
    assert code == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).split("\n")
    assert max(map(len, lines[:3])) <= columns
    assert lines[0].split() == ["KEY", "FUNCTION", "AGE", "OUTCOMES", "TEST"]
    assert all("_from_passages[" in line for line in lines[1:3])
    assert ("test_assistant.py::test_a_question_is_answered_from_passages[1]" in shown) is (columns == 200)
