"""Tasks that are killed: `python killed.py` reads `task url folder kill` lines, and does each task in a child that it forks.

The kill is the number of the system call or store operation at which the child kills itself, having written half of what it
was to write; or `seconds=` after which it is killed wherever it is; or `none`. The answer is the exit status and the number of calls.
"""

import gc
import os
import signal
import sys
import tempfile
import time
from contextlib import nullcontext, redirect_stdout
from datetime import timedelta
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

import orjson
from rekeying import put

from memo import recordable, recording
from memo._recordings.document import parse
from memo.cli import main as memo
from memo.cli import review as reviewing
from memo.importers.llama_stack import import_recordings
from memo.maintenance.changes import apply
from memo.maintenance.copy import copy, push
from memo.maintenance.masking import mask_secrets
from memo.maintenance.pending import accept, all_pending, put_aside, reject, settle
from memo.maintenance.prune import older_than, plan_prune, prune
from memo.maintenance.rekey import Rekey, plan_rekey
from memo.maintenance.scan import scan
from memo.stores import MemoryStore, as_store

NUMBERS = range(6)
SECRET = "sk-proj-abcdefghijklmnop0123456789"  # the form of a credential, and none
CHANGE = {"drop": ["trace"], "watch": {"y": "1" * 16}}


class OwnRules:
    """Finds what memo's own rules find, without kingfisher: its threads would not survive a fork."""

    def find(self, data: bytes) -> dict[str, str]:
        return {}


OWN: Any = OwnRules()


def answer(number: int) -> dict[str, Any]:
    return {"number": number, "text": "x" * 3000 * (number % 3)}


def made(task: str, url: str, folder: Path) -> None:
    """Make what the task works on."""
    store, source = as_store(url), as_store(str(folder / "source"))
    for number in NUMBERS:
        value = answer(number)
        match task:
            case "rekey":
                put(store, "f", {"x": number, "trace": "a"}, value)
                put(store, "g", {"x": number}, value, watched={"y": "0" * 16})
            case "prune":
                put(store, "f", {"x": number}, value)  # made on a day of 2026
            case "mask":
                put(store, "f", {"x": f"{number} {SECRET}"}, value)
                put(store, "g", {"x": number}, {**value, "key": SECRET})
            case "copy" | "push":
                put(source, "f", {"x": number}, value)
            case "aside":
                put(store, "f", {"x": number}, value)
            case "accept" | "review" | "reject":
                name = put(store, "f", {"x": number}, value)
                after = parse(store.get(name) or b"", name)._replace(outcomes=[{"value": renewed(number)}])
                put_aside(store, after, "")


def done(task: str, url: str, folder: Path) -> None:
    """Do the task; each call that is answered is a line of the file `answered`."""
    store, source = as_store(url), as_store(str(folder / "source"))
    match task:
        case "record":
            recorded(url, folder)
        case "rekey":
            change = Rekey(**CHANGE)
            apply(store, plan_rekey(store, change), change)
        case "prune":
            prune(store, plan_prune(store, older_than(timedelta(0))))
        case "mask":
            mask_secrets(store, scan(store, OWN).names, OWN)
        case "copy":
            copy(source, store)
        case "push":
            push(source, store)
        case "import":
            import_recordings(folder / "old", store)
        case "aside":
            recorded_aside(url)
        case "accept" | "reject":
            settle(store)
            for each in all_pending(store):
                (accept if task == "accept" else reject)(store, each)
        case "review":
            reviewed(url)


def reviewed(url: str) -> None:
    keys = iter(["a", "m", "A"] * len(NUMBERS))
    reviewing.is_interactive = lambda: True
    reviewing.key_presses = lambda: nullcontext(keys.__next__)
    with redirect_stdout(StringIO()):  # which says how the task ended
        assert memo(["review", url]) == 0


def renewed(number: int) -> dict[str, Any]:
    return {"number": number, "text": "y" * 3000 * (number % 3), "new": True}


def recorded_aside(url: str) -> None:
    @recordable(name="f")
    def ask(x: int) -> dict[str, Any]:
        return renewed(x)

    with recording(url, mode="record", pending=True):
        for number in NUMBERS:
            ask(number)


def recorded(url: str, folder: Path) -> None:
    @recordable(name="f")
    def ask(x: int) -> dict[str, Any]:
        return {**answer(x), "process": os.getpid()}

    log = os.open(folder / "answered", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with recording(url, mode="record-if-missing"):
        for number in NUMBERS:
            line = orjson.dumps(ask(number)) + b"\n"
            UNCOUNTED(log, line)


UNCOUNTED = os.write
CALLS = ("open", "write", "fsync", "replace", "link", "unlink", "rmdir", "mkdir")
OPERATIONS = ("get", "put", "create", "swap", "delete", "discard", "claim", "finish", "release")


def kill_at(kill: str, store: type) -> Any:
    """Count the calls from now on, and kill this process at the one of that number. Returns what gives their number."""
    counter, last = count(), -1 if kill.startswith(("none", "seconds")) else int(kill)

    def counted(name: str, function: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            if next(counter) == last:
                if name == "write":
                    function(args[0], memoryview(args[1])[: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **options)

        return call

    for name in CALLS:
        setattr(os, name, counted(name, getattr(os, name)))
    for name in OPERATIONS:
        if hasattr(store, name):
            setattr(store, name, counted("", getattr(store, name)))
    return lambda: next(counter)


def child(task: str, url: str, folder: Path, kill: str, report: int) -> None:
    os.environ["TMPDIR"] = str(folder / "tmp")
    try:
        number = kill_at(kill, type(as_store(url)))
        done(task, url, folder)
        UNCOUNTED(report, b"%d" % number())
        os._exit(0)
    except BaseException as error:
        UNCOUNTED(report, repr(error).encode())
        os._exit(1)


def warm() -> None:
    """Do each task once: what it imports and compiles is there in every child, which then takes a third of the time."""
    for task in ("record", "rekey", "prune", "mask", "copy", "push", "aside", "accept", "reject", "review"):
        with tempfile.TemporaryDirectory() as folder:
            made(task, f"{folder}/store", Path(folder))
            done(task, f"{folder}/store", Path(folder))
    gc.freeze()  # a collection would copy every page that the children share


def main() -> None:
    warm()
    for line in sys.stdin:
        task, url, place, kill = line.split()
        if task == "import":  # the SDK's types are built here, and not in every child
            import_recordings(Path(place) / "old", MemoryStore())
        reading, writing = os.pipe()
        if (process := os.fork()) == 0:
            child(task, url, Path(place), kill, writing)
        os.close(writing)
        if kill.startswith("seconds="):
            time.sleep(float(kill.removeprefix("seconds=")))  # an instant like any other
            os.kill(process, signal.SIGKILL)
        said = b""
        while piece := os.read(reading, 1000):
            said += piece
        os.close(reading)
        _, status = os.waitpid(process, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)} {said.decode()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
