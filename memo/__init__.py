"""Record a real async call once; replay it typed, for ever. Any function, any SDK, no HTTP layer.

PYTEST_DONT_REWRITE: pytest rewrites the packages of its plugins, and would complain where memo is imported before pytest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memo import errors, scrub, stores
    from memo._engine.active import current
    from memo._engine.cache import CacheInfo
    from memo._engine.recordable import recordable
    from memo._engine.scope import Memoized, Recorder, recording, start, stop
    from memo._engine.session import Stats
    from memo.codecs import dumps, loads, register_codec
    from memo.errors import MemoError, RecordingDamaged, RecordingNotFound, UnkeyableArgument, UnrecordableValue
    from memo.patches import Installation, Patch, install

__all__ = [
    "CacheInfo",
    "Installation",
    "MemoError",
    "Memoized",
    "Patch",
    "Recorder",
    "RecordingDamaged",
    "RecordingNotFound",
    "Stats",
    "UnkeyableArgument",
    "UnrecordableValue",
    "current",
    "dumps",
    "errors",
    "install",
    "loads",
    "recordable",
    "recording",
    "register_codec",
    "scrub",
    "start",
    "stop",
    "stores",
]

# What is imported is what is asked for: pytest imports the plugin in this package whether it is used or not.
_HOMES = {
    "CacheInfo": "memo._engine.cache",
    "Installation": "memo.patches",
    "MemoError": "memo.errors",
    "Memoized": "memo._engine.scope",
    "Patch": "memo.patches",
    "Recorder": "memo._engine.scope",
    "RecordingDamaged": "memo.errors",
    "RecordingNotFound": "memo.errors",
    "Stats": "memo._engine.session",
    "UnkeyableArgument": "memo.errors",
    "UnrecordableValue": "memo.errors",
    "current": "memo._engine.active",
    "dumps": "memo.codecs",
    "install": "memo.patches",
    "loads": "memo.codecs",
    "recordable": "memo._engine.recordable",
    "recording": "memo._engine.scope",
    "register_codec": "memo.codecs",
    "start": "memo._engine.scope",
    "stop": "memo._engine.scope",
}


def __getattr__(name: str) -> Any:
    if name in ("errors", "scrub", "stores"):
        return import_module(f"memo.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'memo' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
