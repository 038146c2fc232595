"""The commands, each with its name: the whole of the command line, as one table.

A command is a function in a module of its own, whose signature is its options and whose docstring is its help. It
returns the exit code. What takes time to import, it imports when it is called: `memo --help` and `memo run` are quick.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from memo.cli.copy import copy, push
from memo.cli.demo import demo
from memo.cli.diff import diff
from memo.cli.imports import cassetter, llama_stack, vcr
from memo.cli.ls import ls
from memo.cli.mv import mv
from memo.cli.prune import prune
from memo.cli.rekey import rekey
from memo.cli.run import run
from memo.cli.scan import scan
from memo.cli.show import show
from memo.cli.verify import verify

__all__ = ["app"]


def app() -> typer.Typer:
    """The command line, as it is shown where standard output goes: help is framed on a terminal, and plain else."""
    memo = _group("Record a real async call once; replay it typed, for ever.")
    memo.callback(epilog="memo COMMAND --help says more about a command.")(_memo)
    memo.command("ls")(ls)
    memo.command("show")(show)
    memo.command("diff")(diff)
    memo.command("verify")(verify)
    memo.command("prune")(prune)
    memo.command("rekey")(rekey)
    memo.command("mv")(mv)
    memo.command("scan")(scan)
    memo.command("copy")(copy)
    memo.command("push")(push)
    imports = _group("Turn the recordings of another tool into memo's.")
    imports.callback(subcommand_metavar="TOOL ...")(_imports)
    imports.command("llama-stack")(llama_stack)
    imports.command("vcr")(vcr)
    imports.command("cassetter")(cassetter)
    memo.add_typer(imports, name="import")
    memo.command(
        "run",
        options_metavar="[OPTIONS] --",
        context_settings={"allow_interspersed_args": False},
        epilog="Exit codes: the command's own; 2 for a wrong configuration, 126 and 127 for a command that can not be run.",
    )(run)
    memo.command("demo")(demo)
    return memo


def _group(help_: str) -> typer.Typer:
    return typer.Typer(
        help=help_,
        add_completion=False,  # four options more in every help, for something that is set up once
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown" if sys.stdout.isatty() else None,
        subcommand_metavar="COMMAND ...",
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _show_version(wanted: bool) -> None:
    if wanted:
        try:
            shown = version("memo-recorder")
        except PackageNotFoundError:  # run from its source, without an installation
            shown = "(not installed)"
        print(f"memo {shown}")
        raise typer.Exit


def _memo(
    *,
    version: Annotated[  # noqa: A002, RUF100
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version, and exit.")
    ] = False,
) -> None:
    """Record a real async call once; replay it typed, for ever."""


def _imports() -> None:
    """Turn the recordings of another tool into memo's."""
