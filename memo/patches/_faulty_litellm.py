"""The faults of litellm: its own code makes the exception, from what the client of the provider's SDK would have been answered.

litellm makes its clients itself, of httpx and of SDKs above httpx, and keeps them. So while a fault is injected, the clients of httpx
that this call uses get their answers here, and no others.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from memo.fault import Fault
from memo.patches._faulty_redirected import RedirectedFaults
from memo.patches._stream_objects import AsyncStreamObject, SyncStreamObject

__all__ = ["LitellmFaults", "inside"]

inside: ContextVar[bool] = ContextVar("memo_litellm_inside", default=False)
"""True while a function of litellm is being called, of which the inner calls are a part."""


class LitellmFaults(RedirectedFaults):
    """The faults of a call of `acompletion` and its like."""

    @classmethod
    def applies(cls, name: str) -> bool:
        """Return whether a call is one of the user's, not an inner one of litellm's."""
        return super().applies(name) and not inside.get()

    @property
    def streams(self) -> bool:
        """Return whether the call returns a stream."""
        return bool(self.kwargs.get("stream"))

    @property
    def is_async(self) -> bool:
        """Return whether the call is a coroutine."""
        return str(self.wrapped.__name__).startswith("a")

    def is_stream(self, value: Any) -> bool:
        """Return whether a result is a stream of litellm's."""
        return hasattr(value, "__anext__") or hasattr(value, "__next__")

    def changed(self, value: Any, fault: Fault) -> Any:
        """Return a stream as it is with a fault."""
        if not self.is_stream(value):
            return value
        if self.is_async:
            return AsyncStreamObject(value, self.apassed(value, fault))
        return SyncStreamObject(value, self.passed(value, fault))
