"""Commands and maintenance over damaged recordings: errors of memo's own or a documented exit code, at once, and nothing lost.

MEMO_FUZZ=1000000 python -m pytest tests/maintenance/test_fuzz.py tries so many mutations, in a process with a limit on memory.
"""

import os
import resource
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from hashlib import sha256
from io import BytesIO, TextIOWrapper
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

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

LONG = int(os.environ.get("MEMO_FUZZ", "0"))
SEED = os.environ.get("MEMO_FUZZ_SEED", "1")  # no test sees the variables of memo's own
BATCH, EVERY = 8, 40
"""Mutations in a store, and the share of stores that the commands see too: a command is slower than what it calls."""
SECONDS, MEGABYTES = 1.0, 256
QUICK = "quick"
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
    ("--version", "2"),
)


def batch(random: Random) -> list[bytes]:
    """Return damaged recordings, some of them with something like a credential at any place."""
    made = [mutations.mutated(random.choice(SEEDS), random, SEEDS) for _ in range(BATCH)]
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
    return sorted(orjson.dumps(document.outcomes) for document in found if document is not None)


@contextmanager
def unchanged(store: Store) -> Iterator[None]:
    before = contents(store)
    yield
    assert contents(store) == before


def worked_on(random: Random, datas: list[bytes], detectors: Detectors) -> None:
    """Maintain the recordings with the functions of `memo.maintenance`."""
    store = MemoryStore()
    for data in datas:
        put(store, data)
    with unchanged(store):
        verify(store)
        found = scan(store, detectors)
        into = MemoryStore()
        report = copy(store, into)
        assert report.copied + report.present + len(report.different) + len(report.failed) == report.entries
        assert outcomes(into) == outcomes(store)
    sound = MemoryStore()
    for entry in entries(store):
        if entry.document is not None:
            sound.put(entry.name, store.get(entry.name))
    before, whole = outcomes(sound), contents(sound)
    change = Rekey(**random.choice(CHANGES))
    only = sorted({name.partition("/")[0] for name in whole})
    with unchanged(store):
        plan_rekey(store, change, only=sorted({name.partition("/")[0] for name in store.scan()}))
    if only:
        plan = plan_rekey(sound, change, only=only)
        if not plan.obstacles:
            apply(sound, plan, change)
        assert outcomes(sound) == before
        assert (contents(sound) == whole) == (plan.changes == [] or plan.obstacles != {})
    if found.names:
        entries_before = len(contents(store))
        mask_secrets(store, found.names, detectors)
        assert len(contents(store)) == entries_before
        assert len(outcomes(store)) == len(before)


def commanded(random: Random, datas: list[bytes], folder: Path, seconds: float = SECONDS) -> None:
    """Maintain the recordings with the commands, each in so much time at most."""
    run = partial(command, seconds)
    store = DirectoryStore(folder / "store")
    for data in datas:
        put(store, data)
    names = list(store.scan())
    place, files = store.location(), [store.location(name) for name in names]
    before = outcomes(store)
    with unchanged(store):
        for file in files:
            run("show", file, codes=(0, 1))
        run("show", files[0], "--json", codes=(0, 1))
        run("show", files[0], "--raw", codes=(0,))
        run("show", names[0].rpartition("/")[2], "--store", place, codes=(0, 1, 2))
        for file in files[1:]:
            run("diff", files[0], file, *random.choice(((), ("--json",))), codes=(0, 1, 2))
        run("ls", place, codes=(0, 1))
        run(
            "ls", place, *random.choice((("--errors",), ("--stale", "1d"), ("--function", "*"))), "--json", codes=(0, 1)
        )
        run("verify", place, "--jobs", "1", *random.choice(((), ("--json",))), codes=(0, 1))
        run("scan", place, *random.choice(((), ("--json",))), codes=(0, 1))
        run("copy", place, str(folder / "copy"), *random.choice(((), ("--json",))), codes=(0, 1))
        run("rekey", place, "--dry-run", *random.choice(OPTIONS), codes=(0, 1))
        assert outcomes(DirectoryStore(folder / "copy")) == before
        run("diff", place, str(folder / "copy"), codes=(0, 1, 2))
    run("rekey", place, *random.choice(OPTIONS), *random.choice(((), ("--json",))), codes=(0, 1))
    assert outcomes(store) == before
    run("scan", place, "--mask", *random.choice(((), ("--json",))), codes=(0, 1))
    assert len(outcomes(store)) == len(before)
    assert len(list(store.scan())) == len(names)


