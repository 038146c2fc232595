"""What the command line, the environment, the ini file and a test's marks say, in this order of precedence."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from memo._engine.modes import Mode
from memo.errors import InvalidOption

__all__ = ["Settings", "add_options", "marked", "relative", "settled"]

_SCOPES = ("test", "module", "session")
_UNUSED = ("report", "fail", "delete", "ignore")


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for the whole run."""

    mode: Mode | None
    """The mode that the command line or the environment names: it wins over the marks."""
    default_mode: Mode
    record_all: bool
    """Whether tests are recorded that have no mark, too."""
    scope: str
    directory: str | None
    """Where recordings lie, if not beside the test files."""
    is_moved: bool
    """Whether the environment says so: that wins over `memo_config`."""
    unused: str
    blocks: bool
    """Whether the network is blocked in replay."""
    allowed: tuple[str, ...]
    """Hosts that may be connected to all the same."""
    expiry: dict[str, Any]
    """`max_age` and `on_expiry`, as far as they are said: options of every recorder that `memo_config` or a mark overrides."""

    def header(self) -> str:
        """One line for people."""
        where = "in recordings/ beside each test file" if self.directory is None else f"in {self.directory}"
        shared = "" if self.scope == "test" else f", shared by each {self.scope}"
        return f"memo: mode {self.mode or self.default_mode}, recordings {where}{shared}"


def add_options(parser: pytest.Parser) -> None:
    """Make the options known to pytest."""
    group = parser.getgroup("memo", "recorded calls (memo)")
    group.addoption(
        "--memo-mode",
        metavar="MODE",
        help="replay (the default), record-if-missing, record or live, for all tests that record, whatever their marks say",
    )
    group.addoption(
        "--memo-unused",
        metavar="ACTION",
        help="what becomes of recordings that no test used any more: report, fail (the default where CI is set), delete, ignore",
    )
    group.addoption(
        "--memo-block-network",
        action="store_true",
        default=None,
        help="refuse connections in replay, but for this machine's own and those to memo_allowed_hosts",
    )
    parser.addini("memo_mode", "the mode of tests whose mark names none", default="")
    parser.addini("memo_all", "record every test, marked or not", type="bool", default=False)
    parser.addini("memo_scope", "who shares recordings: test, module or session", default="test")
    parser.addini(
        "memo_dir", "a directory for all recordings, instead of recordings/ beside each test file", default=""
    )
    parser.addini("memo_max_age", "how old a recording may be: 90s, 15m, 12h, 30d, 4w", default="")
    parser.addini("memo_on_expiry", "what becomes of an older one: warn, fail, record", default="")
    parser.addini("memo_unused", "as --memo-unused", default="")
    parser.addini("memo_block_network", "as --memo-block-network", type="bool", default=False)
    parser.addini("memo_allowed_hosts", "hosts, addresses and networks that are never refused", type="args", default=[])


def settled(config: pytest.Config) -> Settings:
    """What holds for this run. Raises `pytest.UsageError` for a word that memo does not know, saying where it stands."""
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
    return Settings(
        mode=_mode(*named) if named[1] else None,
        default_mode=_mode("memo_mode", ini("memo_mode") or "replay"),
        record_all=ini("memo_all"),
        scope=_one_of("memo_scope", ini("memo_scope"), _SCOPES),
        directory=store or ini("memo_dir") or None,
        is_moved=bool(store),
        unused=_one_of(unused[0], unused[1] or ("fail" if in_ci else "report"), _UNUSED),
        blocks=blocks,
        allowed=tuple(ini("memo_allowed_hosts")),
        expiry=_expiry(ini("memo_max_age"), ini("memo_on_expiry")),
    )


def marked(node: Any, known: Iterable[str]) -> dict[str, Any]:
    """The options in a node's marks: those of the test win over those of its class and its module.

    Raises `InvalidOption` for an option that is not known, and for two marks on the same thing that contradict each other.
    """
    found: dict[str, tuple[Any, Any]] = {}
    for holder, mark in node.iter_markers_with_node("memo"):
        if mark.args:
            raise InvalidOption("@pytest.mark.memo", mark.args, ["options by name: mode=..."])
        for name, value in mark.kwargs.items():
            if name not in known:
                raise InvalidOption("@pytest.mark.memo", name, sorted(known))
            if name in found and found[name][0] is holder and found[name][1] != value:
                raise InvalidOption(
                    f"@pytest.mark.memo twice: {name}", value, [f"what the other says: {found[name][1]!r}"]
                )
            found.setdefault(name, (holder, value))
    return {name: value for name, (_, value) in found.items()}


def relative(path: str, root: Path) -> str:
    """A path as it is shown: from the root of the project, where it lies inside."""
    return os.path.relpath(path, root) if Path(path).is_relative_to(root) else path


def _mode(option: str, name: str) -> Mode:
    try:
        return Mode.of(name)
    except InvalidOption as error:
        raise pytest.UsageError(str(InvalidOption(option, name, error.allowed))) from None


def _expiry(max_age: str, on_expiry: str) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if max_age:
        from memo._recordings.ages import duration

        try:
            said["max_age"] = duration(max_age, "memo_max_age")
        except InvalidOption as error:
            raise pytest.UsageError(str(error)) from None
    if on_expiry:
        said["on_expiry"] = _one_of("memo_on_expiry", on_expiry, ("warn", "fail", "record"))
    return said


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise pytest.UsageError(str(InvalidOption(option, value, allowed)))
    return value
