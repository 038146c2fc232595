"""Commands on files of JSON lines, alone and in a tree beside directories."""

import json
import os
import subprocess
import sys

import pytest

from memo import recordable, recording
from memo.maintenance.pending import accept, all_pending
from memo.maintenance.trees import open_directory
from memo.stores import as_store


@recordable(name="app.ask")
def ask(prompt: str, n: int = 1) -> dict:
    return {"answer": prompt.upper()}


@pytest.fixture
def tree(memo, tmp_path):
    """Two tests with a file, and one with a directory: the root."""
    root = tmp_path / "work" / "recordings"
    for place in ("test_app/test_one.jsonl", "test_app/test_two.jsonl", "test_app/test_three"):
        with recording(root / place, mode="record", test=f"test_app.py::{place.partition('/')[2].partition('.')[0]}"):
            ask("same")
            ask(place)
    return root


def test_a_tree_with_both_layouts_is_listed_and_checked(memo, tree):
    assert memo("ls").out.splitlines()[1].split()[:3] == ["app.ask", "3", "6"]
    assert memo("ls", tree / "test_app/test_one.jsonl").out.splitlines()[1].split()[:2] == ["app.ask", "2"]
    assert memo("verify").out == f"6 recordings in {tree}: 6 sound, 0 failed\n"
    assert memo("scan").out.startswith("0 secrets in 0 of 6")
    listed = memo("ls", "--function", "app.ask").out
    assert listed.count("test_app.py::test_two") == 2


def test_a_recording_is_named_by_its_file_and_key(memo, tree):
    file = "recordings/test_app/test_one.jsonl"
    (first, second) = memo("ls", "--function", "app.ask", file, "--json").json["recordings"]
    shown = memo("show", f"{file}#app.ask/{first['key'][:8]}").out
    assert f"{file}#app.ask/{first['key'][:32]}" in shown
    assert memo("show", second["key"][:12], "--store", file).code == 0
    assert (
        "--- recordings" in memo("diff", *(f"{file}#app.ask/{each['key'][:9]}" for each in (first, second)), code=1).out
    )
    assert "2 recordings match" in memo("show", f"{file}#app.ask/", code=2).err
    assert memo("rekey", f"{file}#app.ask/{first['key'][:32]}", "--add", "tone=1").out.startswith("1 recording got")


def test_damage_is_found_and_nothing_is_changed(memo, tree):
    file = tree / "test_app/test_two.jsonl"
    file.write_bytes(b"<<<<<<< HEAD\n" + file.read_bytes())
    for command in ("ls", "verify", "scan"):
        done = memo(command, code=1)
        assert "test_two.jsonl:1" in done.out + done.err
    assert "test_two.jsonl:1" in memo("prune", "--stale", "1h", code=1).err
    before = {path: path.read_bytes() for path in tree.rglob("*.json*")}
    assert "test_two.jsonl:1" in memo("rekey", "--add", "tone=1", code=1).err
    assert {path: path.read_bytes() for path in tree.rglob("*.json*")} == before


def test_rekey_changes_all_or_nothing(memo, tree):
    assert memo("rekey", "--drop", "n").out.startswith("6 recordings of 3 tests got a new key")
    before = {path: path.read_bytes() for path in tree.rglob("*.jsonl")}
    assert "would be the same call" in memo("rekey", "--drop", "prompt", code=1).err
    assert {path: path.read_bytes() for path in tree.rglob("*.jsonl")} == before
    assert memo("verify").out.startswith("6 recordings")


def test_prune_deletes_from_files(memo, tree, tmp_path):
    used = [
        each["key"]
        for each in memo("ls", "--function", "app.ask", tree / "test_app/test_one.jsonl", "--json").json["recordings"]
    ]
    (tmp_path / "used.txt").write_text("\n".join(used))
    assert "test_app/test_two.jsonl" in memo("prune", "--used-list", tmp_path / "used.txt").out
    memo("prune", "--used-list", tmp_path / "used.txt", "--yes")
    assert memo("ls").out.splitlines()[1].split()[:3] == ["app.ask", "3", "4"]
    assert memo("prune", "--unused-since", "2020-01-01").code == 0


def test_an_old_file_is_pruned_by_the_time_it_was_read(memo, tree):
    for file in tree.rglob("*.jsonl"):
        text = file.read_bytes().replace(b'"recorded_at": "20', b'"recorded_at": "19')
        file.write_bytes(text)
        os.utime(file, (0, 0))
    done = memo("prune", "--unused-since", "2020-01-01", "--yes").out
    assert done.count("test_one.jsonl") == done.count("test_two.jsonl") == 2
    assert sorted(path.name for path in (tree / "test_app").iterdir()) == ["test_three"]


