"""Patches: SDKs and tool runtimes made recordable from outside, at startup.

memo.install("openai", "myapp.tools:TavilyTool.invoke_tool")

An SDK has a module in `memo.patches.presets`; docs/CONTRIBUTING.md has the recipe for a new one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Unpack

from memo._calls.key_builder import Describe
from memo._configuration import Configuration, Target, configured
from memo._engine.calls.driver import CallDriver
from memo._engine.rules.modes import Mode
from memo._engine.scopes.processes import adopt_environment
from memo._engine.scopes.recorder import Recorder
from memo._engine.sessions.active import process_wide
from memo.errors import InvalidOption, TargetNotFound
from memo.patches._installation import Installation
from memo.patches._patch import Patch
from memo.patches._presets import InstallOptions, patches_of, preset_names

__all__ = [
    "CallDriver",
    "Configuration",
    "Describe",
    "InstallOptions",
    "Installation",
    "Patch",
    "Target",
    "check",
    "install",
    "install_for_run",
    "install_patches",
    "preset_names",
]

log = logging.getLogger("memo")


def install(*targets: str | Patch, **options: Unpack[InstallOptions]) -> Installation:
    """Make functions recordable from outside: presets by their names, others by `"package.module:Class.method"`.

    The options are those of `recordable`, for every target: a preset's own options are kept, a `Patch` carries its own.
    With `ignore=("server",)` the recordings of one server answer for another. Presets of SDKs built by Stainless (openai,
    anthropic, …) and the preset `http` have one more option, `headers=("openai-beta",)`: the headers that identify a call, by default none.
    A target whose module is not imported yet is patched when it is imported; errors then go to the log. Code that
    imported the function by its name earlier keeps the function without memo. A function that is `@recordable` already
    stays as it is. Without targets, targets and options are read from `[tool.memo]` in `pyproject.toml`, or `memo.toml`, in
    the working directory or above, and from `MEMO_PATCHES`, `MEMO_MODE` and `MEMO_STORE`. Where these name a mode or a
    store, a process-wide recorder is started, unless one is active; what it could not record is raised by `uninstall`,
    or printed when the process ends.

    For openai and most other SDKs built by Stainless, memo remembers which requests replayed calls of `create` (chat,
    completions, responses, embeddings) became: for the lifetime of the client, in up to 16 MB. An identical call is then
    replayed without the SDK transforming its arguments again, which takes most of the time.

    In a child process whose environment carries a scope (`MEMO_SCOPE`), that scope is the default of the process.

    Installing twice patches once; each installation is uninstalled by itself. Raises `InvalidOption` for an unknown preset
    or option, `AlreadyPatched` for options other than those with which a target is patched already, and `TargetNotFound`
    for a target that does not exist, naming the nearest.
    """
    if not targets:
        if options:
            raise InvalidOption("install", min(options), ["options with targets, or neither"])
        configuration = configured()
        if not configuration.patches and not configuration.starts:
            log.warning("nothing to install: there is no [tool.memo], no memo.toml and no MEMO_PATCHES")
        return _configured(configuration, ())
    adopt_environment()
    patches = [patch for target in targets for patch in patches_of(target, options)]
    return Installation(patches)


def check(configuration: Configuration, path: Sequence[str] | None = ()) -> None:
    """Raise what installing this configuration would raise, as far as that is visible without importing anything.

    `path` lists folders of modules beside `sys.path`; None means that these are unknown.
    """
    for target in configuration.patches:
        _of(configuration, target, path)
    if configuration.starts:
        Recorder(configuration.store, mode=Mode.of(configuration.mode), **configuration.options)


def install_for_run() -> Installation:
    """Install what is configured, at the start of a process of `memo run`, where folders of modules are unknown yet."""
    return _configured(configured(), None)


def install_patches(configuration: Configuration, path: Sequence[str] | None = None) -> Installation:
    """Install the patches of a configuration, and start no recorder."""
    return Installation([patch for target in configuration.patches for patch in _of(configuration, target, path)])


def _configured(configuration: Configuration, path: Sequence[str] | None) -> Installation:
    adopt_environment()
    patches = [patch for target in configuration.patches for patch in _of(configuration, target, path)]
    recorder = None
    if configuration.starts and not process_wide:
        recorder = Recorder(configuration.store, mode=Mode.of(configuration.mode), **configuration.options)
    return Installation(patches, recorder)


def _of(configuration: Configuration, target: str, path: Sequence[str] | None) -> list[Patch]:
    """Return the patches of one configured target. Errors name the place of the configuration."""
    options, source = configuration.patches[target]
    try:
        return patches_of(target, options, path)
    except InvalidOption as error:
        raise InvalidOption(f"{source}: {error.option}", error.value, error.allowed) from None
    except TargetNotFound as error:
        raise TargetNotFound(error.target, f"{error.reason} (named in {source})", error.nearest) from None
