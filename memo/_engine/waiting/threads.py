"""Worker threads, and which event loop runs."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar, checkpoint_if_cancelled, current_token

__all__ = ["in_event_loop", "in_thread", "on_asyncio", "run_to_end"]

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 32
_limiter: RunVar[anyio.CapacityLimiter] = RunVar("memo_threads")
_executor: ThreadPoolExecutor | None = None
"""The threads of all asyncio loops; None until they are needed, and in a forked child."""


async def in_thread(function: Callable[[], T]) -> T:
    """Run a function in a worker thread, and return its result.

    The threads are memo's own, since the user's threads may all be waiting for what runs here. On asyncio they are not
    anyio's either: those end with the task that needed them first, so a task that its event loop leaves behind (the
    `aclose` of a stream that is collected after `run_until_complete`) would keep the process from exiting.

    Anyio's and trio's cancellation waits for the end of the function; `task.cancel()` does not.
    """
    if not on_asyncio():
        return await anyio.to_thread.run_sync(function, limiter=_threads())
    await checkpoint_if_cancelled()
    future = _begun(function)
    with anyio.CancelScope(shield=True):
        await future
    return future.result()


def _begun(function: Callable[[], T]) -> asyncio.Future[T]:
    """Return the future of a function that runs in one of memo's threads for asyncio loops."""
    loop, context = asyncio.get_running_loop(), copy_context()
    try:
        return loop.run_in_executor(_asyncio_threads(), context.run, _kept_in, function)  # pyright: ignore[reportArgumentType, reportReturnType] - of the generic `run`
    except RuntimeError:  # the interpreter exits and starts no thread any more
        future = loop.create_future()
        future.set_result(function())
        return future


def _kept_in(function: Callable[[], T]) -> T:
    """Run a function. A `StopIteration`, which a future cannot hold, becomes a `RuntimeError`, as in a coroutine."""
    try:
        return function()
    except StopIteration as error:
        message = "a function in a thread raised StopIteration"
        raise RuntimeError(message) from error


def _threads() -> anyio.CapacityLimiter:
    try:
        return _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_THREADS)
        _limiter.set(limiter)
        return limiter


def _asyncio_threads() -> ThreadPoolExecutor:
    global _executor  # noqa: PLW0603
    if _executor is None:
        _executor = ThreadPoolExecutor(_THREADS, "memo")
    return _executor


def _forget_threads() -> None:
    global _executor  # noqa: PLW0603
    _executor = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


async def run_to_end(function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run a function in a worker thread and wait for its end, however often the caller is cancelled until then.

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
                await (_begun(run) if on_asyncio() else in_thread(run))
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
        if asyncio.current_task() is not None:  # asked first: anyio's answer takes ten times as long
            return True
    except RuntimeError:
        pass
    try:
        current_token()
    except RuntimeError:
        return False
    return True