@pytest.mark.parametrize("layout", ["test", "recording"])
def test_a_copy_has_the_layout_that_is_asked_for(memo, tree, layout):
    assert memo("copy", tree, "new", "--layout", layout).out.startswith("copied 6 of 6")
    found = sorted(path.name for path in (tree.parent / "new/test_app").iterdir() if path.name != ".gitattributes")
    assert found == [f"test_{name}{'.jsonl' if layout == 'test' else ''}" for name in ("one", "three", "two")]
    assert "no difference" in memo("diff", tree, "new").out
    assert memo("copy", "new", "again").out.startswith("copied 6 of 6")
    assert sorted(path.name for path in (tree.parent / "again/test_app").iterdir() if path.name[0] != ".") == found


def test_a_wrong_layout_is_refused(memo, tree):
    assert "recording, test" in memo("copy", tree, "new", "--layout", "tests", code=2).err
    found = memo("copy", tree, "sqlite:///new.db", "--layout", "test", code=2).err
    assert "dest='sqlite:///" in found
    assert "a directory: layout='test'" in found


@pytest.mark.parametrize("source", ["recordings/test_app/test_one.jsonl", "one", "sqlite:///one.db"])
def test_a_layout_is_of_many_stores(memo, tree, source):
    memo("copy", tree / "test_app/test_one.jsonl", "one")
    memo("copy", tree / "test_app/test_one.jsonl", "sqlite:///one.db")
    found = memo("copy", source, "new", "--layout", "test", code=2).err
    assert "source='" in found
    assert "a tree of stores, as pytest writes it" in found
    assert "copy to FILE.jsonl" in found
    assert not (tree.parent / "new").exists()


def test_a_file_is_imported_into_and_copied_from(memo, tree, tmp_path):
    memo("copy", tree / "test_app/test_one.jsonl", "sqlite:///new.db")
    memo("copy", "sqlite:///new.db", "back.jsonl")
    assert (tmp_path / "work/back.jsonl").read_bytes() == (tree / "test_app/test_one.jsonl").read_bytes()
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    answer = {"id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": []}
    request = {"method": "POST", "uri": "https://api.openai.com/v1/chat/completions", "body": json.dumps(asked)}
    response = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": json.dumps(answer)}}
    cassette = {
        "interactions": [{"request": {**request, "headers": {}}, "response": response}],
        "version": 1,
    }
    (tmp_path / "work/cassette.json").write_text(json.dumps(cassette))
    # In its own process: whoever tested plugins before in this one has imported the SDK twice.
    command = [sys.executable, "-m", "memo", "import", "vcr", "cassette.json", "imported.jsonl"]
    subprocess.run(command, check=True, capture_output=True)
    assert memo("verify", "imported.jsonl").out.startswith("1 recording in ")


@pytest.mark.parametrize("given", ["test_app/test_two", "test_app/test_two.jsonl", "test_app"])
def test_files_are_moved(memo, tree, given):
    new = given.replace("test_two", "test_new") if "two" in given else "test_new"
    memo("mv", f"recordings/{given}", f"recordings/{new}")
    assert not (tree / given).exists()
    assert memo("verify").out.startswith("6 recordings")
    names = {each["test"] for each in memo("ls", "--function", "app.ask", "--json").json["recordings"]}
    assert ("test_app.py::test_new" if "two" in given else "test_new.py::test_two") in names


def test_what_is_not_there_is_reported(memo, tree):
    assert "does not exist" in memo("ls", "recordings/none.jsonl", code=2).err
    (tree / "folder.jsonl").mkdir()
    assert "is a directory" in memo("ls", "recordings/folder.jsonl", code=2).err
    assert "does not exist" in memo("mv", "recordings/none.jsonl", "recordings/x.jsonl", code=2).err


def test_files_of_others_are_left_alone(memo, tmp_path):
    folder = tmp_path / "work" / "data"
    folder.mkdir()
    (folder / "dataset.jsonl").write_text('{"question": "x"}\n')
    with recording(folder / "mine.jsonl", mode="record"):
        ask("x")
    assert memo("verify", "data").out.startswith("1 recording in ")


def test_what_is_pending_is_next_to_the_file(memo, tree):
    file = tree / "test_app/test_one.jsonl"
    before = file.read_bytes()
    with recording(file, mode="record", pending=True):
        ask("new")
    assert file.read_bytes() == before
    assert (tree / "test_app/.pending/test_one.jsonl").exists()
    for store in (file, tree):
        (waiting,) = all_pending(open_directory(store) if store is tree else as_store(store))
        assert (waiting.function, waiting.is_new) == ("app.ask", True)
    assert memo("verify").out.startswith("6 recordings")
    opened = open_directory(tree)
    for waiting in list(all_pending(opened)):
        accept(opened, waiting)
    assert memo("ls", file).out.splitlines()[1].split()[:2] == ["app.ask", "3"]
    assert list(all_pending(open_directory(tree))) == []
