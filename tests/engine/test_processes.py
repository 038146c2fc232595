"""Several processes and one directory: nothing is lost, nothing is torn, and one replays what another recorded."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from memo._recordings.document import parse, render
from memo.stores import DirectoryStore

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")

MODELS = """
from dataclasses import dataclass
from enum import Enum
from pydantic import BaseModel

class Level(Enum):
    HIGH = "high"

class Item(BaseModel):
    name: str
    level: Level

class Special(Item):
    more: int = 0

@dataclass
class Point:
    x: float

class Refused(Exception):
    def __init__(self, code):
        super().__init__(f"code {code}")
        self.code = code
"""

APP = """
import asyncio, sys
import memo
from memo import recordable, recording
from shapes import Item, Level, Point, Special
import shapes

@recordable
async def fetch(n: int) -> Item:
    return Item(name=f"{n} " + "x" * 2000, level=Level.HIGH)

@recordable(name="app.many")
async def many() -> list[Item]:
    return [Item(name="a", level=Level.HIGH), Special(name="b", level=Level.HIGH, more=3)]

@recordable
async def unannotated(n):
    return {"at": Point(1.5), "all": (Level.HIGH, {Level.HIGH}), "n": n}

@recordable
async def stream(n):
    for i in range(n):
        yield Special(name=str(i), level=Level.HIGH, more=i)

@recordable
async def refuse(code):
    raise shapes.Refused(code)
"""


@pytest.fixture
def place(tmp_path) -> Path:
    (tmp_path / "shapes.py").write_text(MODELS)
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def start(place: Path, program: str, *args: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys, asyncio\nfrom app import *\nimport app\n{program}", *map(str, args)],
        cwd=place,
        env={"PYTHONPATH": f"{ROOT}{os.pathsep}{place}", "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def recordings(place: Path) -> Iterator[dict[str, Any]]:
    """Every file of the store, proved to be whole and as memo writes it."""
    store = DirectoryStore(place / "store")
    for name in store.scan():
        data = store.get(name) or b""
        document = parse(data, name)
        assert render(document) == data
        yield document.tree()


RECORD = """
async def main(first, last):
    with recording("store", mode="record"):
        await asyncio.gather(*[fetch(n) for n in range(first, last)])
asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
"""


def test_four_processes_that_record_at_once_lose_nothing(place):
    for process in [start(place, RECORD, i * 40, (i + 1) * 40) for i in range(4)]:
        finish(process)
    assert sorted(each["arguments"]["n"] for each in recordings(place)) == list(range(160))


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
def test_processes_that_record_the_same_calls_leave_one_whole_file_each(place, mode):
    program = RECORD.replace('mode="record"', f'mode="{mode}"')
    for process in [start(place, program, 0, 15) for _ in range(3)]:
        finish(process)
    assert sorted(each["arguments"]["n"] for each in recordings(place)) == list(range(15))
    assert all(len(each["outcomes"]) == 1 for each in recordings(place))


FOREVER = """
async def main():
    print("ready", flush=True)
    while True:
        with recording("store", mode="record"):
            await asyncio.gather(*[fetch(n) for n in range(20)])
asyncio.run(main())
"""


def test_a_recorder_that_is_killed_leaves_whole_files(place):
    pick = random.Random(3)
    for _ in range(6):
        with start(place, FOREVER) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(pick.uniform(0.01, 0.08))
            process.send_signal(signal.SIGKILL)
        assert all(each["function"] == "app.fetch" for each in recordings(place))
    finish(start(place, RECORD, 0, 20))
    assert len(list(recordings(place))) == 20


EVERYTHING = """
async def main(mode):
    with recording("store", mode=mode) as rec:
        got = [await fetch(1), await many(), await unannotated(7), [each async for each in stream(3)]]
        try:
            await refuse(5)
        except Exception as error:
            got.append([type(error), error.code, str(error)])
        print([(type(each), each) for each in got])
        print([type(each) for each in got[1]], got[2]["all"][0] is Level.HIGH)
        print(rec.stats.live, file=sys.stderr)
asyncio.run(main(sys.argv[1]))
"""


def test_a_fresh_process_replays_what_another_recorded(place):
    recorder, replayer = start(place, EVERYTHING, "record"), None
    recorded = finish(recorder)
    replayer = start(place, EVERYTHING, "replay")
    out, err = replayer.communicate(timeout=300)
    assert (out, err.strip()) == (recorded, "0")
    assert "shapes.Special" in out
    assert "shapes.Refused" in out


def test_a_process_that_did_not_import_the_types_learns_what_to_trust(place):
    finish(start(place, EVERYTHING, "record"))
    lines = [
        "from memo import recordable, recording",
        "async def unannotated(n): ...",
        "async def fetch(n) -> 'Item': ...",
    ]
    (place / "app.py").write_text("\n".join(lines).replace("async", "@recordable\nasync"))
    program = "with recording('store'{}):\n    asyncio.run(app.unannotated(7))\nprint('ok')"
    process = start(place, program.format(""))
    _, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "memo.errors.TypeNotImported" in err
    assert "trust=('shapes',)" in err
    assert finish(start(place, program.format(", trust=('shapes',)"))) == "ok\n"


def test_a_key_is_found_whatever_the_hash_seed(place):
    program = """
async def main(mode):
    with recording("store", mode=mode):
        print(sorted((await unannotated({"a", "b", "c", Level.HIGH}))["n"], key=str))
asyncio.run(main(sys.argv[1]))
"""
    outputs = {finish(start(place, program, mode)) for mode in ("record", "replay", "replay")}
    assert len(outputs) == 1


def test_a_file_edited_by_hand_still_replays(place):
    finish(start(place, RECORD, 1, 2))
    [path] = (place / "store").rglob("*.json")
    document = orjson.loads(path.read_bytes())
    document["outcomes"][0]["value"]["value"]["name"] = "edited"
    path.write_bytes(orjson.dumps(document))
    program = "with recording('store'):\n    print(asyncio.run(fetch(1)).name)"
    assert finish(start(place, program)) == "edited\n"
