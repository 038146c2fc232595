"""The command line, as real processes: help, version, and wrong input in one line."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SLOW = {
    "anthropic",
    "google.genai",
    "httpx",
    "httpx2",
    "mcp",
    "memo.patches",
    "ollama",
    "openai",
    "rich",
}


def memo(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "memo", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, **options
    )


def memos(*commands):
    """Several commands in one process: what each returned, and what it printed. (A process of its own takes 0.7 s.)"""
    program = """
import contextlib, io, json, sys
from memo.__main__ import main

done = []
for command in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = main(command)
    done.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(done))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(commands)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return zip(commands, json.loads(done.stdout), strict=True)


def test_help():
    names = "ls show diff verify prune rekey scan copy push run demo import".split()
    imports = (["import", name] for name in ("llama-stack", "vcr", "cassetter"))
    for command, (code, out, err) in memos(
        *([*name, "--help"] for name in ([], *([name] for name in names), *imports))
    ):
        assert (code, err) == (0, ""), command
        assert out.startswith(f"Usage: memo {' '.join(command[:-1])}".rstrip())
        assert "%" not in out


def test_help_of_a_process():
    done = memo("ls", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: memo ls")


def test_help_names_every_command():
    shown = memo("--help").stdout
    for module in (ROOT / "memo" / "cli").glob("[a-z]*.py"):
        assert f"\n  {module.stem.removesuffix('s') if module.stem == 'imports' else module.stem} " in shown


def test_help_imports_nothing_slow():
    program = f"""
import sys
from memo.__main__ import main
main(["--help"])
print("imported:", sorted({SLOW!r} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported: []"


@pytest.mark.parametrize("missing", [["typer"], ["rich"], ["typer", "rich"]])
def test_without_the_extra_it_says_what_installs_it(missing):
    program = f"""
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name in {missing!r} else find(name, *more)
from memo.__main__ import main
sys.exit(main(["ls"]))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "memo: the command line needs an extra that is not installed: cli\n  pip install 'memo-recorder[cli]'\n"
    )


def test_no_space_for_the_output():
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    with full.open("w") as output:
        done = subprocess.run(
            [sys.executable, "-m", "memo", "ls", "recordings"],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("memo: ")
    assert "Traceback" not in done.stderr


def test_version():
    done = memo("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"memo {version('memo-recorder')}")


def test_wrong_input_is_reported_in_one_line():
    said = [
        ([], "missing command"),
        (["nonsense"], "'nonsense'"),
        (["--nonsense"], "--nonsense"),
        (["demo", "--nonsense"], "--nonsense"),
        (["demo", "--store"], "--store"),
        (["show"], "KEY|FILE"),
        (["diff", "a"], "'B'"),
        (["ls", "--stale", "soon", "recordings"], "--stale: invalid duration 'soon'"),
        (["verify", "--jobs", "0", "recordings"], "--jobs"),
        (["ls", "a", "b"], "b"),
        (["import"], "missing command"),
        (["import", "postcards"], "'postcards'"),
        (["import", "llama-stack"], "SOURCE"),
        (["import", "llama-stack", "a"], "DEST"),
        (["import", "llama-stack", "/does/not/exist", "b"], "/does/not/exist"),
        (["import", "llama-stack", "tests/test_cli.py/x", "b"], "tests/test_cli.py/x"),
    ]
    for (arguments, (code, out, err)), (_, says) in zip(
        memos(*(arguments for arguments, _ in said)), said, strict=True
    ):
        assert (code, out) == (2, ""), arguments
        assert len(err.splitlines()) == 1, err
        assert err.startswith("memo"), err
        assert says in err


def test_wrong_input_of_a_process():
    done = memo("show")
    assert (done.returncode, done.stdout) == (2, "")
    assert "KEY|FILE" in done.stderr


def test_a_place_that_cannot_be_written(tmp_path):
    source, dest = tmp_path / "old", tmp_path / "a-file"
    source.mkdir()
    dest.write_text("in the way")
    (source / "a.json").write_text(
        '{"request": {"provider": "p", "tool_name": "t", "kwargs": {}}, "response": {"body": 1, "is_streaming": false}}'
    )
    done = memo("import", "llama-stack", str(source), str(dest))
    assert (done.returncode, done.stdout) == (2, "")
    problem, fix = done.stderr.splitlines()
    assert str(dest) in problem
    assert fix == "  to record elsewhere: MEMO_STORE=DIRECTORY"
    assert dest.read_text() == "in the way"


def test_a_reader_that_leaves_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "memo", "demo"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    _, complaint = process.communicate(timeout=300)
    assert complaint == b""
    assert process.returncode == 1
