"""The tests that record: each gets a recorder, and fails with the errors that its recorder caught."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest

from memo._engine.modes import Mode
from memo._engine.options import RecorderOptions
from memo.errors import InvalidOption, MemoError, RecordingNotFound
from memo.pytest_plugin._frames import prune
from memo.pytest_plugin._ledger import COUNTS, Ledger, Note, unrecorded_before
from memo.pytest_plugin._misses import Misses
from memo.pytest_plugin._network import Network
from memo.pytest_plugin._places import Places
from memo.pytest_plugin._recorder import TestRecorder
from memo.pytest_plugin._renames import Renames
from memo.pytest_plugin._settings import Settings, marked
from memo.pytest_plugin._shown import again, caught, chain, distinct, named

__all__ = ["Suite"]

_RECORDER = pytest.StashKey[TestRecorder]()
_PLACE = pytest.StashKey[str]()
"""The directory of a test's recordings, if the test records."""
_MISSES = pytest.StashKey[list[dict[str, Any]]]()
"""The misses of a test's phase, for the summary."""
_RECORDER_OPTIONS = frozenset(RecorderOptions.__annotations__) - {"test"}
_NODES: dict[str, Any] = {
    "class": pytest.Class,
    "module": pytest.Module,
    "package": pytest.Package,
    "session": pytest.Session,
}


