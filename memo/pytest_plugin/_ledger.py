"""Per-run bookkeeping: which tests ran, and what their recorders did.

Each process keeps its own books. A worker of pytest-xdist sends a test's books with the test's report and the rest when it
ends, so that a recording counts as unused only if no test of any worker used it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from memo._engine.rules.modes import Mode
from memo.pytest_plugin._run import Run, told
from memo.pytest_plugin._settings import Settings

__all__ = ["COUNTS", "FALLBACK", "Books", "Ledger", "Note", "added_rules", "unrecorded_before"]

COUNTS = ("replayed", "recorded", "live", "missed", "unrecorded", "seconds", "tokens")
FALLBACK = "fallback"
"""The scope of directories that any test may use as a fallback."""
_PHASES = 3
"""Setup, call and teardown."""


class Note(NamedTuple):
    """What one recorder did."""

    directory: str
    """The directory or the file of its recordings; empty if others than these tests may use them."""
    mode: str
    users: list[str]
    """The tests that may use the recordings: only if all of them passed can a recording be unused."""
    used: list[str]
    """The files that were replayed or written."""
    scope: str
    """`test`, `class`, `module`, `package`, `session` or `fallback`."""
    reach: str
    """The file or directory whose tests may use the recordings of a scope wider than a test."""
    before: dict[str, int]
    """The recordings that were there when the recorder was made, with their stamps: only these may be deleted."""
    unrecorded: dict[str, tuple[str, str]]
    """Function and reason of the calls that ended without an outcome to record, by key."""
    counts: dict[str, float]
    """How many calls were replayed, recorded, …, and what that saved."""
    injected: dict[str, int] = {}  # noqa: RUF012 - never changed
    """How often each of the `faults` was injected."""
    rules: dict[str, tuple[str, str, int]] = {}  # noqa: RUF012 - never changed
    """By the patterns of `modes`: the mode, the option that names it, and how many calls it decided the mode of."""
    verified: list[dict[str, Any]] = []  # noqa: RUF012 - never changed
    """The calls in `verify`, as JSON."""
    pending: str = ""
    """The location of the store, if it holds pending recordings."""

    def mode_of(self, function: str) -> str:
        """Return the mode of the calls of that name."""
        from memo._engine.rules.mode_rules import ModeRule, ModeRules

        rules = (ModeRule(pattern, Mode(mode), source) for pattern, (mode, source, _) in self.rules.items())
        return str(ModeRules(rules, Mode(self.mode)).mode(function))

    def with_(self, other: Note) -> Note:
        """Return both together: two attempts at a test, or two workers."""
        names = self.counts | other.counts
        return self._replace(
            mode=self.mode if self.mode == other.mode else "live",  # of a fallback: not all of them read it
            users=sorted({*self.users, *other.users}),
            used=sorted({*self.used, *other.used}),
            before=dict(self.before.items() & other.before.items()),
            unrecorded={**self.unrecorded, **other.unrecorded},
            counts={name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in names},
            injected={
                name: self.injected.get(name, 0) + other.injected.get(name, 0)
                for name in self.injected | other.injected
            },
            rules=added_rules(self.rules, other.rules),
            pending=self.pending or other.pending,
            verified=[*self.verified, *other.verified],
        )


def added_rules(
    rules: Mapping[str, tuple[str, str, int]], more: Mapping[str, tuple[str, str, int]]
) -> dict[str, tuple[str, str, int]]:
    """Return the rules of two recorders together, with the calls of both."""
    added = dict(rules)
    for pattern, (mode, source, count) in more.items():
        added[pattern] = (mode, source, count + added.get(pattern, ("", "", 0))[2])
    return added


@dataclass(slots=True)
class Books:
    """What is known of a run."""

    notes: dict[tuple[str, str], Note] = field(default_factory=dict)
    """By directory and scope."""
    expected: set[str] = field(default_factory=set)
    """The directories of the tests that were collected and record."""
    modules: set[str] = field(default_factory=set)
    """The test files that were collected."""
    folders: set[str] = field(default_factory=set)
    """The directories in which tests were looked for."""
    collected: bool = True
    """False if a file could not be collected."""
    skipped: bool = False
    """True if a file skipped itself, so its tests are unknown."""
    selected: bool = True
    """False if some collected tests are not run."""
    lost: bool = False
    """True if a worker was lost, with its books."""
    written_after_report: set[str] = field(default_factory=set)
    """Recordings that were written after their test's report."""

    late: list[str] = field(default_factory=list)
    """What failed in another process after the report of its test."""
    left: list[str] = field(default_factory=list)
    """What runs that were killed have left in the journals of their scopes."""
    misses: list[dict[str, Any]] = field(default_factory=list)
    """The calls that were not found, as `memo.pytest_plugin._misses` describes them."""
    unseen: dict[str, list[str]] = field(default_factory=dict)
    """The hosts that marked tests connected to without a call, by test: of those that passed."""

    def add(self, note: Note) -> None:
        """Add a note to what is known of its recordings."""
        # Where the file system ignores case, two tests may share a directory: what one of them used is not unused.
        at = (note.directory.casefold(), note.scope)
        earlier = self.notes.get(at)
        self.notes[at] = note if earlier is None else earlier.with_(note)

    def dump(self) -> dict[str, Any]:
        """Return the books as JSON, for the controller of pytest-xdist."""
        sets = {name: sorted(getattr(self, name)) for name in _SETS}
        flags = {name: getattr(self, name) for name in ("collected", "skipped", "selected", "lost")}
        return {**sets, **flags, "notes": [note._asdict() for note in self.notes.values()], "misses": self.misses}

    def merge(self, dumped: dict[str, Any]) -> None:
        """Add the books of a worker."""
        for name in _SETS:
            getattr(self, name).update(dumped[name])
        for note in dumped["notes"]:
            self.add(Note(**note))
        self.misses += dumped["misses"]
        self.collected = self.collected and dumped["collected"]
        self.selected = self.selected and dumped["selected"]
        self.skipped = self.skipped or dumped["skipped"]


