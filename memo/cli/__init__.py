"""The command line: `memo`, or `python -m memo`. It needs the extra `cli`: `pip install 'memo-recorder[cli]'`.

Exit codes: 0; 1 if a command found something, or could not do all of it; 2 (and a line on stderr) for a usage error or a
store that cannot be opened; 130 after an interrupt. `memo run` exits with the code of its command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from io import TextIOWrapper
from typing import TYPE_CHECKING

from memo._installation import mixture
from memo.errors import MemoError, MissingExtra

if TYPE_CHECKING:
    from typer import TyperException

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name (by default, those of the process); return the exit code."""
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:
        return 130


def _run(arguments: list[str]) -> int:
    wrong = mixture()
    if wrong:
        _say(f"memo: {wrong}")
        return 2
    if not all(find_spec(name) for name in ("typer", "rich")):
        _say(f"memo: {MissingExtra('the command line', 'cli')}")
        return 2
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # the terminal's encoding may lack characters
    from typer import TyperException

    from memo.cli._app import command

    try:
        code = command(framed=sys.stdout.isatty())(arguments, prog_name="memo", standalone_mode=False)
        sys.stdout.flush()
    except TyperException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "memo"
        message = " ".join(_message(error).split()).removesuffix(".")
        _say(f"{path}: {message[:1].lower()}{message[1:]} (see {path} --help)")
        return 2
    except MemoError as error:
        _say(f"memo: {error}")
        return 2
    except BrokenPipeError:
        # The reader has left, as `head` does. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # not a store's: the output has no space, or the working directory is gone
        _say(f"memo: {error}")
        return 2
    except SystemExit as error:  # from rich, when the reader of the output has left
        return error.code if isinstance(error.code, int) else 1
    return code if isinstance(code, int) else 0


def _message(error: TyperException) -> str:
    """Return what the error says, without `Invalid value:` in front of a sentence that names no option."""
    from typer import BadParameter

    is_sentence = type(error) is BadParameter and error.param is None and error.param_hint is None
    return error.message if is_sentence else error.format_message()


def _say(line: str) -> None:
    from memo.cli._text import printable

    print(printable(line), file=sys.stderr)
