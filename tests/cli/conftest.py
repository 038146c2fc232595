"""Stores to look at, and `memo` as a user types it."""

import json
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from memo._calls.digest import KEY_CHARACTERS, call_key
from memo._json import canonical_json
from memo._recordings.document import Document, render
from memo.cli import main

REAL = Path(__file__).parent.parent.parent / "recordings"


class Done:
    """What a command said, and its exit code."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def memo(capsys, monkeypatch, tmp_path):
    """Runs a command in an empty directory: `memo("ls", store)`."""
    (tmp_path / "work").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / "work")
    path = list(sys.path)

    def run(*arguments, code=0):
        found = main([str(each) for each in arguments])
        done = Done(found, *capsys.readouterr())
        sys.path[:] = path
        assert done.code == code, done.out + done.err
        assert "\x1b" not in done.out + done.err
        return done

    return run


@pytest.fixture
def real(tmp_path):
    """A copy of the recordings that lie in the project."""
    return shutil.copytree(REAL, tmp_path / "real")


@pytest.fixture
def write(tmp_path):
    """Writes a recording into `tmp_path / "store"` (or another), whatever it holds: its file."""

    def written(function, *outcomes, store="store", recorded_at="2026-01-02T03:04:05Z", **arguments):
        key = call_key(function, canonical_json(arguments))
        document = {"memo": 1, "function": function, "key": key, "arguments": arguments, "recorded_at": recorded_at}
        file = tmp_path / store / function / f"{key[:KEY_CHARACTERS]}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(render(Document.from_tree({**document, "outcomes": list(outcomes) or [{"value": 1}]})))
        return file

    return written


@pytest.fixture
def damaged(tmp_path, write):
    """A store with one sound recording and everything that may lie beside it: (store, {file name: what is said})."""
    sound = write("app.f", x=0)
    folder, text = sound.parent, sound.read_bytes()
    outside = tmp_path / "outside.json"
    outside.write_bytes(text)

    def name(letter):
        return folder / (letter * KEY_CHARACTERS + ".json")

    name("0").write_bytes(text[: len(text) // 2])
    name("1").mkdir()
    with name("2").open("wb") as file:
        file.truncate(200_000_000)
    name("3").symlink_to(outside)
    name("4").symlink_to("nowhere")
    name("5").symlink_to(name("5").name)
    os.mkfifo(name("6"))
    name("7").write_bytes(b"")
    name("8").write_bytes(b"[1, 2]")
    name("9").write_bytes(text.replace(b'"memo": 1', b'"memo": 9'))
    name("a").write_bytes(text.replace(b'"x":0', b'"x":1'))
    odd = folder / "odd \x1b[31mred\n\udcff.json"
    odd.write_bytes(text)
    says = {
        "0": "not valid JSON",
        "1": "a directory",
        "2": "too large",
        "3": "leads out of the store",
        "4": "leads nowhere",
        "5": "leads nowhere",
        "6": "not a file",
        "7": "is empty",
        "8": "not a memo recording",
        "9": "format version 9",
        "a": "not the key of its arguments",
    }
    return tmp_path / "store", {name(letter).name: said for letter, said in says.items()} | {
        r"odd \x1b[31mred\n\udcff.json": "no replay finds it"
    }


@pytest.fixture
def unprivileged():
    """A directory for a store, and what is run as somebody who may not read everything, as root may."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)

        @contextmanager
        def somebody():
            if os.geteuid() != 0:
                yield
                return
            os.seteuid(65534)
            try:
                yield
            finally:
                os.seteuid(0)

        with somebody():
            readable = os.access(sys.prefix, os.R_OK | os.X_OK, effective_ids=True)
        if not readable:
            pytest.skip("only root may read this Python's packages")
        yield Path(folder), somebody


@pytest.fixture
def on_a_terminal():
    """Runs a command where its output is a terminal of that width: what it shows, and its exit code."""
    terminal = pytest.importorskip("terminal", exc_type=ImportError)  # Windows has none of this kind

    def run(columns, *arguments):
        return terminal.on_terminal([sys.executable, "-m", "memo", *map(str, arguments)], columns=columns)

    return run
