"""The command line: `memo`, also as `python -m memo`.

Exit codes: 0, 1 if something could not be done, 2 (and one line on stderr) if it was asked for wrongly.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from memo.errors import MemoError

if TYPE_CHECKING:
    from memo.importers.llama_stack import Report

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, without the whole usage."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments (by default the process's) name. Its exit code."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        code = run(options)
        sys.stdout.flush()
    except MemoError as error:
        print(f"memo: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read the output has left, as `head` does. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="memo",
        description="Record a real async call once; replay it typed, for ever.",
        epilog="memo COMMAND --help says more about a command.",
    )
    parser.add_argument("--version", action="version", version=f"memo {_version()}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    demo = commands.add_parser(
        "demo",
        help="see a recorded answer come back, offline",
        description="Replays a real recorded answer, typed, then records a slow generator and replays that. Offline.",
    )
    demo.add_argument(
        "--store", metavar="DIR", type=Path, help="record into DIR and keep it (else a temporary directory)"
    )
    demo.set_defaults(run=_demo)

    imports = commands.add_parser(
        "import",
        help="turn the recordings of another tool into memo's",
        description="Turns the recordings of another tool into memo's.",
    )
    tools = imports.add_subparsers(metavar="TOOL", required=True)
    llama_stack = tools.add_parser(
        "llama-stack",
        help="recordings of llama-stack (now ogx)",
        description="Imports recordings of llama-stack (now ogx): every object is built as its SDK builds it, and proved "
        "to come back the same. What can not be carried over is named, and the exit code is 1. Importing again changes "
        "nothing; recordings that are in DEST already are kept.",
    )
    llama_stack.add_argument(
        "source", metavar="SOURCE", type=Path, help="a recording, or a directory (searched recursively)"
    )
    llama_stack.add_argument("dest", metavar="DEST", help="the directory of memo's recordings")
    llama_stack.add_argument("--json", action="store_true", help="print the counts, and what failed, as JSON")
    llama_stack.set_defaults(run=_import_llama_stack)

    runs = commands.add_parser(
        "run",
        help="run a Python program with the patches installed",
        usage="memo run [--mode MODE] [--store DIR] [--patch NAME ...] -- COMMAND ...",
        description="Runs any Python program (a script, a console command, python -m ...) and its child processes with "
        "what [tool.memo] or memo.toml configures, and no change to its code. Signals and the exit code are its own.",
        epilog="Exit codes: the command's own; 2 for a wrong configuration, 126 and 127 for a command that can not be run.",
    )
    runs.add_argument("--mode", help="live, record, replay or record-if-missing, for the whole process")
    runs.add_argument("--store", metavar="DIR", help="where the recordings lie")
    runs.add_argument(
        "--patch",
        metavar="NAME",
        action="append",
        default=[],
        help="a preset (openai, ollama, ...) or package.module:Class.method; as often as needed",
    )
    runs.add_argument("command", metavar="COMMAND", nargs=argparse.REMAINDER, help="the program and its arguments")
    runs.set_defaults(run=_launch)
    return parser


def _version() -> str:
    try:
        return version("memo-recorder")
    except PackageNotFoundError:  # run from its source, without an installation
        return "(not installed)"


# Each command imports what it needs by itself: `memo --help` is quick.


def _demo(options: argparse.Namespace) -> int:
    from memo.demo import run

    return run(options.store)


def _launch(options: argparse.Namespace) -> int:
    from memo.patches._launch import launch

    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        print("memo run: the command is missing (see memo run --help)", file=sys.stderr)
        return 2
    try:
        return launch(command, patches=options.patch, mode=options.mode, store=options.store)
    except FileNotFoundError as error:
        print(f"memo run: command not found: {error}", file=sys.stderr)
        return 127
    except OSError as error:
        print(f"memo run: {command[0]} can not be run: {error.strerror}", file=sys.stderr)
        return 126


def _import_llama_stack(options: argparse.Namespace) -> int:
    from memo.importers.llama_stack import import_recordings

    progress = _Progress()
    try:
        report = import_recordings(options.source, options.dest, progress)
    finally:
        progress.clear()
    if options.json:
        print(json.dumps(report.counts(), indent=2))
    else:
        _tell(report, options.dest)
    return 1 if report.failed else 0


def _tell(report: Report, dest: str) -> None:
    print(f"imported {report.imported:,} of {report.files:,} files into {dest}: {report.recordings:,} recordings")
    print(f"{report.objects:,} objects, {report.exact:,} of them in the exact form")
    for name, files in report.not_installed.items():
        print(f"not installed, written under its name and not proved: {name}, in {len(files):,} files")
    for file in report.masked:
        print(f"masked a secret in the outcome of {file}")
    if report.failed:
        print(f"could not import {len(report.failed):,} files:")
    for file, reason in report.failed.items():
        print(f"  {file}: {reason}")


class _Progress:
    """A line on stderr that counts, where stderr is a terminal."""

    def __init__(self) -> None:
        self._shown = 0.0
        self._terminal = sys.stderr.isatty()

    def __call__(self, done: int, files: int) -> None:
        now = time.monotonic()
        if self._terminal and now - self._shown > 0.1:
            self._shown = now
            print(f"\r{done:,} of {files:,} files", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
