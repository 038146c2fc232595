"""Patches: SDKs and tool runtimes made recordable from outside, at startup.

    memo.install("openai", "myapp.tools:TavilyTool.invoke_tool")

A preset (`"openai"`, `"ollama"`, …) is a module of this package with `PATCHES` and `REQUIRES`; it names its SDK's functions
by text and imports nothing of it.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from memo._recordable import Options
from memo._scope import Recorder
from memo._session import process_wide
from memo.errors import InvalidOption
from memo.patches import _registry
from memo.patches._config import Configuration, configured
from memo.patches._registry import Patch, TargetNotFound

__all__ = ["Installation", "Patch", "TargetNotFound", "check", "install", "presets"]

log = logging.getLogger("memo")


class Installation:
    """Patches in place, until `remove` (or the end of a `with`). Removing twice is removing once.

    Installations may be removed in any order: a target stays patched as long as one of them wants it. One on which
    somebody has put another wrapper since is switched off where it is, and said so in the log.
    """

    def __init__(self, patches: Iterable[Patch], recorder: Recorder | None = None) -> None:
        self._patches: list[Patch] = []
        self.recorder = recorder
        """The process-wide recorder that the configuration started."""
        try:
            for patch in patches:
                _registry.apply(patch)
                self._patches.append(patch)
        except BaseException:
            self.remove()
            raise

    @property
    def targets(self) -> tuple[str, ...]:
        """What is patched, or will be when its module is imported."""
        return tuple(patch.target for patch in self._patches)

    def remove(self) -> None:
        """Take the patches back, and stop the recorder that came with them."""
        patches, self._patches = self._patches, []
        for patch in reversed(patches):
            _registry.undo(patch)
        recorder, self.recorder = self.recorder, None
        if recorder is not None:
            recorder.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()


def presets() -> tuple[str, ...]:
    """The names of the presets there are."""
    return tuple(sorted(each.stem for each in Path(__file__).parent.glob("[a-z]*.py")))


def install(*targets: str | Patch, **options: Unpack[Options]) -> Installation:
    """Make functions recordable from outside: presets by their names, others by `"package.module:Class.method"`.

    The options are `recordable`'s, and hold for all of the targets that are no presets; a `Patch` carries its own. A
    target whose module is not imported yet is patched when it is. Without targets, they and everything else are read from
    `[tool.memo]` in `pyproject.toml`, or `memo.toml`, and from `MEMO_PATCHES`, `MEMO_MODE` and `MEMO_STORE`; where these
    name a mode or a store, a process-wide recorder is started, too.

    Installing twice patches once; each installation is removed by itself. Raises `InvalidOption` for a preset or an option
    that memo does not know, `TargetNotFound` for a target that is not there, naming the nearest.
    """
    if not targets:
        if options:
            raise InvalidOption("install", min(options), ["options with targets, or neither"])
        return _configured(configured())
    return Installation(_patches(targets, options))


def check(configuration: Configuration) -> None:
    """Raise what installing this configuration would raise, as far as can be seen without importing anything."""
    for target, options in configuration.targets.items():
        _patches([target], options)


def _configured(configuration: Configuration) -> Installation:
    patches: list[Patch] = []
    for target, options in configuration.targets.items():
        patches += _patches([target], options)
    recorder = None
    if configuration.starts and not process_wide:
        recorder = Recorder(configuration.store, mode=configuration.mode, **configuration.options).start()
    return Installation(patches, recorder)


def _patches(targets: Iterable[str | Patch], options: Options) -> list[Patch]:
    patches: list[Patch] = []
    for target in targets:
        if isinstance(target, str) and ":" not in target:
            patches += _preset(target)
            continue
        patch = target if isinstance(target, Patch) else Patch(target, options)
        _registry.check(patch)
        patches.append(patch)
    return patches


def _preset(name: str) -> list[Patch]:
    plain = name.replace("-", "_")
    if plain not in presets():
        from difflib import get_close_matches

        nearest = get_close_matches(plain, presets(), 1)
        raise InvalidOption("preset", name, [*presets(), *(f"(did you mean {each!r}?)" for each in nearest)])
    module = importlib.import_module(f"{__name__}.{plain}")
    _mention(module.REQUIRES)
    return [patch for patch in module.PATCHES if _offers(patch, module.REQUIRES)]


def _offers(patch: Patch, requires: str) -> bool:
    """Whether a preset's target is there, as far as can be seen yet. An SDK that is not installed is no error."""
    try:
        _registry.check(patch)
    except TargetNotFound as error:
        if patch.target.partition(":")[0] in sys.modules:
            log.warning("%s The installed version is not what memo knows: it needs %s", error, requires)
        return False
    return True


_mentioned: set[str] = set()


def _mention(requires: str) -> None:
    """Say once that an SDK is not installed, or too old."""
    from importlib import metadata

    name, _, least = requires.partition(">=")
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        version = None
    if requires not in _mentioned and (version is None or _numbers(version) < _numbers(least)):
        _mentioned.add(requires)
        log.info("%s is %s; its preset needs %s", name, "not installed" if version is None else version, requires)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
