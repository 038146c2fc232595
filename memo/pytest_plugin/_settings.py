"""Settings of a run: from the command line, the environment, a test's marks, the ini file and `[tool.memo]`, in this order."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from memo._engine.rules.modes import Mode
from memo.errors import InvalidOption

if TYPE_CHECKING:
    from memo._configuration import Configuration

__all__ = ["Settings", "add_options", "marked", "relative", "settled"]

_SCOPES = ("test", "module", "session")
_LAYOUTS = ("recording", "test")
_UNUSED = ("report", "fail", "delete", "ignore")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a whole run."""

    mode: Mode | None
    """The mode that the command line or the environment names: it takes precedence over marks."""
    default_mode: Mode
    record_all: bool
    """True if tests without a mark are recorded too."""
    scope: str
    directory: str | None
    """The directory of all recordings, if they are not kept beside the test files."""
    is_moved: bool
    """True if the environment names the directory: that takes precedence over `memo_config`."""
    unused: str
    blocks: bool
    """True if the network is blocked in replay."""
    allowed: tuple[str, ...]
    """Hosts to which connections are allowed nevertheless."""
    options: dict[str, Any]
    """Options of every recorder, which `memo_config` and marks override."""
    configuration: Configuration | None
    """`[tool.memo]`, if the project has one."""
    modes: str = ""
    """What `MEMO_MODES` says: it takes precedence over `modes` in marks."""
    faults: tuple[str, ...] = ()
    """What `--memo-faults` says: faults of all tests, beside those of their marks."""
    fail_on: frozenset[str] = frozenset()
    """The tiers of changes for which a run in `verify` fails."""
    pending: bool | Literal["all"] = False
    """True if what is recorded is put aside, for a review."""
    in_ci: bool = False
    layout: str = "recording"
    """What has its own file: each recording, or each test."""

    def header(self) -> str:
        """Return the line that pytest shows at the start."""
        where = "in recordings/ beside each test file" if self.directory is None else f"in {self.directory}"
        shared = "" if self.scope == "test" else f", shared by each {self.scope}"
        layout = ", a file for each test" if self.layout == "test" else ""
        pending = ", put aside for a review" if self.pending else ""
        return f"memo: mode {self.mode or self.default_mode}{pending}, recordings {where}{layout}{shared}"


def add_options(parser: pytest.Parser) -> None:
    """Add memo's options to pytest's."""
    group = parser.getgroup("memo", "recorded calls (memo)")
    group.addoption(
        "--memo-mode",
        metavar="MODE",
        help="replay (the default), record-if-missing, record, live or verify: for all tests that record, whatever their marks say",
    )
    group.addoption(
        "--memo-faults",
        metavar="FAULTS",
        action="append",
        default=[],
        help="inject faults into the calls of all tests that record: 'rate_limit(every=3, retry_after=2), timeout(call=1)'",
    )
    group.addoption(
        "--memo-fail-on",
        metavar="TIERS",
        help="in the mode verify, fail for these changes: removed,type,error (the default), added, value, stream, or none",
    )
    group.addoption(
        "--memo-pending",
        action="store_true",
        default=False,
        help="put what is recorded aside, for memo review, where it is new or differs: what is recorded stays as it is",
    )
    group.addoption(
        "--memo-pending-all",
        action="store_true",
        default=False,
        help="as --memo-pending, and also put aside what differs in ids and times alone",
    )
    group.addoption(
        "--memo-unused",
        metavar="ACTION",
        help="what to do with recordings that no test uses any more: report, fail (the default if CI is set), delete, ignore",
    )
    group.addoption(
        "--memo-block-network",
        action="store_true",
        default=None,
        help="refuse connections in replay, except to this machine and to memo_allowed_hosts",
    )
    parser.addini("memo_mode", "the mode of tests whose mark names none", default="")
    parser.addini("memo_all", "record every test, marked or not", type="bool", default=False)
    parser.addini("memo_scope", "the scope that shares recordings: test, module or session", default="test")
    parser.addini(
        "memo_dir", "a directory for all recordings, instead of recordings/ beside each test file", default=""
    )
    parser.addini(
        "memo_fallback", "directories of recordings for calls that a test has none of", type="linelist", default=[]
    )
    parser.addini(
        "memo_layout",
        "what has its own file: each recording (in a directory for each test), or each test",
        default="recording",
    )
    parser.addini("memo_max_age", "the age up to which a recording is replayed: 90s, 15m, 12h, 30d, 4w", default="")
    parser.addini("memo_on_expiry", "what to do with an older recording: warn, fail, record, refresh", default="")
    parser.addini("memo_fail_on", "as --memo-fail-on", default="")
    parser.addini("memo_unused", "as --memo-unused", default="")
    parser.addini("memo_block_network", "as --memo-block-network", type="bool", default=False)
    parser.addini(
        "memo_allowed_hosts",
        "hosts, addresses and networks to which connections are always allowed",
        type="args",
        default=[],
    )


