"""Stores that can compare and swap: what several writers add to one entry is all there in the end."""

import os
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from memo.errors import EntryVanished
from memo.stores import Swaps, as_store

ROOT = Path(__file__).parent.parent.parent


def append(store: Swaps, name: str, line: bytes) -> None:
    kept = store.get(name)
    while (found := store.swap(name, kept, (kept or b"") + line)) is not None:
        kept = found


APPENDER = """
import sys
from memo.stores import as_store
store, mine, lines = as_store(sys.argv[1]), sys.argv[2], int(sys.argv[3])
store.get("f/a")
print("ready", flush=True)
sys.stdin.readline()
for i in range(lines):
    kept = store.get("f/a")
    line = f"{mine} {i}\\n".encode()
    while (found := store.swap("f/a", kept, (kept or b"") + line)) is not None:
        kept = found
    print(i, flush=True)
"""


def appenders(url: str, number: int, lines: int) -> list[subprocess.Popen[bytes]]:
    """Processes that add lines to one entry, all at once."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", APPENDER, url, str(i), str(lines)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for i in range(number)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"ready\n"
    for process in started:
        process.stdin.write(b"go\n")
        process.stdin.flush()
    return started


def test_what_was_expected_is_replaced(swaps):
    swaps.put("f/a", b"1")
    assert swaps.swap("f/a", b"1", b"2") is None
    assert swaps.get("f/a") == b"2"


def test_what_was_not_expected_stays_and_is_returned(swaps):
    swaps.put("f/a", b"1")
    assert swaps.swap("f/a", b"0", b"2") == b"1"
    assert swaps.swap("f/a", b"", b"2") == b"1"
    assert swaps.get("f/a") == b"1"


def test_nothing_is_expected_of_a_new_entry(swaps):
    assert swaps.swap("f/a", None, b"1") is None
    assert swaps.swap("f/a", None, b"2") == b"1"
    assert swaps.get("f/a") == b"1"


def test_empty_bytes_are_an_entry(swaps):
    assert swaps.swap("f/a", None, b"") is None
    assert swaps.swap("f/a", None, b"1") == b""
    assert swaps.swap("f/a", b"", b"1") is None
    assert swaps.get("f/a") == b"1"


def test_what_was_deleted_does_not_come_back(swaps):
    with pytest.raises(EntryVanished, match="deleted"):
        swaps.swap("f/a", b"1", b"2")
    swaps.put("f/a", b"1")
    swaps.delete("f/a")
    with pytest.raises(EntryVanished, match="deleted"):
        swaps.swap("f/a", b"1", b"2")
    assert swaps.get("f/a") is None
    assert list(swaps.scan()) == []


@pytest.mark.parametrize("name", ["f/../../x", "f/" + "x" * 5000, "\ud800/é", "<locals>/a b", "CON/nul.txt"])
def test_hostile_names(swaps, name):
    assert swaps.swap(name, None, b"1") is None
    assert swaps.swap(name, b"1", b"2") is None
    assert swaps.swap(name, b"1", b"3") == b"2"
    assert len(list(swaps.scan())) == 1


def test_large_entries(swaps):
    large = random.Random(1).randbytes(300_000)
    swaps.put("f/a", large)
    assert swaps.swap("f/a", large[:-1], b"2") == large
    assert swaps.swap("f/a", large, large + b"x") is None
    assert swaps.get("f/a") == large + b"x"


def test_many_threads_add_to_one_entry(swaps):
    def add(thread: int) -> None:
        for i in range(8):
            append(swaps, "f/a", b"%d %d\n" % (thread, i))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(6)))
    lines = swaps.get("f/a").splitlines()
    assert sorted(lines) == sorted(b"%d %d" % (thread, i) for thread in range(6) for i in range(8))
    assert list(swaps.scan()) == ["f/a"]


def test_a_delete_is_not_undone(swaps):
    """Whichever of the two is first: after both, there is no entry."""
    for i in range(20):
        name = f"f/{i}"
        swaps.put(name, b"1")
        together = threading.Barrier(2)

        def swap(name: str = name, together: threading.Barrier = together) -> None:
            together.wait(10)
            try:
                swaps.swap(name, b"1", b"2")
            except EntryVanished:
                pass

        swapper = threading.Thread(target=swap)
        swapper.start()
        together.wait(10)
        assert swaps.delete(name) is True
        swapper.join()
        assert swaps.get(name) is None


def test_many_processes_add_to_one_entry(swapped):
    for process in appenders(swapped, 4, 12):
        process.communicate(timeout=300)
        assert process.returncode == 0
    lines = as_store(swapped).get("f/a").splitlines()
    assert sorted(lines) == sorted(b"%d %d" % (process, i) for process in range(4) for i in range(12))


def test_a_killed_process_blocks_no_other(swapped):
    """Nothing is lost of what it was answered for, either."""
    store = as_store(swapped)
    pick = random.Random(3)
    for _ in range(3):
        store.delete("f/a")
        killed, other = appenders(swapped, 2, 1_000_000)
        for _ in range(pick.randrange(2, 8)):
            killed.stdout.readline()
        killed.kill()
        answered = killed.communicate(timeout=300)[0].count(b"\n")
        for _ in range(3):
            other.stdout.readline()
        other.kill()
        other.communicate(timeout=300)
        append(store, "f/a", b"2 0\n")
        lines = store.get("f/a").splitlines()
        assert lines[-1] == b"2 0"
        for process in (b"0", b"1"):
            numbers = [int(line.split()[1]) for line in lines if line.startswith(process)]
            assert numbers == list(range(len(numbers)))
        assert sum(line.startswith(b"0") for line in lines) >= answered
    assert list(store.scan()) == ["f/a"]
