"""`memo prune`: a dry run unless `--yes`, one reason, and nothing that is damaged."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from memo import recordable, recording
from memo.stores import DirectoryStore


def ago(**passed):
    return (datetime.now(UTC) - timedelta(**passed)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def store(write, tmp_path):
    write("app.f", x=1, recorded_at=ago(days=100))
    write("app.f", x=2, recorded_at=ago(days=1))
    write("app.g", x=1, recorded_at=ago(days=200))
    return tmp_path / "store"


def files(store):
    return sorted(str(path.relative_to(store)) for path in store.rglob("*"))


def test_a_dry_run_first(memo, store):
    before = files(store)
    done = memo("prune", store, "--stale", "90d")
    lines = done.out.splitlines()
    assert lines[0].split() == ["KEY", "FUNCTION", "AGE", "SIZE"]
    assert [line.split()[1:3] for line in lines[1:3]] == [["app.f", "100d"], ["app.g", "200d"]]
    assert lines[3].startswith("2 recordings (")
    assert "would be deleted, leaving 1 recording" in lines[3]
    assert lines[3].endswith("--yes deletes")
    assert files(store) == before


def test_yes_deletes_and_leaves_no_empty_directory(memo, store):
    done = memo("prune", store, "--stale", "90d", "--yes")
    assert done.out.splitlines()[-1].startswith("deleted 2 recordings (")
    assert (len(files(store)), files(store)[0]) == (2, "app.f")
    again = memo("prune", store, "--stale", "90d", "--yes")
    assert again.out.startswith("deleted 0 recordings (0 B), kept 1 recording")


def test_temporary_files_of_killed_writers_go_too(memo, store):
    left = store / "app.f" / ".0123456789abcdef.tmp"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    shown = memo("prune", store, "--stale", "300d").out.splitlines()
    assert shown[0] == "1 temporary file of killed writers would be deleted"
    assert shown[1].endswith(": --yes deletes")
    assert memo("prune", store, "--stale", "300d", "--json").json["abandoned"] == [str(left)]
    assert left.exists()
    assert memo("prune", store, "--stale", "300d", "--yes").out.startswith("deleted 1 temporary file ")
    assert not left.exists()


async def test_a_store_that_notes_what_it_is_asked_for_writes_the_list(memo, tmp_path):
    @recordable(name="app.f")
    async def f(x):
        return x

    class Noting(DirectoryStore):
        def get(self, name):
            with (tmp_path / "used.txt").open("a") as file:
                print(name, file=file)
            return super().get(name)

    with recording(tmp_path / "s", mode="record"):
        for x in range(3):
            await f(x)
    with recording(Noting(tmp_path / "s"), mode="record-if-missing"):
        for x in (1, 1, 4):
            await f(x)
    done = memo("prune", tmp_path / "s", "--used-list", tmp_path / "used.txt", "--yes").out
    assert "deleted 2 recordings" in done
    assert "kept 2 recordings" in done
    with recording(tmp_path / "s"):
        assert [await f(1), await f(4)] == [1, 4]


def test_a_list_of_what_is_used(memo, store, tmp_path, write):
    used = write("app.f", x=1, recorded_at=ago(days=100))
    (tmp_path / "used.txt").write_text(f"# what the tests replayed\n{used}\n")
    memo("prune", store, "--used-list", tmp_path / "used.txt", "--yes")
    assert [path.name for path in store.rglob("*.json")] == [used.name]


def test_as_json(memo, store):
    tree = memo("prune", store, "--stale", "90d", "--json").json
    assert [each["function"] for each in tree["unneeded"]] == ["app.f", "app.g"]
    assert (tree["kept"], tree["deleted"], tree["left"]) == (1, 0, [])
    assert memo("prune", store, "--stale", "90d", "--json", "--yes").json["deleted"] == 2


def test_damaged_files_are_named_and_stay(memo, damaged):
    store, says = damaged
    before = files(store)
    done = memo("prune", store, "--stale", "0s", "--yes", code=1)
    assert all(f"{name}: " in done.err for name in says)
    assert len(before) - len(files(store)) == 1
    left = memo("prune", store, "--stale", "0s", "--json", code=1).json["left"]
    assert len(left) == len(says)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "exactly one of"),
        (["--stale", "30d", "--unused-since", "2026-01-01"], "exactly one of"),
        (["--yes"], "exactly one of"),
        (["--stale", "soon"], "30d"),
        (["--unused-since", "yesterday"], "2026-09-01"),
        (["--unused-since", "2999-01-01"], "past"),
        (["--used-list", "nowhere.txt"], "nowhere.txt"),
        (["--used-list", "."], "directory"),
    ],
)
def test_what_is_asked_for_wrongly(memo, store, options, says):
    before = files(store)
    done = memo("prune", store, *options, code=2)
    assert says in done.err
    assert len(done.err.splitlines()) == 1
    assert files(store) == before


def test_a_list_that_names_nothing_here(memo, store, tmp_path):
    (tmp_path / "used.txt").write_text("0" * 64)
    assert "another store" in memo("prune", store, "--used-list", tmp_path / "used.txt", "--yes", code=2).err
    assert len(list(store.rglob("*.json"))) == 3
