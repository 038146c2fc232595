"""The recorders of a run: which recorder a test has, with which options, and while it is active."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest

from memo._engine.rules.modes import Mode
from memo._engine.sessions.network import Network
from memo._engine.sessions.options import RecorderOptions
from memo.errors import InvalidOption, MemoError
from memo.pytest_plugin._layers import Layers
from memo.pytest_plugin._ledger import Ledger, unrecorded_before
from memo.pytest_plugin._places import Places, is_store
from memo.pytest_plugin._recorder import TestRecorder
from memo.pytest_plugin._renames import Renames
from memo.pytest_plugin._run import Run
from memo.pytest_plugin._settings import Settings, marked

__all__ = ["PLACE", "RECORDER", "Recorders", "clear_errors", "node_of"]

RECORDER = pytest.StashKey[TestRecorder]()
PLACE = pytest.StashKey[str]()
"""The directory of a test's recordings, if the test records."""
_RECORDER_OPTIONS = frozenset(RecorderOptions.__annotations__) - {"test"}
_NODES: dict[str, Any] = {
    "class": pytest.Class,
    "module": pytest.Module,
    "package": pytest.Package,
    "session": pytest.Session,
}


class Recorders:
    """The recorders of tests, and of scopes that are wider than a test."""

    def __init__(self, config: pytest.Config, settings: Settings, ledger: Ledger, run: Run) -> None:
        self._settings = settings
        self._ledger = ledger
        self._run = run
        self._places = Places(config.rootpath, settings.directory, settings.layout)
        self._renames = Renames(config, self._places, ledger.usage)
        self.layers = Layers(config.rootpath, may_delete=settings.unused == "delete")
        self._unrecorded = unrecorded_before(config)
        self._network = Network(settings.allowed)
        self._installed = ExitStack()
        self._patches: set[Any] = set()
        self._is_configuration_installed = False
        self._active: list[TestRecorder] = []
        self.wider: dict[tuple[Any, str], TestRecorder] = {}
        """The recorders of wider scopes, by node and scope."""
        self.configuring = False
        """True while `memo_config` is requested: its own calls are not recorded."""
        self._configured_parents: dict[Any, bool] = {}

    def prepare(self, item: pytest.Item) -> None:
        """Give a test that records its directory, and its recorder before all of its other fixtures."""
        item.stash[PLACE] = self._places.test(item)
        names: list[str] = item.fixturenames  # type: ignore[attr-defined]
        if self.is_configured(item) and names[:1] != ["memo_recorder"]:
            # The recorder requests memo_config, so it is set up before all other fixtures.
            names[:] = ["memo_recorder", *(name for name in names if name != "memo_recorder")]

    def close(self) -> None:
        """Undo what was done to the process."""
        for recorder in self._active[:]:  # of a test that was interrupted
            self.deactivate(recorder)
        self._network.close()
        self._installed.close()

    def recorder_for(self, item: pytest.Item) -> TestRecorder:
        """Return the recorder of a test: until the test ends, the default of the process."""
        recorder = item.stash.get(RECORDER, None)
        if recorder is None:
            with clear_errors():
                own = self._settings.scope == "test"
                place = item.stash.get(PLACE, "") or self._places.test(item)
                recorder = self._made(item, item, place) if own else self._shared(item)
            item.stash[RECORDER] = recorder
            self.activate(recorder)
        return recorder

    def _shared(self, item: pytest.Item) -> TestRecorder:
        scope = self._settings.scope
        recorder = self.of_scope(item, scope)
        options, shared = (marked(node, _MARKABLE) for node in (item, node_of(item, scope)))
        if options != shared:
            raise InvalidOption(
                f"@pytest.mark.memo of {item.name}",
                options,
                [f"{shared}, since memo_scope = {scope} shares one recorder"],
            )
        recorder.test = item.nodeid
        return recorder

    def of_scope(self, item: pytest.Item, scope: str) -> TestRecorder:
        """Return the recorder of a wider scope that a test is in; make it for the first one."""
        node = node_of(item, scope)
        recorder = self.wider.get((node, scope))
        if recorder is None:
            recorder = self.wider[node, scope] = self._made(item, node, self._places.scope(node, scope))
        return recorder

    def _made(self, item: Any, node: Any, place: str) -> TestRecorder:
        config = self._configured(item)
        patches, store = config.pop("patches", ()), config.pop("store", None)
        directory = self._settings.directory
        if directory is not None and (store is None or self._settings.is_moved):
            store = directory if is_store(directory) else None
        # A shared recorder serves any of its tests in any order, so their identical calls cannot be numbered.
        draws = {"draws": isinstance(node, pytest.Item)}
        options = draws | self._settings.options | config | marked(node, _MARKABLE)
        if self._settings.faults:
            options["faults"] = [*_listed(options.get("faults", ())), *self._settings.faults]
        if self._settings.pending:
            options["pending"] = self._settings.pending
        if "fallback" in options:
            options["fallback"] = self.layers.resolved(options["fallback"])
        mode = Mode.of(options.pop("mode", self._settings.default_mode))  # an invalid mode is an error, used or not
        mode = self._settings.mode or mode
        self._install(patches)
        place = self._places.store(place) if store is None else place
        recorder = TestRecorder(
            place if store is None else store,
            mode=mode,
            options=options,
            test=node.nodeid,
            alone=store is None,
            written_after_report=self._ledger.usage.written_after_report,
            find_renamed=partial(self._renames.find, place)
            if store is None and isinstance(node, pytest.Item)
            else None,
            lost=self._unrecorded,
            modes=self._settings.modes,
            journals=self._run.journals,
            may_delete=store is None
            and ((mode is Mode.RECORD and not options.get("pending")) or self._settings.unused == "delete"),
        )
        if options.get("pending") and recorder.verification is not None:
            recorder.aside = self._settings.fail_on
        return recorder

    def _configured(self, item: Any) -> dict[str, Any]:
        if not self.is_configured(item):
            return {}
        self.configuring = True
        try:
            config = item._request.getfixturevalue("memo_config")
        finally:
            self.configuring = False
        if not isinstance(config, dict):
            raise InvalidOption("memo_config", config, ["a dict of options"])
        for name in config:
            if name not in _CONFIGURABLE:
                raise InvalidOption("memo_config", name, sorted(_CONFIGURABLE))
        return dict(config)

    def is_configured(self, item: Any) -> bool:
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
        for patch in _patches(patches):
            if patch not in self._patches:
                from memo.patches import install

                self._installed.enter_context(install(patch))
                self._patches.add(patch)

    def activate(self, recorder: TestRecorder) -> None:
        """Make the recorder the default of the process, and block the network if it only replays."""
        recorder.activate()
        self._active.append(recorder)
        if self._settings.blocks and recorder.modes == {Mode.REPLAY}:
            self._network.block(recorder.on_replay_error, recorder.allow)

    def deactivate(self, recorder: TestRecorder) -> None:
        """Undo `activate`."""
        recorder.deactivate()
        self._active.remove(recorder)
        self._network.unblock(recorder.on_replay_error)

    def of(self, item: pytest.Item) -> list[TestRecorder]:
        """Return the recorders that a test may have used: those of wider scopes, and its own."""
        own = item.stash.get(RECORDER, None)
        return [
            *(recorder for recorder in self.wider.values() if recorder is not own),
            *([own] if own is not None else []),
        ]


