"""The pytest plugin: a marked test replays from files beside it, and never makes a live call unnoticed.

    @pytest.mark.memo
    async def test_answer(): ...

    $ pytest --memo-mode=record-if-missing

Only what every run needs is imported here; the rest of memo is imported for the first test that records.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from memo._installation import mixture
from memo.pytest_plugin._ledger import Ledger
from memo.pytest_plugin._run import Run
from memo.pytest_plugin._settings import Settings, add_options, settled

if TYPE_CHECKING:
    from memo.pytest_plugin._recorder import TestRecorder
    from memo.pytest_plugin._suite import Suite

__all__ = [
    "TestRecorder",
    "memo_config",
    "memo_recorder",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_report_header",
    "pytest_unconfigure",
]

_SETTINGS = pytest.StashKey[Settings]()
_LEDGER = pytest.StashKey[Ledger]()
_SUITE = pytest.StashKey["Suite"]()
_RUN = pytest.StashKey[Run]()
_OUTER = pytest.StashKey["tuple[Path, Path] | None"]()

root_and_start: tuple[Path, Path] | None = None
"""The root of the running pytest, to which ids of tests are relative, and the directory in which pytest was started."""


def __getattr__(name: str) -> Any:
    if name == "TestRecorder":
        from memo.pytest_plugin._recorder import TestRecorder

        return TestRecorder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, none of which another plugin has. Raises `pytest.UsageError` if another package shares memo's files."""
    wrong = mixture()
    if wrong:
        raise pytest.UsageError(f"memo: {wrong}")
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Settle what the command line, the environment and the ini file say. Raises `pytest.UsageError`."""
    config.addinivalue_line(
        "markers",
        "memo(mode=..., **options): replay the recordable calls of the test from recordings beside it. "
        "The options are those of memo.Recorder.",
    )
    settings = config.stash[_SETTINGS] = settled(config)
    run = config.stash[_RUN] = Run(config)
    ledger = config.stash[_LEDGER] = Ledger(config, settings, run)
    config.pluginmanager.register(ledger, "memo-ledger")
    global root_and_start  # noqa: PLW0603 - a process runs one pytest at a time, or one inside the other
    config.stash[_OUTER] = root_and_start
    root_and_start = config.rootpath, config.invocation_params.dir


def pytest_unconfigure(config: pytest.Config) -> None:
    """Undo what was done to the process: patches, the guard of the network."""
    global root_and_start  # noqa: PLW0603
    root_and_start = config.stash.get(_OUTER, None)
    suite = config.stash.get(_SUITE, None)
    if suite is not None:
        suite.close()
    run = config.stash.get(_RUN, None)
    if run is not None:
        run.close()


def pytest_report_header(config: pytest.Config) -> str:
    """Return the mode, and where recordings are kept."""
    return config.stash[_SETTINGS].header()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Give the tests that record their recorder: before all of their other fixtures."""
    collected = list(items)
    yield
    record_all = config.stash[_SETTINGS].record_all
    recorded = [item for item in collected if _records(item, record_all=record_all)]
    if recorded:
        _suite_of(config).take(recorded)


def _records(item: pytest.Item, *, record_all: bool) -> bool:
    names: list[str] | None = getattr(item, "fixturenames", None)
    if names is None:
        return False
    return record_all or "memo_recorder" in names or item.get_closest_marker("memo") is not None


def _suite_of(config: pytest.Config) -> Suite:
    suite = config.stash.get(_SUITE, None)
    if suite is None:
        from memo.pytest_plugin._suite import Suite

        suite = config.stash[_SUITE] = Suite(config, config.stash[_SETTINGS], config.stash[_LEDGER], config.stash[_RUN])
        config.pluginmanager.register(suite, "memo-suite")
    return suite


@pytest.fixture(scope="session")
def memo_config() -> dict[str, Any]:
    """Return the options that the recorders of a suite share: override it in a conftest.py or module, with scope `session` or `module`.

    The options are those of `memo.Recorder` (`ignore`, `watch`, `scrub`, `trust`, `errors`, `secrets`, …), for every function
    that is recorded. Two more are `store` (a directory or a store for all of these tests; memo then does not look for unused
    recordings) and `patches` (targets of `memo.install`, installed from the first test that needs them to the end of the run).
    A mark's options take precedence. The recorder of a fixture with a wider scope is made when the first such fixture is set
    up, with the options that `memo_config` gives the test that asked for it.
    """
    return {}


@pytest.fixture
def memo_recorder(request: pytest.FixtureRequest) -> TestRecorder:
    """Return the recorder of the test: its `mode`, `stats`, `store`, and `misses`.

    A test that asks for it is recorded, marked or not. The recorder is the default of the whole process while the test and
    its fixtures run, in every task and thread; `with memo.recording()` inside the test takes precedence. A call that could
    not be replayed fails the test, even if the code under test caught the error; a test that expects misses ends with
    `memo_recorder.misses.clear()`.
    """
    return _suite_of(request.config).recorder_for(request.node)
