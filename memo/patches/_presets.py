"""Presets: the patches of an SDK under one name, with what the user adds to their options.

A preset (`"openai"`, `"ollama"`, …) is a module of `memo.patches.presets` with `PATCHES` and `REQUIRES`. It names its SDK's
functions by text and imports nothing of the SDK.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib import metadata
from typing import Any, cast

from memo._engine.calls.options import Options
from memo.errors import InvalidOption, TargetNotFound
from memo.patches import presets
from memo.patches._http.naming import HttpNaming
from memo.patches._patch import Patch
from memo.patches._registry import check
from memo.patches._stainless.naming import Naming

__all__ = ["InstallOptions", "patches_of", "preset_names"]

log = logging.getLogger("memo")


class InstallOptions(Options, total=False):
    """The options of `install`."""

    headers: Iterable[str]


def preset_names() -> tuple[str, ...]:
    """Return the names of all presets."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(presets.__path__)))


def patches_of(target: str | Patch, options: Options, path: Sequence[str] | None = ()) -> list[Patch]:
    """Return the patches of a preset, or of one target. Raises `InvalidOption`, `TargetNotFound`."""
    if isinstance(target, str) and ":" not in target:
        return _preset(target, options, path)
    patch = Patch(target, options) if isinstance(target, str) else target
    if not isinstance(patch, Patch):
        raise InvalidOption("install", patch, ["the name of a preset", "package.module:Class.method", "a memo.Patch"])
    patch = replace(patch, options=_with_tuples(patch.options))
    check(patch, path=path)
    return [patch]


def _preset(name: str, options: Options, path: Sequence[str] | None) -> list[Patch]:
    plain = name.replace("-", "_")
    if plain not in preset_names():
        raise InvalidOption("preset", name, ["package.module:Class.method", *preset_names()])
    module = importlib.import_module(f"{presets.__name__}.{plain}")
    _mention(module.REQUIRES)
    by_headers = any(isinstance(patch.describe, Naming | HttpNaming) for patch in module.PATCHES)
    patches = [_extended(patch, options, by_headers=by_headers) for patch in module.PATCHES]
    return [patch for patch in patches if _offers(patch, module.REQUIRES, path)]


def _extended(patch: Patch, options: Options, *, by_headers: bool) -> Patch:
    """Return a preset's patch with the user's options; `by_headers` if headers may identify its calls. Raises `InvalidOption`."""
    if patch.describe is not None and "name" in options:
        raise InvalidOption("name", options["name"], ["none for this preset: it names each of its calls"])
    more = cast(InstallOptions, dict(options))
    naming = patch.describe
    if "headers" in more and by_headers:
        headers = more.pop("headers")
        if isinstance(naming, Naming | HttpNaming):  # and no connection over a WebSocket, which is not recorded
            patch = replace(patch, describe=naming.with_headers(headers))
    return replace(patch, options=_added(patch.options, more))


_LISTS = ("ignore", "watch", "secrets", "trust")


def _with_tuples(options: Options) -> Options:
    """Return the options with tuples for lists, which can be compared and read more than once."""
    tuples: dict[str, Any] = dict(options)
    for name in _LISTS:
        if name in tuples:
            value = tuples[name]
            tuples[name] = (value,) if isinstance(value, str) else tuple(value)
    return cast(Options, tuples)


def _added(own: Options, more: Options) -> Options:
    """Add the user's options to a preset's: what the preset ignores or hides stays so."""
    first, second = dict(_with_tuples(own)), dict(_with_tuples(more))
    lists = {
        name: (*cast(Any, first[name]), *cast(Any, second[name])) for name in _LISTS if name in first and name in second
    }
    return cast(Options, {**first, **second, **lists})


def _offers(patch: Patch, requires: str, path: Sequence[str] | None) -> bool:
    """Return whether a preset's target visibly exists. An SDK that is not installed is no error."""
    package = patch.target.partition(":")[0].partition(".")[0]
    mention = package in sys.modules and not patch.versioned and patch.target not in _mentioned
    try:
        check(patch, path=path, suggest=mention)
    except TargetNotFound as error:
        if mention:
            _mentioned.add(patch.target)
            log.warning("%s. memo does not know this version: the preset needs %s", error, requires)
        return False
    return True


_mentioned: set[str] = set()


def _mention(requires: str) -> None:
    """Log once that an SDK is not installed (nothing is missed), or too old (calls may go unrecorded)."""
    if requires in _mentioned:
        return
    _mentioned.add(requires)
    if ", " in requires:
        for requirement in requires.split(", "):
            _mention(requirement)
        return
    name, _, least = requires.partition(">=")
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        log.info("%s is not installed; its preset needs %s", name, requires)
        return
    if _numbers(version) < _numbers(least):
        log.warning("%s is %s; its preset needs %s", name, version, requires)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
