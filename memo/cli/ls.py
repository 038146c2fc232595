"""`memo ls`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memo.cli._output import Json, StoreArgument, open_store, print_damaged, print_json, print_line, print_table
from memo.cli._text import age, count, size

if TYPE_CHECKING:
    from memo._recordings.document import Document
    from memo.maintenance.entries import Entry

__all__ = ["ls"]


def ls(
    store: StoreArgument = None,
    *,
    function: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="List only this function, or the functions that match a pattern: 'openai.*'."
        ),
    ] = None,
    stale: Annotated[
        str | None, typer.Option(metavar="AGE", help="List only recordings older than this: 30d, 12h, 2w.")
    ] = None,
    errors: Annotated[bool, typer.Option("--errors", help="List only recordings that hold an error.")] = False,
    json: Json = False,
) -> int:
    """List the recordings of a store.

    Prints a line for each function: the numbers of its recordings, outcomes and errors, the size, and the ages of the oldest
    and the newest recording. With --function, --stale or --errors, prints a line for each recording: the key (as much of it
    as memo show needs), the age, the outcome of the call, and the test that recorded it.

    Damaged recordings are listed on standard error.

    Exit codes: 0, 1 if a recording is damaged, 2 if the store does not exist.
    """
    from memo._recordings.ages import duration
    from memo.maintenance.entries import display_path, entries, recorded_at
    from memo.maintenance.trees import StoreTree, folder_of

    before = datetime.now(UTC) - duration(stale, "--stale") if stale is not None else None
    opened = open_store(store)
    single = function is not None or before is not None or errors
    functions: dict[str, _Function] = {}
    recordings: list[_Recording] = []
    damaged: list[Entry] = []
    for entry in entries(opened, f"{function}/" if function is not None and not set("*?[") & set(function) else ""):
        if entry.document is None:
            damaged.append(entry)
            continue
        recording = _Recording.of(
            entry.document, entry.size, recorded_at(entry.document), folder_of(opened, entry.name)
        )
        if (
            (function is None or fnmatchcase(recording.function, function))
            and (before is None or (recording.moment is not None and recording.moment < before))
            and (not errors or recording.errors)
        ):
            functions.setdefault(recording.function, _Function(recording.function)).add(recording)
            if single:
                recordings.append(recording)
    if json:
        shown = [row.tree() for row in (recordings if single else functions.values())]
        name = "recordings" if single else "functions"
        broken = [{"location": display_path(opened, entry.name), "reason": entry.reason} for entry in damaged]
        print_json({"store": opened.location(), name: shown, "damaged": broken})
    else:
        if single:
            print_table(("KEY", "FUNCTION", ">AGE", "OUTCOMES", "<TEST"), [recording.row() for recording in recordings])
        else:
            tests = isinstance(opened, StoreTree)
            columns = ("FUNCTION", *([">TESTS"] if tests else []), *_COLUMNS)
            print_table(columns, [row.row(tests=tests) for row in functions.values()])
        _sum(functions, opened.location())
        print_damaged(opened, damaged)
    return 1 if damaged else 0


def _sum(functions: dict[str, _Function], store: str) -> None:
    recordings = sum(function.recordings for function in functions.values())
    whole = size(sum(function.size for function in functions.values()))
    print_line(f"{count(recordings, 'recording')} of {count(len(functions), 'function')}, {whole}, in {store}", "dim")


_COLUMNS = (">RECORDINGS", ">OUTCOMES", ">ERRORS", ">SIZE", ">OLDEST", ">NEWEST")
_MODULE = re.compile(r"(?<=error )[\w.]+:")


@dataclass(slots=True)
class _Recording:
    """The listed parts of one recording."""

    function: str
    key: str
    moment: datetime | None
    size: int
    outcomes: list[str]
    errors: int
    test: str
    """The test that made the recording, or else the folder in which it is."""
    folder: str
    """The folder of the test in a tree of stores; otherwise empty."""

    @classmethod
    def of(cls, document: Document, bytes_: int, moment: datetime | None, folder: str) -> _Recording:
        outcomes = [_kind(outcome) for outcome in document.outcomes]
        errors = sum("error" in outcome for outcome in outcomes)
        return cls(document.function, document.key, moment, bytes_, outcomes, errors, document.test or folder, folder)

    def row(self) -> tuple[str, ...]:
        return self.key[:12], self.function, age(self.moment), _summary(self.outcomes), self.test

    def tree(self) -> dict[str, Any]:
        return {
            "function": self.function,
            "key": self.key,
            "recorded_at": self.moment,
            "size": self.size,
            "outcomes": self.outcomes,
            "test": self.test or None,
        }


@dataclass(slots=True)
class _Function:
    """The totals of one function's recordings."""

    name: str
    recordings: int = 0
    outcomes: int = 0
    errors: int = 0
    size: int = 0
    moments: list[datetime] = field(default_factory=list)
    """When the oldest and the newest were recorded."""
    folders: set[str] = field(default_factory=set)

    def add(self, recording: _Recording) -> None:
        self.recordings += 1
        self.folders.add(recording.folder)
        self.outcomes += len(recording.outcomes)
        self.errors += recording.errors
        self.size += recording.size
        if recording.moment is not None:
            moments = [*self.moments, recording.moment]
            self.moments = [min(moments), max(moments)]

    def row(self, *, tests: bool) -> tuple[str, ...]:
        oldest, newest = self.moments or (None, None)
        counts = (*([len(self.folders - {""})] if tests else []), self.recordings, self.outcomes, self.errors)
        numbers = (f"{number:,}" for number in counts)
        return self.name, *numbers, size(self.size), age(oldest), age(newest)

    def tree(self) -> dict[str, Any]:
        oldest, newest = self.moments or (None, None)
        return {
            "function": self.name,
            "recordings": self.recordings,
            "outcomes": self.outcomes,
            "errors": self.errors,
            "size": self.size,
            "oldest": oldest,
            "newest": newest,
        }


def _kind(outcome: dict[str, Any]) -> str:
    """Return the kind of an outcome: `value`, `error openai:NotFoundError`, `stream of 33`, `stream of 2, error app:Broken`."""
    if "value" in outcome:
        return "value"
    stream = outcome.get("stream")
    if not isinstance(stream, dict):
        return _error(outcome.get("error"))
    items = stream.get("items")
    kind = f"stream of {len(items):,}" if isinstance(items, list) else "stream"
    return f"{kind}, {_error(stream['error'])}" if "error" in stream else kind


def _error(tree: Any) -> str:
    name = tree.get("__type__") if isinstance(tree, dict) else None
    return f"error {name}" if isinstance(name, str) else "error"


def _summary(outcomes: list[str]) -> str:
    """Return all outcomes in a few words: `value`, `error Broken`, `4: value, error Broken, ...`."""
    outcomes = [_MODULE.sub("", outcome) for outcome in outcomes]
    if len(outcomes) == 1:
        return outcomes[0]
    shown = ", ".join(dict.fromkeys(outcomes[:3]))
    return f"{len(outcomes)}: {shown}{', ...' if len(outcomes) > 3 else ''}"
