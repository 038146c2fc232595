"""Turn HTTP cassettes into recordings: the part that all importers of cassettes share.

Each cassette is its own session: its identical calls are the outcomes of one recording, in order, as if they had been
recorded one after another. Cassettes are imported in the order of their paths; of a call that is recorded already, only
new outcomes are added, after the existing ones.

Of a request, only its method, URL and body are imported; of a response's headers, only those that memo writes for any
response: no credentials, no cookies. Whatever still looks like a secret is masked, as in every recording. The duration of a
call is unknown, so `seconds` is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import orjson

from memo._calls.call import Call
from memo._calls.digest import entry_name
from memo.errors import InvalidOption
from memo.importers._interactions import patched, require_sdk, taken
from memo.importers._merging import merge
from memo.importers._per_test import CassetteTests, TestStores
from memo.importers._reading import Item, NoCassette, OwnRecording, interactions, require_yaml
from memo.importers._taking import Interaction
from memo.importers.report import NotCarried, Report, carrying
from memo.stores import Store, as_store

__all__ = [
    "CassettesReport",
    "Format",
    "Interaction",
    "Item",
    "Recorded",
    "as_json",
    "as_text",
    "headers_of",
    "import_cassettes",
    "member",
]


@dataclass(slots=True)
class CassettesReport(Report):
    """The result of an import of cassettes. An interaction is named by its file and its number there: `a.yaml#3`."""

    interactions: int = 0
    """Number of interactions found."""
    later: dict[str, str] = field(default_factory=dict)
    """Interactions whose call has an earlier, different answer, and the interaction or the store that has it: they answer
    the second identical call of a session."""

    redirects: list[str] = field(default_factory=list)
    """Interactions that redirect: httpx, requests and urllib3 follow them in a replay, aiohttp gives them as they are."""

    def counts(self) -> dict[str, Any]:
        """Return the report as JSON: numbers, and lists of names."""
        failures = [
            {"file": file, "interaction": number, "reason": self.failed[name]} for name, file, number in self._named()
        ]
        counts = Report.counts(self)
        return {
            "interactions": self.interactions,
            **counts,
            "failures": failures,
            "later": list(self.later),
            "redirects": self.redirects,
        }

    def _named(self) -> Iterator[tuple[str, str, int | None]]:
        for name in self.failed:
            yield (name, name.file, name.interaction) if isinstance(name, Name) else (name, name, None)


class Name(str):
    """What an interaction is called in a report."""

    __slots__ = ("file", "interaction")

    file: str
    interaction: int

    def __new__(cls, path: Path, number: int) -> Self:
        name = super().__new__(cls, f"{path}#{number}")
        name.file, name.interaction = str(path), number
        return name


@dataclass(frozen=True, slots=True)
class Recorded:
    """An interaction, and when it was recorded (seconds since 1970), if the cassette says so."""

    interaction: Interaction
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """The format of one tool's cassettes."""

    tool: str
    suffixes: tuple[str, ...]
    """The suffixes of the files to read in a directory."""
    yaml: str
    """The version of YAML that the tool writes."""
    recorded: Callable[[Any, Item], Recorded]
    """Reads the data of an item. Raises `NotCarried`."""


def import_cassettes(
    cassettes: Format,
    source: Path,
    store: Store | str | Path,
    progress: Callable[[int, int], None],
    *,
    http: bool,
    per_test: bool,
) -> CassettesReport:
    """Import a cassette, or all that are below a directory. See `memo.importers.vcr.import_recordings`."""
    require_yaml()
    if not http:
        require_sdk()
    paths = [source]
    if source.is_dir():
        found = (path for path in source.rglob("*") if path.suffix.lower() in cassettes.suffixes)
        paths = sorted(path for path in found if not path.name.startswith(".") and path.is_file())
    if not paths or not paths[0].exists():
        raise InvalidOption("source", str(source), [f"a cassette of {cassettes.tool}", "a directory that holds some"])
    base, report, written = as_store(store), CassettesReport(files=len(paths)), _Written()
    stores = TestStores(base, per_test=per_test)
    tests = CassetteTests(Path(base.location())) if per_test else None
    with patched(http=http):
        for done, path in enumerate(paths, 1):
            calls = _calls(cassettes, path, report, http=http)
            with carrying(report, *(name for same in calls for name in same.names)):
                test = tests.of(path) if tests is not None and calls else None
                _write(calls, stores.of(test), report, written, test)
            progress(done, len(paths))
    report.recordings = len(written)
    return report


