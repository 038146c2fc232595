"""Commands on what the pytest plugin writes: `recordings/<module>/<test>/<function>/<key>.json`, as deep as it goes."""

import json
import shutil

import pytest

TESTS = ("test_app/test_one", "test_app/TestIt.test_two[a-b]", "@session")


@pytest.fixture
def tree(write, tmp_path):
    """A tree with the same call in three tests, and another call in each: its root, and the files by test."""
    root = tmp_path / "work" / "recordings"
    files = {}
    for number, test in enumerate(TESTS):
        store = f"work/recordings/{test}"
        files[test] = write("app.ask", {"value": test}, store=store, prompt=f"hello {number}")
        write("app.same", store=store, x=1)
    return root, files


def test_every_recording_is_found_whatever_its_test(memo, tree):
    root, _ = tree
    assert memo("verify").out == f"6 recordings in {root}: 6 sound, 0 failed\n"
    lines = memo("ls").out.splitlines()
    assert lines[0].split() == ["FUNCTION", "TESTS", "RECORDINGS", "OUTCOMES", "ERRORS", "SIZE", "OLDEST", "NEWEST"]
    assert [line.split()[:3] for line in lines[1:3]] == [["app.ask", "3", "3"], ["app.same", "3", "3"]]
    listed = memo("ls", "--function", "app.ask").out
    assert all(test in listed for test in TESTS)
    assert memo("scan", root).out.startswith("0 secrets in 0 of 6 recordings")


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("damage", [b"", b"[1]", b'{"memo": 1'])
def test_a_damaged_file_is_found(memo, tree, test, damage):
    root, files = tree
    files[test].write_bytes(damage)
    assert f"recordings/{test}/app.ask/" in memo("verify", code=1).out
    assert f"recordings/{test}/app.ask/" in memo("ls", code=1).err
    assert f"recordings/{test}/app.ask/" in memo("scan", root, code=1).err
    assert f"recordings/{test}/app.ask/" in memo("prune", root, "--stale", "1h", code=1).err
    before = {path: path.read_bytes() for path in root.rglob("*.json")}
    assert f"recordings/{test}/app.ask/" in memo("rekey", "--add", "n=1", "--only", "app.ask", code=1).err
    assert {path: path.read_bytes() for path in root.rglob("*.json")} == before


def test_all_tests_are_rekeyed_in_one_step(memo, tree):
    root, files = tree
    done = memo("rekey", "--rename", "prompt=question")
    assert done.out == f"3 recordings of 3 tests got a new key; 3 recordings as before, in {root}\n"
    for test, file in files.items():
        (moved,) = (root / test / "app.ask").glob("*.json")
        assert moved != file
        assert list(json.loads(moved.read_bytes())["arguments"]) == ["question"]
    assert memo("verify").out.endswith("6 sound, 0 failed\n")


def test_a_value_is_replaced_where_it_is_the_old_one(memo, write, tmp_path):
    from memo._calls.fingerprints import canonical_fingerprint

    root = tmp_path / "work" / "recordings"
    for test in ("a", "b"):
        for content in ("old", "other"):
            messages = [{"content": content, "role": "system"}, {"content": test, "role": "user"}]
            write("app.ask", store=f"work/recordings/test_app/{test}", messages=messages)
    old = canonical_fingerprint("messages[0].content", ["old"])
    shown = memo("rekey", "--replace", f"messages[0].content#{old}=new", "--dry-run").out
    assert shown.splitlines()[0].split() == ["FUNCTION", "KEY", "NEW", "KEY", "TEST"]
    assert "2 recordings of 2 tests would get a new key; 2 recordings as before" in shown
    (tmp_path / "work" / "value").write_text('"new\\nprompt"')
    memo("rekey", "--replace", f"messages[0].content#{old}=@value")
    contents = [json.loads(file.read_bytes())["arguments"]["messages"][0]["content"] for file in root.rglob("*.json")]
    assert sorted(contents) == ["new\nprompt", "new\nprompt", "other", "other"]
    assert "nothing changes" in memo("rekey", "--replace", f"messages[0].content#{old}=@value").out


