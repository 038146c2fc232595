"""`memo prune`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memo.cli._output import (
    Json,
    Progress,
    StoreArgument,
    open_store,
    print_json,
    print_line,
    print_reasons,
    print_table,
)
from memo.cli._text import age, count, size

if TYPE_CHECKING:
    from memo.maintenance.prune import PrunePlan, PruneResult, RetentionRule
    from memo.stores import Store

__all__ = ["prune"]


def prune(
    store: StoreArgument = None,
    *,
    unused_since: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Delete what was not read since DATE (2026-09-01), as the file system says, to the day.",
        ),
    ] = None,
    used_list: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Delete what FILE does not list: one function/key, key or path a line, or a JSON list of them. Can be given "
            "several times.",
            show_default=False,
        ),
    ] = None,
    stale: Annotated[
        str | None, typer.Option(metavar="AGE", help="Delete recordings older than this: 90d, 12h, 2w.")
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TAG", help="Delete recordings that have this tag. Can be given several times.", show_default=False
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Delete. Without this option, recordings are only listed.")
    ] = False,
    json: Json = False,
) -> int:
    """Delete recordings that are no longer needed.

    Lists the recordings and their sizes; with --yes, deletes them and the directories that become empty. Exactly one of
    --unused-since, --used-list, --stale and --tag selects them. A damaged file, or a file that is no recording, is listed but never
    deleted. For tests, use pytest --memo-unused instead: it reports or deletes what passing tests no longer use. To write the
    list for --used-list, record the names in get(name) of a subclass of memo.stores.DirectoryStore.

    Temporary files of killed writers are deleted too if they are older than a day.

    Exit codes: 0, 1 if a recording could not be judged or deleted, 2 for a usage error.
    """
    from memo.maintenance import prune as engine

    judge = _judge(unused_since, used_list, stale, tag)
    opened = open_store(store)
    pruned: PruneResult | None = None
    with Progress("recordings") as progress:
        pruning = engine.plan_prune(opened, judge, progress)
        if yes:
            pruned = engine.prune(opened, pruning, progress)
    if json:
        _print_json(opened, pruning, pruned)
    else:
        _print(opened, pruning, pruned)
    return 1 if pruning.left or (pruned is not None and pruned.left) else 0


def _judge(
    unused_since: str | None, used_list: list[Path] | None, stale: str | None, tag: list[str] | None
) -> RetentionRule:
    from memo._recordings.ages import duration
    from memo.errors import InvalidOption
    from memo.maintenance import prune as engine

    given = [option for option in (unused_since, used_list or None, stale, tag or None) if option is not None]
    if len(given) != 1:
        raise typer.BadParameter("give exactly one of --unused-since, --used-list, --stale and --tag")
    if tag:
        return engine.tagged(tag)
    if stale is not None:
        return engine.older_than(duration(stale, "--stale"))
    if used_list:
        return engine.not_used_by(used_list)
    assert unused_since is not None
    try:
        moment = datetime.fromisoformat(unused_since)
    except ValueError:
        raise InvalidOption("--unused-since", unused_since, ["a date: 2026-09-01", "2026-09-01T12:00Z"]) from None
    return engine.not_used_since(moment if moment.tzinfo is not None else moment.astimezone())


def _print(store: Store, pruning: PrunePlan, pruned: PruneResult | None) -> None:
    if pruning.unneeded:
        from memo.maintenance.trees import StoreTree, folder_of

        tests = isinstance(store, StoreTree)
        rows = [
            (
                recording.key[:12],
                recording.function,
                age(recording.recorded_at),
                size(recording.size),
                *([folder_of(store, recording.name)] if tests else []),
            )
            for recording in pruning.unneeded
        ]
        print_table(("KEY", "FUNCTION", ">AGE", ">SIZE", *(["<TEST"] if tests else [])), rows)
    if pruning.abandoned:
        files = f"{count(len(pruning.abandoned), 'temporary file')} of killed writers"
        print_line(f"deleted {files}" if pruned is not None else f"{files} would be deleted")
    kept = f"{count(pruning.kept, 'recording')} ({size(pruning.kept_size)}) in {store.location()}"
    if pruned is not None:
        print_line(f"deleted {count(pruned.deleted, 'recording')} ({size(pruned.size)}), kept {kept}")
    else:
        go = f"{count(len(pruning.unneeded), 'recording')} ({size(pruning.size)})"
        how = ": --yes deletes" if pruning.unneeded or pruning.abandoned else ""
        print_line(f"{go} would be deleted, leaving {kept}{how}")
    left = {**pruning.left, **(pruned.left if pruned is not None else {})}
    print_reasons(f"left as they are, {count(len(left), 'file')}", left)


def _print_json(store: Store, pruning: PrunePlan, pruned: PruneResult | None) -> None:
    print_json(
        {
            "store": store.location(),
            "unneeded": [
                {
                    "location": store.location(recording.name),
                    "function": recording.function,
                    "key": recording.key,
                    "size": recording.size,
                    "recorded_at": recording.recorded_at,
                }
                for recording in pruning.unneeded
            ],
            "abandoned": pruning.abandoned,
            "size": pruning.size,
            "kept": pruning.kept,
            "kept_size": pruning.kept_size,
            "deleted": pruned.deleted if pruned is not None else 0,
            "left": [
                {"location": location, "reason": reason}
                for location, reason in {**pruning.left, **(pruned.left if pruned is not None else {})}.items()
            ],
        }
    )
