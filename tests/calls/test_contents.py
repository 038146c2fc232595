"""Arguments that are files in memory and views of mappings: keyed by their content."""

import io
import warnings
from typing import Any

import pytest
from keyed import key, take

from memo import recordable, recording
from memo.errors import ArgumentsChangedWarning
from memo.stores import MemoryStore


def at(file: Any, position: int) -> Any:
    file.seek(position)
    return file


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (io.BytesIO(b"abc"), io.BytesIO(b"abc")),
        (io.StringIO("abc"), io.StringIO("abc")),
        (at(io.BytesIO(b"abc"), 2), at(io.BytesIO(b"abc"), 2)),
        ({"a": 1}.keys(), {"a": 2}.keys()),
        ({"a": 1}.items(), {"a": 1}.items()),
    ],
)
def test_equal_contents_share_a_key(one: Any, other: Any):
    assert key(take, one) == key(take, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (io.BytesIO(b"abc"), io.BytesIO(b"abd")),
        (io.BytesIO(b"abc"), b"abc"),
        (io.BytesIO(b"abc"), io.StringIO("abc")),
        (io.BytesIO(b"abc"), at(io.BytesIO(b"abc"), 1)),
        (io.StringIO("abc"), "abc"),
        ({"a": 1}.keys(), {"b": 1}.keys()),
        ({"a": 1}.keys(), {"a": "a"}.values()),
    ],
)
def test_other_contents_do_not(one: Any, other: Any):
    assert key(take, one) != key(take, other)


def test_a_file_in_memory_is_replayed_with_a_warning_that_it_was_read():
    store = MemoryStore()

    @recordable
    def upload(file: io.BytesIO) -> bytes:
        return file.read()

    with pytest.warns(ArgumentsChangedWarning, match="file"), recording(store, mode="record"):
        assert upload(io.BytesIO(b"abc")) == b"abc"
    with warnings.catch_warnings(), recording(store, mode="replay"):
        assert upload(io.BytesIO(b"abc")) == b"abc"


def test_a_secret_in_a_file_is_not_written():
    store = MemoryStore()
    secret = "sk-proj-" + "Abc123Def456" * 4

    @recordable
    def upload(file: io.StringIO) -> int:
        return len(file.getvalue())

    with recording(store, mode="record"):
        upload(io.StringIO(f"key: {secret}"))
    (name,) = store.scan()
    data = store.get(name)
    assert data is not None
    assert secret not in data.decode()
