"""Deleting what nobody needs: exactly what was asked for, and never what could be needed."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from memo._calls.digest import KEY_CHARACTERS, call_key, entry_name
from memo._json import canonical_json
from memo._recordings.document import FORMAT_VERSION, Document, render
from memo.errors import InvalidOption, Refused
from memo.maintenance.prune import not_used_by, not_used_since, older_than, plan_prune, prune
from memo.stores import DirectoryStore, MemoryStore

NOW = datetime.now(UTC)


def put(store, function, x, *, days_old=0.0):
    """A recording that was made so many days ago. Its name."""
    data = canonical_json({"x": x})
    key = call_key(function, data)
    moment = NOW - timedelta(days=days_old)
    document = {
        "memo": FORMAT_VERSION,
        "function": function,
        "key": key,
        "arguments": orjson.loads(data),
        "recorded_at": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "outcomes": [{"value": x}],
    }
    name = entry_name(function, key)
    store.put(name, render(Document.from_tree(document)))
    return name


@pytest.fixture
def store(tmp_path):
    return DirectoryStore(tmp_path / "store")


def unneeded(store, judge):
    return {each.name for each in plan_prune(store, judge).unneeded}


def test_stale_ones_go_and_so_do_empty_directories(store):
    new, old, older = put(store, "f", 1), put(store, "f", 2, days_old=31), put(store, "g", 3, days_old=90)
    plan = plan_prune(store, older_than(timedelta(days=30)))
    assert {each.name for each in plan.unneeded} == {old, older}
    assert (plan.kept, plan.kept_size) == (1, len(store.get(new)))
    assert plan.size == len(store.get(old)) + len(store.get(older))
    assert len(list(store.scan())) == 3  # nothing is done yet
    done = prune(store, plan)
    assert (done.deleted, done.size, done.left) == (2, plan.size, {})
    assert list(store.scan()) == [new]
    assert [folder.name for folder in Path(store.location()).iterdir()] == ["f"]


def test_what_killed_writers_left_behind_goes_when_it_is_a_day_old(store, tmp_path):
    name = put(store, "f", 1)
    folder = Path(store.location(name)).parent
    linked, elsewhere = Path(store.location()) / "linked", tmp_path / "elsewhere"
    elsewhere.mkdir()
    linked.symlink_to(elsewhere)
    old, fresh, somebodys, outside = (
        where / file
        for where, file in (
            (folder, ".0123456789abcdef.tmp"),
            (folder, ".fedcba9876543210.tmp"),
            (folder, ".notes.tmp"),
            (elsewhere, ".0123456789abcdef.tmp"),
        )
    )
    for path in (old, fresh, somebodys, outside):
        path.write_bytes(b"half")
        if path is not fresh:
            os.utime(path, (NOW.timestamp() - 2 * 86400,) * 2)
    plan = plan_prune(store, older_than(timedelta(days=30)))
    assert plan.abandoned == [str(old)]
    assert prune(store, plan).left == {}
    assert [path.exists() for path in (old, fresh, somebodys, outside)] == [False, True, True, True]
    assert list(store.scan()) == [name]


def test_what_does_not_say_when_it_was_recorded_is_kept(store):
    name = put(store, "f", 1, days_old=100)
    for moment in (b'"long ago"', b"17", b"null"):
        document = orjson.loads(store.get(name)) | {"recorded_at": orjson.loads(moment)}
        store.put(name, render(Document.from_tree(document)))
        assert unneeded(store, older_than(timedelta(days=30))) == set()


@pytest.mark.parametrize("form", ["names", "keys", "paths", "short", "json", "windows"])
def test_what_no_list_names_is_deleted(store, tmp_path, form):
    used, not_used = put(store, "f", 1), put(store, "f", 2)
    key = orjson.loads(store.get(used))["key"]
    lines = {
        "names": f"# of the tests\n\n{used}\n",
        "keys": f"{key}\r\n",
        "paths": f"{store.location(used)}\n",
        "short": key[:KEY_CHARACTERS],
        "json": orjson.dumps([used]).decode(),
        "windows": f"\ufeffC:\\store\\f\\{key[:KEY_CHARACTERS]}.json\r\n",
    }
    (tmp_path / "used").write_text(lines[form], encoding="utf-8")
    assert unneeded(store, not_used_by([tmp_path / "used"])) == {not_used}


def test_several_lists_are_one(store, tmp_path):
    first, second, third = (put(store, "f", x) for x in range(3))
    (tmp_path / "a").write_text(first)
    (tmp_path / "b").write_text(second)
    assert unneeded(store, not_used_by([tmp_path / "a", tmp_path / "b"])) == {third}


@pytest.mark.parametrize(
    "text", ["f\n", "f/*\n", '["f"]', "[1]", '{"used": []}', "[", b"\xff\xfe", "f/0123456789abcdef\n"]
)
def test_a_list_that_is_misread_deletes_nothing(tmp_path, text):
    (tmp_path / "used").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidOption):
        not_used_by([tmp_path / "used"])


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(InvalidOption, match="No such file"):
        not_used_by([tmp_path / "used"])


@pytest.mark.parametrize("text", ["", "0" * 64])
def test_a_list_of_another_store_deletes_nothing(store, tmp_path, text):
    put(store, "f", 1)
    (tmp_path / "used").write_text(text)
    with pytest.raises(Refused, match="another store"):
        plan_prune(store, not_used_by([tmp_path / "used"]))


def test_an_empty_store_has_nothing_to_prune(store, tmp_path):
    (tmp_path / "used").write_text("0" * 64)
    assert plan_prune(store, not_used_by([tmp_path / "used"])).unneeded == []
    assert plan_prune(MemoryStore(), older_than(timedelta(0))).unneeded == []


# Since when it was not read


def notes_reading(folder):
    probe = folder / "probe"
    probe.write_text("?")
    os.utime(probe, (0, 0))
    probe.read_text()
    return probe.stat().st_atime > 0


@pytest.fixture
def noting(tmp_path):
    if not notes_reading(tmp_path):
        pytest.skip("this file system does not note when files are read")


def accessed(store, name, days_ago):
    moment = (NOW - timedelta(days=days_ago)).timestamp()
    os.utime(store.location(name), (moment, moment))


@pytest.mark.usefixtures("noting")
def test_what_was_not_read_since_goes(store):
    read, not_read, lately = (put(store, "f", x, days_old=100) for x in range(3))
    for name in (read, not_read):
        accessed(store, name, 90)
    accessed(store, lately, 31)
    store.get(read)
    judge = not_used_since(NOW - timedelta(days=30))
    # Times of access are kept to the day: 31 days ago may have been 30. That looking changes nothing is seen twice.
    assert unneeded(store, judge) == {not_read}
    assert unneeded(store, judge) == {not_read}
    store.get(not_read)
    assert unneeded(store, judge) == set()


@pytest.mark.usefixtures("noting")
def test_what_was_recorded_since_is_used_whatever_the_file_says(store):
    name = put(store, "f", 1, days_old=10)
    accessed(store, name, 90)
    assert unneeded(store, not_used_since(NOW - timedelta(days=30))) == set()


def test_a_date_to_come():
    with pytest.raises(InvalidOption, match="past"):
        not_used_since(NOW + timedelta(days=1))


def test_a_store_that_does_not_know():
    with pytest.raises(Refused, match="--stale"):
        plan_prune(MemoryStore(), not_used_since(NOW))


def test_a_file_system_that_does_not_note(store, monkeypatch):
    name = put(store, "f", 1)
    real = Path.read_bytes

    def without_a_trace(path):  # as on a mount with noatime
        times = path.stat()
        data = real(path)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        return data

    monkeypatch.setattr(Path, "read_bytes", without_a_trace)
    with pytest.raises(Refused, match="noatime"):
        plan_prune(store, not_used_since(NOW))
    assert list(store.scan()) == [name]
    assert os.listdir(store.location()) == ["f"]  # the probe is gone


# What is no recording


def test_damaged_and_foreign_files_are_named_and_kept(store, tmp_path):
    name = put(store, "f", 1, days_old=100)
    data = store.get(name)
    folder = Path(store.location(name)).parent
    (folder / "half.json").write_bytes(data[: len(data) // 2])
    (folder / "foreign.json").write_text('{"name": "package"}')
    (folder / "directory.json").mkdir()
    (folder / "moved.json").write_bytes(data)
    (folder / "odd näme\n.json").write_bytes(data)
    (tmp_path / "outside.json").write_bytes(data)
    (folder / "link.json").symlink_to(tmp_path / "outside.json")
    (folder / "notes.txt").write_text("by hand")
    outside = tmp_path / "elsewhere"
    shutil.copytree(folder, outside, symlinks=True)
    (folder.parent / "linked").symlink_to(outside, target_is_directory=True)
    plan = plan_prune(store, older_than(timedelta(days=30)))
    assert {each.name for each in plan.unneeded} == {name}
    odd = {"half", "foreign", "directory", "moved", "odd näme\n", "link"}
    assert {Path(place).stem for place in plan.left if "linked" not in place} == odd
    prune(store, plan)
    assert {path.stem for path in folder.iterdir()} == {*odd, "notes"}
    assert len(os.listdir(outside)) == 8


def test_what_was_recorded_again_meanwhile_is_kept(store):
    name, other = put(store, "f", 1, days_old=100), put(store, "f", 2, days_old=100)
    plan = plan_prune(store, older_than(timedelta(days=30)))
    put(store, "f", 1)
    store.delete(other)
    done = prune(store, plan)
    assert (done.deleted, list(done.left)) == (0, [store.location(name)])
    assert list(store.scan()) == [name]
