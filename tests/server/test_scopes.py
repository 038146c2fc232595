"""A test calls a server in another process: what the server does belongs to the test."""

import pytest

TESTS = """
import pytest

pytestmark = pytest.mark.memo


def test_plain(client):
    first, second = client.get("/answer?q=one").text, client.get("/answer?q=one").text
    assert first.startswith("ONE") and second.startswith("ONE") and first != second


def test_stream(client):
    assert client.get("/stream?q=two").text.split()[0] == "TWO"


def test_background(client):
    assert client.get("/later?q=three").text == "soon"
"""


def test_what_a_server_records_is_kept_and_replayed_and_used(project):
    project.write(test_app=TESTS)
    project.run("--memo-mode=record", passed=3)
    assert project.calls == ["one", "one", "three", "two"]
    recorded = project.recordings
    assert len(recorded) == 4
    project.run("--memo-mode=record", passed=3)
    assert (project.calls, project.recordings.keys()) == (["one", "one", "three", "two"], recorded.keys())
    said = project.run(env={"CI": "1"}, passed=3)
    assert project.calls == []
    assert "4 replayed" in said
    assert "unused" not in said


def test_what_no_process_uses_is_unused(project):
    project.write(test_app=TESTS)
    project.run("--memo-mode=record-if-missing", passed=3)
    project.write(test_app=TESTS.replace("stream?q=two", "stream?q=deux").replace('"TWO"', '"DEUX"'))
    said = project.run("--memo-mode=record-if-missing", passed=3)
    assert "2 unused" in said
    said = project.run("--memo-mode=record", passed=3)
    assert "2 deleted" in said
    assert len(project.recordings) == 4


MISS = """
import pytest

@pytest.mark.memo
def test_it(client):
    assert client.get("/{route}?q={word}").status_code == 200
"""


@pytest.mark.parametrize("route", ["careful", "answer"])
def test_a_miss_in_the_server_fails_the_test_that_caused_it(project, route):
    project.write(test_app=MISS.format(route=route, word="one"))
    project.run("--memo-mode=record", passed=1)
    project.write(test_app=MISS.format(route=route, word="won"))
    said = project.run(failed=1)
    assert "app.ask: there is no recording of this call" in said
    assert "'one' → 'won'" in said
    assert "to record: pytest --memo-mode=record-if-missing test_app.py::test_it" in said
    assert "called in:  process" in said
    assert project.calls == ["one"]


def test_several_workers_number_identical_calls_together(project):
    project.write(
        test_app="""
import concurrent.futures
import pytest

@pytest.mark.memo
@pytest.mark.parametrize("number", range(3))
def test_it(client, number):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: client.get(f"/answer?q={number}", headers={"connection": "close"}).text, range(8)))
    assert len(set(found)) == 8, found
"""
    )
    for mode in ("record", "record", "replay"):
        project.run(f"--memo-mode={mode}", env={"WORKERS": "2", "CI": "1"}, passed=3)
    assert len(project.calls) == 48
