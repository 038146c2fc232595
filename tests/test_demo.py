"""`memo demo`, as a real process: what it shows, with the network out of reach."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OFFLINE = """
import socket, sys

def refuse(*_, **__):
    raise AssertionError("the demo reached for the network")

socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
"""
MAIN = """
from memo.__main__ import main
sys.exit(main({arguments!r}))
"""
HIDDEN = """
import importlib.abc, importlib.util

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("openai", "httpx2"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
find, importlib.util.find_spec = importlib.util.find_spec, lambda name, *more: None if name == "openai" else find(name, *more)
"""


def demo(*arguments, prelude="", **options):
    program = OFFLINE + prelude + MAIN.format(arguments=["demo", *map(str, arguments)])
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300, **options
    )


def steady(shown):
    """What is shown, without the numbers and the temporary names, which are others each time."""
    return re.sub(r"memo-demo-\w+|[ \d]+\.\d ms|\"seconds\": [\d.]+|\d{4}-\d\d-\d\dT[\d:]+Z", "#", shown)


def test_it_shows_the_answer_the_types_and_the_times(tmp_path):
    pytest.importorskip("openai")
    done = demo()
    assert (done.returncode, done.stderr) == (0, "")
    assert "Saturn is well-known for its prominent and complex ring system." in done.stdout
    assert "33 objects of the type ChatCompletionChunk" in done.stdout
    assert "\x1b" not in done.stdout
    live = float(re.search(r"live: +([\d.]+) ms", done.stdout)[1])
    replayed = float(re.search(r"replayed: +([\d.]+) ms, the same objects", done.stdout)[1])
    assert live > 250
    assert replayed < live
    file = re.search(r"the file: (\S+)", done.stdout)[1]
    assert not Path(file).exists()  # it was temporary
    assert steady(demo().stdout) == steady(done.stdout)


def test_it_keeps_what_it_recorded_where_the_option_says(tmp_path):
    store = tmp_path / "kept"
    for _ in range(2):
        done = demo("--store", store)
        assert done.returncode == 0
    (file,) = store.glob("*/*.json")
    assert str(file) in done.stdout
    document = json.loads(file.read_bytes())
    assert document["function"] == "memo.demo.WeatherTool.invoke_tool"
    assert len(document["outcomes"][0]["stream"]["items"]) == 5
    assert '"celsius":20.5' in done.stdout


def test_variables_of_the_environment_do_not_change_it(tmp_path):
    pytest.importorskip("openai")
    done = demo(env={**os.environ, "MEMO_MODE": "live", "MEMO_STORE": str(tmp_path / "elsewhere")})
    assert done.returncode == 0
    assert not (tmp_path / "elsewhere").exists()


def test_without_openai_it_says_what_installs_it():
    done = demo(prelude=HIDDEN)
    assert done.returncode == 1
    assert "pip install 'memo-recorder[openai]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert "the same objects" in done.stdout


def on_a_terminal(**variables):
    terminal = pytest.importorskip("terminal", exc_type=ImportError)
    program = OFFLINE + MAIN.format(arguments=["demo"])
    shown, code = terminal.on_terminal([sys.executable, "-c", program], cwd=ROOT, environ=variables)
    assert code == 0
    return shown


def test_a_little_colour_on_a_terminal_only():
    pytest.importorskip("openai")
    assert "\x1b[1m" in on_a_terminal()
    assert "\x1b" not in on_a_terminal(NO_COLOR="1")
