"""The one file: what else may lie there, and who else may be using it."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import anyio
import anyio.lowlevel
import pytest

from memo import Recorder, recordable, recording
from memo.errors import (
    InvalidOption,
    MemoError,
    NewerFormat,
    RecordingDamaged,
    StoreError,
    StoreFull,
    StoreNotWritable,
)
from memo.stores import as_store
from memo.stores._sqlite import SqliteStore

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(file) -> SqliteStore:
    return SqliteStore(file, timeout=0.2)


def execute(file, *statements):
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in statements:
        rows = connection.execute(statement).fetchall()
    connection.close()
    return rows


def test_the_url_names_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert as_store("sqlite:///a.db").location() == f"sqlite:///{tmp_path}/a.db"
    assert as_store(f"sqlite:///{tmp_path}/a%20b%3F.db?timeout=1").location() == f"sqlite:///{tmp_path}/a%20b%3F.db"
    assert as_store("sqlite:///~/a.db").location() == f"sqlite:///{tmp_path}/home/a.db"
    as_store("sqlite:///a b#?timeout=2").put("f/a", b"1")
    assert (tmp_path / "a b#").exists()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite://a.db", "sqlite://host/a.db", "sqlite:///?lease=1"]
)
def test_a_url_without_a_file_is_refused(url):
    with pytest.raises(InvalidOption, match="sqlite:///relative"):
        as_store(url)


@pytest.mark.parametrize("query", ["lease=0", "lease=x", "timeout=-1", "timeout=nan", "timeout=inf", "lease="])
def test_a_wrong_option_is_refused(query):
    with pytest.raises(InvalidOption, match="a positive number"):
        as_store(f"sqlite:///a.db?{query}")
    with pytest.raises(InvalidOption, match="lease, max_bytes, timeout"):
        as_store("sqlite:///a.db?leese=1")


def test_reading_makes_no_file(store, file):
    assert store.get("f/a") is None
    assert list(store.scan()) == []
    assert store.delete("f/a") is False
    assert not file.exists()


def test_the_directory_is_made_when_it_is_needed(tmp_path):
    store = SqliteStore(tmp_path / "a" / "b" / "c.db")
    assert store.get("f/a") is None
    store.put("f/a", b"1")
    assert store.get("f/a") == b"1"


def test_what_is_put_is_flushed_to_disk(store, file):
    store.put("f/a", b"1")
    for flushed, synchronous in ((False, 1), (True, 2)):  # NORMAL, FULL
        read = store.file.write(lambda made: made.execute("PRAGMA synchronous").fetchone(), flushed=flushed)
        assert read == (synchronous,)
    assert store.file.read("PRAGMA journal_mode") == [("wal",)]


def test_large_ones_are_compressed(store, file):
    store.put("f/large", b'{"text":"' + b"all the same " * 100_000 + b'"}')
    store.put("f/small", b'{"text":"x"}')
    rows = dict(execute(file, "SELECT name, entry FROM entries"))
    assert rows[b"f/large"].startswith(b"memo/1 zlib 1300011\n")
    assert len(rows[b"f/large"]) < 10_000
    assert rows[b"f/small"] == b'memo/1 plain 12\n{"text":"x"}'


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (b"", "is empty"),
        (b"{}", "is not a memo entry"),
        (b"memo/1 plain 5\nabc", "not whole"),
        (b"memo/1 plain 2\nabc", "not whole"),
        (b"memo/1 zlib 5\nabc", "decompressed"),
        (b"memo/1 zlib 99999999999\nabc", "size"),
        (b"memo/1 lzma 5\nabc", "compressed as 'lzma'"),
        (b"memo/1 plain -1\n", "size"),
        (b"x" * 1000, "is not a memo entry"),
    ],
)
def test_an_entry_that_is_not_whole_is_damaged(store, file, entry, reason):
    store.put("f/a", b"1")
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("UPDATE entries SET entry = ?", (entry,))
    connection.close()
    for read in (store.get, lambda name: store.create(name, b"2"), lambda name: store.claim(name, "one")):
        with pytest.raises(RecordingDamaged, match=reason) as raised:
            read("f/a")
        assert raised.value.location == store.location("f/a")


@pytest.mark.parametrize("number", range(25))
def test_a_file_that_is_damaged_anywhere_gives_errors_of_memos(file, number):
    with closing(SqliteStore(file)) as made:
        for index in range(20):
            made.put(f"f/{index}", b"x" * 300)
    data, random = bytearray(file.read_bytes()), Random(number)
    start = 0 if number % 2 else data.index(b"CREATE TABLE")  # SQLite's own message has what is there
    for _ in range(20):
        data[min(start + random.randrange(len(data) if number % 4 else 40), len(data) - 1)] = random.randrange(128, 256)
    file.write_bytes(data)
    for step in (
        lambda store: [store.get(name) for name in store.scan()],
        lambda store: store.get("f/3"),
        lambda store: store.put("f/3", b"1"),
        lambda store: store.create("f/4", b"2"),
        lambda store: store.claim("f/50", "one"),
    ):
        with closing(SqliteStore(file, timeout=0.2)) as store, suppress(MemoError):
            step(store)


def test_an_entry_of_a_newer_memo(store, file):
    store.put("f/a", b"1")
    execute(file, "UPDATE entries SET entry = CAST('memo/2 zstd 7' || char(10) || 'abc' AS BLOB)")
    with pytest.raises(NewerFormat):
        store.get("f/a")


def test_a_database_of_a_newer_memo(store, file):
    store.put("f/a", b"1")
    execute(file, "PRAGMA user_version = 2")
    for use in (lambda each: each.get("f/a"), lambda each: each.put("f/a", b"2")):
        with pytest.raises(NewerFormat):
            use(SqliteStore(file))


def test_the_database_of_another_program_is_left_alone(file):
    execute(file, "CREATE TABLE entries (name, entry)")
    before = file.read_bytes()
    for use in (lambda each: each.get("f/a"), lambda each: each.put("f/a", b"2"), lambda each: list(each.scan())):
        with pytest.raises(StoreError, match="another program"):
            use(SqliteStore(file))
    assert file.read_bytes() == before


@pytest.mark.parametrize("data", [b"no database" * 100, bytes(4096)])
def test_what_is_no_database_is_left_alone(file, data):
    file.write_bytes(data)
    for use in (lambda each: each.get("f/a"), lambda each: each.put("f/a", b"2")):
        with pytest.raises(StoreError, match="is not a SQLite database"):
            use(SqliteStore(file))
    assert file.read_bytes() == data


def test_a_directory_where_the_file_should_be(tmp_path):
    store = SqliteStore(tmp_path)
    for use in (lambda each: each.get("f/a"), lambda each: each.put("f/a", b"2")):
        with pytest.raises(StoreError, match=str(tmp_path)):
            use(store)


def test_a_file_where_the_directory_should_be(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    store = SqliteStore(tmp_path / "file" / "store.db")
    assert store.get("f/a") is None
    with pytest.raises(StoreNotWritable, match="cannot be made"):
        store.put("f/a", b"1")


def test_an_empty_file_becomes_a_store(file):
    file.touch()
    store = SqliteStore(file)
    assert store.get("f/a") is None
    assert list(store.scan()) == []
    store.put("f/a", b"1")
    assert store.get("f/a") == b"1"


def test_a_writer_that_has_to_wait_too_long_gets_an_error_that_names_the_cause(store, file):
    store.put("f/a", b"1")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreNotWritable, match=r"locked for 0\.2 seconds"):
        store.put("f/a", b"2")
    assert store.get("f/a") == b"1"
    assert store.create("f/a", b"3") == b"1"
    other.execute("ROLLBACK")
    other.close()
    store.put("f/a", b"2")
    assert store.get("f/a") == b"2"


def test_a_full_disk_says_so_and_leaves_what_was_there(store):
    store.put("f/a", b"old")
    [(pages,)] = store.file.read("PRAGMA page_count")
    store.file.read(f"PRAGMA max_page_count = {pages}")  # SQLite's own way to have no room
    with pytest.raises(StoreFull, match="disk is full"):
        store.put("f/b", os.urandom(100_000))
    assert store.get("f/a") == b"old"
    assert store.get("f/b") is None


READER = """
import os, sys
from memo.errors import StoreNotWritable
from memo.stores._sqlite import SqliteStore
if os.geteuid() == 0:
    os.setuid(65534)  # root may write everywhere
