"""Worker threads, and which event loop runs."""

from __future__ import annotations

import asyncio

import anyio
from anyio.lowlevel import RunVar, current_token

__all__ = ["in_event_loop", "on_asyncio", "writers"]

_WRITERS = 32
_writers: RunVar[anyio.CapacityLimiter] = RunVar("memo_writers")


def writers() -> anyio.CapacityLimiter:
    """Threads that write, for each event loop: of our own, since the user's may all be waiting for what is written here."""
    try:
        return _writers.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_WRITERS)
        _writers.set(limiter)
        return limiter


def on_asyncio() -> bool:
    """Whether an asyncio event loop runs here. (Clients of servers know no other.)"""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def in_event_loop() -> bool:
    """Whether this thread runs an event loop, of either kind."""
    try:
        current_token()
    except RuntimeError:
        return False
    return True
