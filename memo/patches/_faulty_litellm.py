"""The faults of litellm: its own code makes the exception, from what the client of the provider's SDK would have been answered.

litellm makes its clients itself, of httpx and of SDKs above httpx, and keeps them. So while a fault is injected, the clients of httpx
that this call uses get their answers here, and no others.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from memo.fault import Fault
from memo.patches._faulty import HttpFaultyCall, Transport
from memo.patches._stream_objects import AsyncStreamObject, SyncStreamObject

__all__ = ["LitellmFaults", "inside"]

inside: ContextVar[bool] = ContextVar("memo_litellm_inside", default=False)
"""True while a function of litellm is being called, of which the inner calls are a part."""

_answering: ContextVar[Callable[[Any, Any], Any] | None] = ContextVar("memo_litellm_answering", default=None)
"""What answers the requests of httpx that are made in this context."""


class LitellmFaults(HttpFaultyCall):
    """The faults of a call of `acompletion` and its like."""

    asks_at_once = True

    @classmethod
    def applies(cls, name: str) -> bool:
        """Return whether a call is one of the user's, not an inner one of litellm's."""
        return super().applies(name) and not inside.get()

    @property
    def streams(self) -> bool:
        """Return whether the call returns a stream."""
        return bool(self.kwargs.get("stream"))

    @property
    def _is_async(self) -> bool:
        return str(self.wrapped.__name__).startswith("a")

    def is_stream(self, value: Any) -> bool:
        """Return whether a result is a stream of litellm's."""
        return hasattr(value, "__anext__") or hasattr(value, "__next__")

    def changed(self, value: Any, fault: Fault) -> Any:
        """Return a stream as it is with a fault."""
        if not self.is_stream(value):
            return value
        if self._is_async:
            return AsyncStreamObject(value, self.apassed(value, fault))
        return SyncStreamObject(value, self.passed(value, fault))

    def _method(self, *, is_lost: bool) -> Any:
        answer = self._lost if is_lost else self._answer
        if self._is_async:

            async def acalled(*args: Any, **kwargs: Any) -> Any:
                with _answered_by(answer):
                    return await self.wrapped(*args, **kwargs)

            return acalled

        def called(*args: Any, **kwargs: Any) -> Any:
            with _answered_by(answer):
                return self.wrapped(*args, **kwargs)

        return called


_lock = threading.Lock()
_originals: dict[type, Any] = {}
_users = 0
"""The number of calls that have a fault injected right now."""


@contextmanager
def _answered_by(answer: Callable[[Any, Any], Any]) -> Generator[None]:
    """Answer the requests of this context's clients of httpx, within the block."""
    global _users  # noqa: PLW0603 - what is patched is global, too
    with _lock:
        if _users == 0:
            for http in filter(None, map(sys.modules.get, ("httpx", "httpx2"))):
                for kind in (http.Client, http.AsyncClient):
                    _originals[kind] = kind._transport_for_url
                    kind._transport_for_url = _redirected(http, kind._transport_for_url)
        _users += 1
    token = _answering.set(answer)
    try:
        yield
    finally:
        _answering.reset(token)
        with _lock:
            _users -= 1
            if _users == 0:
                for kind, original in _originals.items():
                    kind._transport_for_url = original  # type: ignore[attr-defined]
                _originals.clear()


def _redirected(http: Any, original: Any) -> Any:
    @wraps(original)
    def transport_for_url(self: Any, url: Any) -> Any:
        answer = _answering.get()
        return original(self, url) if answer is None else Transport(http, answer)

    return transport_for_url
