"""Record a real async call once; replay it typed, forever. Any function, any SDK, no HTTP layer.

PYTEST_DONT_REWRITE: pytest rewrites the packages of its plugins, and would complain where memo is imported before pytest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memo import codecs, errors, fault, integrations, keep, maintenance, patches, scrub, stores
    from memo._engine.calls.cache import CacheInfo
    from memo._engine.calls.options import Options as RecordableOptions
    from memo._engine.reports.call_log import CallRecord
    from memo._engine.rules.modes import Mode, ModeName
    from memo._engine.scopes.captured import Captured, captured
    from memo._engine.scopes.carry import carry
    from memo._engine.scopes.decorator import recordable
    from memo._engine.scopes.ids import ids
    from memo._engine.scopes.memoized import Memoize, Memoized, MemoizedMember, MemoizedMethod
    from memo._engine.scopes.recorder import Recorder
    from memo._engine.scopes.recording import recording
    from memo._engine.scopes.scope import current, start, stop
    from memo._engine.sessions.options import RecorderOptions
    from memo._engine.sessions.stats import Stats
    from memo.codecs import dumps, loads, register_codec
    from memo.errors import MemoError, RecordingDamaged, RecordingNotFound, UnkeyableArgument, UnrecordableValue
    from memo.patches import Installation, Patch, install
    from memo.patches.propagation import Propagation, propagate

    __version__: str

__all__ = [
    "CacheInfo",
    "CallRecord",
    "Captured",
    "Installation",
    "MemoError",
    "Memoize",
    "Memoized",
    "MemoizedMember",
    "MemoizedMethod",
    "Mode",
    "ModeName",
    "Patch",
    "Propagation",
    "RecordableOptions",
    "Recorder",
    "RecorderOptions",
    "RecordingDamaged",
    "RecordingNotFound",
    "Stats",
    "UnkeyableArgument",
    "UnrecordableValue",
    "captured",
    "carry",
    "codecs",
    "current",
    "dumps",
    "errors",
    "fault",
    "ids",
    "install",
    "integrations",
    "keep",
    "loads",
    "maintenance",
    "patches",
    "propagate",
    "recordable",
    "recording",
    "register_codec",
    "scrub",
    "start",
    "stop",
    "stores",
]

_MODULES = ("codecs", "errors", "fault", "integrations", "keep", "maintenance", "patches", "scrub", "stores")

# A name is imported when it is asked for: pytest imports the plugin in this package whether the plugin is used or not.
_HOMES = {
    "CacheInfo": "memo._engine.calls.cache",
    "Captured": "memo._engine.scopes.captured",
    "CallRecord": "memo._engine.reports.call_log",
    "Installation": "memo.patches",
    "MemoError": "memo.errors",
    "Memoize": "memo._engine.scopes.memoized",
    "Memoized": "memo._engine.scopes.memoized",
    "MemoizedMember": "memo._engine.scopes.memoized",
    "MemoizedMethod": "memo._engine.scopes.memoized",
    "Mode": "memo._engine.rules.modes",
    "ModeName": "memo._engine.rules.modes",
    "Patch": "memo.patches",
    "Propagation": "memo.patches.propagation",
    "RecordableOptions": "memo._engine.calls.options:Options",
    "Recorder": "memo._engine.scopes.recorder",
    "RecorderOptions": "memo._engine.sessions.options",
    "RecordingDamaged": "memo.errors",
    "RecordingNotFound": "memo.errors",
    "Stats": "memo._engine.sessions.stats",
    "UnkeyableArgument": "memo.errors",
    "UnrecordableValue": "memo.errors",
    "captured": "memo._engine.scopes.captured",
    "carry": "memo._engine.scopes.carry",
    "current": "memo._engine.scopes.scope",
    "dumps": "memo.codecs",
    "ids": "memo._engine.scopes.ids",
    "install": "memo.patches",
    "loads": "memo.codecs",
    "propagate": "memo.patches.propagation",
    "recordable": "memo._engine.scopes.decorator",
    "recording": "memo._engine.scopes.recording",
    "register_codec": "memo.codecs",
    "start": "memo._engine.scopes.scope",
    "stop": "memo._engine.scopes.scope",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"memo.{name}")
    if name == "__version__":
        from importlib.metadata import version

        found: Any = version("memo-recorder")
    elif name in _HOMES:
        module, _, named = _HOMES[name].partition(":")
        found = getattr(import_module(module), named or name)
    else:
        raise AttributeError(f"module 'memo' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
