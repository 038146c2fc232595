"""Worker threads, and which event loop runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import ParamSpec

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar, current_token

__all__ = ["in_event_loop", "on_asyncio", "run_to_end", "writers"]

P = ParamSpec("P")

_WRITERS = 32
_writers: RunVar[anyio.CapacityLimiter] = RunVar("memo_writers")


def writers() -> anyio.CapacityLimiter:
    """Return the limit of threads that write, one for each event loop.

    It is memo's own, since the user's threads may all be waiting for what is written here.
    """
    try:
        return _writers.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_WRITERS)
        _writers.set(limiter)
        return limiter


async def run_to_end(function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run a function in a worker thread and wait for its end, however often the caller is cancelled meanwhile.

    A cancellation by anyio or trio is delivered at the caller's next checkpoint. One by asyncio itself (`task.cancel()`,
    `wait_for`, `asyncio.timeout`), which a shielded scope does not hold back, is raised here, after the end.
    """
    once, ended = threading.Lock(), False
    failure: BaseException | None = None

    def run() -> None:
        nonlocal ended, failure
        with once:
            if not ended:
                try:
                    function(*args, **kwargs)
                except BaseException as error:  # noqa: BLE001 - raised in the caller's task
                    failure = error
                ended = True

    cancelled: asyncio.CancelledError | None = None
    while not ended:
        try:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(run, limiter=writers())
        except asyncio.CancelledError as error:  # run once more: that waits for the first thread, or does its work
            cancelled = error
    if cancelled is not None:
        raise cancelled
    if failure is not None:
        raise failure


def on_asyncio() -> bool:
    """Return whether an asyncio event loop runs here. (Clients of servers know no other.)"""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def in_event_loop() -> bool:
    """Return whether this thread runs an event loop, of either kind."""
    try:
        current_token()
    except RuntimeError:
        return False
    return True
