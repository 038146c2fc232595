"""The scope of a `with`: `recording(...)`."""

from __future__ import annotations

import functools
import inspect
import logging
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, NamedTuple, TypeVar, Unpack, cast
from warnings import warn

from memo._engine.rules.modes import Mode, ModeName
from memo._engine.scopes.recorder import Recorder
from memo._engine.sessions.active import current
from memo._engine.sessions.options import RecorderOptions
from memo._engine.sessions.unseen import ConnectionWatch, watched
from memo.errors import InvalidOption, NoCallsWarning
from memo.stores import StoreLike

__all__ = ["recording"]

log = logging.getLogger("memo")

F = TypeVar("F", bound=Callable[..., Any])


class _Opened(NamedTuple):
    """A scope that is open."""

    recorder: Recorder
    connections: ConnectionWatch | None

    def close(self) -> None:
        """Let go of what else was opened with the scope."""
        try:
            self.recorder.end()
        finally:
            if self.connections is not None:
                self.connections.stop()


class recording:  # noqa: N801 - it is used as a function
    """Record and replay the recordable calls made inside the `with`.

    | mode | no recording of this call | a recording exists |
    |---|---|---|
    | `live` | call | call |
    | `replay` | `RecordingNotFound`, never a call | replay |
    | `record-if-missing` | call, store | replay |
    | `record` | call, store | call; the first of a key replaces its outcomes, the next identical ones append |
    | `verify` | call | call; what differs from the recording is warned of, nothing is stored |

    A recording that is too old for the recorder's `max_age` is dealt with as `on_expiry` says.

    VCR's `none`, `once`, `new_episodes`, `all` and `rewrite` are understood. The options are `Recorder`'s.

    Scopes nest: the innermost counts. They follow the context (`contextvars`): concurrent tasks do not mix, tasks and
    `to_thread` calls started inside are inside. Threads, event loops and tasks that are in no scope (those of a
    `ThreadPoolExecutor`, or started before) are served by the only open recorder; where several are open, such a call
    raises `ScopeLost` in replay, and warns (`ScopeLostWarning`) while recording: `memo.carry` takes the scope along. With
    `isolated=True` the recorder serves its own contexts alone.

    At the end, what could not be recorded is raised (`UnrecordableValue`, `StoreError`), unless another exception is on its
    way already. What could not be sent to a server is kept in a local directory, and `RecordingsSpooledWarning` says
    how to deliver it.

    In `replay`, an SDK that memo has a preset for, but that is not patched (`memo.install`), raises `NotPatched` where it
    is called: whatever its client is connected to, that would be a live call. With a `recording(mode="live")` around
    it, the call is made. With `block_network=True`, any connection to another machine raises `NetworkBlocked` in `replay`.

    A scope that saw no call warns (`NoCallsWarning`) if the process connected to other hosts in that time, naming them; otherwise
    that is only logged.

    `async with` does the same. As a decorator of a function (`@recording("recordings")`), each call of the function has a scope of
    its own; a generator function raises `InvalidOption`, since a scope cannot be open while its consumer works: open it inside.
    """

    def __init__(
        self,
        store: StoreLike | Sequence[StoreLike] = "recordings",
        *,
        mode: ModeName | Mode = "replay",
        **options: Unpack[RecorderOptions],
    ) -> None:
        self._open = functools.partial(Recorder, store, mode=mode, **options)
        self._opened: list[_Opened] = []
        """Most often one: more if the same object is entered again before its end, in this task or in another."""

    def __enter__(self) -> Recorder:
        """Open a scope with its own recorder."""
        recorder = self._open()
        opened = _Opened(recorder, watched(recorder))
        try:
            recorder.__enter__()
        except BaseException:
            opened.close()
            raise
        self._opened.append(opened)
        return recorder

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the scope, and raise what could not be recorded, unless an exception is on its way already."""
        self._end(kind, error, traceback)

    async def __aenter__(self) -> Recorder:
        """Async twin of `__enter__`."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Async twin of `__exit__`."""
        self._end(kind, error, traceback)

    def __call__(self, function: F) -> F:
        """Return the function, each of whose calls opens a scope. Raises `InvalidOption` for generator functions and classes."""
        is_generator = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
        if is_generator or inspect.isclass(function) or not callable(function):
            error = InvalidOption("recording", function, ["a function, or a coroutine function"])
            what = "a generator" if is_generator else "a class" if inspect.isclass(function) else "no function"
            name = getattr(function, "__qualname__", repr(function))
            error.args = (
                f"recording(...) cannot decorate {name}, which is {what}\n  open it inside: with recording(...):",
            )
            raise error
        called = self._acalled if inspect.iscoroutinefunction(function) else self._called
        return cast("F", functools.wraps(function)(called(function)))

    def _called(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return call

    def _acalled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            async with self:
                return await function(*args, **kwargs)

        return call

    def _end(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        opened = self._innermost()
        try:
            try:
                if kind is None:
                    _warn_of_no_calls(opened)
            except BaseException:
                opened.recorder.__exit__(*sys.exc_info())
                raise
            opened.recorder.__exit__(kind, error, traceback)
        finally:
            opened.close()

    def _innermost(self) -> _Opened:
        """Remove and return the scope that ends: that of this context, if several tasks have this object open."""
        inner = current()
        for opened in reversed(self._opened):
            if opened.recorder is inner:
                self._opened.remove(opened)
                return opened
        return self._opened.pop()


def _warn_of_no_calls(opened: _Opened) -> None:
    # A scope that other processes share has their calls, too.
    if opened.connections is None or opened.recorder.shared is not None or opened.recorder.counts.calls:
        return
    empty = NoCallsWarning(repr(opened.recorder), opened.connections.stop())
    if empty.hosts:
        warn(empty, stacklevel=4)
    else:
        log.info("%s", empty)
