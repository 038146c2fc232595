"""Record a real async call once; replay it typed, for ever. Any function, any SDK, no HTTP layer."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from memo import errors, scrub, stores
from memo._recordable import CacheInfo, recordable
from memo._scope import Memoized, Recorder, recording, start, stop
from memo._session import Stats, current
from memo.codecs import dumps, loads, register_codec
from memo.errors import MemoError, RecordingDamaged, RecordingNotFound, UnkeyableArgument, UnrecordableValue

if TYPE_CHECKING:
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


def __getattr__(name: str) -> Any:
    # Patches are for those who ask for them: without them, `import memo` takes a quarter less time.
    if name in ("Installation", "Patch", "install"):
        found = globals()[name] = getattr(import_module("memo.patches"), name)
        return found
    raise AttributeError(f"module 'memo' has no attribute {name!r}")
