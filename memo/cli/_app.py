"""The table of all commands and their names.

A command is a function in its own module: its signature defines the options, its docstring is the help, and it returns
the exit code. It imports slow modules only when it is called, so `memo --help` and `memo run` start fast.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from memo.cli.copy import copy, push
from memo.cli.demo import demo
from memo.cli.diff import diff
from memo.cli.imports import cassetter, llama_stack, vcr
from memo.cli.ls import ls
from memo.cli.mv import mv
from memo.cli.pending import accept, pending, reject
from memo.cli.prune import prune
from memo.cli.rekey import rekey
from memo.cli.review import review
from memo.cli.run import run
from memo.cli.scan import scan
from memo.cli.schema import schema
from memo.cli.show import show
from memo.cli.verify import verify

__all__ = ["app", "command"]


class _Command(TyperCommand):
    """A command whose help shows flags and arguments without a type: `--json`, not `--json <bool>`."""

    def get_params(self, ctx: Any) -> Any:
        return _without_types(super().get_params(ctx))


class _Group(TyperGroup):
    """A group of commands with the same help."""

    def get_params(self, ctx: Any) -> Any:
        return _without_types(super().get_params(ctx))


def _without_types(params: Any) -> Any:
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
        elif param.param_type_name == "argument":
            param.display_type_rich = _no_type
    return params


def _no_type(ctx: Any) -> str:
    return ""


@cache
def command(*, framed: bool) -> Any:
    """Return the command line, built once in a process, which takes 30 ms."""
    return typer.main.get_command(app(framed=framed))


def app(*, framed: bool = False) -> typer.Typer:
    """Return the table of commands: the help is framed, for a terminal, or plain."""
    memo = _group("Record a real async call once; replay it typed, forever.", framed=framed, add_completion=True)
    memo.callback(epilog="memo COMMAND --help describes a command.")(_memo)
    memo.command("ls", cls=_Command)(ls)
    memo.command("show", cls=_Command)(show)
    memo.command("diff", cls=_Command)(diff)
    memo.command("verify", cls=_Command)(verify)
    memo.command("prune", cls=_Command)(prune)
    memo.command("rekey", cls=_Command)(rekey)
    memo.command("mv", cls=_Command)(mv)
    memo.command("scan", cls=_Command)(scan)
    memo.command("pending", cls=_Command)(pending)
    memo.command("review", cls=_Command)(review)
    memo.command("accept", cls=_Command)(accept)
    memo.command("reject", cls=_Command)(reject)
    memo.command("copy", cls=_Command)(copy)
    memo.command("push", cls=_Command)(push)
    imports = _group("Import the recordings of another tool.", framed=framed)
    imports.callback(subcommand_metavar="TOOL ...")(_imports)
    imports.command("llama-stack", cls=_Command)(llama_stack)
    imports.command("vcr", cls=_Command)(vcr)
    imports.command("cassetter", cls=_Command)(cassetter)
    memo.add_typer(imports, name="import")
    memo.command(
        "run",
        cls=_Command,
        options_metavar="[OPTIONS] --",
        context_settings={"allow_interspersed_args": False},
        epilog="Exit codes: the command's own; 2 for an invalid configuration, 126 and 127 for a command that cannot be run.",
    )(run)
    memo.command("schema", cls=_Command)(schema)
    memo.command("demo", cls=_Command)(demo)
    return memo


def _group(help_: str, *, framed: bool, add_completion: bool = False) -> typer.Typer:
    return typer.Typer(
        cls=_Group,
        help=help_,
        add_completion=add_completion,  # two more options, on the command itself
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown" if framed else None,
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
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Record a real async call once; replay it typed, forever."""


def _imports() -> None:
    """Import the recordings of another tool."""
