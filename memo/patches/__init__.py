"""Patches: SDKs and tool runtimes made recordable from outside, at startup.

    memo.install("openai", "myapp.tools:TavilyTool.invoke_tool")

A preset (`"openai"`, `"ollama"`, …) is a module of this package with `PATCHES` and `REQUIRES`; it names its SDK's functions
by text and imports nothing of it.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack, cast

from memo._configuration import Configuration, configured
from memo._engine.active import process_wide
from memo._engine.recordable import Options
from memo._engine.scope import Recorder
from memo.errors import InvalidOption, TargetNotFound
from memo.patches import _registry
from memo.patches._naming import Naming
from memo.patches._registry import Patch

__all__ = ["Installation", "Patch", "check", "install", "install_for_run", "preset_names"]

log = logging.getLogger("memo")


class InstallOptions(Options, total=False):
    """What `install` takes."""

    headers: Iterable[str]


class Installation:
    """Patches in place, until `remove` (or the end of a `with`). Removing twice is removing once.

    Installations may be removed in any order, by any thread: a target stays patched as long as one of them wants it. One
    on which somebody has put another wrapper since is switched off where it is, and said so in the log.
    """

    def __init__(self, patches: Iterable[Patch], recorder: Recorder | None = None) -> None:
        self._patches: list[Patch] = []
        self.recorder: Recorder | None = None
        """The process-wide recorder that the configuration started."""
        try:
            for patch in patches:
                _registry.apply(patch)
                self._patches.append(patch)
                if isinstance(patch.describe, Naming):
                    from memo.patches import _remembered  # not needed to import memo

                    _remembered.began(patch.describe.module)
            if recorder is not None:
                self.recorder = recorder.start()
                atexit.register(self._report)
        except BaseException:
            self.remove()
            raise

    @property
    def targets(self) -> tuple[str, ...]:
        """What is patched, or will be when its module is imported."""
        return tuple(patch.target for patch in self._patches)

    def remove(self) -> None:
        """Take the patches back, and stop the recorder that came with them: raise what could not be recorded."""
        with _registry.lock:
            patches, self._patches = self._patches, []
            recorder, self.recorder = self.recorder, None
            for patch in reversed(patches):
                if isinstance(patch.describe, Naming):
                    from memo.patches import _remembered

                    _remembered.ended(patch.describe.module)
                _registry.undo(patch)
        if recorder is not None:
            atexit.unregister(self._report)
            recorder.stop()

    def _report(self) -> None:
        """The process ends, and no scope that would raise it: say what could not be recorded."""
        failures = self.recorder.failures if self.recorder is not None else []
        if failures:
            lines = [f"  {str(each).splitlines()[0]}" for each in failures[:_SHOWN]]
            if len(failures) > _SHOWN:
                lines.append(f"  and {len(failures) - _SHOWN} more")
            calls = "1 call" if len(failures) == 1 else f"{len(failures)} calls"
            with suppress(OSError, ValueError, AttributeError):  # stderr may be closed by now
                sys.stderr.write("\n".join([f"memo: {calls} could not be recorded:", *lines, ""]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.remove()
        except Exception:
            if error is None:
                raise  # else it is in the log, and what is on its way says more


_SHOWN = 10


def preset_names() -> tuple[str, ...]:
    """The names of the presets there are."""
    return tuple(sorted(each.stem for each in (Path(__file__).parent / "presets").glob("[a-z]*.py")))


def install(*targets: str | Patch, **options: Unpack[InstallOptions]) -> Installation:
    """Make functions recordable from outside: presets by their names, others by `"package.module:Class.method"`.

    The options are `recordable`'s, for each of the targets: to a preset's own they are added; a `Patch` carries its own.
    With `ignore=("server",)` the recordings of one server answer for another. Presets of SDKs built by Stainless (openai,
    anthropic, …) have one more, `headers=("openai-beta",)`: the headers that identify a call; without it, none does.
    A target whose module is not imported yet is patched when it is; what is wrong with it then is in the log. Whoever has
    imported the function by its name before keeps the one without memo. A function that is `@recordable` already stays as
    it is. Without targets, they and everything else are read from `[tool.memo]` in `pyproject.toml`, or `memo.toml`, in
    the working directory or above, and from `MEMO_PATCHES`, `MEMO_MODE` and `MEMO_STORE`; where these name a mode or a
    store, a process-wide recorder is started, too, unless one is; what it could not record is reported when it is
    removed, or when the process ends.

    With openai and most others built by Stainless, it is remembered which requests the calls of `create` (chat, completions,
    responses, embeddings) became that were replayed: as long as there is that client, in up to 16 MB. An identical call
    is then replayed without the SDK's transforming its arguments again, which takes most of the time.

    Installing twice patches once; each installation is removed by itself. Raises `InvalidOption` for a preset or an option
    that memo does not know, or options other than those with which a target is patched already; `TargetNotFound` for a
    target that is not there, naming the nearest.
    """
    if not targets:
        if options:
            raise InvalidOption("install", min(options), ["options with targets, or neither"])
        configuration = configured()
        if not configuration.targets and not configuration.starts:
            log.warning("nothing to install: there is no [tool.memo], no memo.toml and no MEMO_PATCHES")
        return _configured(configuration, ())
    patches = [patch for target in targets for patch in _patches(target, options)]
    return Installation(patches)


def check(configuration: Configuration, path: Sequence[str] | None = ()) -> None:
    """Raise what installing this configuration would raise, as far as can be seen without importing anything.

    `path` is where modules may lie beside `sys.path`; None says that this can not be known.
    """
    for target in configuration.targets:
        _of(configuration, target, path)
    if configuration.starts:
        Recorder(configuration.store, mode=configuration.mode, **configuration.options)


def install_for_run() -> Installation:
    """What `memo run` has every Python process do at its start, before it is known where its own modules lie."""
    return _configured(configured(), None)


def _configured(configuration: Configuration, path: Sequence[str] | None) -> Installation:
    patches = [patch for target in configuration.targets for patch in _of(configuration, target, path)]
    recorder = None
    if configuration.starts and not process_wide:
        recorder = Recorder(configuration.store, mode=configuration.mode, **configuration.options)
    return Installation(patches, recorder)


def _of(configuration: Configuration, target: str, path: Sequence[str] | None) -> list[Patch]:
    """The patches of one configured target. An error says where it was configured."""
    options, source = configuration.targets[target]
    try:
        return _patches(target, options, path)
    except InvalidOption as error:
        raise InvalidOption(f"{source}: {error.option}", error.value, error.allowed) from None
    except TargetNotFound as error:
        raise TargetNotFound(error.target, f"{error.reason} (named in {source})", error.nearest) from None


def _patches(target: str | Patch, options: Options, path: Sequence[str] | None = ()) -> list[Patch]:
    if isinstance(target, str) and ":" not in target:
        return _preset(target, options, path)
    patch = Patch(target, options) if isinstance(target, str) else target
    patch = replace(patch, options=_settled(patch.options))
    _registry.check(patch, path=path)
    return [patch]


def _preset(name: str, options: Options, path: Sequence[str] | None) -> list[Patch]:
    plain = name.replace("-", "_")
    if plain not in preset_names():
        nearest = get_close_matches(plain, preset_names(), 1)
        hint = f" (did you mean {nearest[0]!r}?)" if nearest else ""
        raise InvalidOption(
            "preset", name, ["package.module:Class.method", *preset_names()[:-1], preset_names()[-1] + hint]
        )
    module = importlib.import_module(f"{__name__}.presets.{plain}")
    _mention(module.REQUIRES)
    patches = [_extended(patch, options) for patch in module.PATCHES]
    return [patch for patch in patches if _offers(patch, module.REQUIRES, path)]


def _extended(patch: Patch, options: Options) -> Patch:
    """A preset's patch with the user's options. Raises `InvalidOption`."""
    if patch.describe is not None and "name" in options:
        raise InvalidOption("name", options["name"], ["none for this preset: it names each of its calls"])
    more = cast(InstallOptions, dict(options))
    if "headers" in more and isinstance(patch.describe, Naming):
        patch = replace(patch, describe=patch.describe.with_headers(more.pop("headers")))
    return replace(patch, options=_added(patch.options, more))


_LISTS = ("ignore", "watch", "secrets", "trust")


def _settled(options: Options) -> Options:
    """The options with their lists as tuples: they can be compared, and read more than once."""
    settled: dict[str, Any] = dict(options)
    for name in _LISTS:
        if name in settled:
            value = settled[name]
            settled[name] = (value,) if isinstance(value, str) else tuple(value)
    return cast(Options, settled)


def _added(own: Options, more: Options) -> Options:
    """A preset's options and the user's: what the preset ignores or hides stays so."""
    first, second = dict(_settled(own)), dict(_settled(more))
    lists = {
        name: (*cast(Any, first[name]), *cast(Any, second[name])) for name in _LISTS if name in first and name in second
    }
    return cast(Options, {**first, **second, **lists})


def _offers(patch: Patch, requires: str, path: Sequence[str] | None) -> bool:
    """Whether a preset's target is there, as far as can be seen yet. An SDK that is not installed is no error."""
    try:
        _registry.check(patch, path=path)
    except TargetNotFound as error:
        if patch.target.partition(":")[0].partition(".")[0] in sys.modules and patch.target not in _mentioned:
            _mentioned.add(patch.target)
            log.warning("%s. This version is not what memo knows: it needs %s", error, requires)
        return False
    return True


_mentioned: set[str] = set()


def _mention(requires: str) -> None:
    """Say once that an SDK is not installed (nothing can be missed), or too old (calls may go unrecorded)."""
    if requires in _mentioned:
        return
    _mentioned.add(requires)
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
