"""`memo copy` and `memo push`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from memo.cli._output import Json, Progress, open_store, place, print_error, print_json, print_line
from memo.cli._text import count

if TYPE_CHECKING:
    from collections.abc import Callable

    from memo.maintenance.copy import CopyReport
    from memo.stores import Store

__all__ = ["copy", "push"]

_SHOWN = 20


def copy(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A directory or a store's URL.")],
    dest: Annotated[
        str, typer.Argument(metavar="DEST", help="A directory or a store's URL; created if it does not exist.")
    ],
    *,
    layout: Annotated[
        str | None,
        typer.Option(
            metavar="LAYOUT",
            help="Of recordings as pytest writes them: test makes a file of JSON lines for each test, recording a directory "
            "with a file for each recording. By default as they are.",
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Copy the recordings of one store to another.

    For example, from a fleet's server to files in a repository, or back. Every recording is verified before and after it is
    copied. Nothing in DEST is replaced: if DEST has other outcomes of a call, they stay, and the recording is listed. To
    resume an interrupted copy, run the command again: it copies what is missing.

    Exit codes: 0, 1 if a recording differs or could not be copied, 2 if a store fails.
    """
    from memo.maintenance.copy import copy as run

    return _report(partial(run, layout=layout), open_store(source), dest, "copied", json=json)


def push(
    spool: Annotated[str, typer.Argument(metavar="SPOOL", help="The directory that the error of the store named.")],
    store: Annotated[str, typer.Argument(metavar="STORE", help="The store's URL.")],
    *,
    json: Json = False,
) -> int:
    """Deliver recordings from the spool to their store.

    While a store's server cannot be reached, new recordings are kept in a local directory, the spool: $MEMO_SPOOL, or
    ./.memo-spool. This command copies them to the store and empties the spool. If the store has other outcomes of a call,
    they stay, and the recording stays in the spool. The command can safely be run again at any time.

    Exit codes: 0, 1 if a recording stays in the spool, 2 if a store fails.
    """
    from memo.maintenance.copy import push as run

    return _report(run, open_store(spool), store, "delivered", json=json)


def _report(
    run: Callable[[Store, Store, Callable[[int], None] | None], CopyReport],
    source: Store,
    dest: str,
    did: str,
    *,
    json: bool,
) -> int:
    from memo.stores import as_store

    into = as_store(dest)
    with Progress("recordings") as progress:
        # Only if somebody looks: listing a large store takes time.
        total = sum(1 for _ in source.scan()) if progress.shown else 0
        report = run(source, into, lambda done: progress(done, max(done, total)))
    if json:
        print_json(
            {
                "source": source.location(),
                "dest": into.location(),
                "recordings": report.entries,
                did: report.copied,
                "present": report.present,
                "different": [source.location(name) for name in report.different],
                "failed": len(report.failed),
                "failures": [
                    {"location": source.location(name), "reason": reason} for name, reason in report.failed.items()
                ],
            }
        )
    else:
        _print(report, source, into, did)
    return 1 if report.different or report.failed else 0


def _print(report: CopyReport, source: Store, dest: Store, did: str) -> None:
    there = f", {report.present:,} already there" if report.present else ""
    print_line(f"{did} {report.copied:,} of {count(report.entries, 'recording')} to {dest.location()}{there}")
    if not report.entries:
        print_error(f"there are no recordings in {source.location()}")
    if report.different:
        print_error(f"{dest.location()} has other outcomes of {count(len(report.different), 'call')}, which stay:")
    for name in report.different[:_SHOWN]:
        print_error(f"  {place(source, name)}")
    if report.failed:
        print_error(f"{count(len(report.failed), 'recording')} could not be {did}:")
    for name, reason in list(report.failed.items())[:_SHOWN]:
        print_error(f"  {place(source, name)}: {reason}")
    if len(report.different) > _SHOWN or len(report.failed) > _SHOWN:
        print_error("and more (--json names them all)")
