"""`memo import llama-stack|vcr|cassetter SOURCE DEST`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memo.cli._output import Progress, tell, tell_json
from memo.cli._text import count

if TYPE_CHECKING:
    from memo.importers._cassettes import CassettesReport
    from memo.importers.llama_stack import LlamaStackReport

__all__ = ["cassetter", "llama_stack", "vcr"]

_Cassettes = Annotated[
    Path, typer.Argument(metavar="SOURCE", help="A cassette, or a directory (searched recursively).")
]
_Dest = Annotated[str, typer.Argument(metavar="DEST", help="The store of memo's recordings: a directory.")]
_Json = Annotated[bool, typer.Option("--json", help="Print the counts, and what failed, as JSON.")]


def llama_stack(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A recording, or a directory (searched recursively).")
    ],
    dest: _Dest,
    *,
    json: _Json = False,
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


def vcr(source: _Cassettes, dest: _Dest, *, json: _Json = False) -> int:
    """Import HTTP cassettes of vcrpy and pytest-recording.

    Calls of OpenAI-compatible endpoints (chat completions, responses, completions, embeddings; streams, too) become typed
    recordings, which the openai patch replays. What can not be carried over is named by its file and number, and the exit
    code is 1. Importing again changes nothing; recordings that are in DEST already are kept.
    """
    from memo.importers.vcr import import_recordings

    with Progress("files") as progress:
        report = import_recordings(source, dest, progress)
    return _told(report, dest, json=json)


def cassetter(source: _Cassettes, dest: _Dest, *, json: _Json = False) -> int:
    """Import HTTP cassettes of cassetter.

    Calls of OpenAI-compatible endpoints (chat completions, responses, completions, embeddings; streams, too) become typed
    recordings, which the openai patch replays. What can not be carried over is named by its file and number, and the exit
    code is 1. Importing again changes nothing; recordings that are in DEST already are kept.
    """
    from memo.importers.cassetter import import_recordings

    with Progress("files") as progress:
        report = import_recordings(source, dest, progress)
    return _told(report, dest, json=json)


def _told(report: CassettesReport, dest: str, *, json: bool) -> int:
    if json:
        tell_json(report.counts())
        return 1 if report.failed else 0
    found = f"{count(report.interactions, 'interaction')} in {count(report.files, 'file')}"
    tell(f"imported {report.imported:,} of {found} into {dest}: {count(report.recordings, 'recording')}")
    for name in report.masked:
        tell(f"masked a secret in the outcome of {name}")
    for name in report.later:
        tell(f"answered otherwise before, and replayed after that: {name}")
    if report.failed:
        tell(f"could not carry over {len(report.failed):,}:")
    for name, reason in report.failed.items():
        tell(f"  {name}: {reason}")
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
