"""Commands and maintenance over damaged recordings: errors of memo's own or a documented exit code, at once, and nothing lost.

MEMO_FUZZ=1000000 python -m pytest tests/maintenance/test_fuzz.py tries so many mutations, in a process with a limit on memory.
"""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout, suppress
from hashlib import sha256
from io import BytesIO, TextIOWrapper
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import process_time
from types import FrameType
from typing import Any, TypeVar

import mutations
import orjson
import pytest

from memo._calls.digest import entry_name
from memo._recordings.document import parse
from memo.cli import main
from memo.errors import MemoError
from memo.maintenance.changes import apply
from memo.maintenance.copy import copy
from memo.maintenance.entries import entries
from memo.maintenance.masking import mask_secrets
from memo.maintenance.rekey import Rekey, plan_rekey
from memo.maintenance.scan import Detectors, scan
from memo.maintenance.verify import verify
from memo.stores import DirectoryStore, MemoryStore, Store

T = TypeVar("T")
LONG = int(os.environ.get("MEMO_FUZZ", "0"))
SEED = os.environ.get("MEMO_FUZZ_SEED", "1")  # no test sees the variables of memo's own
BATCH, LONG_BATCH = 8, 100
"""Mutations in a store. A step of all that is done with them may take no more time and memory than one of them alone."""
SECONDS, MEGABYTES = 1.0, 256
MEMORY = Path("/dev/shm")
SEEDS = mutations.recordings()
SECRET = "sk-proj-abcdefghijklmnop0123456789"  # the form of a credential, and none
CHANGES: tuple[dict[str, Any], ...] = (
    {"add": {"new": {"a": [1]}}},
    {"drop": ["number", "messages[*].name", "a"]},
    {"rename": {"number": "other", "model": "a"}},
    {"watch": {"number": None, "messages": None, "model": "0" * 16}},
    {"version": 2},
    {"replace": {"number": ("0" * 16, {"__type__": "x"})}, "version": None},
)
OPTIONS: tuple[tuple[str, ...], ...] = (
    ("--drop", "number"),
    ("--rename", "number=other"),
    ("--watch", "number"),
    ("--unwatch", "number"),
    ("--version", "2"),
)


def batch(random: Random, size: int) -> list[bytes]:
    """Return damaged recordings, each of another call, some of them with something like a credential at any place."""
    seeds = [random.choice(SEEDS) for _ in range(size)]
    calls = [seed | {"arguments": {**seed["arguments"], "n": number}} for number, seed in enumerate(seeds)]
    made = [mutations.mutated(mutations.with_key(call), random, SEEDS) for call in calls]
    return [with_secret(data, random) if random.random() < 0.4 else data for data in made]


def with_secret(data: bytes, random: Random) -> bytes:
    """Put the secret at the place of some text, or into it, and give the recording its key again."""
    try:
        tree = orjson.loads(data)
    except orjson.JSONDecodeError:
        return data.replace(b'"x', b'"' + SECRET.encode(), 1)
    places = [place for place in _places(tree) if isinstance(place[0][place[1]], str)]
    if places:
        node, key = random.choice(places)
        node[key] = random.choice((SECRET, f"{node[key]} {SECRET}", f"https://u:{SECRET}@host/"))
    return orjson.dumps(mutations.with_key(tree))


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    pending = [tree]
    while pending:
        node = pending.pop()
        for key, part in list(node.items() if type(node) is dict else enumerate(node) if type(node) is list else ()):
            yield node, key
            if type(part) in (dict, list):
                pending.append(part)


def put(store: Store, data: bytes) -> None:
    """Put a recording where replay looks for it, where it says that."""
    try:
        document = parse(data, "here")
        store.put(entry_name(document.function, document.key), data)
    except MemoError:
        store.put(f"fuzz.damaged/{sha256(data).hexdigest()[:32]}", data)


def contents(store: Store) -> dict[str, bytes | None]:
    return {name: store.get(name) for name in store.scan()}


def outcomes(store: Store) -> list[bytes]:
    """Return the outcomes of all sound recordings, in some order of their own."""
    found = (entry.document for entry in entries(store))
    return sorted(
        orjson.dumps(document.outcomes, option=orjson.OPT_SORT_KEYS) for document in found if document is not None
    )


@contextmanager
def unchanged(store: Store) -> Iterator[None]:
    before = contents(store)
    yield
    assert contents(store) == before


def worked_on(random: Random, store: Store, detectors: Detectors) -> None:
    """Maintain the recordings with the functions of `memo.maintenance`."""
    with unchanged(store):
        within(lambda: verify(store))
        found = within(lambda: scan(store, detectors))
        into = MemoryStore()
        report = within(lambda: copy(store, into))
        assert report.copied + report.present + len(report.different) + len(report.failed) == report.entries
        assert outcomes(into) == outcomes(store)
    with unchanged(store):
        change = Rekey(**random.choice(CHANGES))
        within(lambda: plan_rekey(store, change, only=functions(store)))
    before = len(outcomes(store))
    if found.names:
        entries_before = len(contents(store))
        within(lambda: mask_secrets(store, found.names, detectors))
        assert len(contents(store)) == entries_before
        assert len(outcomes(store)) == before
    rekeyed(store, change)