def settled(config: pytest.Config) -> Settings:
    """Return the settings of this run. Raises `pytest.UsageError` for an invalid value, naming its place."""
    configuration = _configuration(config)
    stated = configuration.named if configuration is not None else frozenset[str]()
    option, ini = config.option, config.getini
    named: tuple[str, str] = ("--memo-mode", option.memo_mode or "")
    if not named[1]:
        named = ("MEMO_MODE", os.environ.get("MEMO_MODE", ""))
    store = os.environ.get("MEMO_STORE")
    if store and "://" not in store:
        store = str(config.invocation_params.dir / Path(store).expanduser())
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    unused = ("--memo-unused", option.memo_unused) if option.memo_unused else ("memo_unused", ini("memo_unused"))
    blocks: bool = ini("memo_block_network") if option.memo_block_network is None else option.memo_block_network
    mode = _mode(*named) if named[1] else None
    default_mode = _mode("memo_mode", ini("memo_mode") or (configuration.mode if configuration else "replay"))
    pending: bool | Literal["all"] = "all" if option.memo_pending_all else option.memo_pending
    if pending:
        _check_pending(mode or default_mode, store)
    return Settings(
        mode=mode,
        default_mode=default_mode,
        record_all=ini("memo_all"),
        scope=_one_of("memo_scope", ini("memo_scope"), _SCOPES),
        directory=store or ini("memo_dir") or (configuration.store if configuration and "store" in stated else None),
        is_moved=bool(store),
        unused=_one_of(unused[0], unused[1] or ("fail" if in_ci else "report"), _UNUSED),
        blocks=blocks,
        allowed=tuple(ini("memo_allowed_hosts")),
        options={
            **(configuration.options if configuration is not None else {}),
            **_expiry(ini("memo_max_age"), ini("memo_on_expiry")),
            **({"fallback": ini("memo_fallback")} if ini("memo_fallback") else {}),
        },
        configuration=configuration,
        modes=_modes(os.environ.get("MEMO_MODES", "")),
        faults=_faults(option.memo_faults),
        fail_on=_tiers(option.memo_fail_on or ini("memo_fail_on")),
        pending=pending,
        in_ci=in_ci,
        layout=_one_of("memo_layout", ini("memo_layout"), _LAYOUTS),
    )


def _configuration(config: pytest.Config) -> Configuration | None:
    """Return `[tool.memo]`, checked; None if nothing is configured, so that nothing is imported for that."""
    root = config.rootpath
    files = [folder / name for folder in (root, *root.parents) for name in ("memo.toml", "pyproject.toml")]
    present = [file for file in files if file.is_file()]
    if not os.environ.get("MEMO_PATCHES") and not any(_may_configure(file) for file in present):
        return None
    from memo._configuration import configured
    from memo.errors import MemoError
    from memo.patches import check

    try:
        # The environment's mode and store are settings of their own, with another precedence.
        kept = {name: value for name, value in os.environ.items() if name not in ("MEMO_MODE", "MEMO_STORE")}
        configuration = configured({**kept, "MEMO_PROJECT": str(root)})
        check(configuration, None)
    except MemoError as error:
        raise pytest.UsageError(str(error)) from None
    return configuration


