"""Record a real async call once; replay it typed, for ever. Any function, any SDK, no HTTP layer."""

from memo import errors, scrub, stores
from memo._recordable import CacheInfo, recordable
from memo._scope import Memoized, Recorder, recording, start, stop
from memo._session import Stats, current
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
