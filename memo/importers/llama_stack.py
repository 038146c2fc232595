"""Import the recordings of llama-stack (now ogx).

Each file holds one request and its outcome, keyed per test. The imported call is what the SDK's own client sends:

    function    the SDK and the fixed words of the path: openai.chat.completions, openai.embeddings, openai.models,
                ollama.ps, anthropic.messages, google.generate_content_stream; <provider>.invoke_tool for tools,
                <provider>.<api> for the rest (pypdf.file_processors), http.<host> for requests that no SDK made
    arguments   of an SDK's request always these five, of a tool `tool_name` and `kwargs`:
      method    in upper case, and the real one: GET for lists (the files have POST for everything)
      path      what the client adds to its base URL: /chat/completions
      query     the query of the URL, `extra_query` included; {} if there is none
      body      the JSON that is sent, `extra_body` merged into it; null for a GET
      server    the client's base URL, without a slash at its end: https://api.openai.com/v1

A call of google-genai has the path and the body of the request that the SDK makes of it, and its answers are JSON as they came; the
files name neither the project nor the location of Vertex (`GOOGLE_CLOUD_PROJECT` and `GOOGLE_CLOUD_LOCATION` do).

So `AsyncOpenAI(base_url=server).chat.completions.create(**body)` is the imported call. (The files' `url` is the base URL
and an `endpoint` that starts with /v1, often a second one.) A request that no SDK made, which has a `payload` and no `endpoint`, is
what `memo.install("http")` replays to any client. Headers, timeouts, the SDK's version and
`id_normalization_mapping` are no part of a call and are not imported.

Objects are built as their SDK builds them and proved like any other. An object of a package that is not installed is written
as it is, under its type's name, unproved. A list of models is a list; an exception, or a status from 400 on, is an error with
the SDK's class, whose response holds the status and the body. The files do not say when and how fast they were recorded:
`recorded_at` is the time of the file, and `seconds` is left out.

Without `per_test`, the outcomes of identical calls share one recording, in the order of the files' paths, each with its test if that differs
from the first one's.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from memo._calls.call import Call
from memo._calls.digest import call_key
from memo.errors import InvalidOption
from memo.importers._llama_stack_calls import read
from memo.importers._llama_stack_google import project_and_location
from memo.importers._llama_stack_http import call_in
from memo.importers._llama_stack_outcomes import Imported, OutcomeReader
from memo.importers._merging import merge
from memo.importers._per_test import TestStores
from memo.importers.report import Report, carrying
from memo.patches import install
from memo.stores import Store, as_store

__all__ = ["LlamaStackReport", "import_recordings", "project_and_location"]


@dataclass(slots=True)
class LlamaStackReport(Report):
    """The result of an import of llama-stack's recordings."""

    objects: int = 0
    exact: int = 0
    """Number of objects that needed the exact form."""
    google: int = 0
    """Number of calls of google-genai, whose files do not name the project and the location of Vertex."""
    not_installed: dict[str, list[str]] = field(default_factory=dict)
    """Types whose package is not installed, and the files that hold such objects, written unproved."""

    def counts(self) -> dict[str, Any]:
        """Return the report as JSON: numbers, and lists of names."""
        return Report.counts(self) | {
            "objects": self.objects,
            "exact": self.exact,
            "google": self.google,
            "not_installed": sum(map(len, self.not_installed.values())),
            "not_installed_types": self.not_installed,
        }


def import_recordings(
    source: Path,
    store: Store | str | Path,
    progress: Callable[[int, int], None] = lambda done, files: None,
    *,
    per_test: bool = False,
    shape: Callable[[str, Mapping[str, Any]], bytes] | None = None,
) -> LlamaStackReport:
    """Import a file, or all `*.json` below a directory, into a store.

    What cannot be carried over is named in the report and stops nothing else. A recording that is there already keeps
    its outcomes, and those that it lacks come after them: importing again changes nothing, and a damaged or foreign file
    is left as it is and named. Raises `InvalidOption` if there is nothing to import, `StoreError` if the store fails.
    With `per_test`, each test's recordings go into its own directory, as pytest's plugin keeps them: beside the test files
    if the store's directory is the root of the tests, else as with `memo_dir`. `shape` makes of a function's name and a call's arguments the canonical ones of the replay.
    `progress` is called with the number of files done. Memory holds the outcomes of one call at a time.
    """
    paths = sorted(source.rglob("*.json")) if source.is_dir() else [source]
    if not paths or not paths[0].exists():
        raise InvalidOption("source", str(source), ["a recording of llama-stack", "a directory that holds some"])
    into = as_store(store)
    stores = TestStores(into, per_test=per_test)
    report = LlamaStackReport(files=len(paths))
    with install("http"):
        calls = _calls(paths, report, shape, per_test=per_test)
        numbers = itertools.count(len(report.failed) + 1)
        for (test, _), files in calls.items():
            imported = _outcomes(files, report, lambda: progress(next(numbers), report.files))
            with carrying(report, *(str(outcome.path) for outcome in imported)):
                if imported:
                    written = min(outcome.path.stat().st_mtime for outcome in imported)
                    call = _shaped(imported[0].call, shape)
                    outcomes = [outcome.tree | {"test": outcome.test} for outcome in imported]
                    merge(call, outcomes, stores.of(test), written)
                    report.recordings += 1
                    report.imported += len(imported)
    return report


def _calls(
    paths: list[Path],
    report: LlamaStackReport,
    shape: Callable[[str, Mapping[str, Any]], bytes] | None,
    *,
    per_test: bool,
) -> dict[tuple[str | None, str], list[Path]]:
    """Return the files of each call, by its test and its key."""
    calls: dict[tuple[str | None, str], list[Path]] = {}
    for path in paths:
        with carrying(report, str(path)):
            document = read(path)
            if "memo" in document:
                report.files -= 1
                continue
            call = _shaped(call_in(document), shape)
            calls.setdefault((_test_of(document) if per_test else None, call.key), []).append(path)
    return calls


def _outcomes(files: list[Path], report: LlamaStackReport, advance: Callable[[], None]) -> list[Imported]:
    """Return the outcomes in the files of one call. `advance` is called after each file."""
    imported: list[Imported] = []
    for path in files:
        with carrying(report, str(path)):
            outcome = OutcomeReader(path).outcome()
            imported.append(outcome)
            _note(report, outcome)
        advance()
    return imported


def _shaped(call: Call, shape: Callable[[str, Mapping[str, Any]], bytes] | None) -> Call:
    if shape is None:
        return call
    data = shape(call.function, orjson.loads(call.arguments))
    return call.with_arguments(data, call_key(call.function, data, call.version))


def _test_of(document: dict[str, Any]) -> str | None:
    test = document.get("test_id") or document["request"].get("test_id")
    return test if isinstance(test, str) and "::" in test else None


def _note(report: LlamaStackReport, outcome: Imported) -> None:
    report.objects += outcome.objects
    report.exact += outcome.exact
    report.google += outcome.call.function.startswith("google.")
    if "redacted" in outcome.tree:
        report.masked.append(str(outcome.path))
    for name in sorted(outcome.unproved):
        report.not_installed.setdefault(name, []).append(str(outcome.path))
