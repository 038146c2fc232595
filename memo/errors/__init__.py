"""The errors and warnings that memo raises: what happened, with which values (also as attributes), and how to fix it.

Each is a `MemoError`, survives `pickle` and `copy` (test runners send errors between processes), and is never recorded
as the outcome of a call. The command or code that fixes the problem is on a separate line, ready to be pasted.
"""

from __future__ import annotations

from typing import Any

from memo.errors._base import MemoError, rebuild
from memo.errors._calls import (
    CallNotAllowed,
    CallNotRepeatable,
    CostLimitReached,
    KeyCollision,
    KeyCollisionWarning,
    NetworkBlocked,
    TooManyLiveCalls,
    UnkeyableArgument,
)
from memo.errors._contents import (
    DataMismatch,
    KeyMismatch,
    NewerFormat,
    NotARecording,
    RecordingDamaged,
    TypeNotFound,
    TypeNotImported,
    UntrustedType,
)
from memo.errors._options import (
    AlreadyStarted,
    ContradictingModes,
    InvalidDuration,
    InvalidMode,
    InvalidOption,
    MissingExtra,
    NoReviews,
    NoSourceVersion,
    UnknownFunction,
    UnknownFunctionWarning,
    UnknownOption,
)
from memo.errors._patches import AlreadyPatched, NotPatched, TargetNotFound
from memo.errors._recording import (
    ArgumentsChangedWarning,
    CallsNotRecordedWarning,
    ContextVariableSetWarning,
    CredentialIgnoredWarning,
    ErrorNotWholeWarning,
    NoCallsWarning,
    RecordingReplacedWarning,
    UncertainDrawsWarning,
    UnrecordableValue,
)
from memo.errors._replay import (
    Nearest,
    OrderNotKeptWarning,
    OutcomesExhausted,
    RecordingExpiredWarning,
    RecordingNotFound,
    RecordingsDifferWarning,
    StreamCutShort,
    WatchedFieldChangedWarning,
)
from memo.errors._scopes import ScopeLost, ScopeLostWarning, ScopeNotPortable, ScopeRefused
from memo.errors._stores import (
    EntryVanished,
    RecordingsSpooledWarning,
    Refused,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreNotReadable,
    StoreNotWritable,
)

__all__ = [
    "AlreadyPatched",
    "AlreadyStarted",
    "ArgumentsChangedWarning",
    "CallNotAllowed",
    "CallNotRepeatable",
    "CallsNotRecordedWarning",
    "ContextVariableSetWarning",
    "ContradictingModes",
    "CostLimitReached",
    "CredentialIgnoredWarning",
    "DataMismatch",
    "EntryVanished",
    "ErrorNotWholeWarning",
    "InvalidDuration",
    "InvalidMode",
    "InvalidOption",
    "KeyCollision",
    "KeyCollisionWarning",
    "KeyMismatch",
    "MemoError",
    "MissingExtra",
    "Nearest",
    "NetworkBlocked",
    "NewerFormat",
    "NoCallsWarning",
    "NoReviews",
    "NoSourceVersion",
    "NotARecording",
    "NotPatched",
    "OrderNotKeptWarning",
    "OutcomesExhausted",
    "RecordingDamaged",
    "RecordingExpiredWarning",
    "RecordingNotFound",
    "RecordingReplacedWarning",
    "RecordingsDifferWarning",
    "RecordingsSpooledWarning",
    "Refused",
    "ScopeLost",
    "ScopeLostWarning",
    "ScopeNotPortable",
    "ScopeRefused",
    "StoreError",
    "StoreFull",
    "StoreLocked",
    "StoreNotReadable",
    "StoreNotWritable",
    "StreamCutShort",
    "TargetNotFound",
    "TooManyLiveCalls",
    "TypeNotFound",
    "TypeNotImported",
    "UncertainDrawsWarning",
    "UnkeyableArgument",
    "UnknownFunction",
    "UnknownFunctionWarning",
    "UnknownOption",
    "UnrecordableValue",
    "UntrustedType",
    "WatchedFieldChangedWarning",
]

_rebuild = rebuild  # as pickles of earlier versions name it

for _name in (
    *__all__,
    "_rebuild",
):  # one name for each class, wherever it is defined: in pickles, messages and filters of warnings
    globals()[_name].__module__ = __name__

_OLD_NAMES = {
    "RecordingExpired": "RecordingExpiredWarning",
    "RecordingsSpooled": "RecordingsSpooledWarning",
    "WatchedFieldChanged": "WatchedFieldChangedWarning",
}


def __getattr__(name: str) -> Any:
    if name not in _OLD_NAMES:
        raise AttributeError(f"module 'memo.errors' has no attribute {name!r}")
    from warnings import warn

    warn(f"memo.errors.{name} is now {_OLD_NAMES[name]}", DeprecationWarning, stacklevel=2)
    return globals()[_OLD_NAMES[name]]
