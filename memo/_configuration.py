"""Configuration: `[tool.memo]` in pyproject.toml, or memo.toml, and the environment.

    [tool.memo]
    patches = ["openai", "ollama"]                       # presets of SDKs, and targets
    mode = "replay"
    store = "recordings"                                 # relative to this file
    errors = "answers"                                   # and the other options of a recorder

Patches with options are a table instead of a list:

    [tool.memo.patches]
    openai = { ignore = ["server"] }                     # a preset with options
    "myapp.tools:TavilyTool.invoke_tool" = {}            # options of `recordable`: name, version, ignore, watch, …
    "myapp.tools:search" = { name = "search", ignore = ["trace_id"] }

The nearest of these files counts, searched upwards from the working directory (`MEMO_PROJECT`, which `memo run` sets, names
another). In the environment, `MEMO_PATCHES` names patches, separated by commas, in addition to those of the file.

Precedence, everywhere: the command line, the environment (`MEMO_MODE`, `MEMO_STORE`), code (under pytest: marks, then
`memo_config`), pytest's ini file, and this file. The old words `presets` (a list) and `targets` still work, with a warning.
"""

from __future__ import annotations

import os
import tomllib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import quote

from memo._engine.calls.options import Options
from memo._engine.reports.frames import user_stacklevel
from memo._engine.rules.modes import Mode
from memo._engine.sessions.options import RecorderOptions
from memo._engine.storing.expiry import lifetimes
from memo._recordings.ages import duration
from memo.errors import InvalidMode, InvalidOption

__all__ = ["Configuration", "Target", "absolute", "configured", "configured_by"]

_TARGET_OPTIONS = ("errors", "headers", "ignore", "name", "secrets", "tags", "trust", "ttl", "version", "watch")
"""The options of `install` that a file can hold."""
_RECORDER_OPTIONS = tuple(sorted(RecorderOptions.__annotations__.keys() - {"scrub", "test"}))
_NAMES = ("mode", "patches", "store", *_RECORDER_OPTIONS)
_OLD_NAMES = ("presets", "targets")

_LISTS = ("allow", "fallback", "faults", "headers", "ignore", "presets", "secrets", "tags", "trust", "watch")
_TEXTS = ("keep", "max_age", "mode", "name", "store")
_CHOICES = {
    "errors": ("none", "answers", "all"),
    "exhausted": ("repeat", "error"),
    "keep": ("finished",),
    "on_watched_change": ("warn", "fail"),
    "on_expiry": ("warn", "fail", "record", "refresh"),
}
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "claim_timeout": ((int, float), "a number of seconds"),
    "calls": ((bool,), "true or false"),
    "claims": ((bool,), "true or false"),
    "draws": ((bool,), "true or false"),
    "pending": ((bool, str), 'true, false or "all"'),
    "items_per_second": ((int, float), "a number"),
    "max_cost": ((int, float), "a number"),
    "max_live": ((int,), "a whole number"),
    "memory": ((int,), "a number of bytes"),
    "pace": ((int, float), "a number"),
    "timings": ((bool,), "true or false"),
    "ttft": ((int, float), "a number of seconds"),
    "version": ((str, int), "a text or a whole number"),
}


class Target(NamedTuple):
    """A configured patch: a preset or a target."""

    options: Options
    source: str
    """The file, or the variable, that names it."""


@dataclass(slots=True)
class Configuration:
    """What a project and its environment configure."""

    patches: dict[str, Target] = field(default_factory=dict)
    """Presets and targets, in order."""
    mode: str = "replay"
    store: str = "recordings"
    options: RecorderOptions = field(default_factory=RecorderOptions)
    starts: bool = False
    """True if a mode, a store or an option of a recorder is named."""
    named: frozenset[str] = frozenset()
    """The names that the file sets."""


def configured(environ: Mapping[str, str] = os.environ) -> Configuration:
    """Return the configuration of the project that holds the working directory, and of the environment.

    Raises `InvalidOption` for the first invalid name or value, naming its place and what is allowed.
    """
    folder = Path(environ.get("MEMO_PROJECT") or Path.cwd())
    result = Configuration(store=str(folder / "recordings"))
    found = _file(folder)
    if found is not None:
        _read(*found, result)
    for name in environ.get("MEMO_PATCHES", "").split(","):
        if name.strip():
            result.patches.setdefault(name.strip(), Target(Options(), "MEMO_PATCHES"))
    mode, store = environ.get("MEMO_MODE"), environ.get("MEMO_STORE")
    if mode:
        result.mode = _mode("MEMO_MODE", mode)
    result.store = store or result.store
    result.starts |= bool(mode or store)
    return result


def configured_by(file: Path) -> Configuration:
    """Return what a TOML file configures: its `[tool.memo]`, or all of it. Raises `InvalidOption`."""
    result = Configuration()
    _read(file, _own_table(file), result)
    return result


