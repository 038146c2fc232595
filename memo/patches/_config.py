"""Configuration: `[tool.memo]` in pyproject.toml, or memo.toml, and the environment.

    [tool.memo]
    presets = ["openai", "ollama"]
    mode = "replay"
    store = "recordings"
    errors = "answers"                                   # and the other options of a recorder

    [tool.memo.targets]
    "myapp.tools:TavilyTool.invoke_tool" = {}            # options of `recordable`: name, version, ignore, watch, …
    "myapp.tools:search" = { name = "search", ignore = ["trace_id"] }

`targets` may also be a list of names. In the environment, `MEMO_PATCHES` names presets and targets, separated by commas,
beside those of the file; `MEMO_MODE` and `MEMO_STORE` win over it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from memo._modes import Mode
from memo._recordable import Options
from memo._scope import RecorderOptions
from memo.errors import InvalidOption

__all__ = ["Configuration", "configured"]

_TARGET_OPTIONS = ("errors", "ignore", "name", "secrets", "trust", "version", "watch")
"""The options of `recordable` that a file can hold."""
_RECORDER_OPTIONS = tuple(sorted(RecorderOptions.__annotations__.keys() - {"test"}))
_NAMES = ("mode", "presets", "store", "targets", *_RECORDER_OPTIONS)
_LISTS = ("ignore", "watch", "secrets", "trust", "presets")


@dataclass(slots=True)
class Configuration:
    """What was configured."""

    targets: dict[str, Options] = field(default_factory=dict)
    """Presets and targets, in order."""
    mode: str = "replay"
    store: str = "recordings"
    options: RecorderOptions = field(default_factory=RecorderOptions)
    starts: bool = False
    """Whether a mode, a store or an option of a recorder was named."""


def configured(folder: Path | None = None) -> Configuration:
    """The configuration of the project that `folder` (the working directory) lies in, and of the environment.

    Raises `InvalidOption` for the first wrong name or value, saying what is allowed.
    """
    found = _file(folder or Path.cwd())
    result = Configuration()
    if found is not None:
        _read(*found, result)
    for name in os.environ.get("MEMO_PATCHES", "").split(","):
        if name.strip():
            result.targets.setdefault(name.strip(), Options())
    result.starts |= bool(os.environ.get("MEMO_MODE") or os.environ.get("MEMO_STORE"))
    return result


def _file(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    for parent in (folder, *folder.parents):
        own, shared = parent / "memo.toml", parent / "pyproject.toml"
        if own.is_file():
            return own, _toml(own)
        if shared.is_file():
            table = _toml(shared).get("tool", {}).get("memo")
            return (shared, table) if table is not None else None
    return None


def _toml(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidOption(str(path), str(error), ["a TOML file"]) from None


def _read(path: Path, table: dict[str, Any], result: Configuration) -> None:
    for name, value in table.items():
        if name not in _NAMES:
            raise InvalidOption(f"{path}: option", name, _NAMES)
        _check(f"{path}: {name}", name, value)
    for preset in table.get("presets", ()):
        result.targets[preset] = Options()
    targets = table.get("targets", {})
    if isinstance(targets, list):
        targets = dict.fromkeys(targets, {})
    for target, options in targets.items():
        for name, value in options.items():
            if name not in _TARGET_OPTIONS:
                raise InvalidOption(f"{path}: targets.{target}: option", name, _TARGET_OPTIONS)
            _check(f"{path}: targets.{target}.{name}", name, value)
        result.targets[target] = cast(Options, options)
    result.mode = str(Mode.of(table.get("mode", "replay")))
    result.store = str(path.parent / Path(table.get("store", "recordings")).expanduser())
    result.options = cast(RecorderOptions, {name: table[name] for name in _RECORDER_OPTIONS if name in table})
    result.starts = bool({"mode", "store"} & table.keys() or result.options)


def _check(place: str, name: str, value: Any) -> None:
    if name in _LISTS and not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
        raise InvalidOption(place, value, ["a list of texts"])
    if name in ("name", "store", "mode") and not isinstance(value, str):
        raise InvalidOption(place, value, ["a text"])
    if name == "targets" and not (
        (isinstance(value, list) and all(isinstance(each, str) for each in value))
        or (isinstance(value, dict) and all(isinstance(each, dict) for each in value.values()))
    ):
        raise InvalidOption(place, value, ["a list of names", "a table of names with their options"])
