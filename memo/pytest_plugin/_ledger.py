"""The end of a run: what its tests used is added up, judged and printed."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

from memo.pytest_plugin._run import Run, failure_line
from memo.pytest_plugin._settings import Settings
from memo.pytest_plugin._usage import Note, Usage

__all__ = ["Ledger", "unrecorded_before"]

_PHASES = 3
"""Setup, call and teardown."""


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
        self.usage = Usage()

    def expect(self, directories: Iterable[str]) -> None:
        """Note that tests were collected that record in these directories."""
        self.usage.expected.update(directories)

    def passed(self, test: str) -> bool:
        """Return whether a test ran and passed, in setup and teardown too."""
        return self._passed.get(test, 0) >= _PHASES

    # What runs

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path: Path) -> None:
        """Note a directory in which tests are looked for."""
        self.usage.folders.add(str(path))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that could not be collected and may hold tests, and a file that skips itself and does."""
        self.usage.collected = self.usage.collected and not report.failed
        if report.skipped:
            self.usage.skipped = True
        elif report.passed and report.nodeid.endswith(".py"):
            self.usage.modules.add(str(self._config.rootpath / report.nodeid))

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Note that some collected tests are not run."""
        self.usage.selected = self.usage.selected and not items

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the end of a test's phase."""
        if report.when == "setup":
            self._passed[report.nodeid] = 0
        passed = self._passed.get(report.nodeid, 0)
        self._passed[report.nodeid] = passed + 1 if report.passed else passed - 100
        if self._is_worker:
            return
        self.usage.misses += getattr(report, "memo_misses", ())
        if self.passed(report.nodeid) and (hosts := getattr(report, "memo_unseen", ())):
            self.usage.unseen[report.nodeid] = list(hosts)
        for note in getattr(report, "memo", ()) if report.when == "teardown" else ():
            self.usage.add(Note(**note))

    # What comes from workers

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take over what a worker that has ended knows."""
        dumped = getattr(node, "workeroutput", {}).get("memo")
        if dumped is None:
            self.usage.lost = True
        else:
            self.usage.merge(dumped)

    # The end

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None]:
        """Judge what is unused: when all workers have ended, and before the summary is printed."""
        result = yield
        if self._is_worker:
            self._config.workeroutput["memo"] = self.usage.dump()  # type: ignore[attr-defined]
            return result
        self._take_over()
        if self.usage.notes:
            from memo.pytest_plugin._judging import judge
            from memo.pytest_plugin._pending import waiting
            from memo.pytest_plugin._verified import complaint as changed

            self._verdict = judge(self._config, self._settings, self.usage, self.passed, exitstatus)
            self._waiting = waiting(self._config, self._settings, self.usage)
            complaints = (
                self._verdict.complaint(self._settings),
                _complaint_of_late(self.usage),
                self._waiting.complaint(),
                changed(self.usage, self._settings.fail_on),
            )
            self._complaint = "\n".join(filter(None, complaints))
            _remember_unrecorded(self._config, self.usage)
            if self._complaint and exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return result

    def _take_over(self) -> None:
        """Take over what other processes did in the scopes of tests, after the tests' reports too."""
        for is_late, event in self._run.events():
            if "path" in event:
                self.usage.written_after_report.add(event["path"])
            elif is_late and event["event"] in ("missed", "error", "failed"):
                self.usage.late.append(failure_line(event))
        self.usage.left += self._run.left()
        self._run.remove()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the totals and what is unused; under -q only what needs somebody, and nothing if nothing was recorded."""
        if self._verdict is not None:
            from memo.pytest_plugin._summary import summarize
            from memo.pytest_plugin._verified import lines

            waits = [*lines(self.usage, self._settings.fail_on), *self._waiting.lines()]
            summarize(terminalreporter, self._config, self.usage, self._verdict, waits, fails=bool(self._complaint))

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Name unused recordings in the last line if the run failed for them: pytest's own line says that all tests passed."""
        terminal: Any = config.pluginmanager.get_plugin("terminalreporter")
        if self._complaint and terminal is not None:
            terminal.write_line(self._complaint, red=True)


def unrecorded_before(config: pytest.Config) -> dict[str, str]:
    """Return why calls were not recorded when they were made last, by the beginning of their key, from pytest's cache."""
    cache: Any = getattr(config, "cache", None)
    return dict(cache.get(_CACHED, None) or {}) if cache is not None else {}


def _remember_unrecorded(config: pytest.Config, usage: Usage) -> None:
    """Keep in pytest's cache why calls were not recorded, for the miss that follows."""
    cache: Any = getattr(config, "cache", None)
    reasons = {key[:_KEY]: reason for note in usage.notes.values() for key, (_, reason) in note.unrecorded.items()}
    before = unrecorded_before(config)
    stored = {Path(path).stem for note in usage.notes.values() for path in note.used}
    after = {key: reason for key, reason in {**before, **reasons}.items() if key not in stored}
    if cache is not None and after != before:
        cache.set(_CACHED, after)


def _complaint_of_late(usage: Usage) -> str:
    calls = f"{len(usage.late)} call{'' if len(usage.late) == 1 else 's'}"
    return f"memo: the run fails for {calls} that failed after the test had ended" if usage.late else ""


_CACHED = "memo/unrecorded"
_KEY = 32
"""Characters of a key that name its file."""