def absolute(store: str, folder: Path) -> str:
    """Return a store's directory, or file (`sqlite:///…`), relative to a folder; return a store of another kind as it is."""
    scheme, _, path = store.partition(":///")
    if scheme == "sqlite":
        return f"sqlite:///{quote(str(folder))}/{path}" if path[:1] not in ("", "/", "~") else store
    return store if "://" in store else str(folder / Path(store).expanduser())


def _file(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    for parent in (folder, *folder.parents):
        own, shared = parent / "memo.toml", parent / "pyproject.toml"
        if own.is_file():
            return own, _own_table(own)
        if shared.is_file():
            tool = _toml(shared).get("tool")
            if isinstance(tool, dict) and "memo" in tool:
                if not isinstance(tool["memo"], dict):
                    raise InvalidOption(f"{shared}: tool.memo", tool["memo"], ["a table: [tool.memo]"])
                return shared, tool["memo"]
    return None


def _own_table(path: Path) -> dict[str, Any]:
    """Return the `[tool.memo]` of a file of memo's own, or all of the file where it has none."""
    table = _toml(path)
    tool = table.get("tool")
    if not isinstance(tool, dict):
        return table
    found = tool.get("memo", {})
    if not isinstance(found, dict):
        raise InvalidOption(f"{path}: tool.memo", found, ["a table: [tool.memo]"])
    return found


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InvalidOption(str(path), str(error), ["a TOML file that can be read"]) from None


def _read(path: Path, table: dict[str, Any], result: Configuration) -> None:
    for name, value in table.items():
        if name not in (*_NAMES, *_OLD_NAMES):
            raise InvalidOption(f"{path}: option", name, _NAMES)
        _check(f"{path}: {name}", name, value)
        if name in _OLD_NAMES:
            new = "[…]" if type(value) is list else "{…}"
            message = f"{path}: {name} is an old word: write patches = {new}"
            warnings.warn(message, DeprecationWarning, stacklevel=user_stacklevel())
    for word in ("presets", "targets", "patches"):
        _read_targets(path, word, table.get(word, {}), result)
    result.named = frozenset(table)
    if "mode" in table:
        result.mode = _mode(f"{path}: mode", table["mode"])
    if "store" in table:
        result.store = absolute(table["store"], path.parent)
    else:
        result.store = str(path.parent / "recordings")
    result.options = cast(RecorderOptions, {name: table[name] for name in _RECORDER_OPTIONS if name in table})
    if "fallback" in table:
        result.options["fallback"] = [absolute(store, path.parent) for store in table["fallback"]]
    result.starts = bool({"mode", "store"} & table.keys() or result.options)


def _read_targets(path: Path, word: str, patches: Any, result: Configuration) -> None:
    for target, options in _with_options(patches).items():
        for name, value in options.items():
            if name not in _TARGET_OPTIONS:
                raise InvalidOption(f"{path}: {word}.{target}: option", name, _TARGET_OPTIONS)
            _check(f"{path}: {word}.{target}.{name}", name, value)
        result.patches[target] = Target(cast(Options, options), str(path))


def _with_options(patches: Any) -> dict[str, dict[str, Any]]:
    return {target: {} for target in patches} if isinstance(patches, list) else patches


def _mode(place: str, value: str) -> str:
    try:
        return str(Mode.of(value))
    except InvalidMode as error:
        raise InvalidMode(place, value, error.allowed) from None


def _check(place: str, name: str, value: Any) -> None:
    if name in _LISTS and not _texts(value):
        raise InvalidOption(place, value, ["a list of texts"])
    if name in _TEXTS and not isinstance(value, str):
        raise InvalidOption(place, value, ["a text"])
    if name in _CHOICES and value not in _CHOICES[name]:
        raise InvalidOption(place, value, _CHOICES[name])
    if name in _KINDS:
        kinds, words = _KINDS[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise InvalidOption(place, value, [words])
    if name == "pending" and isinstance(value, str) and value != "all":
        raise InvalidOption(place, value, ["true", "false", "all"])
    if name in _CHECKS:
        _CHECKS[name](place, value)


def _check_patches(place: str, value: Any) -> None:
    is_table = isinstance(value, dict) and all(isinstance(options, dict) for options in value.values())
    if not is_table and not _texts(value):
        raise InvalidOption(
            place, value, ['a list of names: patches = ["openai"]', "a table of names with their options: openai = {}"]
        )


def _check_modes(place: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise InvalidOption(place, value, ["a table of modes by pattern"])
    for pattern, mode in value.items():
        _mode(f"{place}.{pattern}", mode)


_CHECKS: dict[str, Callable[[str, Any], object]] = {
    "max_age": lambda place, value: duration(value, place),
    "ttl": lambda place, value: lifetimes(value, place),
    "modes": _check_modes,
    "patches": _check_patches,
    "targets": _check_patches,
}


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
