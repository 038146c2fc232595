"""What the misses of a run have in common: one edited prompt, or a renamed test."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from memo._calls.fingerprints import canonical_fingerprint
from memo._recordings.difference_lines import lines
from memo._recordings.differences import ABSENT
from memo._recordings.document import parse
from memo._values.paths import steps_of
from memo.errors import MemoError, RecordingNotFound
from memo.maintenance.entries import at
from memo.maintenance.rekey import Rekey
from memo.stores.file_names import JSON_LINES

__all__ = ["Misses", "causes", "renames"]

_LINES = 20
"""Lines of a diff in the summary."""
_LONG = 4000
"""Characters up to which a command is printed whole; longer values go to a file of pytest's cache."""
_COMMANDS = 10
"""Commands in the summary that accept an edit of one test each."""
_REKEY = re.compile(r"memo rekey (?:'[^']*'|\S+) (--(?:only|function) .*)")


class Misses:
    """Describes the misses of this process, and knows which causes were shown already."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._first: dict[str, str] = {}
        """Cause to the test that showed it."""

    def describe(
        self, error: RecordingNotFound, test: str, renamed: tuple[str, ...] | None, used: set[str]
    ) -> dict[str, Any]:
        """Return what the summary needs to know of a miss, as JSON. `used` has the locations of what the test replayed."""
        described: dict[str, Any] = {"test": test, "renamed": renamed, "cause": self._cause(error)}
        if described["cause"] is not None and error.nearest is not None:
            described |= {
                "function": error.function,
                "diff": lines([*map(_difference, error.differences)], _LINES) or [_summary_of(error)],
                "accept": self._accept(error),
                "store": _recordings_above(error.nearest.location),
                "own": _store_of(error.nearest.location),
                "is_used": error.nearest.location in used,
            }
        return described

    def first(self, error: RecordingNotFound, test: str) -> str:
        """Return the other test that showed the cause of this miss first, or an empty text."""
        cause = self._cause(error)
        if cause is None:
            return ""
        first = self._first.setdefault(cause, test)
        return first if first != test else ""

    def _cause(self, error: RecordingNotFound) -> str | None:
        if error.nearest is None or not (error.differences or _REKEY.search(str(error))):
            return None
        found = [[path, repr(before), repr(after)] for path, before, after in error.differences]
        versions = [] if error.differences else [error.nearest.function, repr(error.nearest.version), error.reason]
        return sha256(orjson.dumps([error.function, found, versions])).hexdigest()

    def _accept(self, error: RecordingNotFound) -> str:
        """Return the options of `memo rekey` that make the nearest recording that of this call; empty if none do."""
        printed = _REKEY.search(str(error))
        if printed is not None:
            return printed[1]
        options = list(_options(error.differences))
        if not options or not _makes(error, options):
            return ""
        words = ["--only", error.function]
        for option, path, value in options:
            words += [option, self._argument(path, value)]
        return shlex.join(words)

    def _argument(self, path: str, value: str) -> str:
        cache: Any = getattr(self._config, "cache", None)
        if len(value) <= _LONG or cache is None:
            return f"{path}{value}"
        sign, _, text = value.partition("=")
        file = Path(cache.mkdir("memo")) / f"{sha256(text.encode()).hexdigest()[:16]}.json"
        file.write_text(text, encoding="utf-8")
        return f"{path}{sign}=@{os.path.relpath(file, self._config.invocation_params.dir)}"


def _difference(found: tuple[str, Any, Any]) -> Any:
    from memo._recordings.differences import Difference

    return Difference(*found)


def _summary_of(error: RecordingNotFound) -> str:
    return str(error).partition("\n")[0].partition(": ")[2]


def _options(differences: Iterable[tuple[str, Any, Any]]) -> Iterator[tuple[str, str, str]]:
    """Yield an option of `memo rekey` for each difference: its name, the path, and what follows the path."""
    for path, before, after in differences:
        if after is ABSENT:
            yield "--drop", path, ""
        elif before is ABSENT:
            yield "--add", path, f"={json.dumps(after, ensure_ascii=False)}"
        else:
            yield "--replace", path, f"#{canonical_fingerprint(path, [before])}={json.dumps(after, ensure_ascii=False)}"


def _makes(error: RecordingNotFound, options: list[tuple[str, str, str]]) -> bool:
    """Return whether these options turn the nearest recording into that of the call."""
    assert error.nearest is not None
    try:
        if not all(steps_of(path) for _, path, _ in options):
            return False
        values = {path: (before, after) for path, before, after in error.differences}
        change = Rekey(
            drop=[path for option, path, _ in options if option == "--drop"],
            add={path: values[path][1] for option, path, _ in options if option == "--add"},
            replace={
                path: (canonical_fingerprint(path, [values[path][0]]), values[path][1])
                for option, path, _ in options
                if option == "--replace"
            },
        )
        location = error.nearest.location
        named = at(location)
        data = named[0].get(named[1]) if named else Path(location).read_bytes()
        return change(parse(data or b"", location)).key == error.key
    except (MemoError, OSError):
        return False


def _recordings_above(location: str) -> str:
    """Return the outermost directory named `recordings` above a file; if there is none, that of its function's store."""
    path = Path(location)
    named = [parent for parent in path.parents if parent.name == "recordings"]
    return str(named[-1] if named else path.parent.parent)


