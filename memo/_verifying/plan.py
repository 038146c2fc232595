"""Which recorded calls can be made again, and why the others cannot: found out before any call is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from memo._engine.rules.modes import Mode
from memo._engine.rules.patterns import covers
from memo._engine.sessions.session import Session
from memo._engine.sessions.spending import Spending
from memo._engine.sessions.verification import Verification
from memo._json import canonical_json
from memo._recordings.changes import Rules
from memo._recordings.differences import differences
from memo._recordings.document import Document
from memo._verifying.report import Left, LiveReport
from memo.errors import CallNotRepeatable, InvalidOption
from memo.maintenance.entries import Entry, entries
from memo.maintenance.trees import part_of
from memo.patches.remaking import Remade, Remaker, Unreachable
from memo.stores import Store

__all__ = ["Planned", "Sessions", "plan", "share"]

_OPTIONS = ("ignore", "watch", "scrub", "secrets", "allow_secrets", "trust")
"""The options of a recorder that shape keys and outcomes."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A call that is to be made."""

    name: str
    """The recording's name in the store."""
    document: Document
    remade: Remade
    session: Session


class Sessions:
    """The sessions in which calls are made: one for each store of a tree."""

    def __init__(
        self, store: Store, options: Mapping[str, Any], rules: Rules, spending: Spending | None = None
    ) -> None:
        self._store = store
        self._options: dict[str, Any] = {name: options[name] for name in _OPTIONS if name in options}
        self._rules = rules
        self._spending = spending
        self._sessions: dict[str, Session] = {}

    def of(self, name: str) -> Session:
        """Return the session of a recording."""
        part, _ = part_of(self._store, name)
        session = self._sessions.get(part.location())
        if session is None:
            session = self._sessions[part.location()] = Session(part, mode=Mode.VERIFY, environ={}, **self._options)
            session.verification = Verification(self._rules)
            session.spending = self._spending
        return session


def share(text: str, option: str) -> float:
    """Return the part that `10%` or `0.1` is. Raises `InvalidOption`, naming the option."""
    number, percent, rest = text.strip().partition("%")
    try:
        part = float(number) / (100 if percent else 1)
    except ValueError:
        part = -1.0
    if rest or not 0 < part <= 1:
        raise InvalidOption(option, text, ["10%", "a part of all, above 0% and up to 100%"])
    return part


def plan(
    store: Store,
    remaker: Remaker,
    sessions: Sessions,
    report: LiveReport,
    *,
    functions: Iterable[str] = (),
    include: Iterable[str] = (),
    sample: float = 1.0,
    max_calls: int = 50,
    progress: Callable[[int, int], None] | None = None,
) -> list[Planned]:
    """Return the calls to make, at most `max_calls`, in the order of their keys: the same ones each time.

    What cannot be called, and what is left for another time, is counted in the report. Raises `InvalidOption` for a pattern
    that covers no recorded function, `CallNotRepeatable` for a function that is named and cannot be called, `StoreError`.
    """
    found: list[Planned] = []
    names: set[str] = set()
    left: dict[str, Left] = {}
    reached: set[str] = set()
    total = sum(1 for _ in store.scan()) if progress is not None else 0
    for entry in _of_functions(entries(store), tuple(functions), names):
        report.recordings += 1
        if progress is not None:
            progress(report.recordings, total)
        planned = _planned(entry, remaker, sessions)
        if isinstance(planned, Left):
            report.left[planned] += 1
            left.setdefault(planned.function, planned)
            continue
        reached.add(planned.document.function)
        if int(planned.document.key[:8], 16) >= sample * 2**32:
            report.left[Left(planned.document.function, "it is not in the sample", "--sample 100%")] += 1
        else:
            found.append(planned)
            if len(found) > 2 * max_calls + 100:
                found = _first(found, max_calls, report)
    _check_patterns("--function", functions, names)
    _check_patterns("--include", include, names)
    for name in (*functions, *include):
        if name in left and name not in reached:
            raise CallNotRepeatable(name, left[name].reason, left[name].fix)
    return _first(found, max_calls, report)


def _of_functions(found: Iterable[Entry], functions: tuple[str, ...], names: set[str]) -> Iterator[Entry]:
    """Yield the entries of functions that a pattern covers, and damaged ones; note the names of all functions."""
    for entry in found:
        if entry.document is not None:
            names.add(entry.document.function)
            if functions and not any(covers(pattern, entry.document.function) for pattern in functions):
                continue
        yield entry


def _first(found: list[Planned], count: int, report: LiveReport) -> list[Planned]:
    found.sort(key=lambda planned: planned.document.key)
    for planned in found[count:]:
        report.left[Left(planned.document.function, "it is beyond --max-calls", f"--max-calls {count * 2 or 1}")] += 1
    return found[:count]


def _check_patterns(option: str, patterns: Iterable[str], names: set[str]) -> None:
    for pattern in patterns:
        if not any(covers(pattern, name) for name in names):
            raise InvalidOption(option, pattern, sorted(names) or ["a recorded function, of which there is none"])


def _planned(entry: Entry, remaker: Remaker, sessions: Sessions) -> Planned | Left:
    """Return a call to make, with the recorded key, or why it cannot be made."""
    document = entry.document
    if document is None:
        return Left("", "the recording is damaged", "memo verify")
    try:
        remade, session = remaker.remade(document), sessions.of(entry.name)
        call = remade.call(session)
    except Unreachable as error:
        return Left(document.function, error.reason, error.fix)
    except Exception as error:  # noqa: BLE001 - the SDK's own, and the user's
        return Left(document.function, f"its call cannot be made again ({type(error).__name__}: {error})", "")
    if call.key != document.key:
        return Left(document.function, _unlike(document, call.arguments, call.version), "--options FILE")
    return Planned(entry.name, document, remade, session)


def _unlike(document: Document, arguments: bytes, version: str | int | None) -> str:
    """Return what differs between the recorded call and that which would be made."""
    import orjson

    if version != document.version:
        return f"its version is {version!r} now, and was {document.version!r}"
    found = differences(orjson.loads(canonical_json(document.arguments)), orjson.loads(arguments))
    where = found[0].path if found else "its key"
    return f"its arguments cannot be made from the recording: {where} would differ"