def _may_configure(file: Path) -> bool:
    try:
        return file.name == "memo.toml" or b"memo" in file.read_bytes()
    except OSError:
        return True  # reading the file again raises what is wrong


def marked(node: Any, allowed: Iterable[str]) -> dict[str, Any]:
    """Return the options in a node's marks: those of the test override those of its class and its module.

    Raises `InvalidOption` for an unknown option, and for two contradicting marks on the same test, class or module.
    """
    found: dict[str, tuple[Any, Any]] = {}
    for holder, mark in node.iter_markers_with_node("memo"):
        if mark.args:
            raise InvalidOption("@pytest.mark.memo", mark.args, ["options by name: mode=..."])
        for name, value in mark.kwargs.items():
            if name not in allowed:
                raise InvalidOption("@pytest.mark.memo", name, sorted(allowed))
            if name in found and found[name][0] is holder and found[name][1] != value:
                raise InvalidOption(
                    f"@pytest.mark.memo twice: {name}", value, [f"what the other says: {found[name][1]!r}"]
                )
            found.setdefault(name, (holder, value))
    return {name: value for name, (_, value) in found.items()}


def relative(path: str, root: Path) -> str:
    """Return a path as it is shown: relative to the project's root if it is inside."""
    return os.path.relpath(path, root) if Path(path).is_relative_to(root) else path


def _mode(option: str, name: str) -> Mode:
    try:
        return Mode.of(name)
    except InvalidOption as error:
        raise pytest.UsageError(str(InvalidOption(option, name, error.allowed))) from None


def _faults(texts: list[str]) -> tuple[str, ...]:
    if texts:
        from memo._engine.sessions.faults import Faults

        try:
            Faults.of(texts)
        except InvalidOption as error:
            option = "--memo-faults" if error.option == "faults" else f"--memo-faults: {error.option}"
            raise pytest.UsageError(str(InvalidOption(option, error.value, error.allowed))) from None
    return tuple(texts)


def _tiers(text: str) -> frozenset[str]:
    if not text:
        return frozenset(("removed", "type", "error"))
    from memo._recordings.changes import parse_tiers

    try:
        return parse_tiers(text, "--memo-fail-on")
    except InvalidOption as error:
        raise pytest.UsageError(str(error)) from None


def _check_pending(mode: Mode, store: str | None) -> None:
    """Raise `pytest.UsageError` where nothing can be put aside."""
    if mode not in (Mode.RECORD, Mode.RECORD_IF_MISSING, Mode.VERIFY):
        raise pytest.UsageError(
            f"--memo-pending puts aside what is recorded, and the mode {mode} records nothing: --memo-mode=record --memo-pending"
        )
    if store is not None and "://" in store:
        from memo.maintenance.pending import pending_store
        from memo.stores import as_store

        try:
            pending_store(as_store(store))
        except InvalidOption as error:
            raise pytest.UsageError(f"--memo-pending: {error}") from None


def _modes(text: str) -> str:
    if text:
        from memo._engine.rules.mode_rules import ModeRules

        try:
            ModeRules.of(None, text, Mode.REPLAY)
        except InvalidOption as error:
            raise pytest.UsageError(str(error)) from None
    return text


def _expiry(max_age: str, on_expiry: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if max_age:
        from memo._recordings.ages import duration

        try:
            options["max_age"] = duration(max_age, "memo_max_age")
        except InvalidOption as error:
            raise pytest.UsageError(str(error)) from None
    if on_expiry:
        options["on_expiry"] = _one_of("memo_on_expiry", on_expiry, ("warn", "fail", "record", "refresh"))
    return options


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise pytest.UsageError(str(InvalidOption(option, value, allowed)))
    return value