class Suite:
    """The recorders of a run."""

    def __init__(self, config: pytest.Config, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger
        self._places = Places(config.rootpath, settings.directory)
        self._root = config.rootpath
        self._renames = Renames(config, self._places, ledger.books)
        self._misses = Misses(config)
        self._unrecorded = unrecorded_before(config)
        self._network = Network(settings.allowed)
        self._installed = ExitStack()
        self._patches: set[Any] = set()
        self._is_configuration_installed = False
        self._items: list[pytest.Item] = []
        self._active: list[TestRecorder] = []
        self._wider: dict[tuple[Any, str], TestRecorder] = {}
        self._recorded_fixtures: set[Any] | None = None
        self._configuring = False
        self._configured_parents: dict[Any, bool] = {}

    def take(self, items: list[pytest.Item]) -> None:
        """Prepare tests that record, if they run."""
        self._items += items
        self._recorded_fixtures = None
        for item in items:
            item.stash[_PLACE] = self._places.test(item)
            names: list[str] = item.fixturenames  # type: ignore[attr-defined]
            if self._is_configured(item) and names[:1] != ["memo_recorder"]:
                # The recorder requests memo_config, so it is set up before all other fixtures.
                names[:] = ["memo_recorder", *(name for name in names if name != "memo_recorder")]
        self._ledger.expect(item.stash[_PLACE] for item in items)

    def close(self) -> None:
        """Undo what was done to the process."""
        for recorder in self._active[:]:  # of a test that was interrupted
            self._deactivate(recorder)
        self._network.close()
        self._installed.close()

    # Recorders

    def recorder_for(self, item: pytest.Item) -> TestRecorder:
        """Return the recorder of a test: until the test ends, the default of the process."""
        recorder = item.stash.get(_RECORDER, None)
        if recorder is None:
            with _clear_errors():
                own = self._settings.scope == "test"
                place = item.stash.get(_PLACE, "") or self._places.test(item)
                recorder = self._made(item, item, place) if own else self._shared(item)
            item.stash[_RECORDER] = recorder
            self._activate(recorder)
        return recorder

    def _shared(self, item: pytest.Item) -> TestRecorder:
        scope = self._settings.scope
        recorder = self._of_scope(item, scope)
        options, shared = (marked(node, _MARKABLE) for node in (item, _node(item, scope)))
        if options != shared:
            raise InvalidOption(
                f"@pytest.mark.memo of {item.name}",
                options,
                [f"{shared}, since memo_scope = {scope} shares one recorder"],
            )
        recorder.test = item.nodeid
        return recorder

    def _of_scope(self, item: pytest.Item, scope: str) -> TestRecorder:
        node = _node(item, scope)
        recorder = self._wider.get((node, scope))
        if recorder is None:
            recorder = self._wider[node, scope] = self._made(item, node, self._places.scope(node, scope))
        return recorder

    def _made(self, item: Any, node: Any, place: str) -> TestRecorder:
        config = self._configured(item)
        patches, store = config.pop("patches", ()), config.pop("store", None)
        directory = self._settings.directory
        if directory is not None and (store is None or self._settings.is_moved):
            store = directory if "://" in directory else None
        # A shared recorder serves any of its tests in any order, so their identical calls cannot be numbered.
        draws = {"draws": isinstance(node, pytest.Item)}
        options = draws | self._settings.options | config | marked(node, _MARKABLE)
        mode = Mode.of(options.pop("mode", self._settings.default_mode))  # an invalid mode is an error, used or not
        mode = self._settings.mode or mode
        self._install(patches)
        return TestRecorder(
            place if store is None else store,
            mode=mode,
            options=options,
            test=node.nodeid,
            alone=store is None,
            written_after_report=self._ledger.books.written_after_report,
            find_renamed=partial(self._renames.find, place)
            if store is None and isinstance(node, pytest.Item)
            else None,
            lost=self._unrecorded,
            may_delete=store is None and (mode is Mode.RECORD or self._settings.unused == "delete"),
        )

    def _configured(self, item: Any) -> dict[str, Any]:
        if not self._is_configured(item):
            return {}
        self._configuring = True
        try:
            config = item._request.getfixturevalue("memo_config")
        finally:
            self._configuring = False
        if not isinstance(config, dict):
            raise InvalidOption("memo_config", config, ["a dict of options"])
        for name in config:
            if name not in _CONFIGURABLE:
                raise InvalidOption("memo_config", name, sorted(_CONFIGURABLE))
        return dict(config)

    def _is_configured(self, item: Any) -> bool:
        """Return whether the user overrides `memo_config`. It can be requested only while the test's fixtures are set up."""
        is_configured = self._configured_parents.get(item.parent)
        if is_configured is None:
            is_configured = len(item._request._fixturemanager.getfixturedefs("memo_config", item)) > 1
            self._configured_parents[item.parent] = is_configured
        return is_configured

    def _install(self, patches: Any) -> None:
        configuration = self._settings.configuration
        if configuration is not None and not self._is_configuration_installed:
            from memo.patches import install_patches

            self._is_configuration_installed = True
            self._installed.enter_context(install_patches(configuration))
        for patch in [patches] if isinstance(patches, str) else patches:
            if patch not in self._patches:
                from memo.patches import install

                self._installed.enter_context(install(patch))
                self._patches.add(patch)

    def _activate(self, recorder: TestRecorder) -> None:
        recorder.activate()
        self._active.append(recorder)
        if self._settings.blocks and recorder.mode is Mode.REPLAY:
            self._network.block(recorder.on_replay_error)

    def _deactivate(self, recorder: TestRecorder) -> None:
        recorder.deactivate()
        self._active.remove(recorder)
        self._network.unblock(recorder.on_replay_error)

    # Fixtures of wider scopes

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any], request: Any) -> Generator[None, Any, Any]:
        """Record the calls of a fixture with a wider scope for that scope, not for the test that came first."""
        if fixturedef.scope == "function" or self._configuring or not self._is_recorded(fixturedef, request):
            return (yield)
        item = request._pyfuncitem
        if _node(item, fixturedef.scope) is None:
            return (yield)  # of scope class, for a test outside a class: it is set up for that test alone
        with _clear_errors():
            recorder = self._of_scope(item, fixturedef.scope)
        # Finalizers run in reverse order: the fixture's own one runs between these two.
        fixturedef.addfinalizer(lambda: self._deactivate(recorder))
        self._activate(recorder)
        try:
            return (yield)
        finally:
            self._deactivate(recorder)
            fixturedef.addfinalizer(lambda: self._activate(recorder))

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
        return fixturedef in self._recorded_fixtures or _PLACE in request._pyfuncitem.stash

    # What went wrong, and what was used

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Give the test its recorder, before all of its fixtures; fail with what a fixture caught."""
        records = _PLACE in item.stash
        if records and not self._is_configured(item):
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
            recorder = item.stash.get(_RECORDER, None)
            if recorder is not None:
                self._deactivate(recorder)
        return result

    def _check(self, item: pytest.Item) -> None:
        own = item.stash.get(_RECORDER, None)
        if not self._wider and (own is None or not (own.misses or own.failures)):
            return  # the common case
        recorders = self._recorders(item)
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

    def _caught(self, errors: list[MemoError], item: pytest.Item) -> list[str]:
        """Return what to say of errors that the code under test caught: in a line, if another test says more."""
        messages: list[str] = []
        for error in errors:
            first = self._noted(error, item)
            messages += [again(error, first)] if first else caught([error], item)
        return list(dict.fromkeys(messages))

    def _noted(self, error: BaseException, item: pytest.Item) -> str:
        """Note a miss for the summary; return the other test that shows its cause, if there is one."""
        if not isinstance(error, RecordingNotFound):
            return ""
        rename = next(
            (found[error] for recorder in self._recorders(item) if error in (found := recorder.renamed)), None
        )
        described = self._misses.describe(error, item.nodeid, rename)
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
            texts = {str(error) for error in shown}
            swallowed = [
                error for error in _taken(self._recorders(item)) if error not in shown and str(error) not in texts
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
        if call.when == "teardown":
            recorder = item.stash.get(_RECORDER, None)
            if recorder is not None:
                del item.stash[_RECORDER]  # the test may be run again
                if self._settings.scope == "test":
                    recorder.is_over = True
                    vars(report)["memo"] = _note(
                        recorder, [item.nodeid], "test"
                    )._asdict()  # sent with the report to xdist's controller
        return report

    def _recorders(self, item: pytest.Item) -> list[TestRecorder]:
        own = item.stash.get(_RECORDER, None)
        return [
            *(recorder for recorder in self._wider.values() if recorder is not own),
            *([own] if own is not None else []),
        ]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over what the recorders of wider scopes used."""
        for (node, scope), recorder in self._wider.items():
            users = [item.nodeid for item in self._items if _node(item, scope) is node]
            reach = str(self._root if scope == "session" else node.path)
            self._ledger.books.add(_note(recorder, users, scope, reach))


_MARKABLE = _RECORDER_OPTIONS | {"mode"}
_CONFIGURABLE = _RECORDER_OPTIONS | {"patches", "store"}


def _node(item: Any, scope: str) -> Any:
    return item.getparent(_NODES[scope]) or (item.session if scope == "package" else None)


@contextmanager
def _clear_errors() -> Generator[None]:
    """Fail with one line for invalid marks and options, without the plugin's frames."""
    try:
        yield
    except MemoError as error:
        raise pytest.fail.Exception(f"memo: {error}", pytrace=False) from None


def _note(recorder: TestRecorder, users: list[str], scope: str, reach: str = "") -> Note:
    stats = recorder.stats
    unrecorded = stats.unrecorded
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
        directory=recorder.store.location() if recorder.alone else "",
        mode=str(recorder.mode),
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
