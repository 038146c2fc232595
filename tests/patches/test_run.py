"""`memo run -- COMMAND`: programs as they are, recorded and replayed from outside, as real processes."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX")

TOOLS = """
import os

calls = os.path.join(os.path.dirname(__file__), "calls.txt")

class Tool:
    async def run(self, x, trace=None):
        with open(calls, "a") as file:
            file.write(f"{x}\\n")
        return {"x": x, "when": os.times().elapsed}

def search(x):
    with open(calls, "a") as file:
        file.write(f"{x}\\n")
    return [x]

def make():
    return object()
"""

APP = """
import sys
import run_tools
print(run_tools.search(*sys.argv[1:]))
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "run_tools.py").write_text(TOOLS)
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def memo(project, *arguments, code=0, folder=None, **environ):
    done = subprocess.run(
        [sys.executable, "-m", "memo", "run", *map(str, arguments)],
        cwd=folder or project,
        env={**os.environ, **{name: str(value) for name, value in environ.items()}},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def calls(project):
    path = project / "calls.txt"
    return path.read_text().split() if path.exists() else []


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


RECORD = ("--mode", "record", "--patch", "run_tools:search")
REPLAY = ("--mode", "replay", "--patch", "run_tools:search")


@pytest.mark.parametrize(
    "command",
    [["app.py", "a"], ["./app.py", "a"], [sys.executable, "app.py", "a"], [sys.executable, "-m", "app", "a"]],
    ids=["script", "path", "python", "module"],
)
def test_recorded_then_replayed(project, command):
    assert memo(project, *RECORD, "--", *command).stdout == "['a']\n"
    assert [each.parent.name for each in (project / "recordings").rglob("*.json")] == ["run_tools.search"]
    done = memo(project, *REPLAY, "--", *command)
    assert (done.stdout, done.stderr) == ("['a']\n", "")
    assert calls(project) == ["a"]


@pytest.mark.parametrize("store", [[], ["--store", "my tapes"]])
def test_the_command_of_a_miss_records(project, monkeypatch, store):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # the program inherits it, and would name this test
    typed = ["--patch", "run_tools:search", *store]
    write(project / "asks.py", "import run_tools\nprint(run_tools.search('x'))\n")
    path = {"PATH": f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"}
    missed = memo(project, "--mode", "replay", *typed, "--", "python", "asks.py", code=1, **path)
    (command,) = re.findall(r"to record: memo run (.*)", missed.stderr)
    assert shlex.split(command) == ["--mode", "record-if-missing", *typed, "--", "python", "asks.py"]
    memo(project, *shlex.split(command), **path)
    assert memo(project, "--mode", "replay", *typed, "--", "python", "asks.py", **path).stdout == "['x']\n"
    assert calls(project) == ["x"]


def test_without_the_dashes_and_with_options_of_its_own(project):
    assert memo(project, *RECORD, sys.executable, "-c", "import sys; print(sys.argv)", "--mode", "--", "x").stdout == (
        "['-c', '--mode', '--', 'x']\n"
    )
    assert memo(project, *RECORD, "--", sys.executable, "-c", "import sys; print(sys.argv)", "--", "x").stdout == (
        "['-c', '--', 'x']\n"
    )


def test_a_console_command(project):
    """A console script has its own shebang Python."""
    script = write(project / "bin" / "greet", f"#!{sys.executable}\nimport run_tools\nprint(run_tools.search('c'))\n")
    script.chmod(0o755)
    environ = {"PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": project}
    for options in (RECORD, REPLAY):
        assert memo(project, *options, "--", "greet", **environ).stdout == "['c']\n"
    assert calls(project) == ["c"]


def test_configured_in_a_file(project):
    write(project / "pyproject.toml", '[tool.memo]\nmode = "once"\nstore = "kept"\npatches = ["run_tools:search"]\n')
    for _ in range(2):
        memo(project, "--", "app.py", "a")
    assert calls(project) == ["a"]
    assert (project / "kept" / "run_tools.search").is_dir()
    memo(project, "--mode", "record", "--store", "other", "--", "app.py", "a")
    assert calls(project) == ["a", "a"]
    assert (project / "other" / "run_tools.search").is_dir()


def test_decorated_functions_alone(project):
    write(project / "own.py", "import memo\n@memo.recordable\ndef f(x):\n    return x\nprint(f(1))\n")
    memo(project, "--mode", "record", "--", "own.py")
    assert len(list((project / "recordings").rglob("*.json"))) == 1


CHILDREN = """
import multiprocessing, os, subprocess, sys
import run_tools

def work(x):
    return run_tools.search(x)

if __name__ == "__main__":
    inner = "import sys; sys.path.insert(0, sys.argv[1]); import run_tools; print(run_tools.search('child'))"
    os.makedirs("elsewhere", exist_ok=True)
    done = subprocess.run([sys.executable, "-c", inner, os.getcwd()], cwd="elsewhere", stdout=subprocess.PIPE, text=True)
    print(done.stdout.strip(), flush=True)
    for method in ("spawn", "fork"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(sorted(pool.map(work, [method])), flush=True)
"""


def test_child_processes_inherit_it(project):
    write(project / "children.py", CHILDREN)
    write(project / "memo.toml", 'store = "kept"\ntargets = { "run_tools:search" = { name = "search" } }\n')
    for mode in ("record", "replay"):
        out = memo(project, "--mode", mode, "--", "children.py").stdout.splitlines()
        assert out == ["['child']", "[['spawn']]", "[['fork']]"]
    assert sorted(calls(project)) == ["child", "fork", "spawn"]
    assert not (project / "elsewhere" / "kept").exists()


def test_the_store_of_a_child_in_another_directory(project):
    write(project / "children.py", CHILDREN)
    memo(project, *RECORD, "--", "children.py")
    assert not list((project / "elsewhere").iterdir())
    assert len(list((project / "recordings").rglob("*.json"))) == 3
    memo(project, *RECORD, "--", "children.py", MEMO_STORE="relative")
    assert not list((project / "elsewhere").iterdir())
    assert len(list((project / "relative").rglob("*.json"))) == 3


def test_exit_codes_pass(project):
    assert memo(project, *RECORD, "--", sys.executable, "-c", "raise SystemExit(7)", code=7).stderr == ""
    failed = memo(project, *RECORD, "--", sys.executable, "-c", "1 / 0", code=1)
    assert failed.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert "memo" not in failed.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_pass(project, number):
    write(
        project / "wait.py",
        """
        import signal, sys, time
        def leave(number, frame):
            print("got", number, flush=True)
            sys.exit(40 + number)
        signal.signal(signal.SIGTERM, leave)
        signal.signal(signal.SIGINT, leave)
        print("ready", flush=True)
        time.sleep(30)
        """,
    )
    with subprocess.Popen(
        [sys.executable, "-m", "memo", "run", *RECORD, "--", "wait.py"], cwd=project, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.read() == f"got {int(number)}\n"
        assert process.wait(10) == 40 + number


def test_input_and_output_pass(project):
    done = subprocess.run(
        [sys.executable, "-m", "memo", "run", *RECORD, "--", "cat"],
        cwd=project,
        input=b"\x00\xff",
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"\x00\xff"


# The user's own start-up


def test_a_sitecustomize_and_pythonpath_of_the_users(project):
    own = write(project / "own" / "sitecustomize.py", "import sys\nsys.users_own = __file__\n").parent
    write(project / "more" / "extra.py", "x = 3\n")
    program = "import sys, os, extra, sitecustomize; print(sys.users_own, extra.x, sitecustomize.__file__, sys.path)"
    done = memo(
        project,
        *RECORD,
        "--",
        sys.executable,
        "-c",
        program,
        PYTHONPATH=os.pathsep.join([str(own), str(project / "more")]),
    )
    first, three, second, path = done.stdout.split(maxsplit=3)
    assert (first, three, second) == (str(own / "sitecustomize.py"), "3", str(own / "sitecustomize.py"))
    assert "_autoload" not in path


def test_a_sitecustomize_that_fails_is_pythons_to_report(project):
    own = write(project / "own" / "sitecustomize.py", "raise RuntimeError('mine')\n").parent
    done = memo(project, *RECORD, "--", "app.py", "a", PYTHONPATH=own)
    assert done.stdout == "['a']\n"
    assert "RuntimeError: mine" in done.stderr


def test_one_inside_another(project):
    """`memo run` in a program that `memo run` started."""
    done = memo(
        project, *RECORD, "--", sys.executable, "-m", "memo", "run", "--patch", "run_tools:make", "--", "app.py", "a"
    )
    assert done.stdout == "['a']\n"
    assert calls(project) == ["a"]
    assert len(list((project / "recordings").rglob("*.json"))) == 1


# Asked for wrongly


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--mode", "reply"], "mode='reply'"),
        (["--patch", "opneai"], "did you mean 'openai'"),
        (["--patch", "run_tools"], "package.module:Class.method"),
        (["--patch", "run_tolos:search"], "Did you mean run_tools"),
        (["--patch", "run_tools.x:search"], "there is no module run_tools.x"),
        ([], "--patch NAME"),
    ],
)
def test_a_wrong_configuration_stops_before_the_program(project, arguments, says):
    done = memo(project, *arguments, "--", "app.py", "a", code=2)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("memo: ")
    assert says in done.stderr
    assert calls(project) == []


@pytest.mark.parametrize(
    ("text", "says"), [('mdoe = "x"', "option='mdoe'"), ("mode = [", "memo.toml"), ("timings = 3", "true or false")]
)
def test_a_wrong_file_stops_before_the_program(project, text, says):
    write(project / "memo.toml", text)
    done = memo(project, "--patch", "run_tools:search", "--", "app.py", "a", code=2)
    assert done.stderr.count("\n") == 1
    assert str(project / "memo.toml") in done.stderr
    assert says in done.stderr
    assert calls(project) == []


def test_a_wrong_environment_stops_a_child(project):
    """Where no `memo run` has looked before: the program does not start, and nothing is called live."""
    from memo.patches.launch import environment

    environ = {**environment({**os.environ, "MEMO_PATCHES": "opneai"}), "MEMO_PROJECT": str(project)}
    done = subprocess.run(
        [sys.executable, "-c", "print('started')"], env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("memo run: MEMO_PATCHES: preset='opneai'")
    assert done.stderr.count("\n") == 1


def test_a_python_without_memo_runs_and_says_so(project):
    bare = project / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    done = memo(project, *RECORD, "--", bare / "bin" / "python", "app.py", "a", PYTHONPATH="")
    assert done.stdout == "['a']\n"
    assert done.stderr.startswith("memo run: nothing is recorded in ")
    assert not (project / "recordings").exists()


@pytest.mark.parametrize("command", ["no-such-command", "./no-such-command", "./app", "/"])
def test_a_command_that_is_not_there(project, command):
    (project / "app").write_text("not executable")
    done = memo(project, *RECORD, "--", command, code=127)
    assert (done.stdout, done.stderr) == ("", f"memo run: command not found: {command}\n")


def test_a_command_that_cannot_be_run(project):
    broken = project / "broken"
    broken.write_bytes(b"\x00\x01\x02\x03")
    broken.chmod(0o755)
    done = memo(project, *RECORD, "--", broken, code=126)
    assert done.stderr == f"memo run: {broken} cannot be run: Exec format error\n"


@pytest.mark.parametrize("arguments", [[], ["--"], ["--mode", "record"], ["--mode", "record", "--"]])
def test_no_command(project, arguments):
    done = memo(project, *arguments, code=2)
    assert done.stderr == "memo run: the command is missing (see memo run --help)\n"


def test_help(project):
    done = memo(project, "--help")
    assert done.stdout.startswith("Usage: memo run [OPTIONS] -- [COMMAND]...")


def test_a_method_that_is_not_there_is_logged_where_it_is_imported(project):
    done = memo(project, *RECORD, "--patch", "run_tools:Tool.rnu", "--", "app.py", "a")
    assert done.stdout == "['a']\n"
    assert done.stderr == ("run_tools:Tool.rnu cannot be patched: Tool has no rnu. Did you mean run_tools:Tool.run?\n")


def test_what_could_not_be_recorded_is_reported_at_the_end(project):
    write(project / "unrecordable.py", "import run_tools\nrun_tools.make()\nprint('end')\n")
    done = memo(project, "--mode", "record", "--patch", "run_tools:make", "--", "unrecordable.py")
    assert done.stdout == "end\n"
    assert "memo: 1 call could not be recorded:\n  run_tools.make: " in done.stderr


# A server

SERVER = """
import asyncio, json, sys, threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import run_tools

tool = run_tools.Tool()
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
pool = ThreadPoolExecutor(4)

async def several(n):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(tool.run(i)) for i in range(n)]
        tasks.append(group.create_task(asyncio.to_thread(run_tools.search, "thread")))
    return [task.result() for task in tasks]

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/stop":
            answer = "stopped"
        elif self.path == "/async":
            answer = asyncio.run_coroutine_threadsafe(several(3), loop).result(10)
        elif self.path == "/own-loop":
            answer = asyncio.run(tool.run("own"))
        else:
            answer = pool.submit(run_tools.search, self.path).result(10)
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        if self.path == "/stop":
            threading.Thread(target=server.shutdown).start()

    def log_message(self, *args):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


def serve(project, mode):
    """What a server answers, asked by eight threads at once."""
    import urllib.request
    from concurrent.futures import ThreadPoolExecutor

    options = ["--mode", mode, "--patch", "run_tools:Tool.run", "--patch", "run_tools:search"]
    with subprocess.Popen(
        [sys.executable, "-m", "memo", "run", *options, "--", "server.py"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        port = int(process.stdout.readline())

        def get(path):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
                return json.loads(answer.read())

        paths = ["/async", "/own-loop", "/a", "/b"] * 4
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(get, paths))
        assert get("/stop") == "stopped"
        assert process.wait(20) == 0
        assert process.stderr.read() == ""
    return answers


def test_a_server_with_threads_and_event_loops(project):
    write(project / "server.py", SERVER)
    write(project / "memo.toml", "draws = false")
    recorded = serve(project, "record-if-missing")
    assert sorted(calls(project)) == ["/a", "/b", "0", "1", "2", "own", "thread"], "one live call for each"
    started = time.monotonic()
    assert serve(project, "replay") == recorded
    assert time.monotonic() - started < 30
    assert len(calls(project)) == 7


def test_replay_never_calls(project):
    done = memo(project, *REPLAY, "--", "app.py", "a", code=1)
    assert "RecordingNotFound" in done.stderr
    assert calls(project) == []
    assert not (Path(project) / "recordings").exists()
