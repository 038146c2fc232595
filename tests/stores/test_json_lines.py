"""A file with a line for each recording: merged by git, damaged by hand, written by many at once."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from memo import recordable, recording
from memo.errors import RecordingDamaged
from memo.maintenance.copy import copy
from memo.maintenance.verify import verify
from memo.stores import DirectoryStore, JsonLinesStore, as_store

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from memo import recordable, recording

@recordable(name="app.ask")
def ask(prompt):
    return [prompt, "x" * 500]

with recording(sys.argv[1], mode="record-if-missing"):
    for number in range(int(sys.argv[3])):
        ask(f"{sys.argv[2]} {number}")
"""


@recordable(name="app.ask")
def ask(prompt: str) -> dict:
    return {"prompt": prompt, "by": os.environ.get("BRANCH", "main"), "tabs": "a\tb\nc"}


def record(file, *prompts):
    with recording(file, mode="record-if-missing"):
        return [ask(prompt) for prompt in prompts]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "recordings" / "test_app" / "test_answer.jsonl"


@pytest.fixture
def git(tmp_path):
    def run(*arguments, code=0):
        command = ["git", "-c", "user.name=n", "-c", "user.email=n@example.com", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    run("init", "-q", "-b", "main")
    return run


def start(file, name, count):
    command = [sys.executable, "-c", WRITER, str(file), name, str(count)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_a_line_is_the_recording_of_a_directory(file, tmp_path):
    assert record(file, "a") == record(tmp_path / "store", "a")
    (entry,) = DirectoryStore(tmp_path / "store").scan()
    line = file.read_bytes()
    assert line.count(b"\n") == 1
    assert json.loads(line)["arguments"] == {"prompt": "a"}
    assert line.replace(b"\t", b"\n") == JsonLinesStore(file).get(entry)
    assert copy(DirectoryStore(tmp_path / "store"), as_store(tmp_path / "copy.jsonl")).copied == 1
    assert JsonLinesStore(tmp_path / "copy.jsonl").get(entry) == DirectoryStore(tmp_path / "store").get(entry)


@pytest.mark.parametrize("before", [[], ["a"], ["a", "b", "c"]], ids=["a new file", "one", "three"])
def test_git_merges_branches_that_each_added_recordings(file, git, before):
    (file.parents[2] / "README").write_text("x")
    record(file, *before)
    git("add", "-A")
    git("commit", "-qm", "before")
    git("checkout", "-qb", "branch")
    record(file, "d", "e", "f")
    git("add", "-A")
    git("commit", "-qm", "branch")
    git("checkout", "-q", "main")
    record(file, "g", "h")
    git("add", "-A")
    git("commit", "-qm", "main")
    git("merge", "-q", "branch", "-m", "merged")
    report = verify(as_store(file))
    assert (report.sound, report.failed) == (len(before) + 5, 0)
    with recording(file, mode="replay"):
        assert [ask(prompt)["prompt"] for prompt in [*before, *"defgh"]] == [*before, *"defgh"]
    record(file, "i")
    assert file.read_bytes().splitlines() == sorted(file.read_bytes().splitlines(), key=lambda line: line.split()[6])


def test_a_call_that_both_branches_recorded_is_damaged_if_the_outcomes_differ(file, git, monkeypatch):
    record(file, "a")
    git("add", "-A")
    git("commit", "-qm", "before")
    for branch in ("one", "other"):
        git("checkout", "-qb", branch, "main")
        monkeypatch.setenv("BRANCH", branch)
        record(file, "both")
        monkeypatch.setenv("BRANCH", "main")
        record(file, "equal")
        if branch == "one":
            file.write_bytes(re.sub(rb'"recorded_at": "20\d\d', b'"recorded_at": "2025', file.read_bytes()))
        git("add", "-A")
        git("commit", "-qm", branch)
    git("merge", "-q", "one", "-m", "merged")
    with recording(file, mode="replay"):
        assert [ask(prompt)["prompt"] for prompt in ("a", "equal")] == ["a", "equal"]
        with pytest.raises(RecordingDamaged, match=r"different outcomes in the lines \d and \d of its file") as caught:
            ask("both")
    assert "delete the line and record again" in str(caught.value)
    assert "rm " not in str(caught.value)
    record(file, "more")  # keeps both lines
    assert verify(as_store(file)).failed == 1
    for mode in ("record", "record-if-missing"):
        with recording(file, mode=mode), pytest.raises(RecordingDamaged):
            ask("both")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(line for line in lines if b'"by":"other"' not in line))
    assert verify(as_store(file)).failed == 0


@pytest.mark.parametrize("damage", [b"<<<<<<< main\n", b'{"memo": 1}\n', b"[]\n", b"\xff\n", b'{"memo": 1, "fun\n'])
def test_a_damaged_line_is_never_taken_for_absent_or_overwritten(file, damage):
    record(file, "a")
    text = file.read_bytes() + damage
    file.write_bytes(text)
    with recording(file, mode="replay"):
        assert ask("a")["prompt"] == "a"
        with pytest.raises(RecordingDamaged, match=r"test_answer.jsonl:2 is no recording"):
            ask("b")
    with pytest.raises(RecordingDamaged, match=":2 "):
        record(file, "b")
    with pytest.raises(RecordingDamaged, match=":2 "):
        JsonLinesStore(file).delete(next(JsonLinesStore(file).scan("app")))
    assert file.read_bytes() == text
    report = verify(as_store(file))
    assert (report.recordings, report.failed) == (2, 1)


def test_an_edit_by_hand_is_seen_by_a_store_that_has_read_the_file(file):
    record(file, "a")
    store = JsonLinesStore(file)
    (name,) = store.scan()
    file.write_bytes(file.read_bytes().replace(b'"by":"main"', b'"by":"hand"'))
    assert b'"by":"hand"' in (store.get(name) or b"")
    file.unlink()
    assert store.get(name) is None
    assert list(store.scan()) == []


def test_windows_line_ends_are_line_ends(file):
    record(file, "a", "b")
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert verify(as_store(file)).sound == 2


def test_many_writers_lose_nothing(file):
    writers = [start(file, f"writer {number}", 15) for number in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert verify(as_store(file)).sound == 45
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_killed_writers_leave_the_old_file_or_the_new_one(file):
    record(file, "a")
    for number in range(3):
        writer = start(file, f"writer {number}", 100_000)
        before = file.stat().st_size
        while file.stat().st_size < before + 3000:
            assert writer.poll() is None
        writer.kill()
        writer.wait()
        report = verify(as_store(file))
        assert (report.failed, report.sound) == (0, sum(1 for _ in JsonLinesStore(file).scan()))
    with recording(file, mode="replay"):
        assert ask("a")["prompt"] == "a"


def test_only_directories_of_memos_own_get_attributes_of_git(tmp_path, file):
    record(tmp_path / "calls.jsonl", "a")
    assert not (tmp_path / ".gitattributes").exists()
    record(tmp_path / "new" / "calls.jsonl", "a")
    assert (tmp_path / "new" / ".gitattributes").exists()
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / ".gitattributes").write_text("mine")
    record(file, "a")
    assert (tmp_path / "recordings" / ".gitattributes").read_text() == "mine"
    assert not (file.parent / ".gitattributes").exists()
