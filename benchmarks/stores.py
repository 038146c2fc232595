"""Very many recordings: one SQLite file against a directory of files.

Run as a module it is a process that reads for the first time: `python -m benchmarks.stores STORE NAME` prints the seconds.
"""

import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks._harness import Row, race_processes
from benchmarks._samples import ANSWER, MESSAGES
from memo._calls.digest import call_key, entry_name
from memo._json import canonical_json
from memo._recordings.document import Document, render
from memo.stores import Creates, Store, as_store
from memo.stores._entry import pack

THREADS = 8


def rows(*, quick: bool) -> Iterator[Row]:
    many, written, rounds = (10_000, 500, 7) if quick else (100_000, 2_000, 15)
    with tempfile.TemporaryDirectory() as directory:
        files, file = str(Path(directory, "files")), f"sqlite:///{directory}/store.db"
        name, data = recording(0)
        print(f"{len(data):,} bytes each; fills two stores with {many:,} …", file=sys.stderr)
        with sqlite3.connect(made(file)) as connection:
            each = ((entry.encode(), pack(data, least=512)) for entry, data in map(recording, range(written, many)))
            connection.executemany("INSERT INTO entries VALUES (?, ?)", each)
        connection.close()
        for entry, data in map(recording, range(written, many)):
            Path(files, f"{entry}.json").parent.mkdir(parents=True, exist_ok=True)
            Path(files, f"{entry}.json").write_bytes(data)
        one = f"stores: one of {many:,}"
        both = [write(as_store(url), written, threads=1) for url in (file, files)]
        yield Row(f"{one} written, flushed, sqlite (floor: files)", *both, 2.5)
        both = [write(as_store(url), written, threads=THREADS, again=True) for url in (file, files)]
        yield Row(f"{one} written by {THREADS} threads (floor: files)", *both, 2.5)
        yield Row("stores: size of each, sqlite (floor: files)", size(file) / many, size(files) / many, 1.0, unit="B")
        subject = f"{one} read by a new process, sqlite (floor: files; its modules counted)"
        yield race_processes(subject, 0.015, child(file, name), child(files, name), rounds=rounds, added=True)
        yield read(f"{one} read again, sqlite (floor: files)", as_store(file), as_store(files), many)


def recording(number: int) -> tuple[str, bytes]:
    """A recording of an answer, and its name."""
    arguments = {"messages": [*MESSAGES, {"role": "user", "content": str(number)}], "model": "some-model"}
    key = call_key("benchmarks.ask", canonical_json(arguments))
    document = {
        "memo": 1,
        "function": "benchmarks.ask",
        "key": key,
        "arguments": arguments,
        "recorded_at": "2026-11-23T09:30:00Z",
        "outcomes": [{"value": {"__type__": "benchmarks._samples:Answer", "value": ANSWER.model_dump()}, "seconds": 1}],
    }
    return entry_name("benchmarks.ask", key), render(Document.from_tree(document))


def made(url: str) -> str:
    """The file of an empty store."""
    store = as_store(url)
    store.put("x/x", b"")
    store.delete("x/x")
    return url.removeprefix("sqlite:///")


def write(store: Store, count: int, *, threads: int, again: bool = False) -> float:
    """Seconds for each of so many."""
    assert isinstance(store, Creates)
    entries = [recording(number) for number in range(count)]
    if again:
        for name, _ in entries:
            store.delete(name)
    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        list(pool.map(store.create, *zip(*entries, strict=True)))
        return (time.perf_counter() - start) / count


def size(url: str) -> float:
    """Bytes on disk."""
    if url.startswith("sqlite:"):
        path = url.removeprefix("sqlite:///")
        return sum(os.stat(each).st_blocks * 512 for each in (path, f"{path}-wal") if os.path.exists(each))  # noqa: PTH110, PTH116
    return sum(path.stat().st_blocks * 512 for path in Path(url).rglob("*"))


def read(subject: str, one: Store, other: Store, many: int) -> Row:
    names = [recording(number)[0] for number in range(0, many, max(1, many // 500))]

    def timed(store: Store) -> float:
        start = time.perf_counter()
        for name in names:
            store.get(name)
        return (time.perf_counter() - start) / len(names)

    best, best_other = (min(times) for times in zip(*[(timed(one), timed(other)) for _ in range(20)], strict=True))
    return Row(subject, best, best_other, 5.0)


def child(url: str, name: str) -> list[str]:
    return ["-m", "benchmarks.stores", url, name]


def first(url: str, name: str) -> float:
    """The seconds from a URL to the bytes."""
    start = time.perf_counter()
    assert as_store(url).get(name)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(first(*sys.argv[1:]))