def command(seconds: float, *arguments: str, codes: tuple[int, ...]) -> None:
    """Run a command in this process; it ends in time, and with one of the codes."""
    path, began = list(sys.path), process_time()
    out, err = TextIOWrapper(BytesIO(), "utf-8"), TextIOWrapper(BytesIO(), "utf-8")
    with redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    took = process_time() - began
    sys.path[:] = path  # verify adds the working directory
    for stream in (out, err):
        stream.seek(0)
    said = err.read()
    assert code in codes, f"memo {' '.join(arguments)}: {code}: {said}"
    assert "Traceback" not in said
    assert took < seconds, f"memo {' '.join(arguments)} took {took:.1f} s"


def warm() -> None:
    """Import all that the commands import, which takes longer than any of them."""
    with TemporaryDirectory() as folder, chdir(folder):
        commanded(Random(0), [orjson.dumps(seed) for seed in SEEDS[:BATCH]], Path(folder), seconds=60)


def tried(number: int, seed: str, detectors: Detectors) -> None:
    """Try the batch of that number."""
    random = Random(f"{seed}:{number}")
    datas = batch(random)
    began = process_time()
    worked_on(random, datas, detectors)
    assert process_time() - began < SECONDS, f"took {process_time() - began:.1f} s"
    if number % EVERY == 0 or seed == QUICK:
        with TemporaryDirectory() as folder, chdir(folder):
            commanded(random, datas, Path(folder))


@pytest.fixture
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def warmed(detectors: Detectors) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warm()


@pytest.mark.usefixtures("quiet", "warmed", "detectors")
@pytest.mark.parametrize("number", range(6))
def test_damaged_recordings_are_maintained(number: int, detectors: Detectors):
    tried(number, QUICK, detectors)


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
]
"""Outcomes that came out as a traceback, or were written as other ones."""


@pytest.mark.usefixtures("quiet", "warmed")
@pytest.mark.parametrize("outcome", FOUND, ids=range(len(FOUND)))
def test_what_was_found_is_maintained(outcome: dict[str, Any], detectors: Detectors, tmp_path: Path):
    tree = mutations.with_key({"memo": 1, "function": "f", "arguments": {"number": 1}, "outcomes": [outcome]})
    for number in range(len(CHANGES)):
        worked_on(Random(number), [orjson.dumps(tree)], detectors)
    commanded(Random(0), [orjson.dumps(tree), orjson.dumps(SEEDS[0])], tmp_path)


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


def many(count: int, seed: str, until: Callable[[], bool] = lambda: False) -> None:
    """Try that many mutations, in a process that cannot take much more memory than it has now."""
    detectors, bad, done, slowest = Detectors(), 0, 0, 0.0
    warm()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + MEGABYTES * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    while done * BATCH < count and bad < 20 and not until():
        began = process_time()
        try:
            tried(done, seed, detectors)
        except BaseException as error:
            bad += 1
            sys.stdout.write(f"{seed}:{done}: {type(error).__name__}: {str(error)[:1500]}\n")
            sys.stdout.flush()
        slowest = max(slowest, process_time() - began)
        done += 1
    sys.stdout.write(f"{done * BATCH} mutations, {bad} faults, the slowest {BATCH} took {slowest:.3f} s\n")
    if bad:
        raise SystemExit(1)