store = SqliteStore(sys.argv[1])
print(store.get("f/a"), list(store.scan()), store.create("f/a", b"2"))
try:
    store.put("f/a", b"2")
except StoreNotWritable as error:
    print(error.reason)
"""


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_one_that_can_only_be_read_is_read(tmp_path):
    with TemporaryDirectory() as folder:  # which others can reach
        file = Path(folder, "store.db")
        SqliteStore(file).put("f/a", b"1")
        file.chmod(0o444)
        Path(folder).chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READER, str(file)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        Path(folder).chmod(0o755)
    assert done.stdout.splitlines() == [
        "b'1' ['f/a'] b'1'",
        "cannot be written: attempt to write a readonly database",
    ], done.stderr


def test_a_file_that_was_replaced_is_opened_anew(store, file, tmp_path):
    store.put("f/a", b"old")
    other = SqliteStore(tmp_path / "other.db")
    other.put("f/a", b"new")
    del other
    for name in ("store.db-wal", "store.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "other.db").rename(file)
    assert store.get("f/a") == b"new"
    file.unlink()
    assert store.get("f/a") is None
    store.put("f/a", b"again")
    assert SqliteStore(file).get("f/a") == b"again"


def test_names_are_no_sql_and_no_patterns(store):
    names = ["f/'; DROP TABLE entries; --", "f/%", "f/_", "f/*", 'f/"x"', "f/\0", "%/a", "_/a"]
    for name in names:
        store.put(name, name.encode())
    assert [store.get(name) for name in names] == [name.encode() for name in names]
    assert list(store.scan("%/")) == ["%/a"]
    assert list(store.scan("_/")) == ["_/a"]
    assert len(list(store.scan())) == len(names)


def test_a_scan_of_many_pages_holds_no_lock(store):
    store.put("x", b"")
    store.delete("x")
    rows = [(b"f/%05d" % n, b"memo/1 plain 0\n") for n in range(3500)]
    store.file.write(lambda connection: connection.executemany("INSERT INTO entries VALUES (?, ?)", rows))
    seen = []
    for name in store.scan():
        seen.append(name)
        if len(seen) % 500 == 1:
            store.put("g/x", b"1")
    assert seen[:3500] == [f"f/{n:05d}" for n in range(3500)]
    assert list(store.scan("f/034")) == [f"f/{n:05d}" for n in range(3400, 3500)]


def test_a_thread_closes_its_connection_when_it_ends(store, file):
    store.put("f/a", b"1")
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("no /proc")

    def opened():
        return sum(str(file) in os.readlink(each) for each in descriptors.iterdir() if each.is_symlink())

    def use():
        assert store.get("f/a") == b"1"

    before = opened()
    for _ in range(30):
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
    assert opened() <= before + 2


def test_many_threads_make_one_database(tmp_path):
    for n in range(5):
        store, together = SqliteStore(tmp_path / f"{n}.db"), threading.Barrier(8)

        def write(i, store=store, together=together):
            together.wait(5)
            store.put(f"f/{i}", b"1")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(8)))
        assert len(list(store.scan())) == 8


def test_claims_that_ended_are_cleared_away(file):
    store = SqliteStore(file, lease=0.01)
    for n in range(50):
        store.claim(f"f/{n}", f"token {n}")
    time.sleep(0.02)  # all of them have ended
    store.claim("f/x", "one")
    assert len(execute(file, "SELECT * FROM claims")) == 1


def test_a_recorder_writes_into_one_file(tmp_path):
    recorder = Recorder(f"sqlite:///{tmp_path}/store.db", mode="record")

    @recorder.recordable(name="f")
    def ask(n):
        return n

    for n in (1, 2, 2, 1):
        ask(n)
    recorder.raise_failures()
    assert repr(recorder) == f"<memo.Recorder record sqlite:///{tmp_path}/store.db>"
    assert len(list(recorder.store.scan("f/"))) == 2


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc")
@pytest.mark.parametrize("mode", ["record", "replay", "record-if-missing"])
async def test_connections_close_with_the_scope(tmp_path, mode):
    url, file = f"sqlite:///{tmp_path}/store.db", str(tmp_path / "store.db")

    def opened():
        return sum(file in os.readlink(each) for each in Path("/proc/self/fd").iterdir() if each.is_symlink())

    @recordable
    async def ask(n):
        await anyio.lowlevel.checkpoint()
        return n

    with recording(url, mode="record"):
        for n in range(5):
            await ask(n)
    with recording(url, mode=mode) as recorder:
        async with anyio.create_task_group() as tasks:
            for n in range(5):
                tasks.start_soon(ask, n)
        assert opened()
    assert not opened()
    assert [path.name for path in tmp_path.iterdir()] == ["store.db"]
    with recorder.scope():
        assert await ask(1) == 1
    assert not opened()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc")
def test_a_store_of_ones_own_is_not_closed(store, file):
    @recordable
    def ask(n):
        return n

    with recording(store, mode="record"):
        ask(1)
    assert Path(f"{file}-wal").exists()