def rekeyed(store: Store, change: Rekey) -> None:
    """Rekey all that can be, as people do: without what is in the way."""
    while obstacles := plan_rekey(store, change, only=functions(store)).obstacles:
        whole = contents(store)
        with pytest.raises(MemoError):
            apply(store, plan_rekey(store, change, only=functions(store)), change)
        assert contents(store) == whole
        for name in whole:
            if store.location(name) in obstacles:
                store.delete(name)
        assert len(contents(store)) < len(whole)
    before, whole = outcomes(store), contents(store)
    plan = plan_rekey(store, change, only=functions(store))
    within(lambda: apply(store, plan, change))
    assert outcomes(store) == before
    assert (contents(store) == whole) == (plan.changes == [])


def functions(store: Store) -> list[str]:
    return sorted({name.partition("/")[0] for name in store.scan()})


def commanded(random: Random, store: Store, folder: Path) -> None:
    """Maintain the recordings with the commands."""
    names = list(store.scan())
    place, copied = store.location(), str(folder / "copy")
    files = [store.location(name) for name in names]
    before = outcomes(store)
    with unchanged(store):
        for file in files:
            run("show", file, *as_json(random), codes=(0, 1))
        run("show", files[0], "--raw", codes=(0,))
        run("show", names[0].rpartition("/")[2], "--store", place, codes=(0, 1, 2))
        for one, other in zip(files[::2], files[1::2], strict=False):
            run("diff", one, other, *as_json(random), codes=(0, 1, 2))
        run("ls", place, *random.choice(((), ("--errors",), ("--stale", "1d"))), *as_json(random), codes=(0, 1))
        run("verify", place, "--jobs", "1", *as_json(random), codes=(0, 1))
        run("copy", place, copied, *as_json(random), codes=(0, 1))
        run("rekey", place, "--dry-run", *random.choice(OPTIONS), codes=(0, 1))
        assert outcomes(DirectoryStore(copied)) == before
        run("diff", place, copied, codes=(0, 1, 2))
    if before:
        run("rekey", copied, *random.choice(OPTIONS), *as_json(random), codes=(0, 1))
    assert outcomes(DirectoryStore(copied)) == before
    run("scan", place, "--mask", *as_json(random), codes=(0, 1))
    assert len(outcomes(store)) == len(before)
    assert len(list(store.scan())) == len(names)
    if len(names) < LONG_BATCH // 2 or random.random() < 0.2:  # the same search as before masking
        run("scan", place, *as_json(random), codes=(0, 1))


def as_json(random: Random) -> tuple[str, ...]:
    return random.choice(((), ("--json",)))


def run(*arguments: str, codes: tuple[int, ...]) -> None:
    """Run a command in this process; it ends in time, and with one of the codes."""
    path = list(sys.path)
    out, err = TextIOWrapper(BytesIO(), "utf-8"), TextIOWrapper(BytesIO(), "utf-8")
    with redirect_stdout(out), redirect_stderr(err):
        code = within(lambda: main(arguments))
    sys.path[:] = path  # verify adds the working directory
    for stream in (out, err):
        stream.seek(0)
    said = err.read()
    assert code in codes, f"memo {' '.join(arguments)}: {code}: {said}"
    assert "Traceback" not in said


class TookTooLong(BaseException):
    """Nothing that memo catches."""


