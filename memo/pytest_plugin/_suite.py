"""The tests that record: each gets a recorder, and fails with the errors that its recorder caught."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from memo._engine.rules.modes import Mode
from memo.errors import MemoError, RecordingNotFound
from memo.pytest_plugin._frames import prune
from memo.pytest_plugin._ledger import Ledger
from memo.pytest_plugin._misses import Misses
from memo.pytest_plugin._pending import holder
from memo.pytest_plugin._recorder import TestRecorder
from memo.pytest_plugin._recorders import PLACE, RECORDER, Recorders, clear_errors, node_of
from memo.pytest_plugin._run import Run
from memo.pytest_plugin._settings import Settings
from memo.pytest_plugin._shown import again, caught, chain, distinct, named
from memo.pytest_plugin._unseen import Unseen
from memo.pytest_plugin._usage import COUNTS, Note
from memo.stores import layers_of

__all__ = ["Suite"]

_MISSES = pytest.StashKey[list[dict[str, Any]]]()
"""The misses of a test's phase, for the summary."""


class Suite:
    """The hooks of a run that has tests that record."""

    def __init__(self, config: pytest.Config, settings: Settings, ledger: Ledger, run: Run) -> None:
        self._settings = settings
        self._ledger = ledger
        self._root = config.rootpath
        self._recorders = Recorders(config, settings, ledger, run)
        self._misses = Misses(config)
        self._unseen = Unseen(settings)
        self._items: list[pytest.Item] = []
        self._recorded_fixtures: set[Any] | None = None

    def take(self, items: list[pytest.Item]) -> None:
        """Prepare tests that record, if they run."""
        self._items += items
        self._recorded_fixtures = None
        for item in items:
            self._recorders.prepare(item)
        self._ledger.expect(item.stash[PLACE] for item in items)

    def close(self) -> None:
        """Undo what was done to the process."""
        self._unseen.close()
        self._recorders.close()

    def recorder_for(self, item: pytest.Item) -> TestRecorder:
        """Return the recorder of a test: until the test ends, the default of the process."""
        recorder = self._recorders.recorder_for(item)
        self._unseen.begin(item, recorder)
        return recorder

    # Fixtures of wider scopes

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any], request: Any) -> Generator[None, Any, Any]:
        """Record the calls of a fixture with a wider scope for that scope, not for the test that came first."""
        if fixturedef.scope == "function" or self._recorders.configuring or not self._is_recorded(fixturedef, request):
            return (yield)
        item = request._pyfuncitem
        if node_of(item, fixturedef.scope) is None:
            return (yield)  # of scope class, for a test outside a class: it is set up for that test alone
        with clear_errors():
            recorder = self._recorders.of_scope(item, fixturedef.scope)
        # Finalizers run in reverse order: the fixture's own one runs between these two.
        fixturedef.addfinalizer(lambda: self._recorders.deactivate(recorder))
        self._recorders.activate(recorder)
        try:
            return (yield)
        finally:
            self._recorders.deactivate(recorder)
            fixturedef.addfinalizer(lambda: self._recorders.activate(recorder))

    def _is_recorded(self, fixturedef: Any, request: Any) -> bool:
        """Return whether any test that records uses the fixture: it is set up once, for all."""
        name, module = fixturedef.argname, getattr(fixturedef.func, "__module__", None) or ""
        if name == "memo_config" or (module.startswith("_pytest.") and not name.startswith("_")):
            return (
                False  # pytest's own, except setup_module, setup_class and setUpClass, which pytest turns into fixtures
            )
        if self._recorded_fixtures is None:
            infos = {
                id(info): info for item in self._items if (info := getattr(item, "_fixtureinfo", None)) is not None
            }
            self._recorded_fixtures = {
                fixture
                for info in infos.values()
                for found in info.name2fixturedefs.values()
                for fixture in found
                if fixture.scope != "function"
            }
        return fixturedef in self._recorded_fixtures or PLACE in request._pyfuncitem.stash

    # What went wrong, and what was used

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Give the test its recorder, before all of its fixtures; fail with what a fixture caught."""
        records = PLACE in item.stash
        if records and not self._recorders.is_configured(item):
            self.recorder_for(item)
        result = yield
        if records:
            self._check(item)
        return result

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Fail with what the code under test caught, and with what could not be recorded."""
        result = yield
        self._check(item)
        return result

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Fail as `pytest_runtest_call` does, since a stream may end only now; then deactivate the recorder."""
        try:
            result = yield
            self._check(item)
        finally:
            recorder = item.stash.get(RECORDER, None)
            if recorder is not None:
                self._recorders.deactivate(recorder)
        return result

    def _check(self, item: pytest.Item) -> None:
        own = self._heard(item)
        if not self._recorders.wider and (own is None or not (own.misses or own.failures)):
            return  # the common case
        recorders = self._recorders.of(item)
        if not any(recorder.misses or recorder.failures for recorder in recorders):
            return
        messages = self._caught(_taken(recorders), item)
        for recorder in recorders:
            failures, recorder.failures = recorder.failures, []
            if failures:
                calls = "a call" if len(failures) == 1 else f"{len(failures)} calls"
                messages.append(
                    "\n\n".join([f"memo: {calls} of this test could not be recorded:", *distinct(failures)])
                )
        pytest.fail("\n\n".join(messages), pytrace=False)

    def _heard(self, item: pytest.Item) -> TestRecorder | None:
        """Return the recorder of a test, after all that may serve it have taken over what other processes did."""
        own = item.stash.get(RECORDER, None)
        for recorder in self._recorders.of(item) if self._recorders.wider else [own]:
            if recorder is not None:
                recorder.catch_up()
        return own

    def _caught(self, errors: list[MemoError], item: pytest.Item) -> list[str]:
        """Return what to say of errors that the code under test caught: in a line, if another test says more."""
        elsewhere: list[str] = []
        here: list[MemoError] = []
        for error in errors:
            if first := self._noted(error, item):
                elsewhere.append(again(error, first))
            else:
                here.append(error)
        return [*caught(here, item), *dict.fromkeys(elsewhere)]

    def _noted(self, error: BaseException, item: pytest.Item) -> str:
        """Note a miss for the summary; return the other test that shows its cause, if there is one."""
        if not isinstance(error, RecordingNotFound):
            return ""
        rename = next(
            (found[error] for recorder in self._recorders.of(item) if error in (found := recorder.renamed)), None
        )
        used = {location for recorder in self._recorders.of(item) for location in recorder.used}
        described = self._misses.describe(error, item.nodeid, rename, used)
        notes = item.stash.setdefault(_MISSES, [])
        if described not in notes:
            notes.append(described)
        return "" if rename is not None else self._misses.first(error, item.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Show a miss without memo's own frames, what was caught beside the error that is shown, and hand over what was used."""
        shown: list[BaseException] = []
        if call.excinfo is not None:
            shown = list(chain(call.excinfo.value))
            for error in shown:
                named(error, shown, item)
            for error in shown:
                prune(error)
        report = yield
        if call.excinfo is not None:
            self._complete(report, shown, item)
        if call.when == "teardown":
            self._hand_over(report, item)
        return report

    def _complete(self, report: pytest.TestReport, shown: list[BaseException], item: pytest.Item) -> None:
        """Add the errors that the code under test caught to a report, and hand over its misses."""
        self._heard(item)
        texts = {str(error) for error in shown}
        swallowed = [
            error for error in _taken(self._recorders.of(item)) if error not in shown and str(error) not in texts
        ]
        if report.outcome == "failed":
            firsts = [self._noted(error, item) for error in shown if isinstance(error, RecordingNotFound)]
            if firsts and all(firsts):
                report.longrepr = again(shown[0], firsts[0])
        if report.outcome != "skipped":
            report.sections += [("memo", message) for message in self._caught(swallowed, item)]
        if misses := item.stash.get(_MISSES, None):
            vars(report)["memo_misses"] = misses[:]
            misses.clear()

    def _hand_over(self, report: pytest.TestReport, item: pytest.Item) -> None:
        """Add what the test's own recorder did to the report of its teardown."""
        vars(report)["memo_unseen"] = self._unseen.end(item)
        recorder = item.stash.get(RECORDER, None)
        if recorder is not None:
            recorder.catch_up()
            del item.stash[RECORDER]  # the test may be run again
            if self._settings.scope == "test":
                recorder.is_over = True
                recorder.end()
                notes = [
                    _note(recorder, [item.nodeid], "test"),
                    *self._recorders.layers.notes(recorder, [item.nodeid]),
                ]
                vars(report)["memo"] = [note._asdict() for note in notes]  # sent with the report to xdist's controller

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over what the recorders of wider scopes used."""
        for (node, scope), recorder in self._recorders.wider.items():
            users = [item.nodeid for item in self._items if node_of(item, scope) is node]
            reach = str(self._root if scope == "session" else node.path)
            recorder.catch_up()
            for note in (_note(recorder, users, scope, reach), *self._recorders.layers.notes(recorder, users)):
                self._ledger.usage.add(note)
            recorder.end()


def _note(recorder: TestRecorder, users: list[str], scope: str, reach: str = "") -> Note:
    stats, rules = recorder.stats, recorder.mode_rules.rules if recorder.mode_rules is not None else ()
    unrecorded = stats.unrecorded
    verified = []
    if recorder.verification is not None:
        from memo.pytest_plugin._verified import put_changed_aside, verified_by

        verified = verified_by(recorder)
        if recorder.aside is not None:
            put_changed_aside(recorder, layers_of(recorder.store)[0], recorder.aside)
    done = (
        stats.replayed,
        stats.recorded,
        stats.live,
        stats.missed,
        unrecorded,
        stats.seconds_saved,
        recorder.tokens_saved,
    )
    return Note(
        directory=layers_of(recorder.store)[0].location() if recorder.alone else "",
        # What is put aside makes no recording needless.
        mode=str(Mode.RECORD_IF_MISSING if recorder.pending is not None else recorder.mode),
        pending=holder(layers_of(recorder.store)[0]),
        volatile=stats.volatile,
        verified=verified,
        injected=stats.injected,
        rules={rule.pattern: (str(rule.mode), rule.source, stats.by_rule.get(rule.pattern, 0)) for rule in rules},
        users=users,
        used=sorted(recorder.used),
        scope=scope,
        reach=reach,
        before=recorder.before,
        unrecorded=recorder.unrecorded,
        counts=dict(zip(COUNTS, done, strict=True)),
    )


def _taken(recorders: list[TestRecorder]) -> list[MemoError]:
    """Return what went wrong since the last call."""
    misses: list[MemoError] = []
    for recorder in recorders:
        misses += recorder.misses
        recorder.misses.clear()
    return misses