@dataclass(slots=True)
class _Calls:
    """The identical calls of one cassette."""

    call: Call
    at: float
    names: list[Name] = field(default_factory=list)
    outcomes: list[bytes] = field(default_factory=list)
    """As JSON, which takes much less memory until the cassette ends."""


def _calls(cassettes: Format, path: Path, report: CassettesReport, *, http: bool) -> list[_Calls]:
    """Return the calls of one cassette, as far as it can be read."""
    calls: dict[str, _Calls] = {}
    with carrying(report, str(path)):
        try:
            for number, item in enumerate(interactions(path, yaml=cassettes.yaml), 1):
                report.interactions += 1
                name = Name(path, number)
                with carrying(report, name):
                    _take(cassettes, item, name, calls, report, http=http)
        except OwnRecording:
            report.files -= 1
        except NoCassette:
            report.files -= 1
            raise
    return list(calls.values())


def _take(
    cassettes: Format, item: Item, name: Name, calls: dict[str, _Calls], report: CassettesReport, *, http: bool
) -> None:
    if item.section != "interactions":
        raise NotCarried(f"stands in {item.section}, where no calls are that are imported")
    recorded = cassettes.recorded(item.build(), item)
    call, outcome = taken(recorded.interaction, http=http)
    if "redacted" in outcome:
        report.masked.append(name)
    if recorded.interaction.redirects:
        report.redirects.append(name)
    at = recorded.at if recorded.at is not None else Path(name.file).stat().st_mtime
    same = calls.setdefault(call.key, _Calls(call, at))
    # A copy: the buffer that orjson leaves behind is several times as large.
    same.outcomes.append(bytes(memoryview(orjson.dumps(outcome))))
    same.names.append(name)


_Written = dict[str, Name]
"""The recordings that this import wrote, by their places, and the first interaction of each."""


def _write(calls: list[_Calls], store: Store, report: CassettesReport, written: _Written, test: str | None) -> None:
    for same in calls:
        with carrying(report, *same.names):
            outcomes = [orjson.loads(text) for text in same.outcomes]
            if test is not None:
                outcomes = [outcome | {"test": test} for outcome in outcomes]
            merged = merge(same.call, outcomes, store, same.at)
            report.imported += len(same.names)
            place = store.location(entry_name(same.call.function, same.call.key))
            first = written.get(place)
            if merged.before and merged.added:
                report.later |= dict.fromkeys(same.names, first or place)
            written.setdefault(place, same.names[0])


# What the readers of both formats need


def member(tree: Any, name: str, *kinds: type) -> Any:
    """Return a member of a mapping. Raises `NotCarried` if it is missing, or of another kind."""
    if not isinstance(tree, Mapping) or name not in tree:
        raise NotCarried(f"has no {name}: it is not an interaction, or was cut off")
    found = tree[name]
    if not isinstance(found, kinds):
        raise NotCarried(f"has a {name} that is a {type(found).__name__}")
    return found


def headers_of(tree: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the headers of a request or a response; a header's value is a text or a list of texts."""
    headers: list[tuple[str, str]] = []
    for name, values in (tree.get("headers") or {}).items():
        listed = values if isinstance(values, list | tuple) else [values]
        headers += [(str(name), as_text(value, "header")) for value in listed]
    return headers


def as_text(value: Any, what: str) -> str:
    """Return a text, even if it was written as bytes. Raises `NotCarried`."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if not isinstance(value, str):
        raise NotCarried(f"has a {what} that is a {type(value).__name__}")
    return value


def as_json(content: Any, item: Item) -> bytes:
    """Return a body that the cassette holds as data, as the bytes that its tool would replay. Raises `NotCarried`."""
    if item.aliased:
        raise NotCarried("uses YAML's aliases, which no recorder writes where a body is")
    return json.dumps(content).encode()