def within(step: Callable[[], T]) -> T:
    """Take a step that may take a second of this process's own time, however many recordings it is about."""

    def late(number: int, frame: FrameType | None) -> None:
        raise TookTooLong("".join(traceback.format_stack(frame, limit=8)))

    signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        return step()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def maintained(random: Random, datas: list[bytes], detectors: Detectors) -> None:
    """Do all that is done with recordings that lie in one store: with the commands, and with the functions that they call."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name, chdir(name):
        store = DirectoryStore(Path(name, "store"))
        for data in datas:
            put(store, data)
        commanded(random, store, Path(name))
    if len(datas) < LONG_BATCH or random.random() < 0.1:
        memory = MemoryStore()
        for data in datas:
            put(memory, data)
        worked_on(random, memory, detectors)


def tried(number: int, seed: str, detectors: Detectors, size: int = BATCH) -> None:
    """Try the batch of that number, and after a fault each of its recordings: the error names those that do it alone."""
    random = Random(f"{seed}:{number}")
    datas = batch(random, size)
    state = random.getstate()
    try:
        maintained(random, datas, detectors)
    except BaseException as error:
        for data in datas:
            random.setstate(state)
            try:
                maintained(random, [data], detectors)
            except BaseException as alone:
                error.add_note(f"alone: {type(alone).__name__}: {str(alone)[:1500]}\n{data[:3000]!r}")
        raise


@pytest.fixture
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def warmed(detectors: Detectors) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warm(detectors)


@pytest.mark.usefixtures("quiet", "warmed")
@pytest.mark.parametrize("number", range(10))
def test_damaged_recordings_are_maintained(number: int, detectors: Detectors):
    tried(number, "quick", detectors)


FOUND: list[dict[str, Any]] = [
    {"value": {"__type__": {}, "value": SECRET}},
    {"value": [{"__type__": ["list"], "password": SECRET}]},
    {"value": {"__type__": "str", "value": f"{SECRET} \\x"}},
    {"value": {"__type__": "str", "value": f"\\q \u00e9 {SECRET}"}},
    {"value": 1, "stream": 0.5},
    {"value": 1, "stream": [{"items": []}]},
    {"stream": {"items": "set", "end": "complete"}},
    {"stream": {"items": {"a": SECRET}, "end": "complete"}},
    {"stream": {"end": "complete"}},
    {"error": {"__type__": {"__type__": "builtins:ValueError"}, "args": SECRET}},
    {"value": {"embedding": [1e308] * 20}},
    {"stream": {"items": [{"choices": [{"delta": {"tool_calls": 5}}]}], "end": "complete"}},
    {"stream": {"items": [{"candidates": [{"content": {"parts": 5}}]}], "end": "complete"}},
    {"stream": {"items": [{"done": False, "message": {"tool_calls": True}}], "end": "complete"}},
    {"value": 1, "redacted": 0.5},
    {"value": SECRET, "redacted": [5, {"a": 1}, "x"]},
    {"seconds": 0.5, "value": 1},
    {"value": {"__type__": "bytes", "base64": "/w==", "text": [[]]}},
    {"value": [{"__type__": "bytes", "base64": 5}, {"__type__": "bytearray"}, {"__type__": "bytes", "text": None}]},
    {"stream": {"items": [{"__type__": "bytes", "base64": SECRET, "text": 5}] * 2, "end": "complete"}},
    {"value": {"__type__": "bytes", "text": "x", "base64": SECRET}},
]
"""Outcomes that came out as a traceback, or were written as other ones."""


@pytest.mark.usefixtures("quiet", "warmed")
@pytest.mark.parametrize("outcome", FOUND, ids=range(len(FOUND)))
def test_what_was_found_is_maintained(outcome: dict[str, Any], detectors: Detectors):
    tree = mutations.with_key({"memo": 1, "function": "f", "arguments": {"number": 1}, "outcomes": [outcome]})
    datas = [orjson.dumps(tree), orjson.dumps(SEEDS[0])]
    for number in range(len(CHANGES)):
        maintained(Random(number), datas, detectors)


@pytest.mark.skipif(not LONG, reason="MEMO_FUZZ=100000 tries so many mutations")
@pytest.mark.usefixtures("detectors")
def test_many_mutations_take_neither_time_nor_memory():
    paths = [str(Path(mutations.__file__).parent), str(Path(__file__).parent), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    program = f"import test_fuzz; test_fuzz.many({LONG}, {SEED!r})"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]


def warm(detectors: Detectors) -> None:
    """Import all that the commands import, which takes longer than any of them."""
    for seed in SEEDS[::4]:
        with suppress(TookTooLong):
            maintained(Random(0), [orjson.dumps(seed)], detectors)


def many(count: int, seed: str, first: int = 0) -> None:
    """Try that many mutations, in a process that cannot take much more memory than it has now."""
    detectors, bad, done, began = Detectors(), 0, 0, process_time()
    warm(detectors)
    # Neither is memory that is used: the stacks of threads, and what glibc reserves for each of them.
    threading.stack_size(2**20)
    ctypes.CDLL(None).mallopt(-8, 1)  # M_ARENA_MAX
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + MEGABYTES * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    while done < count and bad < 20:
        number = first + done // LONG_BATCH
        try:
            tried(number, seed, detectors, LONG_BATCH)
        except BaseException as error:
            is_slow = isinstance(error, TookTooLong) and not hasattr(error, "__notes__")
            bad += not is_slow  # that so many together take more than a second is the machine's doing
            notes = "\n".join(getattr(error, "__notes__", ["none of them alone"]))
            sys.stdout.write(f"{seed}:{number}: {type(error).__name__}: {str(error)[:1500]}\n{notes}\n")
        done += LONG_BATCH
        if done % 10_000 == 0 or done >= count:
            sys.stdout.write(f"{done} mutations, {bad} faults, {process_time() - began:.0f} s\n")
            sys.stdout.flush()
    if bad:
        raise SystemExit(1)
