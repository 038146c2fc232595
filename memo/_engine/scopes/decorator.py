"""`@recordable`, as users meet it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, Unpack, overload

from memo._engine.calls.options import Options
from memo._engine.calls.recordable import Recordable
from memo._engine.scopes.memoized import Memoize
from memo._engine.scopes.recorder import Recorder

__all__ = ["recordable"]

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound="Callable[..., Any] | classmethod[Any, ..., Any] | staticmethod[..., Any]")


@overload
def recordable(function: F, /) -> F: ...
@overload
def recordable(*, recorder: None = None, **options: Unpack[Options]) -> Callable[[F], F]: ...
@overload
def recordable(*, recorder: Recorder, **options: Unpack[Options]) -> Memoize: ...
def recordable(function: Any = None, /, *, recorder: Recorder | None = None, **options: Unpack[Options]) -> Any:
    """Make a function recordable: inside `recording()` its calls are recorded and replayed, outside nothing changes.

    It decorates any callable: coroutine functions, async generators, plain functions (whatever they return: a value, an
    awaitable, an iterator, an async iterable), generators, methods, classmethods, staticmethods (above or below their
    decorators), partials, callable objects. Signature, docs, kind and static types stay those of the function.

    - `name`: the function's name in recordings; `module.qualname` where it is left out.
    - `version`: part of the key: a new version does not replay what an old one recorded. `"source"` takes the function's own
      source, without comments, docstrings, layout and the decorators above: an edit is a new version. Functions that it calls are
      not looked at. Raises `NoSourceVersion` for lambdas, closures and code without a file.
    - `ignore`: arguments, or places in them (`"metadata.request_id"`, `"messages[*].id"`), that do not identify the call.
    - `watch`: places that stay out of the key but are remembered: a replay that differs there warns `WatchedFieldChangedWarning`.
    - `key`: a function from the arguments (a dict, defaults applied) to the ones that identify the call.
    - `identity`: a function from `self` or `cls` to what identifies the object. Without one, `cls` identifies the call, and `self` does so
      in functions that are bound to a recorder only.
    - `scrub`: places and what to do to them (`memo.scrub`): `{"prompt": scrub.uuids}`.
    - `secrets`: more names of arguments, fields and headers that hold credentials.
    - `allow_secrets`: names, or paths (`"[0].token"`), of values that look like credentials and are not: they are written as they are.
    - `errors`: `"none"`, `"answers"` or `"all"`, for this function instead of the recorder's.
    - `streams`: where a result holds what is read once and does not look like it (`"stream"`): recorded as it is read.
    - `trust`: top-level packages whose types its recordings may name, in addition to the recorder's.
    - `tags`: names by which recordings are invalidated together (`recorder.invalidate(tag=...)`): a list, or a function from
      the arguments (a dict, defaults applied) to one, called before each call that is recorded.
    - `ttl`: how long an outcome is good in `record-if-missing`, instead of the recorder's `ttl`: after that, the call is made again.
    - `recorder`: the recorder that the function is bound to, instead of the one that is active where the function is called.

    Which recorder is active is decided when the function is called. A recorded stream is replayed as a generator. A result
    that is itself a stream of another class (an SDK's) comes as a generator while it is recorded, too.

    Concurrent identical calls in `record-if-missing` make one live call; the others get its outcome. A cancelled call is
    not recorded. What cannot be recorded (`UnrecordableValue`, `StoreError`) is still returned, and raised when the
    scope ends. Raises `InvalidOption` at once; the calls raise `UnkeyableArgument`, `RecordingNotFound`, `RecordingDamaged`.
    """
    if function is None:
        return lambda function: Recordable(function, recorder, options)
    return Recordable(function, recorder, options)


if os.environ.get("MEMO_SCOPE"):  # a child process of a scope
    from memo._engine.scopes.processes import adopt_environment

    adopt_environment()
