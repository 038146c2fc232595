"""`memo_layout = test`: a file for each test."""

import pytest

TESTS = """
@pytest.fixture(scope="module")
def index():
    return ask_sync("index")

@pytest.mark.memo
@pytest.mark.parametrize("n", [1, 2])
def test_one(n, index):
    ask_sync(f"one {n}")
    ask_sync("more")

class TestTwo:
    @pytest.mark.memo
    def test_two(self):
        ask_sync("two")
"""
FILES = [
    ".gitattributes",
    "test_app/@module.jsonl",
    "test_app/TestTwo.test_two.jsonl",
    "test_app/test_one[1].jsonl",
    "test_app/test_one[2].jsonl",
]


def files(project):
    folder = project.path / "recordings"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def suite(recorded, project):
    project.ini("memo_layout = test")
    return recorded(test_app=TESTS)


def test_each_test_has_a_file(suite):
    assert files(suite) == FILES
    run = suite.run(passed=3)
    assert "recordings in recordings/ beside each test file, a file for each test" in run.text
    assert "6 replayed" in run.summary
    assert suite.calls == []


def test_workers_share_the_file_of_a_scope(project):
    project.ini("memo_layout = test", "memo_scope = session")
    prompts = range(12)
    tests = "\n".join(f"@pytest.mark.memo\ndef test_{n}():\n    ask_sync('{n}')\n" for n in prompts)
    project.write(test_app=tests)
    project.run_process("-n3", "--memo-mode=record-if-missing", plugins=("xdist",), passed=12)
    assert len(project.calls) == 12
    assert files(project) == [".gitattributes", "@session.jsonl"]
    assert project.run(passed=12).exit == 0
    assert project.calls == []


def test_recordings_are_read_where_they_are_in_either_layout(suite):
    suite.ini()
    suite.write(test_new="@pytest.mark.memo\ndef test_new():\n    ask_sync('new')\n")
    suite.run("--memo-mode=record-if-missing", passed=4)
    assert suite.calls == ["new"]
    assert suite.recordings == {"recordings/test_new/test_new": ["new"]}
    suite.ini("memo_layout = test")
    assert "7 replayed" in suite.run(passed=4).summary
    assert suite.paste("memo verify").startswith("7 recordings in ")
    suite.paste("memo mv recordings/test_new/test_new recordings/test_new/test_new.jsonl")
    assert suite.recordings == {}
    assert "7 replayed" in suite.run(passed=4).summary


def test_both_layouts_of_one_test_are_an_error_with_its_way_out(suite):
    suite.paste("memo copy recordings other --layout recording")
    (suite.path / "other/test_app/TestTwo.test_two").rename(suite.path / "recordings/test_app/TestTwo.test_two")
    run = suite.run("-k", "two", failed=0, errors=1)
    (command,) = {line.partition("to join them: ")[2] for line in run.text.splitlines() if "memo mv" in line}
    suite.paste(command)
    assert suite.run(passed=3).exit == 0


def test_an_unknown_layout_is_an_error_that_names_the_known_ones(project):
    project.ini("memo_layout = tests")
    project.write(test_app=TESTS)
    run = project.run()
    assert run.exit == pytest.ExitCode.USAGE_ERROR
    assert "memo_layout='tests'" in run.errors
    assert "recording" in run.errors


def test_what_is_unused_is_deleted_from_the_file(suite):
    suite.write(test_app=TESTS.replace('    ask_sync("more")\n', ""))
    run = suite.run(passed=3)
    assert "recordings/test_app/test_one[1].jsonl#app.ask_sync/" in run.summary
    assert "2 unused" in run.summary
    assert "2 deleted" in suite.run("--memo-unused=delete", passed=3).summary
    assert "4 replayed" in suite.run(passed=3).summary
    assert files(suite) == FILES


def test_recording_again_deletes_what_is_not_called_any_more(suite):
    suite.write(test_app=TESTS.replace('    ask_sync("more")\n', ""))
    assert "2 deleted" in suite.run("--memo-mode=record", passed=3).summary
    assert "4 replayed" in suite.run(passed=3).summary


def test_the_file_of_a_removed_test_is_named(suite):
    suite.write(test_app=TESTS.replace("TestTwo", "Two"))
    run = suite.run("--memo-unused=fail", passed=2)
    assert "rm -r recordings/test_app/TestTwo.test_two.jsonl" in run.summary
    assert "1 file of a removed test" in run.text.splitlines()[-1]


def test_a_renamed_test_finds_its_file(suite):
    suite.write(test_app=TESTS.replace("test_two", "test_three"))
    run = suite.run(passed=2, failed=1)
    old, new = (f"recordings/test_app/TestTwo.test_{name}.jsonl" for name in ("two", "three"))
    assert f"memo mv {old} {new}" in run.summary
    suite.paste(f"memo mv {old} {new}")
    assert "6 replayed" in suite.run(passed=3).summary
    assert b'"test": "test_app.py::TestTwo::test_three"' in (suite.path / new).read_bytes()


def test_an_edited_prompt_is_accepted_in_the_whole_suite(suite):
    suite.write(test_app=TESTS.replace("more", "a longer prompt, more or less"))
    run = suite.run(failed=2, passed=1)
    (command,) = [
        line.strip().removeprefix("answers still right? ") for line in run.summary.splitlines() if "rekey" in line
    ]
    assert "2 recordings of 2 tests got a new key" in suite.paste(command)
    assert "6 replayed" in suite.run(passed=3).summary
