"""The output of commands: for people on a terminal, plain and stable in a pipe, and as JSON.

All output passes through `print_line`, `print_table` or `print_json`, so that nothing in a recording or a file's name can
control the terminal. Color, frames and wrapping are for terminals; in a pipe a line is a line.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path
from shutil import get_terminal_size
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Self
from urllib.parse import unquote

import typer

from memo.cli._text import count, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from memo._recordings.differences import Difference
    from memo.maintenance.entries import Entry
    from memo.stores import Store

__all__ = [
    "AllowEmpty",
    "Json",
    "Progress",
    "StoreArgument",
    "open_store",
    "place",
    "print_empty",
    "print_error",
    "print_heading",
    "print_json",
    "print_line",
    "print_table",
]

StoreArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="STORE",
        help="A directory (searched for stores, as pytest writes them) or a store's URL. By default $MEMO_STORE, the store in "
        "[tool.memo], or the project's directories named recordings.",
        show_default=False,
    ),
]
"""The STORE of a command, to be opened with `open_store`."""

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
"""The option `--json` of a command."""

AllowEmpty = Annotated[bool, typer.Option("--allow-empty", help="Accept a store without any recording.")]
"""The option `--allow-empty` of a check."""


def open_store(named: str | None = None) -> Store:
    """Open the existing store that a command is about: a directory may hold many stores, one for each test.

    By default the store that `MEMO_STORE`, `[tool.memo]` or memo.toml names; if none does, the directories named `recordings`
    in the project. Raises `StoreNotReadable` for a directory or a database file that does not exist, `InvalidOption` for what
    names no store.
    """
    from memo.errors import StoreNotReadable
    from memo.maintenance.trees import open_directory
    from memo.stores import DirectoryStore, JsonLinesStore, as_store

    store = as_store(_default_store() if named is None else named)
    location = store.location()
    if isinstance(store, DirectoryStore):
        if Path(location).is_dir():
            return open_directory(location)
        what = "is not a directory" if Path(location).exists() else "does not exist"
    elif isinstance(store, JsonLinesStore):
        if Path(location).is_file():
            return store
        what = "is a directory" if Path(location).exists() else "does not exist"
    elif location.startswith(_SQLITE) and not Path(unquote(location.removeprefix(_SQLITE))).exists():
        what = "does not exist"
    else:
        return store
    hint = "" if named is not None else "to name another store: the argument STORE, or MEMO_STORE in the environment"
    raise StoreNotReadable(location, what, hint)


def _default_store() -> str:
    """Return the store of the project: if it has several directories named `recordings`, the directory with all of them."""
    from memo._configuration import configured
    from memo.maintenance.trees import recordings_below

    store = configured(os.environ).store
    folder = Path(store).parent
    if os.environ.get("MEMO_STORE") or store != str(folder / "recordings"):
        return store
    if not any((folder / name).exists() for name in _PROJECT_FILES):
        return store  # perhaps a home directory, which takes long to search
    found = recordings_below(folder)
    return str(found[0]) if len(found) == 1 else str(folder) if found else store


_PROJECT_FILES = ("pyproject.toml", "memo.toml", "pytest.ini", "setup.cfg", "tox.ini", "conftest.py", ".git")
_SQLITE = "sqlite:///"


def place(store: Store, name: str) -> str:
    """Return the path of an entry, relative to the working directory if that is shorter."""
    from memo.maintenance.entries import display_path

    return near(display_path(store, name))


def near(location: str) -> str:
    """Return a location, relative to the working directory if that is shorter."""
    if Path(location).is_absolute():
        location = min(os.path.relpath(location), location, key=len)
    return location.replace("\n", "\\n")


def print_reasons(what: str, reasons: Mapping[str, str]) -> None:
    """Print places and what is wrong with each to standard error, some of them by name. Print nothing where there are none."""
    if reasons:
        print_error(f"{what}:")
    for location, reason in islice(reasons.items(), _SHOWN):
        print_error(f"  {near(location)}: {reason}")
    if len(reasons) > _SHOWN:
        print_error(f"  and {len(reasons) - _SHOWN:,} more (--json names them all)")


def print_empty(store: Store) -> None:
    """Complain that a check found no recording at all, which a wrong path causes more often than an empty store."""
    print_error(
        f"there are no recordings in {store.location()}: is it the store that is meant? (--allow-empty accepts this)"
    )


def print_damaged(store: Store, damaged: Sequence[Entry]) -> None:
    """Print the damaged recordings of a store on standard error."""
    from memo.maintenance.entries import display_path

    print_reasons(
        count(len(damaged), "damaged recording"), {display_path(store, entry.name): entry.reason for entry in damaged}
    )


_SHOWN = 20


def print_line(text: str = "", style: str = "") -> None:
    """Print a line (or several) on standard output. A terminal wraps at words; `style` is one of rich's."""
    if sys.stdout.isatty():
        from rich.text import Text

        _console().print(Text(printable(text), style), soft_wrap=True)
    else:
        print(printable(text))


