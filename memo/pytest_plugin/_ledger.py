"""The books of a run: what was used, what was not, and what that came to.

Each process keeps its own. A worker of pytest-xdist hands its over, tests' with their reports and the rest when it ends, so
that what is judged unused was used by no test of any worker.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from memo.pytest_plugin._settings import Settings, relative

__all__ = ["COUNTS", "Ledger", "Note"]

COUNTS = ("replayed", "recorded", "live", "missed", "seconds", "tokens")


class Note(NamedTuple):
    """What one recorder did."""

    directory: str
    """Where its recordings lie; empty where others than these tests may use them."""
    mode: str
    users: list[str]
    """The tests that may use them: only if all of them passed, what was not used is unused."""
    used: list[str]
    """The files of the recordings that were replayed or written."""
    scope: str
    """Of which they are: `test`, `class`, `module`, `package` or `session`."""
    counts: dict[str, float]
    """Of what was replayed, recorded, …, and what that saved."""

    def with_(self, other: Note) -> Note:
        """Both together: of two attempts at a test, of two workers."""
        names = self.counts | other.counts
        return self._replace(
            users=sorted({*self.users, *other.users}),
            used=sorted({*self.used, *other.used}),
            counts={name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in names},
        )


class Ledger:
    """Takes down what tests did, and looks for what nobody used."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._is_worker = hasattr(config, "workerinput")
        self._passed: dict[str, int] = {}
        """How many phases of each test passed, in its last attempt; far below zero if one did not."""
        self._notes: dict[tuple[str, str], Note] = {}
        self._expected: set[str] = set()
        """The directories of the tests that were collected and record."""
        self._modules: set[str] = set()
        """The test files that were collected whole."""
        self._folders: set[str] = set()
        """The directories in which tests were looked for."""
        self._collected = True
        """Whether every file could be collected."""
        self._skipped = False
        """Whether a file skipped itself, with tests that nobody knows."""
        self._selected = True
        """Whether all that was collected is run."""
        self._lost = False
        """Whether a worker was lost, with its books."""
        self.written_after_report: set[str] = set()
        """Recordings that were written after the report of their test."""
        self.unused: list[str] = []
        self.orphaned: list[str] = []
        self.deleted = 0

    def expect(self, directories: Iterable[str]) -> None:
        """Tests were collected that record there."""
        self._expected.update(directories)

    def note(self, note: Note) -> None:
        """A recorder has done its work."""
        # Where the file system ignores case, two tests may share a directory: nothing of one is unused for the other.
        at = (note.directory.casefold(), note.scope)
        known = self._notes.get(at)
        self._notes[at] = note if known is None else known.with_(note)

    # What was run

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path: Path) -> None:
        """Tests are looked for in this directory."""
        self._folders.add(str(path))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that could not be collected may have tests; one that skips itself has."""
        self._collected = self._collected and not report.failed
        if report.skipped:
            self._skipped = True
        elif report.passed and report.nodeid.endswith(".py"):
            self._modules.add(str(self._config.rootpath / report.nodeid))

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Not all of the tests are run."""
        self._selected = self._selected and not items

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a test is over."""
        if report.when == "setup":
            self._passed[report.nodeid] = 0
        passed = self._passed.get(report.nodeid, 0)
        self._passed[report.nodeid] = passed + 1 if report.passed else passed - 100
        if report.when == "teardown" and not self._is_worker:
            told: dict[str, Any] | None = getattr(report, "memo", None)
            if told is not None:
                self.note(Note(**told))

    # What comes from workers

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker has ended."""
        books = getattr(node, "workeroutput", {}).get("memo")
        if books is None:
            self._lost = True
            return
        for note in books["notes"]:
            self.note(Note(**note))
        self._expected.update(books["expected"])
        self._modules.update(books["modules"])
        self._folders.update(books["folders"])
        self._collected = self._collected and books["collected"]
        self.written_after_report.update(books["written_after_report"])
        self._skipped = self._skipped or books["skipped"]
        self._selected = self._selected and books["selected"]

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None]:
        """Look for what nobody used: when everybody's books are in, and before the summary is printed."""
        result = yield
        if self._is_worker:
            self._config.workeroutput["memo"] = {  # type: ignore[attr-defined]
                "notes": [note._asdict() for note in self._notes.values()],
                "expected": sorted(self._expected),
                "modules": sorted(self._modules),
                "folders": sorted(self._folders),
                "collected": self._collected,
                "written_after_report": sorted(self.written_after_report),
                "skipped": self._skipped,
                "selected": self._selected,
            }
        else:
            self._judge(session, exitstatus)
        return result

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what it came to: nothing if nothing was recorded, and under -q only what fails the run."""
        quiet = terminalreporter.verbosity < 0
        fails = self._settings.unused == "fail" and bool(self.unused or self.orphaned)
        if not self._notes or (quiet and not fails):
            return
        terminalreporter.section("memo", sep="-")
        if not quiet:
            terminalreporter.line(self._totals())
        root = self._config.rootpath
        if self.unused:
            terminalreporter.line(f"unused, although their tests passed ({_WAY_OUT}):")
            _list(terminalreporter, [relative(each, root) for each in self.unused])
        if self.orphaned:
            terminalreporter.line("of tests that are gone, or no longer record:")
            _list(terminalreporter, [f"rm -r {shlex.quote(relative(each, root))}" for each in self.orphaned])

    def _totals(self) -> str:
        counts = dict.fromkeys(COUNTS, 0.0)
        for note in self._notes.values():
            counts = {name: count + note.counts[name] for name, count in counts.items()}
        seconds, tokens = counts.pop("seconds"), counts.pop("tokens")
        counts |= {"unused": len(self.unused), "deleted": self.deleted}
        told = [f"{count:.0f} {name}" for name, count in counts.items() if count or name == "replayed"]
        saved = f"{seconds:.1f} s" + (f" and {tokens:,.0f} tokens" if tokens else "")
        return f"{', '.join(told)}; saved {saved}"

    # Judging

    def _judge(self, session: pytest.Session, exitstatus: int) -> None:
        whole = self._are_modules_whole()
        full = whole and self._is_full()
        everybody = full and not self._skipped
        # Who may use a module's recordings is known if no part of it was named; of what is shared wider, if nothing was left out.
        known = {"test": True, "class": whole, "module": whole, "package": everybody, "session": everybody}
        for note in self._notes.values():
            passed = known[note.scope] and all(self._passed.get(user, 0) >= _PHASES for user in note.users)
            if passed and note.directory and note.mode != "live":
                self._judge_directory(note)
        if self._notes and full and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            self.orphaned = sorted(self._find_orphaned())
        if self._settings.unused == "fail" and (self.unused or self.orphaned) and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _judge_directory(self, note: Note) -> None:
        from memo.stores import DirectoryStore

        store = DirectoryStore(note.directory)
        used = {each.casefold() for each in (*note.used, *self.written_after_report)}
        unused = [name for name in store.scan() if store.location(name).casefold() not in used]
        if note.mode == "record" or self._settings.unused == "delete":
            for name in unused:
                self.deleted += store.delete(name)
                _remove_empty(Path(store.location(name)).parent, Path(note.directory).parent)
        elif self._settings.unused != "ignore":
            self.unused += map(store.location, unused)

    def _are_modules_whole(self) -> bool:
        """Whether every test was collected that there is in the modules that were looked at."""
        lf = getattr(self._config.option, "lf", False)
        return self._collected and not self._lost and not lf and not any("::" in each for each in self._config.args)

    def _is_full(self) -> bool:
        """The same of the directories that were looked at, of whole modules, and that none was left out."""
        option = self._config.option
        return (
            self._selected
            and self._settings.unused != "ignore"
            and not (option.ignore or option.ignore_glob)
            and all(Path(each).is_dir() for each in self._config.args)
        )

    def _find_orphaned(self) -> Iterable[str]:
        """The directories of tests that no longer are."""
        from memo.pytest_plugin._places import Places

        places = Places(self._config.rootpath, self._settings.directory)
        for folder in map(Path, self._folders):
            for module in _directories(places.folder(folder)):
                file = folder / f"{module.name}.py"
                if module.name.startswith("@") or (file.exists() and str(file) not in self._modules):
                    continue
                for test in _directories(module):
                    shared = "@" in test.name and file.exists()
                    if str(test) not in self._expected and not shared and _holds_recordings(test):
                        yield str(test)


_PHASES = 3
"""Set up, call, tear down."""
_WAY_OUT = "pytest --memo-unused=delete deletes them"
_SHOWN = 20


def _list(terminal: pytest.TerminalReporter, lines: list[str]) -> None:
    for line in lines[:_SHOWN]:
        terminal.line(f"  {line}")
    if len(lines) > _SHOWN:
        terminal.line(f"  and {len(lines) - _SHOWN} more")


def _directories(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]
    except OSError:
        return []


def _holds_recordings(test: Path) -> bool:
    return any(next(function.glob("*.json"), None) is not None for function in _directories(test))


def _remove_empty(folder: Path, end: Path) -> None:
    """Remove a directory and those above it, up to `end`, as far as they are empty."""
    while folder != end and folder.is_relative_to(end):
        try:
            os.rmdir(folder)  # noqa: PTH106
        except OSError:
            return
        folder = folder.parent
