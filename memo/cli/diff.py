"""`memo diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from memo.cli._found import StoreOption, find
from memo.cli._output import Json, open_store, print_differences, print_heading, print_json, print_line
from memo.cli._recording_diff import parts, trees
from memo.cli._store_diff import diff_stores
from memo.stores.file_names import JSON_LINES

__all__ = ["diff"]


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A key's first characters, a recording's file, or a store.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same; a store, if A is one.")],
    *,
    store: StoreOption = None,
    lines: Annotated[int, typer.Option(metavar="N", min=2, help="Show at most N lines of each part.")] = 60,
    json: Json = False,
) -> int:
    """Show what differs between two recordings, or two stores.

    Of two recordings, it shows the differences in the calls, then in the outcomes, with the text of a stream first. The
    time of recording, the duration and the test do not count. Of two stores (directories or URLs), it shows which
    recordings only one store has and which have other outcomes; a call that only one store has is compared with the most
    similar call of the other, since an edited prompt is another call.

    Exit codes: 0 if nothing differs, 1 if something differs, 2 if either is missing or damaged.
    """
    if _is_store(a) or _is_store(b):
        return diff_stores(open_store(a), open_store(b), lines, json=json)
    one, other = find(a, store), find(b, store)
    differing = parts(one.document(), other.document())
    if json:
        print_json(
            {
                "a": one.location,
                "b": other.location,
                "differences": {name: trees(section) for name, section in differing},
            }
        )
        return 1 if differing else 0
    if not differing:
        print_line(f"no difference between {one.location} and {other.location}")
        return 0
    print_line(f"--- {one.location}")
    print_line(f"+++ {other.location}")
    for name, found in differing:
        print_heading(name)
        print_differences(found, lines)
    return 1


def _is_store(named: str) -> bool:
    return "://" in named or Path(named).is_dir() or Path(named).suffix == JSON_LINES
