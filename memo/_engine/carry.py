"""`memo.carry`: take the scope along to where a function is called: another thread, another event loop, a running worker."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from memo._engine.active import active, current
from memo._engine.session import Session

__all__ = ["carry"]

P = ParamSpec("P")
R = TypeVar("R")


def carry(function: Callable[P, R], /) -> Callable[P, R]:
    """Return the function, bound to the recorder that is active here and now, wherever it is called.

        executor.submit(memo.carry(ask), "why")
        asyncio.run_coroutine_threadsafe(memo.carry(answer)(question), loop)

    Everything that the function calls is served by that recorder too, unless it opens a scope of its own. Plain functions,
    coroutine functions, generators and async generators stay what they are. Without an active recorder the function comes
    back as it is. Carrying twice keeps the first recorder. The recorder is used even where its scope has ended meanwhile.
    """
    session = current()
    if session is None:
        return function
    carried: Callable[P, R] = _carried(function, session)
    return carried


def _carried(function: Any, session: Session) -> Any:
    if inspect.iscoroutinefunction(function):
        return _carried_coroutine(function, session)
    if inspect.isasyncgenfunction(function):
        return _carried_async_generator(function, session)
    if inspect.isgeneratorfunction(function):
        return _carried_generator(function, session)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with _inside(session):
            result = function(*args, **kwargs)
        return _awaited(session, result) if inspect.isawaitable(result) else result

    return call


def _carried_coroutine(function: Any, session: Session) -> Any:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        with _inside(session):
            return await function(*args, **kwargs)

    return call


def _carried_generator(function: Any, session: Session) -> Any:
    @functools.wraps(function)
    def stream(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        return (yield from _Steps(session, function(*args, **kwargs)))

    return stream


def _carried_async_generator(function: Any, session: Session) -> Any:
    @functools.wraps(function)
    async def stream(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        source = function(*args, **kwargs)
        step: Callable[[Any], Awaitable[Any]] = source.asend
        value: Any = None
        try:
            while True:
                # The scope holds for a step, and not while the consumer works with the item.
                with _inside(session):
                    item = await step(value)
                try:
                    step, value = source.asend, (yield item)
                except Exception as error:  # noqa: BLE001 - the generator may handle what is thrown into it
                    step, value = source.athrow, error
        except StopAsyncIteration:
            return
        finally:
            with _inside(session):
                await source.aclose()

    return stream


@contextmanager
def _inside(session: Session) -> Generator[None]:
    token = active.set(session)
    try:
        yield
    finally:
        active.reset(token)


async def _awaited(session: Session, result: Awaitable[Any]) -> Any:
    with _inside(session):
        return await result


class _Steps(Generator[Any, Any, Any]):
    """A generator whose every step is made in the scope of a session."""

    def __init__(self, session: Session, source: Generator[Any, Any, Any]) -> None:
        self._session = session
        self._source = source

    def send(self, value: Any, /) -> Any:
        """Make the next step."""
        with _inside(self._session):
            return self._source.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an exception where the generator is suspended."""
        with _inside(self._session):
            return self._source.throw(*error)

    def close(self) -> None:
        """End the generator."""
        with _inside(self._session):
            self._source.close()