_SETS = ("expected", "modules", "folders", "written_after_report")


class Ledger:
    """Records what tests did, and judges at the end which recordings are unused."""

    def __init__(self, config: pytest.Config, settings: Settings, run: Run) -> None:
        self._config = config
        self._run = run
        self._settings = settings
        self._is_worker = hasattr(config, "workerinput")
        self._passed: dict[str, int] = {}
        """The number of passed phases of each test in its last attempt; far below zero if a phase failed."""
        self._verdict: Any = None
        self._waiting: Any = None
        self._complaint = ""
        self.books = Books()

    def expect(self, directories: Iterable[str]) -> None:
        """Note that tests were collected that record in these directories."""
        self.books.expected.update(directories)

    def passed(self, test: str) -> bool:
        """Return whether a test ran and passed, in setup and teardown too."""
        return self._passed.get(test, 0) >= _PHASES

    # What runs

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path: Path) -> None:
        """Note a directory in which tests are looked for."""
        self.books.folders.add(str(path))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that could not be collected and may hold tests, and a file that skips itself and does."""
        self.books.collected = self.books.collected and not report.failed
        if report.skipped:
            self.books.skipped = True
        elif report.passed and report.nodeid.endswith(".py"):
            self.books.modules.add(str(self._config.rootpath / report.nodeid))

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Note that some collected tests are not run."""
        self.books.selected = self.books.selected and not items

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the end of a test's phase."""
        if report.when == "setup":
            self._passed[report.nodeid] = 0
        passed = self._passed.get(report.nodeid, 0)
        self._passed[report.nodeid] = passed + 1 if report.passed else passed - 100
        if self._is_worker:
            return
        self.books.misses += getattr(report, "memo_misses", ())
        if self.passed(report.nodeid) and (hosts := getattr(report, "memo_unseen", ())):
            self.books.unseen[report.nodeid] = list(hosts)
        for note in getattr(report, "memo", ()) if report.when == "teardown" else ():
            self.books.add(Note(**note))

    # What comes from workers

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take over the books of a worker that has ended."""
        dumped = getattr(node, "workeroutput", {}).get("memo")
        if dumped is None:
            self.books.lost = True
        else:
            self.books.merge(dumped)

    # The end

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None]:
        """Judge what is unused: when all books are in, and before the summary is printed."""
        result = yield
        if self._is_worker:
            self._config.workeroutput["memo"] = self.books.dump()  # type: ignore[attr-defined]
            return result
        self._take_over()
        if self.books.notes:
            from memo.pytest_plugin._judging import judge
            from memo.pytest_plugin._pending import waiting
            from memo.pytest_plugin._verified import complaint as changed

            self._verdict = judge(self._config, self._settings, self, exitstatus)
            self._waiting = waiting(self._config, self._settings, self.books)
            complaints = (
                self._verdict.complaint(self._settings),
                _complaint_of_late(self.books),
                self._waiting.complaint(),
                changed(self.books, self._settings.fail_on),
            )
            self._complaint = "\n".join(filter(None, complaints))
            _remember_unrecorded(self._config, self.books)
            if self._complaint and exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return result

    def _take_over(self) -> None:
        """Take over what other processes did in the scopes of tests, after the tests' reports too."""
        for is_late, event in self._run.events():
            if "path" in event:
                self.books.written_after_report.add(event["path"])
            elif is_late and event["event"] in ("missed", "error", "failed"):
                self.books.late.append(told(event))
        self.books.left += self._run.left()
        self._run.remove()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the totals and what is unused; under -q only what needs somebody, and nothing if nothing was recorded."""
        if self._verdict is not None:
            from memo.pytest_plugin._summary import summarize
            from memo.pytest_plugin._verified import lines

            waits = [*lines(self.books, self._settings.fail_on), *self._waiting.lines()]
            summarize(terminalreporter, self._config, self.books, self._verdict, waits, fails=bool(self._complaint))

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Name unused recordings in the last line if the run failed for them: pytest's own line says that all tests passed."""
        terminal: Any = config.pluginmanager.get_plugin("terminalreporter")
        if self._complaint and terminal is not None:
            terminal.write_line(self._complaint, red=True)


def unrecorded_before(config: pytest.Config) -> dict[str, str]:
    """Return why calls were not recorded when they were made last, by the beginning of their key, from pytest's cache."""
    cache: Any = getattr(config, "cache", None)
    return dict(cache.get(_CACHED, None) or {}) if cache is not None else {}


def _remember_unrecorded(config: pytest.Config, books: Books) -> None:
    """Keep in pytest's cache why calls were not recorded, for the miss that follows."""
    cache: Any = getattr(config, "cache", None)
    reasons = {key[:_KEY]: reason for note in books.notes.values() for key, (_, reason) in note.unrecorded.items()}
    before = unrecorded_before(config)
    stored = {Path(path).stem for note in books.notes.values() for path in note.used}
    after = {key: reason for key, reason in {**before, **reasons}.items() if key not in stored}
    if cache is not None and after != before:
        cache.set(_CACHED, after)


def _complaint_of_late(books: Books) -> str:
    calls = f"{len(books.late)} call{'' if len(books.late) == 1 else 's'}"
    return f"memo: the run fails for {calls} that failed after the test had ended" if books.late else ""


_CACHED = "memo/unrecorded"
_KEY = 32
"""Characters of a key that name its file."""