def _store_of(location: str) -> str:
    """Return the directory, or the file, of the store that a recording is in."""
    file, mark, _ = location.partition(f"{JSON_LINES}#")
    return f"{file}{JSON_LINES}" if mark else str(Path(location).parent.parent)


def causes(misses: list[dict[str, Any]], config: pytest.Config) -> Iterator[str]:
    """Yield the lines about causes: of one that several tests share the count, the difference, and the command that accepts it."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for miss in misses:
        if miss["cause"] is not None and not miss["renamed"]:
            groups.setdefault(_edit(miss), []).append(miss)
    alone: list[dict[str, Any]] = []
    for group in groups.values():
        tests = sorted({miss["test"] for miss in group})
        if len(tests) < 2:
            alone += group
            continue
        functions = list(dict.fromkeys(miss["function"] for miss in group))
        yield f"{len(tests)} tests missed because of one change of {' and '.join(functions)}, recorded → asked for:"
        yield from (f"    {line}" for line in group[0]["diff"])
        stores = sorted({miss["store"] for miss in group})
        accept = next((miss["accept"] for miss in group if miss["accept"]), "")
        if len(functions) > 1:
            accept = f"{_only(functions)}{accept.removeprefix(_only(functions[:1]))}"
        if accept:
            store = shlex.quote(os.path.relpath(os.path.commonpath(stores), config.invocation_params.dir))
            yield f"  answers still right? memo rekey {store} {accept}"
        files = sorted({test.partition("::")[0] for test in tests})
        start = config.invocation_params.dir
        named = [shlex.quote(os.path.relpath(config.rootpath / file, start)) for file in files]
        yield f"  to record:           pytest --memo-mode=record-if-missing {' '.join(named)}"

    yield from _of_one_test(alone, config)


def _of_one_test(misses: list[dict[str, Any]], config: pytest.Config) -> Iterator[str]:
    """Yield the commands that accept edits which one test has: the failure of that test shows what differs."""
    start = config.invocation_params.dir
    found = [miss for miss in misses if miss["accept"] and not miss["is_used"]]
    commands = [f"memo rekey {shlex.quote(os.path.relpath(miss['own'], start))} {miss['accept']}" for miss in found]
    commands = list(dict.fromkeys(commands))
    if commands:
        yield "edited, in one test; if the answer is still right:"
        yield from (f"  {command}" for command in commands[:_COMMANDS])
    if len(commands) > _COMMANDS:
        yield f"  and {len(commands) - _COMMANDS} more: run these tests alone"


def _edit(miss: dict[str, Any]) -> str:
    """Return what two misses have in common if one command accepts both: the edit, whichever function was called with it."""
    only = _only([miss["function"]])
    if not miss["accept"].startswith(f"{only}--replace"):
        return str(miss["cause"])
    return json.dumps([miss["diff"], miss["accept"].removeprefix(only)])


def _only(functions: Iterable[str]) -> str:
    return "".join(f"--only {shlex.quote(function)} " for function in functions)


def renames(misses: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines about recordings of renamed tests."""
    found = {tuple(miss["renamed"]) for miss in misses if miss["renamed"]}
    if found:
        yield "recordings of the same calls, of tests that were renamed:"
        yield from sorted({f"  {command}" for *_, command in found})