def print_heading(text: str) -> None:
    """Print a line that stands out on a terminal."""
    print_line(text, "bold")


def print_cropped(text: str) -> None:
    """Print a line; a terminal shows only what fits."""
    if sys.stdout.isatty():
        from rich.text import Text

        _console().print(Text(printable(text)), no_wrap=True, overflow="ellipsis")
    else:
        print(printable(text))


def print_error(text: str) -> None:
    """Print a line on standard error."""
    print(printable(text), file=sys.stderr)


def print_json(tree: Any) -> None:
    """Print JSON as ASCII, which controls no terminal and can hold the name of any file."""
    print(json.dumps(tree, indent=2, default=datetime.isoformat))


_STYLES = {"path": "bold", "same": "", "before": "red", "after": "green", "note": "dim"}


def print_differences(found: list[Difference], limit: int, short: int | None = None) -> None:
    """Print differences in at most `limit` lines: what went in `[-…-]`, what came in `{+…+}`, and colored on a terminal.

    Texts that are longer than `short`, together, are compared word by word.
    """
    from memo._recordings.difference_lines import shown

    for line in shown(found, limit) if short is None else shown(found, limit, short):
        if sys.stdout.isatty():
            from rich.text import Text

            _console().print(
                Text.assemble(*((printable(part.text), _STYLES[part.kind]) for part in line)), soft_wrap=True
            )
        else:
            print(printable("".join(part.text for part in line)))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under their columns, each as wide as its longest cell. A column named `>SIZE` is aligned to the right.

    Nothing is cut in a pipe. On a terminal that is too narrow, only the ends of the cells of a last column named `<TEST` are
    shown, or none of it if too little room is left.
    """
    from rich.cells import cell_len, set_cell_size

    names = [name.lstrip("<>") for name in columns]
    cells = [[printable(cell).replace("\n", " ").replace("\t", " ") for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(names, *cells, strict=True)]
    if columns[-1].startswith("<") and sys.stdout.isatty():
        room = get_terminal_size().columns - sum(widths[:-1]) - 2 * len(widths[:-1])
        widths[-1] = min(widths[-1], room) if room >= _LEAST else 0
    for number, row in enumerate([names, *cells]):
        padded = [
            " " * (width - cell_len(cell)) + cell if name.startswith(">") else set_cell_size(_end(cell, width), width)
            for name, cell, width in zip(columns, row, widths, strict=True)
        ]
        print_line("  ".join(padded).rstrip(), "bold" if number == 0 else "")


_LEAST = 20


def _end(text: str, width: int) -> str:
    from rich.cells import cell_len

    if cell_len(text) <= width:
        return text
    while text and cell_len(text) >= width:
        text = text[1:]
    return f"…{text}" if text else ""


@cache
def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


class Progress:
    """A progress bar on standard error, if that is a terminal; it disappears at the end.

    Call it with the number done and the total, as often as needed.
    """

    def __init__(self, unit: str) -> None:
        self.shown = sys.stderr.isatty()
        """True if the bar is shown: counting the total may take time."""
        self._unit = unit
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if self.shown:
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (BarColumn(), MofNCompleteColumn(), TextColumn(self._unit), TimeRemainingColumn())
            self._bar = Bar(*columns, console=_console(stderr=True), transient=True)
            self._task = self._bar.add_task(self._unit, total=None)
            self._bar.start()
        return self

    def __call__(self, done: int, total: int) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
