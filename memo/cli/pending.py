"""`memo pending`, `memo accept` and `memo reject`: the review without a terminal."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from memo.cli._found import StoreOption
from memo.cli._output import Json, StoreArgument, near, open_store, print_json, print_line, print_table
from memo.cli._text import count
from memo.cli._waiting import Judged, Waiting, alike_to, named, sizes, waiting

if TYPE_CHECKING:
    from memo.stores import Store

__all__ = ["accept", "pending", "reject"]

Keys = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY",
        help="The first characters of a pending recording's key, FUNCTION/KEY, or its file. Can be given several times.",
        show_default=False,
    ),
]
Like = Annotated[
    list[str] | None,
    typer.Option(
        "--like",
        metavar="KEY",
        help="This recording, and all that changed as it did. Can be given several times.",
        show_default=False,
    ),
]

All = Annotated[bool, typer.Option("--all", help="All that is pending.")]


def pending(store: StoreArgument = None, *, json: Json = False) -> int:
    """List the recordings that wait for a review.

    Recordings are pending that were recorded with --memo-pending (pytest) or pending=True, or that verify --pending put
    aside: nothing replays them until they are accepted. CHANGE names what changed, ALIKE how many changed in the same way:
    + was added, - removed, ~ is of another type.

    Exit codes: 0 if nothing is pending, 1 if something is, 2 if the store does not exist or cannot hold pending recordings.
    """
    opened = open_store(store)
    items = waiting(opened)
    if json:
        print_json({"store": opened.location(), "pending": [_tree(opened, item, items) for item in items]})
    elif items:
        _print(opened, items)
    else:
        print_line(f"nothing is pending in {opened.location()}")
    return 1 if items else 0


def _tree(store: Store, item: Waiting, items: list[Waiting]) -> dict[str, object]:
    from memo.cli._recording_diff import parts, trees
    from memo.maintenance.pending import documents, pending_store

    one = item.pending
    tree: dict[str, object] = {
        "key": one.key,
        "function": one.function,
        "location": store.location(one.name),
        "pending": pending_store(store).location(one.name),
        "test": one.test,
        "reason": one.reason,
        "recorded_at": one.recorded_at,
        "new": one.is_new,
        "alike": [other.pending.key for other in alike_to(items, item) if other is not item],
    }
    if item.change is None:
        return {**tree, "problem": one.problem}
    before, after = documents(store, one)
    if before is None:
        return {**tree, "arguments": after.arguments, "outcomes": after.outcomes}
    return {**tree, "differences": {name: trees(found) for name, found in parts(before, after)}}


def _print(store: Store, items: list[Waiting]) -> None:
    alike = sizes(items)
    tests = any(item.pending.test for item in items)
    rows = [
        (
            item.pending.key[:12],
            item.pending.function,
            _cut(item.words),
            str(alike[item.group]) if item.group >= 0 else "",
            *([item.pending.test or ""] if tests else []),
        )
        for item in items
    ]
    print_table(("KEY", "FUNCTION", "CHANGE", ">ALIKE", *(["<TEST"] if tests else [])), rows)
    where = near(store.location())
    print_line(f"{count(len(items), 'recording')} pending in {where}, {count(len(alike), 'kind')} of change")
    option = f"--store {shlex.quote(where)}"
    print_line(f"memo review {shlex.quote(where)}, or memo accept and memo reject KEY... {option}")


_WIDEST = 32


def _cut(text: str) -> str:
    """Return what a terminal has room for; in a pipe, the whole text."""
    return text if len(text) <= _WIDEST or not sys.stdout.isatty() else f"{text[: _WIDEST - 1]}…"


def accept(
    keys: Keys = None,
    *,
    like: Like = None,
    all_: All = False,
    store: StoreOption = None,
    json: Json = False,
) -> int:
    """Let pending recordings replace the recordings that are replayed.

    Give keys as memo pending lists them, --like KEY for all recordings that changed alike, or --all. At any moment, a
    recording is either the old or the new one. A pending recording that was recorded again since it was listed is refused,
    and stays pending.

    Exit codes: 0, 1 if a recording could not be accepted, 2 for a usage error.
    """
    return _judge("accept", keys, like, store, every=all_, json=json)


def reject(
    keys: Keys = None,
    *,
    like: Like = None,
    all_: All = False,
    store: StoreOption = None,
    json: Json = False,
) -> int:
    """Delete pending recordings; the recordings that are replayed stay.

    Give keys as memo pending lists them, --like KEY for all recordings that changed alike, or --all.

    Exit codes: 0, 1 if a recording could not be rejected, 2 for a usage error.
    """
    return _judge("reject", keys, like, store, every=all_, json=json)


def _judge(
    verb: str, keys: list[str] | None, like: list[str] | None, store: str | None, *, every: bool, json: bool
) -> int:
    from memo.maintenance.pending import settle

    if every == bool(keys or like):
        raise typer.BadParameter(f"give keys, --like KEY, or --all: memo {verb} --all")
    opened = open_store(store)
    items = waiting(opened)
    settle(opened)
    chosen = items if every else named(opened, items, keys or ())
    for one in named(opened, items, like or ()):
        chosen = [*chosen, *(item for item in alike_to(items, one) if item not in chosen)]
    judged = Judged(opened)
    (judged.accept if verb == "accept" else judged.reject)(chosen)
    left = len(items) - len(judged.accepted) - len(judged.rejected)
    if json:
        refused = [{"location": location, "reason": reason} for location, reason in judged.refused.items()]
        print_json({"accepted": judged.accepted, "rejected": judged.rejected, "refused": refused, "left": left})
    else:
        print_line(judged.words(left))
        judged.print_refused()
    return 1 if judged.refused else 0
