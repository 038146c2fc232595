"""What a call returned that is read or entered later: streams inside a result, and context managers."""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from memo._engine.live.attempt import Attempt
from memo._engine.live.carried import is_named
from memo._engine.live.held import Found, HeldStreams, Part, Steps, filled, find, placed
from memo._engine.live.passing import kind_of, passing
from memo._engine.streaming.bodies import AsyncBody, SyncBody
from memo._engine.streaming.consumers import Consumer
from memo._engine.streaming.delegates import Delegate, delegate_class
from memo._engine.waiting.flights import Pending
from memo._recordings.outcome_forms import value_outcome
from memo._values.kinds import declares
from memo._values.paths import path_text
from memo.codecs.registry import codec_of
from memo.codecs.responses import read_from, without_body
from memo.errors import UnrecordableValue

__all__ = ["hold"]

_NOT_ENTERED = "is a context manager that was not entered in the scope, and what else was done with it is not recorded"
_NAMELESS = "can be read, and its class could not be found by its name in a replay"
_FIX = "to record it as it is read, define the class at the top level of its module"
_GENERATED = ("_GeneratorContextManager", "_AsyncGeneratorContextManager")


def hold(attempt: Attempt, value: Any, declared: Sequence[Steps]) -> Any:
    """Snapshot a result. Return it with its streams recorded as they pass, None if it holds none."""
    outcome, found = find(attempt, value, declared, _is_held)
    if outcome is None or not found:
        attempt.keep(outcome)
        attempt.note_given(value)
        return None
    held = HeldStreams(attempt, outcome)
    return _opened(held, outcome, value, found, ())


def _is_held(value: Any, *, declared: bool, whole: bool) -> bool:
    return bool(kind_of(value, declared=declared)) or _is_manager(type(value), any_class=whole or declared)


def _is_given(value: Any, *, declared: bool, whole: bool) -> bool:
    """Return whether what a manager gave passes its items on. One that gives itself, as a file does, can do more than that."""
    return bool(kind_of(value, declared=declared)) or _is_manager(type(value), any_class=False)


def _is_manager(cls: Any, *, any_class: bool) -> bool:
    """Return whether an object is a context manager that gives something else, which is what the call is made for.

    Any object may be one that is a whole result. Inside results, locks and connections are context managers, too.
    """
    if _is_generated(cls):
        return True
    is_file = issubclass(cls, io.IOBase | os.PathLike)  # pyright: ignore[reportGeneralTypeIssues]
    if is_file or codec_of(cls) is not None:
        return False  # a file gives itself; a codec has said why its value cannot be recorded
    return any_class and (declares(cls, "__enter__") or declares(cls, "__aenter__"))


def _is_generated(cls: Any) -> bool:
    """Return whether a context manager can be used in no other way: one that `contextlib.contextmanager` made."""
    return cls.__module__ == "contextlib" and cls.__name__ in _GENERATED


def _opened(held: HeldStreams, outcome: dict[str, Any], value: Any, found: Found, before: Steps) -> Any:
    """Return the value with what passes its streams on in their places, `before` being the steps to the value."""
    parts: list[tuple[Part, Any, str]] = []
    for steps, stream in found:
        kind = kind_of(stream, declared=True)
        if kind.endswith("bytes") and not is_named(held.attempt, stream):
            return _refused(held, value, UnrecordableValue(path_text((*before, *steps)), _NAMELESS, fix=_FIX))
        parts.append((held.add(_part(held, stream, kind, (*before, *steps))), stream, kind))
    outcome["value"] = filled(outcome["value"], [part.form for part, _, _ in parts])
    whole = value
    for (steps, stream), (part, _, kind) in zip(found, parts, strict=True):
        if isinstance(part, _Answer):
            part.take_body(stream)
            continue
        stand_in = passing(part, stream, kind) if kind else _managed(part, stream)
        try:
            whole = placed(whole, steps, stand_in)
        except (AttributeError, TypeError) as error:
            for back, original in found:
                if back != steps:
                    placed(whole, back, original)
            reason = f"is a stream in what cannot be changed ({error})"
            return _refused(held, value, UnrecordableValue(path_text(steps), reason))
    return whole


def _refused(held: HeldStreams, value: Any, error: UnrecordableValue) -> Any:
    held.attempt.refuse(error)
    held.attempt.abandon()
    return value


def _part(held: HeldStreams, stream: Any, kind: str, steps: Steps) -> Part:
    if kind == "response":
        return _Answer(held, stream, steps)
    return Part(held, {"__type__": "stream"}, steps) if kind else _Entry(held, stream, steps)


