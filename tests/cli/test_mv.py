"""`memo mv`: the recordings of a renamed test follow it, and name it."""

import json

import pytest

from memo.stores.file_names import folder_of_test


@pytest.fixture
def recorded(write, tmp_path):
    """Writes a recording of a test that it names, beside a test folder: its file."""

    def written(directory, test, **arguments):
        file = write("app.ask", store=f"work/{directory}", **arguments)
        document = json.loads(file.read_bytes())
        document = {**document, "test": test}
        document["outcomes"].append({"value": 2, "test": test})
        document["outcomes"].append({"value": 3, "test": "other.py::test_other"})
        file.write_text(json.dumps(document))
        return file

    return written


def named_in(root):
    found = {}
    for file in sorted(root.rglob("*.json")):
        document = json.loads(file.read_bytes())
        outcomes = [outcome["test"] for outcome in document["outcomes"] if "test" in outcome]
        found[str(file.parent.parent.relative_to(root))] = [document["test"], *outcomes]
    return found


@pytest.mark.parametrize(
    ("old", "new", "test", "renamed"),
    [
        ("recordings/test_a/test_x", "recordings/test_a/test_y", "test_a.py::test_x", "test_a.py::test_y"),
        ("recordings/test_a/test_x", "recordings/test_b/test_x", "test_a.py::test_x", "test_b.py::test_x"),
        ("recordings/test_a/A.test_x", "recordings/test_a/B.C.test_x", "test_a.py::A::test_x", "test_a.py::B::C::test_x"),
        ("recordings/test_a/test_x[a.b]", "recordings/test_a/test_x[b-a]", "test_a.py::test_x[a.b]", "test_a.py::test_x[b-a]"),
        ("tests/recordings/test_a/test_x", "tests/unit/recordings/test_a/test_x", "tests/test_a.py::test_x", "tests/unit/test_a.py::test_x"),
        ("recordings/test_a", "recordings/test_b", "test_a.py::test_x", "test_b.py::test_x"),
        ("tests/recordings/test_a", "recordings/test_b", "tests/test_a.py::test_x", "test_b.py::test_x"),
    ],
)  # fmt: skip
def test_renamed(memo, recorded, tmp_path, old, new, test, renamed):
    of_file = "/test_x" if old.endswith("test_a") else ""
    recorded(old + of_file, test, x=1)
    assert memo("mv", old, new).out == f"moved 1 recording from {old} to {new}\n"
    assert named_in(tmp_path / "work") == {new + of_file: [renamed, renamed, "other.py::test_other"]}
    assert not (tmp_path / "work" / old).exists()
    assert "1 sound" in memo("verify", new).out


@pytest.mark.parametrize(
    ("test", "renamed", "named"),
    [
        ("test_p[a?]", "test_q[a?]", "test_q[a?]"),
        ("A::test_p[a/b]", "B::test_p[a/b]", "B::test_p[a/b]"),
        ("test_p[a?]", "test_p[b]", "test_p[b]"),
        ("test_p[a?]", "test_q[b?]", "test_p[a?]"),  # the new parameters cannot be known
    ],
)
def test_names_that_no_directory_can_have(memo, recorded, tmp_path, test, renamed, named):
    old, new = ("/".join(["recordings", *folder_of_test(f"test_a.py::{name}")[1:]]) for name in (test, renamed))
    recorded(old, f"test_a.py::{test}", x=1)
    memo("mv", old, new)
    ((first, *_),) = named_in(tmp_path / "work").values()
    assert first == f"test_a.py::{named}"


def test_into_a_directory_that_has_recordings(memo, recorded, tmp_path):
    recorded("recordings/test_a/test_x", "test_a.py::test_x", x=1)
    recorded("recordings/test_a/test_y", "test_a.py::test_y", x=2)
    memo("mv", "recordings/test_a/test_x", "recordings/test_a/test_y")
    assert len(list((tmp_path / "work/recordings/test_a/test_y").rglob("*.json"))) == 2


def test_all_or_nothing(memo, recorded, tmp_path):
    for number in (1, 2):
        recorded("recordings/test_a/test_x", "test_a.py::test_x", x=number)
    recorded("recordings/test_a/test_y", "test_a.py::elsewhere", x=1)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.json")}
    assert "which is there" in memo("mv", "recordings/test_a/test_x", "recordings/test_a/test_y", code=1).err
    assert {file: file.read_bytes() for file in tmp_path.rglob("*.json")} == before


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("nowhere", "there", "does not exist"),
        ("recordings", "recordings/test_a", "one directory holds the other"),
        ("recordings/test_a", "recordings", "one directory holds the other"),
        ("empty", "there", "holds no recordings"),
    ],
)
def test_what_cannot_be_moved(memo, recorded, tmp_path, old, new, says):
    recorded("recordings/test_a/test_x", "test_a.py::test_x", x=1)
    (tmp_path / "work" / "empty").mkdir()
    assert says in memo("mv", old, new, code=2).err