@pytest.mark.parametrize(
    "value", ["x", "x=1", "x#12=1", "#0123456789abcdef=1", "x#0123456789abcdef", "x#0123456789abcdef=@nowhere"]
)
def test_a_replacement_that_says_too_little(memo, tree, value):
    assert "--replace" in memo("rekey", "--replace", value, code=2).err


def test_one_recording_is_shown_by_its_key_or_by_its_file(memo, tree):
    _, files = tree
    file = files["@session"]
    assert "hello 2" in memo("show", file.stem[:10]).out
    same = next((file.parent.parent / "app.same").glob("*.json"))
    refused = memo("show", same.stem, code=2).err
    assert "name the file of one" in refused
    assert "recordings/@session/app.same/" in refused
    assert "app.same" in memo("show", same).out


def test_a_tree_is_copied_as_a_tree_and_into_a_server_by_its_calls(memo, tree, tmp_path):
    root, _ = tree
    memo("copy", root, "copied")
    for file in root.rglob("*.json"):
        assert (tmp_path / "work" / "copied" / file.relative_to(root)).read_bytes() == file.read_bytes()
    assert memo("diff", root, "copied").out.endswith("no difference in 6 recordings\n")
    done = memo("copy", root, "sqlite:///all.db")
    assert "copied 4 of 6 recordings" in done.out
    assert "2 already there" in done.out


def test_what_differs_names_the_test(memo, tree, write, tmp_path):
    root, files = tree
    shutil.copytree(root, tmp_path / "work" / "other")
    files["@session"].unlink()
    write("app.same", {"value": 2}, store=f"work/other/{TESTS[0]}", x=1)
    lines = memo("diff", root, "other", code=1).out.splitlines()
    assert ["other", "outcomes", TESTS[0]] in [line.split()[-3:] for line in lines]
    assert ["only", "in", "B", "@session"] in [line.split()[-4:] for line in lines]


def test_pruning_leaves_no_empty_test(memo, tree):
    root, _ = tree
    shown = memo("prune", root, "--stale", "1h").out
    assert all(test in shown for test in TESTS)
    memo("prune", root, "--stale", "1h", "--yes")
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("command", ["verify", "scan"])
@pytest.mark.parametrize("deep", ["", "test_app/test_one/app.ask"])
def test_a_check_that_finds_no_recording_fails(memo, tmp_path, command, deep):
    (tmp_path / "work" / "recordings" / deep).mkdir(parents=True)
    assert "there are no recordings in" in memo(command, "recordings", code=1).err
    assert memo(command, "recordings", "--allow-empty").err == ""


def test_all_directories_of_a_project_are_one_store(memo, write, tmp_path):
    """The plugin keeps recordings beside each folder of tests, and those of the session at the root."""
    (tmp_path / "work" / "pyproject.toml").touch()
    for store in (
        "recordings/@session",
        "tests/unit/recordings/test_a/test_x",
        "tests/agents/recordings/test_a/test_x",
    ):
        write("app.ask", store=f"work/{store}", prompt=store)
    (tmp_path / "work" / "tests" / "data").mkdir()
    (tmp_path / "work" / "tests" / "data" / "no recording.json").write_text("{}")
    venv = tmp_path / "work" / "venv" / "recordings" / "f"
    venv.mkdir(parents=True)
    (venv.parent.parent / "pyvenv.cfg").touch()
    (venv / "0.json").touch()
    assert memo("verify").out.startswith(f"3 recordings in {tmp_path / 'work'}: 3 sound")
    assert memo("verify", "tests").out.startswith("2 recordings in")
    assert memo("verify", "tests/unit/recordings").out.startswith("1 recording in")


def test_a_plain_store_beside_those_of_tests(memo, tree, write):
    root, _ = tree
    file = write("app.ask", store="work/recordings", prompt="plain")
    assert memo("verify").out.startswith("7 recordings in")
    memo("rekey", "--function", "app.ask=app.asked")
    assert not file.exists()
    assert len(list(root.glob("app.asked/*.json"))) == 1
    assert len(list(root.glob("*/app.asked/*.json"))) == 1  # of the session
    assert len(list(root.glob("*/*/app.asked/*.json"))) == 2


def test_linked_directories_are_entered_once(memo, tree):
    root, _ = tree
    (root / "test_app" / "loop").symlink_to(root, target_is_directory=True)
    assert memo("verify").out.startswith("6 recordings in")
