"""The salt of a store: made once, for everybody who uses the store, and seen by nobody who looks at the recordings."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from servers import free_port

from memo import recordable, recording
from memo.errors import RecordingDamaged, RecordingsSpooledWarning, StoreNotWritable
from memo.maintenance.verify import verify
from memo.stores import as_store, salt

ROOT = Path(__file__).parents[2]


class Plain:
    """A store of somebody's, which can do what every store can and nothing else."""

    reads_in_place = writes_in_place = True

    def __init__(self):
        self.entries = {}

    def get(self, name):
        return self.entries.get(name)

    def put(self, name, data):
        self.entries[name] = data

    def delete(self, name):
        return self.entries.pop(name, None) is not None

    def scan(self, prefix=""):
        return (name for name in list(self.entries) if name.startswith(prefix))

    def location(self, name=""):
        return f"plain:{name}"


def test_it_is_made_once_and_is_no_recording(store):
    made = salt(store)
    assert len(made) == 32
    assert len(set(made)) > 8
    assert salt(store) == made
    assert list(store.scan()) == []
    store.put("f/a", b"1")
    assert store.get("f/a") == b"1"
    assert list(store.scan()) == ["f/a"]


def test_every_store_has_its_own(tmp_path):
    assert salt(as_store(tmp_path / "a")) != salt(as_store(tmp_path / "b"))
    assert salt(as_store("memory://")) != salt(as_store("memory://"))


def test_many_threads_get_the_same(store):
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: salt(store), range(8)))) == 1


def test_many_processes_get_the_same(shared):
    program = "import sys; from memo.stores import as_store, salt; print(salt(as_store(sys.argv[1])).hex())"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, shared],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    printed = {process.communicate(timeout=300)[0].strip() for process in started}
    assert printed == {salt(as_store(shared)).hex()}


def test_a_store_that_knows_no_salt_keeps_it_as_a_recording():
    store = Plain()
    made = salt(store)
    assert len(made) == 32
    assert salt(store) == made
    assert verify(store).failed == 0
    store.put(next(store.scan()), b"{}")
    with pytest.raises(RecordingDamaged, match="is not a salt"):
        salt(store)


def test_a_directory_hides_it_from_git_and_from_other_users(tmp_path):
    store = as_store(tmp_path)
    store.put("f/a", b"1")
    salt(store)
    assert (tmp_path / ".memo" / ".gitignore").read_text() == "*\n"
    assert stat.S_IMODE((tmp_path / ".memo" / "salt").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / ".memo").stat().st_mode) == 0o700


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002, 0o000])
def test_files_have_the_rights_of_the_umask_until_there_is_a_salt(tmp_path, umask):
    before = os.umask(umask)
    try:
        store = as_store(tmp_path / "store")
        store.put("f/a", b"1")
        store.create("f/b", b"1")
        salt(store)
        for one in (store, as_store(tmp_path / "store")):
            one.put("f/c", b"1")
            one.create(f"f/{id(one)}", b"1")
            one.swap("f/a", one.get("f/a"), b"2")
    finally:
        os.umask(before)
    rights = {path.stem: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "store" / "f").iterdir()}
    assert rights.pop("b") == 0o666 & ~umask
    assert set(rights.values()) == {0o600}


def test_a_database_file_is_its_owners_alone(tmp_path):
    store = as_store(f"sqlite:///{tmp_path}/store.db")
    store.put("f/a", b"1")
    assert stat.S_IMODE((tmp_path / "store.db").stat().st_mode) & 0o044
    salt(store)
    store.put("f/b", b"1")
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert salt(as_store(f"sqlite:///{tmp_path}/store.db")) == salt(store)


@pytest.mark.parametrize("umask", [0o022, 0o000, 0o077])
def test_what_waits_in_the_spool_is_its_owners_alone(tmp_path, monkeypatch, umask):
    (tmp_path / "spool").mkdir(mode=0o755)  # made by somebody else, readable for all
    monkeypatch.setenv("MEMO_SPOOL", str(tmp_path / "spool"))
    ask = recordable(name="f")(lambda n: "an answer")
    before = os.umask(umask)
    try:
        with (
            pytest.warns(RecordingsSpooledWarning),
            recording(f"redis://127.0.0.1:{free_port()}?timeout=1", mode="record"),
        ):
            assert ask(1) == "an answer"
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "spool").rglob("*.json")]
    assert files
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


@pytest.mark.parametrize("damage", [b"", b"x" * 31, b"x" * 33])
def test_a_damaged_salt_is_no_salt(tmp_path, damage):
    salt(as_store(tmp_path))
    (tmp_path / ".memo" / "salt").write_bytes(damage)
    with pytest.raises(RecordingDamaged, match="is not a salt"):
        salt(as_store(tmp_path))


def test_a_place_that_takes_none_says_so(tmp_path):
    (tmp_path / "store").write_text("a file")
    with pytest.raises(StoreNotWritable):
        salt(as_store(tmp_path / "store"))
