"""`memo run -- COMMAND`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

__all__ = ["run"]


def run(
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="COMMAND", help="The program and its arguments.", show_default=False),
    ] = None,
    *,
    mode: Annotated[
        str | None,
        typer.Option(
            metavar="MODE", help="The mode of the whole process: live, record, replay, record-if-missing or verify."
        ),
    ] = None,
    store: Annotated[str | None, typer.Option(metavar="STORE", help="The store of the recordings.")] = None,
    patch: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A preset (openai, ollama, ...) or package.module:Class.method. Can be given several times.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Run a Python program with the patches installed.

    Runs any Python program (a script, a console command, python -m ...) and its child processes as [tool.memo] or memo.toml
    configures it, without a change to its code. Signals and the exit code are the program's own.
    """
    from memo.patches.launch import launch

    if not command:
        print("memo run: the command is missing (see memo run --help)", file=sys.stderr)
        return 2
    try:
        return launch(command, patches=patch or [], mode=mode, store=store)
    except FileNotFoundError as error:
        print(f"memo run: command not found: {error}", file=sys.stderr)
        return 127
    except OSError as error:
        print(f"memo run: {command[0]} cannot be run: {error.strerror}", file=sys.stderr)
        return 126
