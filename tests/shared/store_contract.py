"""What the tests of several capabilities of stores use: names that are hard to keep, and processes that work at once."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

HOSTILE = [
    "../../x",
    "..",
    ".",
    "/etc/passwd",
    "//x",
    "C:\\x",
    "\\\\server\\share",
    "a\0b",
    "",
    " ",
    "a ",
    "a.",
    ".hidden",
    "-rf",
    "~",
    "x" * 5000,
    "x" * 5001,
    "é",
    "e\u0301",
    "日本語",
    "\u202ex",
    "\ud800",
    "a\nb",
    "CON",
    "con",
    "nul.txt",
    "con.x",
    "COM1",
    "lpt9.json",
    "a/b",
    "a/../b",
    "a_b",
    "a b",
    "a:b",
    "a?b",
    "a*b",
    "<locals>",
    "f.<locals>.g",
    "x.json",
    "x.tmp",
    ".x.json",
]


def processes(program: str, *arguments: list[object]) -> list[subprocess.Popen[str]]:
    """Python processes that run the same program, each with its own arguments, all at once."""
    return [
        subprocess.Popen(
            [sys.executable, "-c", program, *map(str, each)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for each in arguments
    ]


def outputs(started: list[subprocess.Popen[str]]) -> list[list[str]]:
    """What they print, when all are ready and told to go."""
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate(timeout=300)[0].splitlines() for process in started]
    assert [process.returncode for process in started] == [0] * len(started)
    return printed
