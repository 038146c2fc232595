"""`memo import llama-stack|vcr|cassetter SOURCE DEST`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from memo.cli._key_options import OptionsFile, key_options
from memo.cli._output import Json, Progress, print_error, print_json, print_line
from memo.cli._text import count

if TYPE_CHECKING:
    from memo.importers.cassettes import CassettesReport
    from memo.importers.llama_stack import LlamaStackReport
    from memo.importers.report import Report
    from memo.stores import Store

__all__ = ["cassetter", "llama_stack", "vcr"]

R = TypeVar("R", bound="Report")

_Cassettes = Annotated[
    Path, typer.Argument(metavar="SOURCE", help="A cassette, or a directory (searched recursively).")
]
_Http = Annotated[
    bool,
    typer.Option("--http", help="Import calls of SDKs as HTTP requests, too: the program makes them without an SDK."),
]
_PerTest = Annotated[
    bool,
    typer.Option("--per-test", help="Give each test its own directory, as the pytest plugin looks for it."),
]
_Dest = Annotated[
    str, typer.Argument(metavar="DEST", help="A directory or a store's URL; created if it does not exist.")
]


def llama_stack(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A recording, or a directory (searched recursively).")
    ],
    dest: _Dest,
    *,
    per_test: _PerTest = False,
    options: OptionsFile = None,
    json: Json = False,
) -> int:
    """Import recordings of llama-stack (now ogx).

    Every object is built as its SDK builds it, and checked to come back equal. Whatever cannot be imported is listed.
    With --per-test, recordings go beside the test files where DEST is the root of the tests; where it is not, DEST is the
    directory for the memo_dir of pytest's ini file.
    Importing again changes nothing, and recordings in DEST are kept. Run one import into a store at a time.

    Exit codes: 0, 1 if something could not be imported, 2 if there is nothing to import or a package is missing.
    """
    from memo.importers.llama_stack import import_recordings

    shaped = partial(import_recordings, per_test=per_test, shape=key_options(options).arguments)
    return _imported(shaped, _of_llama_stack, source, dest, json=json)


def vcr(source: _Cassettes, dest: _Dest, *, http: _Http = False, per_test: _PerTest = False, json: Json = False) -> int:
    """Import HTTP cassettes of vcrpy and pytest-recording.

    Calls of OpenAI-compatible endpoints (chat completions, responses, completions, embeddings, and their streams) become
    typed recordings, which the openai patch replays; all other requests become those that memo.install("http") replays.
    Whatever cannot be imported is listed by its file and number.
    With --per-test, cassettes/MODULE/TEST.yaml goes beside the test file where DEST is the root of the tests; where it is
    not, DEST is the directory for the memo_dir of pytest's ini file.
    Importing again changes nothing, and recordings in DEST are kept. Run one import into a store at a time.

    Exit codes: 0, 1 if something could not be imported, 2 if there is nothing to import or a package is missing.
    """
    from memo.importers.vcr import import_recordings

    return _imported(partial(import_recordings, http=http, per_test=per_test), _of_cassettes, source, dest, json=json)


def cassetter(
    source: _Cassettes, dest: _Dest, *, http: _Http = False, per_test: _PerTest = False, json: Json = False
) -> int:
    """Import HTTP cassettes of cassetter.

    Calls of OpenAI-compatible endpoints (chat completions, responses, completions, embeddings, and their streams) become
    typed recordings, which the openai patch replays; all other requests become those that memo.install("http") replays.
    Whatever cannot be imported is listed by its file and number.
    With --per-test, cassettes/MODULE/TEST.yaml goes beside the test file where DEST is the root of the tests; where it is
    not, DEST is the directory for the memo_dir of pytest's ini file.
    Importing again changes nothing, and recordings in DEST are kept. Run one import into a store at a time.

    Exit codes: 0, 1 if something could not be imported, 2 if there is nothing to import or a package is missing.
    """
    from memo.importers.cassetter import import_recordings

    return _imported(partial(import_recordings, http=http, per_test=per_test), _of_cassettes, source, dest, json=json)


def _imported(
    run: Callable[[Path, Store, Callable[[int, int], None]], R],
    described: Callable[[R], tuple[str, list[str]]],
    source: Path,
    dest: str,
    *,
    json: bool,
) -> int:
    """Run an import and print its result; `described` returns what was found, and further lines."""
    from memo.stores import as_store

    into = as_store(dest)
    with Progress("files") as progress:
        report = run(source, into, progress)
    if json:
        print_json({"store": into.location(), **report.counts()})
        return 1 if report.failed else 0
    found, lines = described(report)
    print_line(f"imported {report.imported:,} of {found}: {count(report.recordings, 'recording')} in {into.location()}")
    for line in lines:
        print_line(line)
    for name in report.masked:
        print_line(f"masked a secret in the outcome of {name}")
    if report.failed:
        print_error(f"could not import {len(report.failed):,}:")
    for name, reason in report.failed.items():
        print_error(f"  {name}: {reason}")
    return 1 if report.failed else 0


def _of_llama_stack(report: LlamaStackReport) -> tuple[str, list[str]]:
    return count(report.files, "file"), [
        f"{count(report.objects, 'object')}, {report.exact:,} of them in the exact form",
        *(_of_google(report.google) if report.google else ()),
        *(
            f"not installed, written under its name and not proved: {name}, in {count(len(files), 'file')}"
            for name, files in report.not_installed.items()
        ),
    ]


def _of_google(calls: int) -> list[str]:
    from memo.importers.llama_stack import project_and_location

    project, location = project_and_location()
    return [
        f"{count(calls, 'call')} of google-genai, whose files do not name their project and location: imported for {project}, {location}",
        "  to import for others: GOOGLE_CLOUD_PROJECT=... GOOGLE_CLOUD_LOCATION=... memo import llama-stack ...",
    ]


def _of_cassettes(report: CassettesReport) -> tuple[str, list[str]]:
    found = f"{count(report.interactions, 'interaction')} in {count(report.files, 'file')}"
    lines = [f"{name} is a later outcome of a call that {earlier} has, too" for name, earlier in report.later.items()]
    lines += [f"{name} redirects: httpx, requests and urllib3 follow it, aiohttp does not" for name in report.redirects]
    return found, lines
