"""Clients that an SDK makes and keeps out of reach: while a call has a fault, those that it uses get their answers here, and no others."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, NamedTuple

from memo.patches._faulty import Transport
from memo.patches._wire import Answering, WireFaultyCall, faulty_pool, request_of_session

__all__ = ["RedirectedFaults"]


class _Answers(NamedTuple):
    """What answers requests: those of httpx, and those of urllib3 and aiohttp."""

    httpx: Callable[[Any, Any], Any]
    wire: Answering


_answering: ContextVar[_Answers | None] = ContextVar("memo_answering", default=None)
"""What answers the requests that are made in this context."""


class RedirectedFaults(WireFaultyCall):
    """The faults of a call whose requests are made by any client of httpx, urllib3 or aiohttp."""

    @property
    def is_async(self) -> bool:
        """Return whether the call is a coroutine."""
        return inspect.iscoroutinefunction(self.wrapped)

    def _method(self, *, is_lost: bool) -> Any:
        answers = _Answers(self._lost if is_lost else self._answer, self.answering(is_lost=is_lost))
        if self.is_async:

            async def acalled(*args: Any, **kwargs: Any) -> Any:
                with _answered_by(answers):
                    return await self.wrapped(*args, **kwargs)

            return acalled

        def called(*args: Any, **kwargs: Any) -> Any:
            with _answered_by(answers):
                return self.wrapped(*args, **kwargs)

        return called


_lock = threading.Lock()
_originals: dict[tuple[type, str], Any] = {}
_users = 0
"""The number of calls that have a fault injected right now."""


@contextmanager
def _answered_by(answers: _Answers) -> Generator[None]:
    """Answer the requests of this context, within the block."""
    global _users  # noqa: PLW0603 - what is patched is global, too
    with _lock:
        if _users == 0:
            _redirect()
        _users += 1
    token = _answering.set(answers)
    try:
        yield
    finally:
        _answering.reset(token)
        with _lock:
            _users -= 1
            if _users == 0:
                for (kind, name), original in _originals.items():
                    setattr(kind, name, original)
                _originals.clear()


def _redirect() -> None:
    for http in filter(None, map(sys.modules.get, ("httpx", "httpx2"))):
        for kind in (http.Client, http.AsyncClient):
            _replace(kind, "_transport_for_url", _of_httpx(http))
    if (urllib3 := sys.modules.get("urllib3")) is not None:
        _replace(urllib3.HTTPConnectionPool, "urlopen", _of_urllib3)
    if (aiohttp := sys.modules.get("aiohttp")) is not None:
        _replace(aiohttp.ClientSession, "_request", _of_aiohttp)


def _replace(kind: type, name: str, answered: Callable[..., Any]) -> None:
    original = vars(kind)[name]

    @wraps(original)
    def function(self: Any, *args: Any, **kwargs: Any) -> Any:
        answers = _answering.get()
        if answers is None:
            return original.__get__(self)(*args, **kwargs)
        return answered(original, self, answers, *args, **kwargs)

    _originals[kind, name] = original
    setattr(kind, name, function)


def _of_httpx(http: Any) -> Callable[..., Any]:
    def answered(_: Any, client: Any, answers: _Answers, url: Any) -> Any:
        return Transport(http, answers.httpx)

    return answered


def _of_urllib3(original: Any, pool: Any, answers: _Answers, *args: Any, **kwargs: Any) -> Any:
    return original.__get__(faulty_pool(pool, answers.wire))(*args, **kwargs)


def _of_aiohttp(original: Any, session: Any, answers: _Answers, *args: Any, **kwargs: Any) -> Any:
    function = getattr(original, "__wrapped__", original)  # a request of a patched session is none of the user's
    return request_of_session(function, session, answers.wire, *args, **kwargs)
