"""The directory: whole files whatever happens, in a place that people can read."""

import errno
import os
import pickle
import resource
import signal
import stat
from pathlib import Path

import pytest

from memo.errors import EntryVanished, RecordingDamaged, StoreFull, StoreNotReadable, StoreNotWritable
from memo.stores import DirectoryStore

ROOT = Path(__file__).parents[2]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


posix = pytest.mark.skipif(os.name != "posix", reason="POSIX")


def test_a_recording_is_a_json_file_in_its_functions_folder(tmp_path):
    DirectoryStore(tmp_path).put("app.tools.search/0123abcd", b"{}")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.json")] == ["app.tools.search/0123abcd.json"]
    assert DirectoryStore(tmp_path).location("app.tools.search/0123abcd") == str(
        tmp_path / "app.tools.search/0123abcd.json"
    )


def test_the_directory_is_made_when_it_is_needed(tmp_path):
    store = DirectoryStore(tmp_path / "a" / "b")
    assert store.get("f/a") is None
    assert list(store.scan()) == []
    assert list(tmp_path.iterdir()) == []
    store.put("f/a", b"1")
    assert (tmp_path / "a" / "b" / "f" / "a.json").read_bytes() == b"1"


@posix
def test_what_is_no_file_is_damage_and_is_not_waited_for(tmp_path):
    (tmp_path / "f").mkdir()
    os.mkfifo(tmp_path / "f" / "pipe.json")
    (tmp_path / "f" / "folder.json").mkdir()
    (tmp_path / "f" / "endless.json").symlink_to("/dev/zero")
    for name, what in (("pipe", "no file"), ("folder", "a directory"), ("endless", "no file")):
        with pytest.raises(RecordingDamaged, match=f"{name}.json is {what}, where a recording should be"):
            DirectoryStore(tmp_path).get(f"f/{name}")


@posix
def test_links_are_followed_wherever_they_lead(tmp_path):
    (tmp_path / "elsewhere.json").write_bytes(b"1")
    (tmp_path / "s" / "f").mkdir(parents=True)
    (tmp_path / "s" / "f" / "a.json").symlink_to(tmp_path / "elsewhere.json")
    assert DirectoryStore(tmp_path / "s").get("f/a") == b"1"


def test_a_directory_that_vanished_is_made_again(tmp_path):
    store = DirectoryStore(tmp_path / "s")
    store.put("f/a", b"1")
    (tmp_path / "s" / "f" / "a.json").unlink()
    (tmp_path / "s" / "f").rmdir()
    assert store.get("f/a") is None
    store.put("f/a", b"2")
    assert store.get("f/a") == b"2"


def test_the_working_directory_may_change(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = DirectoryStore("here")
    store.put("f/a", b"1")
    monkeypatch.chdir("/")
    assert store.get("f/a") == b"1"


def test_what_is_no_recordings_file_is_passed_over(tmp_path):
    store = DirectoryStore(tmp_path)
    store.put("f/a", b"1")
    for name in (".0123.tmp", ".a.json.swp", ".DS_Store", "a.json~", "notes.md", ".b.json"):
        (tmp_path / "f" / name).write_bytes(b"x")
    (tmp_path / "README.md").write_bytes(b"x")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.json").write_bytes(b"x")
    assert list(store.scan()) == ["f/a"]
    assert list(store.scan("f/")) == ["f/a"]


def test_nothing_temporary_is_left(tmp_path):
    store = DirectoryStore(tmp_path)
    for i in range(5):
        store.put("f/a", b"x" * i)
    assert names(tmp_path / "f") == ["a.json"]


def test_it_is_on_disk_before_it_is_in_place(tmp_path, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, name=name, real=real: (done.append(name), real(*args))[1])
    DirectoryStore(tmp_path).put("f/a", b"1")
    assert done == ["fsync", "replace"]


def test_a_directory_where_a_file_should_be_is_damaged(tmp_path):
    (tmp_path / "f" / "a.json").mkdir(parents=True)
    store = DirectoryStore(tmp_path)
    with pytest.raises(RecordingDamaged, match="is a directory") as raised:
        store.get("f/a")
    assert raised.value.location == str(tmp_path / "f" / "a.json")
    with pytest.raises(StoreNotWritable):
        store.put("f/a", b"1")
    with pytest.raises(StoreNotWritable):
        store.delete("f/a")
    assert names(tmp_path / "f") == ["a.json"]


def test_a_file_where_the_directory_should_be_is_not_writable(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "f").write_bytes(b"x")
    for store in (DirectoryStore(tmp_path / "file"), DirectoryStore(tmp_path)):
        assert store.get("f/a") is None
        assert list(store.scan("f/")) == []
        with pytest.raises(StoreNotWritable, match="MEMO_STORE") as raised:
            store.put("f/a", b"1")
        assert raised.value.location == store.location("f/a")
        assert "Not a directory" in raised.value.reason or "exists" in raised.value.reason
        assert pickle.loads(pickle.dumps(raised.value)).location == raised.value.location
    assert (tmp_path / "file").read_bytes() == b"x"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc")
def test_a_directory_without_write_permission_is_not_writable():
    with pytest.raises(StoreNotWritable):
        DirectoryStore("/proc/self/memo").put("f/a", b"1")


@posix
def test_a_link_that_leads_to_itself_is_not_readable(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a.json").symlink_to("a.json")
    with pytest.raises(StoreNotReadable) as raised:
        DirectoryStore(tmp_path).get("f/a")
    assert raised.value.location.endswith("a.json")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_a_full_disk_says_so_and_leaves_the_old_file(tmp_path, monkeypatch, number, at):
    store = DirectoryStore(tmp_path)
    store.put("f/a", b"old")

    def full(*_):
        raise OSError(number, os.strerror(number))

    # No disk can be filled without mounting one.
    monkeypatch.setattr(os, at, full)
    with pytest.raises(StoreFull, match="space") as raised:
        store.put("f/a", b"new")
    assert raised.value.location == store.location("f/a")
    assert store.get("f/a") == b"old"
    assert names(tmp_path / "f") == ["a.json"]


@posix
@pytest.mark.parametrize(("write", "name"), [(DirectoryStore.put, "f/a"), (DirectoryStore.create, "f/b")])
def test_a_write_that_fails_half_way_leaves_what_was_there(tmp_path, write, name):
    store = DirectoryStore(tmp_path)
    store.put("f/a", b"old")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))
    try:
        with pytest.raises(StoreNotWritable, match="File too large"):
            write(store, name, b"x" * 300_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    assert store.get("f/a") == b"old"
    assert names(tmp_path / "f") == ["a.json"]


@posix
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_file_modes_follow_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        DirectoryStore(tmp_path / "s").put("f/a", b"1")
        DirectoryStore(tmp_path / "s").create("f/b", b"1")
    finally:
        os.umask(before)
    for name in ("a", "b"):
        assert stat.S_IMODE((tmp_path / "s" / "f" / f"{name}.json").stat().st_mode) == 0o666 & ~umask


UNNAMED = getattr(os, "O_TMPFILE", 0)


def _without_unnamed_files(monkeypatch):
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)


