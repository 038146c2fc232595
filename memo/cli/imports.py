"""`memo import llama-stack SOURCE DEST`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memo.cli._output import Progress, tell, tell_json

if TYPE_CHECKING:
    from memo.importers.llama_stack import LlamaStackReport

__all__ = ["llama_stack"]


def llama_stack(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A recording, or a directory (searched recursively).")
    ],
    dest: Annotated[str, typer.Argument(metavar="DEST", help="The store of memo's recordings: a directory.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print the counts, and what failed, as JSON.")] = False,
) -> int:
    """Import recordings of llama-stack (now ogx).

    Every object is built as its SDK builds it, and proved to come back the same. What can not be carried over is named,
    and the exit code is 1. Importing again changes nothing; recordings that are in DEST already are kept.
    """
    from memo.importers.llama_stack import import_recordings

    with Progress("files") as progress:
        report = import_recordings(source, dest, progress)
    if json:
        tell_json(report.counts())
    else:
        _tell(report, dest)
    return 1 if report.failed else 0


def _tell(report: LlamaStackReport, dest: str) -> None:
    tell(f"imported {report.imported:,} of {report.files:,} files into {dest}: {report.recordings:,} recordings")
    tell(f"{report.objects:,} objects, {report.exact:,} of them in the exact form")
    for name, files in report.not_installed.items():
        tell(f"not installed, written under its name and not proved: {name}, in {len(files):,} files")
    for file in report.masked:
        tell(f"masked a secret in the outcome of {file}")
    if report.failed:
        tell(f"could not import {len(report.failed):,} files:")
    for file, reason in report.failed.items():
        tell(f"  {file}: {reason}")