class _Answer(Part):
    """What is recorded of an HTTP response that is still to be read: the response as it is when it has been."""

    def __init__(self, held: HeldStreams, response: Any, steps: Steps) -> None:
        super().__init__(held, {"__type__": "response"}, steps)
        self._response = without_body(response)  # not itself, which is closed, and recorded, when it is forgotten
        self._pieces: list[bytes] = []

    def take_body(self, response: Any) -> None:
        """Record the body of the response as it passes."""
        is_async = not declares(type(response.stream), "__iter__")
        response.stream = (AsyncBody if is_async else SyncBody)(response.stream, self)

    def defer(self, passing: Any) -> Any:
        return self.held.attempt.defer(Pending.SDK_STREAM, passing, self.held)

    def add(self, item: bytes) -> None:
        self._pieces.append(item)

    def fill(self, end: str, error: BaseException | None, returned: Any) -> None:
        values, secrets = self.held.attempt.encoding
        outcome = value_outcome(read_from(self._response, b"".join(self._pieces)), values, secrets)
        self.form |= {"response": outcome["value"], "end": end}
        if error is not None:
            self.form["error"] = values.encode_error(error)
        self.masked += [path_text(self.steps) + path for path in outcome.get("redacted", ())]


class _Entry(Part):
    """What is recorded of a context manager: what it gave, and how it was left."""

    def __init__(self, held: HeldStreams, manager: Any, steps: Steps) -> None:
        super().__init__(held, {"__type__": "manager"}, steps)
        self._is_generated = _is_generated(type(manager))
        self._inner: tuple[Part, ...] = ()

    def fill(self, end: str, error: BaseException | None, returned: Any) -> None:
        """Refuse a manager that was used in other ways than the one that is recorded."""
        if not self.is_read and not self._is_generated:
            raise UnrecordableValue("", _NOT_ENTERED)

    def entered(self, value: Any) -> Any:
        """Note what the manager gave. Return what its caller gets."""
        attempt, before = self.held.attempt, self.held.parts
        outcome, found = find(attempt, value, (), _is_given)
        if outcome is None:
            attempt.abandon()
            return value
        self.masked += [path_text(self.steps) + path for path in outcome.get("redacted", ())]
        value = _opened(self.held, outcome, value, found, self.steps)
        self._inner = self.held.parts[len(before) :]
        self.form["value"] = outcome["value"]
        return value

    def failed(self, name: str, error: BaseException) -> bool:
        """Note the error that entering or leaving raised. Return whether it is recorded."""
        if not self.held.attempt.is_recordable(error):
            self.abandon()
            return False
        values, _ = self.held.attempt.encoding
        try:
            self.form[name] = values.encode_error(error)
        except UnrecordableValue as failure:
            self.failure = failure
        return True

    def left(self, error: BaseException | None, raised: BaseException | None, suppressed: object) -> bool:
        """Note how the manager was left. Return whether that is recorded."""
        for part in self._inner:
            part.close("closed")
        if error is not None and not isinstance(error, Exception | GeneratorExit):
            self.abandon()  # cancelled
            return False
        if raised is not None and raised is not error:
            return self.failed("exit", raised)
        if error is not None and suppressed:
            self.form["suppresses"] = True
        return True


class _Managed(Delegate):
    """A live context manager."""

    _self_entry: _Entry


Error = BaseException | None


def _enter(self: Any) -> Any:
    entry: _Entry = self._self_entry
    entry.form["kind"] = "sync"
    entry.begin()
    try:
        with entry.producing():
            entered = self.__wrapped__.__enter__()
    except BaseException as error:
        if entry.failed("error", error):
            entry.finish("error")
        raise
    return entry.entered(entered)


def _exit(self: Any, kind: type[BaseException] | None, error: Error, traceback: TracebackType | None) -> Any:
    entry: _Entry = self._self_entry
    suppressed, raised = None, None
    try:
        suppressed = self.__wrapped__.__exit__(kind, error, traceback)
    except BaseException as failure:
        raised = failure
        raise
    finally:
        if entry.left(error, raised, suppressed):
            entry.finish("complete")
    return suppressed


async def _aenter(self: Any) -> Any:
    entry: _Entry = self._self_entry
    entry.form["kind"] = "async"
    consumer = Consumer()
    consumer.note_task()
    entry.begin(consumer)
    try:
        with entry.producing():
            entered = await self.__wrapped__.__aenter__()
    except BaseException as error:
        if entry.failed("error", error):
            await entry.afinish("error")
        raise
    return entry.entered(entered)


async def _aexit(self: Any, kind: type[BaseException] | None, error: Error, traceback: TracebackType | None) -> Any:
    entry: _Entry = self._self_entry
    suppressed, raised = None, None
    try:
        suppressed = await self.__wrapped__.__aexit__(kind, error, traceback)
    except BaseException as failure:
        raised = failure
        raise
    finally:
        if entry.left(error, raised, suppressed):
            await entry.afinish("complete")
    return suppressed


_METHODS = {"__enter__": _enter, "__exit__": _exit, "__aenter__": _aenter, "__aexit__": _aexit}


@functools.lru_cache(maxsize=256)
def _managed_class(cls: Any) -> Any:
    return delegate_class(_Managed, cls, {name: made for name, made in _METHODS.items() if declares(cls, name)})


def _managed(part: Part, manager: Any) -> Any:
    cls: Any = type(manager)
    made = _managed_class(cls)(manager)
    made._self_entry = part
    part.form["kind"] = "async" if declares(type(manager), "__aenter__") else "sync"
    return part.held.attempt.defer(Pending.SDK_STREAM, made, part.held)
