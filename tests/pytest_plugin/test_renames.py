"""A test, class, file or parameter that was renamed: its recordings are found, and nobody advises to delete them."""

import re

import pytest

ONE = """
@pytest.mark.memo
def test_one():
    assert ask_sync("one") == "ONE"
"""
PARAMETER = """
@pytest.mark.memo
@pytest.mark.parametrize("prompt", ["a"], ids=["x-y"])
def test_it(prompt):
    assert ask_sync(prompt) == prompt.upper()
"""
CLASS = """
@pytest.mark.memo
class TestOld:
    def test_it(self):
        assert ask_sync("one") == "ONE"
"""


@pytest.fixture
def follow(project):
    """Does what a miss advises."""

    def done(text):
        (command,) = set(re.findall(r"^E? +(memo mv [^(\n]*)", text, re.MULTILINE))
        project.paste(command)
        return command

    return done


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ONE, ONE.replace("test_one", "test_two")),
        (PARAMETER, PARAMETER.replace("x-y", "y-x")),
        (PARAMETER, PARAMETER.replace("x-y", "y / x")),
        (CLASS, CLASS.replace("TestOld", "TestNew")),
        (CLASS, ONE),
    ],
    ids=["test", "parameter", "odd parameter", "class", "out of a class"],
)
def test_a_renamed_test_finds_its_recordings(recorded, follow, before, after):
    project = recorded(test_app=before)
    project.write(test_app=after)
    run = project.run(failed=1)
    (old,) = (path.name for path in (project.path / "recordings" / "test_app").iterdir())
    assert f"renamed?   this call is recorded in recordings/test_app/{old}" in run.text
    assert "rm -r" not in run.text
    assert "memo mv " in run.summary
    follow(run.text)
    run = project.run("--memo-unused=fail", passed=1)
    assert run.exit == 0
    assert project.calls == []


SHARED = """
@pytest.mark.memo
class TestOld:
    @pytest.fixture(autouse=True)
    def languages(self):
        ask_sync("languages")

    def test_it(self):
        ask_sync("it")

    @pytest.mark.parametrize("number", [1, 2])
    def test_more(self, number):
        ask_sync(f"more {number}")
"""


@pytest.mark.parametrize("layout", ["recording", "test"])
def test_tests_of_one_class_that_share_a_call_each_find_their_own(recorded, layout):
    project = recorded("-o", f"memo_layout={layout}", test_app=SHARED)
    project.write(test_app=SHARED.replace("TestOld", "TestNew"))
    run = project.run("-o", f"memo_layout={layout}", errors=3)
    assert "rm -r" not in run.text
    for command in re.findall(r"^  (memo mv .*)", run.summary, re.MULTILINE):
        project.paste(command)
    assert project.run("--memo-unused=fail", "-o", f"memo_layout={layout}", passed=3).exit == 0
    assert project.calls == []


def test_a_renamed_file_is_one_move(recorded, follow):
    project = recorded(test_app=ONE + ONE.replace("one", "two").replace("ONE", "TWO"))
    (project.path / "test_app.py").rename(project.path / "test_other.py")
    run = project.run(failed=2)
    assert follow(run.text).strip().endswith("mv recordings/test_app recordings/test_other")
    assert len(re.findall(r"^  memo mv ", run.summary, re.MULTILINE)) == 1
    assert project.run("--memo-unused=fail", passed=2).exit == 0


def test_memo_mv_writes_the_new_name(recorded, follow):
    project = recorded(test_app=ONE)
    project.write(test_app=ONE.replace("test_one", "test_two"))
    follow(project.run(failed=1).text)
    (file,) = project.path.rglob("*.json")
    assert '"test": "test_app.py::test_two"' in file.read_text()


@pytest.mark.parametrize("part", [[], ["test_app.py::test_two"], ["-k", "two"]])
def test_the_recordings_of_a_test_that_exists_are_its_own(recorded, part):
    project = recorded(test_app=ONE)
    project.write(test_app=ONE + ONE.replace("test_one", "test_two"))
    assert "renamed?" not in project.run(*part).text