def _listed(faults: Any) -> list[Any]:
    return list(faults) if isinstance(faults, list | tuple) else [faults]


def _patches(patches: Any) -> list[Any]:
    """Return the patches that `memo_config` lists, checked, so that they can be looked up in a set."""
    if not patches:
        return []
    from memo.patches import Patch

    listed = [patches] if isinstance(patches, str | Patch) else patches
    if not isinstance(listed, list | tuple | set | frozenset) or not all(
        isinstance(one, str | Patch) for one in listed
    ):
        raise InvalidOption(
            "memo_config: patches", patches, ['a list of names of presets, "module:function" and memo.Patch']
        )
    return list(listed)


_MARKABLE = _RECORDER_OPTIONS | {"mode"}
_CONFIGURABLE = _RECORDER_OPTIONS | {"patches", "store"}


def node_of(item: Any, scope: str) -> Any:
    """Return the node of a scope that a test is in; None for a scope that it is not in."""
    return item.getparent(_NODES[scope]) or (item.session if scope == "package" else None)


@contextmanager
def clear_errors() -> Generator[None]:
    """Fail with one line for invalid marks and options, without the plugin's frames."""
    try:
        yield
    except MemoError as error:
        raise pytest.fail.Exception(f"memo: {error}", pytrace=False) from None
