"""Stores by URL: which there are, what is missing, and what may be shown of a URL."""

import subprocess
import sys
import threading
import zlib
from pathlib import Path

import pytest

from memo import recording
from memo._configuration import configured
from memo.errors import InvalidOption, RecordingDamaged
from memo.stores import MemoryStore, as_store
from memo.stores._entry import pack, unpack
from memo.stores._urls import masked
from memo.stores.file_names import shown

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://:secret@localhost:6379/0?ttl=5", "redis://localhost:6379/0"),
        ("rediss://user:secret@host/0", "rediss://host/0"),
        ("redis://user:sec/ret@host/0", "redis://host/0"),
        ("redis://user:s@cret@host/0", "redis://host/0"),
        ("redis://:secret?x@host/0", "redis://host/0"),
        ("redis://:secret#x@host/0", "redis://host/0"),
        ("s3://bucket/a@b/c", "s3://bucket/a@b/c"),
        ("s3://bucket/p?aws_secret_access_key=secret", "s3://bucket/p"),
        ("s3://bucket/p#secret", "s3://bucket/p"),
        ("redis://host:6379/a@b", "redis://host:6379/a@b"),
        ("secret", "secret"),
    ],
)
def test_no_credential_of_a_url_is_shown(url, expected):
    assert masked(url) == expected
    if "@" in url or "?" in url:
        assert "ret@" not in masked(url)


def test_an_unknown_scheme_names_the_known_ones():
    with pytest.raises(InvalidOption, match=r"sqlite://.*redis://.*s3://") as raised:
        as_store("ftp://user:secret@host/x")
    assert "secret" not in str(raised.value)
    assert raised.value.value == "ftp://host/x"


MISSING = """
import sys
sys.modules["redis"] = sys.modules["obstore"] = None
from memo.errors import MissingExtra
from memo.stores import as_store
for url in ("redis://localhost", "valkey://localhost", "s3://bucket"):
    try:
        as_store(url)
    except MissingExtra as error:
        print(error)
"""


def test_a_missing_extra_names_the_command():
    done = subprocess.run([sys.executable, "-c", MISSING], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "".join(
        f"a {scheme}:// store needs an extra that is not installed: {extra}\n  pip install 'memo-recorder[{extra}]'\n"
        for scheme, extra in (("redis", "redis"), ("valkey", "redis"), ("s3", "s3"))
    )


def test_memory_has_names():
    one, same, other, nameless = (as_store(url) for url in ("memory://a", "memory://a", "memory://b", "memory://"))
    one.put("f/a", b"1")
    assert same.get("f/a") == b"1"
    assert (other.get("f/a"), nameless.get("f/a"), as_store("memory://").get("f/a")) == (None, None, None)
    assert one.location("f/a") == "memory://a/f/a"
    one.delete("f/a")


async def test_a_url_is_taken_wherever_a_directory_is(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/store.db"
    with recording(url) as recorder:
        assert recorder.store.location() == url
    monkeypatch.setenv("MEMO_STORE", url)
    with recording("elsewhere") as recorder:
        assert recorder.store.location() == url


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("sqlite:///store.db", "sqlite:///{0}/store.db"),
        ("sqlite:////abs/store.db", "sqlite:////abs/store.db"),
        ("redis://localhost", "redis://localhost"),
        ("recordings", "{0}/recordings"),
    ],
)
def test_what_is_configured_is_relative_to_the_file(tmp_path, written, expected):
    (tmp_path / "memo.toml").write_text(f'store = "{written}"')
    assert configured({"MEMO_PROJECT": str(tmp_path)}).store == expected.format(tmp_path)


def test_names_of_entries_can_be_printed():
    assert shown("f.<locals>.g/\ud800 \n'é") == "f.%3Clocals%3E.g/%ED%A0%80%20%0A%27%C3%A9"


def test_stores_of_other_kinds_are_unknown():
    class Half:
        def get(self, name): ...
        def put(self, name, data): ...

    with pytest.raises(InvalidOption, match="py-key-value"):
        as_store(Half())


# Entries


@pytest.mark.parametrize("data", [b"", b"x", b"\n", b"memo/1 zlib 3\nabc", bytes(100_000), bytes(range(256)) * 99])
def test_entries_come_back(data):
    assert unpack(pack(data), "here") == data


def test_a_small_entry_cannot_become_a_large_one():
    bomb = zlib.compress(bytes(50_000_000), 9)
    for stated in (b"10", b"3000"):
        with pytest.raises(RecordingDamaged):
            unpack(b"memo/1 zlib %s\n%s" % (stated, bomb), "here")


@pytest.mark.parametrize("length", [0, 3, 10, 20, -1, -5])
def test_a_cut_entry_is_damaged(length):
    entry = pack(b"all the same " * 1000)
    with pytest.raises(RecordingDamaged):
        unpack(entry[:length], "here")
    with pytest.raises(RecordingDamaged):
        unpack(entry + b"x" if length == 0 else entry[: len(entry) // 2], "here")


def test_memory_creates_in_threads():
    store, first = MemoryStore(), []
    threads = [threading.Thread(target=lambda i=i: first.append(store.create("f/a", b"%d" % i))) for i in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert first.count(None) == 1
