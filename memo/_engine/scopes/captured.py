"""`memo.captured`: a scope as an object, for a worker that was started before the request whose work it does."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from memo._engine.scopes.recorder import Recorder
from memo._engine.sessions.active import current, enter, leave
from memo._engine.sessions.session import Session

__all__ = ["Captured", "captured"]


class Captured:
    """A captured scope: `with scope:` serves the calls inside with the scope's recorder.

    The scope may be opened any number of times, in any tasks and threads, one inside the other, and after the block that it was
    captured in has ended. It can be pickled: another process opens it if the process has the secret of the run
    (`MEMO_SCOPE_SECRET`). Ending it raises nothing: what could not be recorded is reported where the recorder ends.
    """

    def __init__(self, _session: Session | None = None, _value: str | None = None) -> None:
        self._session = _session
        self._value = _value

    def __enter__(self) -> Self:
        """Open the scope in this context. Raises `ScopeRefused` in a process that may not have the scope."""
        if self._session is None and self._value is not None:
            self._session = _opened(self._value)
        if self._session is not None:
            _hold(self._session, 1)
            enter(self._session)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the scope in this context."""
        if self._session is not None:
            leave(self._session)
            _hold(self._session, -1)

    async def __aenter__(self) -> Self:
        """Async twin of `__enter__`."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Async twin of `__exit__`."""
        self.__exit__(kind, error, traceback)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        value = self._value
        if isinstance(self._session, Recorder):
            value = next(iter(self._session.headers.values()))
        return Captured, (None, value)


def captured() -> Captured:
    """Return the scope that is active here and now, to be opened by a worker that runs elsewhere: a queue's, a pool's.

        queue.put((memo.captured(), question))

        scope, question = queue.get()
        with scope:
            answer(question)

    Without an active scope, opening what is returned changes nothing.
    """
    return Captured(current())


def _opened(value: str) -> Session:
    from memo._engine.scopes.carried import opened

    return opened(value)


def _hold(session: Session, by: int) -> None:
    from memo._engine.scopes.carried import CarriedRecorder

    if isinstance(session, CarriedRecorder):
        session.hold(by)
