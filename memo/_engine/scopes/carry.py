"""`memo.carry`: take the scope along to where a function is called: another thread, another event loop, a running worker."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, NamedTuple, ParamSpec, TypeVar

from memo._engine.sessions.active import active, current
from memo._engine.sessions.session import Session
from memo._engine.waiting.nesting import Making, making

__all__ = ["carry"]

P = ParamSpec("P")
R = TypeVar("R")


def carry(function: Callable[P, R], /) -> Callable[P, R]:
    """Return the function, bound to the recorder that is active here and now, wherever it is called.

        executor.submit(memo.carry(ask), "why")
        asyncio.run_coroutine_threadsafe(memo.carry(answer)(question), loop)

    Everything that the function calls is served by that recorder too, unless it opens its own scope. Inside a call that
    is being recorded, what the function calls belongs to that call. Plain functions,
    coroutine functions, generators and async generators stay what they are. Without an active recorder the function comes
    back as it is. Carrying twice keeps the first recorder. The recorder is used even where its scope has ended in the meantime.
    """
    session = current()
    if session is None:
        return function
    carried: Callable[P, R] = _carried(function, _Origin(session, making.get()))
    return carried


class _Origin(NamedTuple):
    """Where a function was carried from."""

    session: Session
    making: Making | None
    """The live call inside which that was: what the function calls belongs to it."""

    @contextmanager
    def inside(self) -> Generator[None]:
        """Be there."""
        token, made = active.set(self.session), making.get()
        outer = making.set(made or self.making)
        try:
            yield
        finally:
            making.reset(outer)
            active.reset(token)


def _carried(function: Any, origin: _Origin) -> Any:
    if inspect.iscoroutinefunction(function):
        return _carried_coroutine(function, origin)
    if inspect.isasyncgenfunction(function):
        return _carried_async_generator(function, origin)
    if inspect.isgeneratorfunction(function):
        return _carried_generator(function, origin)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with origin.inside():
            result = function(*args, **kwargs)
        return _awaited(origin, result) if inspect.isawaitable(result) else result

    return call


def _carried_coroutine(function: Any, origin: _Origin) -> Any:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        with origin.inside():
            return await function(*args, **kwargs)

    return call


def _carried_generator(function: Any, origin: _Origin) -> Any:
    @functools.wraps(function)
    def stream(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        return (yield from _Steps(origin, function(*args, **kwargs)))

    return stream


def _carried_async_generator(function: Any, origin: _Origin) -> Any:
    @functools.wraps(function)
    async def stream(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        source = function(*args, **kwargs)
        step: Callable[[Any], Awaitable[Any]] = source.asend
        value: Any = None
        try:
            while True:
                # The scope holds for a step, and not while the consumer works with the item.
                with origin.inside():
                    item = await step(value)
                try:
                    step, value = source.asend, (yield item)
                except Exception as error:  # noqa: BLE001 - the generator may handle what is thrown into it
                    step, value = source.athrow, error
        except StopAsyncIteration:
            return
        finally:
            with origin.inside():
                await source.aclose()

    return stream


async def _awaited(origin: _Origin, result: Awaitable[Any]) -> Any:
    with origin.inside():
        return await result


class _Steps(Generator[Any, Any, Any]):
    """A generator whose every step is made in the scope of a session."""

    def __init__(self, origin: _Origin, source: Generator[Any, Any, Any]) -> None:
        self._origin = origin
        self._source = source

    def send(self, value: Any, /) -> Any:
        """Make the next step."""
        with self._origin.inside():
            return self._source.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an exception where the generator is suspended."""
        with self._origin.inside():
            return self._source.throw(*error)

    def close(self) -> None:
        """End the generator."""
        with self._origin.inside():
            self._source.close()