def _unsupported(monkeypatch):
    def opened(path, flags, *args, real=os.open):
        if UNNAMED and flags & UNNAMED == UNNAMED:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return real(path, flags, *args)

    monkeypatch.setattr(os, "open", opened)


def _without_proc(monkeypatch):
    def link(source, target, real=os.link, **options):
        if source.startswith("/proc/"):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        real(source, target, **options)

    monkeypatch.setattr(os, "link", link)


def _without_links(monkeypatch):
    def link(*_, **__):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)


@pytest.mark.parametrize(
    "system", [lambda _: None, _without_unnamed_files, _unsupported, _without_proc, _without_links], ids=range(5)
)
def test_the_first_write_wins_whatever_the_system_can_do(tmp_path, monkeypatch, system):
    system(monkeypatch)
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda file, real=os.fsync: (flushed.append(os.fstat(file).st_size), real(file)))
    store, long = DirectoryStore(tmp_path / "s"), b"x" * 300_000
    for name in ("f/a", "f/b"):  # in the first, the folder is not there yet
        assert store.create(name, long) is None
        assert set(flushed) == {len(long)}
        assert store.create(name, b"2") == long
        assert store.get(name) == long
        flushed.clear()
    assert names(tmp_path / "s" / "f") == ["a.json", "b.json"]


@posix
def test_a_link_that_leads_nowhere_is_no_recording_and_gives_way(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a.json").symlink_to("nowhere")
    store = DirectoryStore(tmp_path)
    assert store.get("f/a") is None
    assert store.create("f/a", b"1") is None
    assert store.create("f/a", b"2") == b"1"
    assert names(tmp_path / "f") == ["a.json"]


@pytest.mark.parametrize("functions", [["read"], ["read", "fstat"]])
def test_a_file_that_cannot_be_read_says_so(tmp_path, monkeypatch, functions):
    store = DirectoryStore(tmp_path)
    store.put("f/a", b"1")

    def stale(*_):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    # As on a network's file system, of which there is none here.
    with monkeypatch.context() as patched:
        for function in functions:
            patched.setattr(os, function, stale)
        with pytest.raises(StoreNotReadable, match="cannot be read") as raised:
            store.get("f/a")
    assert raised.value.location == store.location("f/a")


@posix
def test_a_linked_store_works(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    store = DirectoryStore(tmp_path / "link")
    store.put("f/a", b"1")
    assert store.get("f/a") == (tmp_path / "real" / "f" / "a.json").read_bytes() == b"1"
    assert list(store.scan()) == ["f/a"]
    assert store.delete("f/a") is True


def test_a_swap_leaves_nothing_but_the_entry(tmp_path):
    store = DirectoryStore(tmp_path)
    store.put("f/a", b"1")
    assert store.swap("f/a", b"1", b"2") is None
    assert store.swap("f/a", b"1", b"3") == b"2"
    with pytest.raises(EntryVanished):
        store.swap("f/b", b"1", b"3")
    assert [path.name for path in tmp_path.rglob("*")] == ["f", "a.json"]
