"""A use of an SDK, written once for its async and for its sync client."""

import inspect
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any


async def a(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


async def each(value: Any) -> AsyncIterator[Any]:
    if hasattr(value, "__aiter__"):
        async for item in value:
            yield item
    else:
        for item in value:
            yield item


@asynccontextmanager
async def inside(manager: Any) -> AsyncIterator[Any]:
    if hasattr(manager, "__aenter__"):
        async with manager as value:
            yield value
    else:
        with manager as value:
            yield value


async def some(value: Any, count: int) -> list[Any]:
    async with aclosing(each(value)) as items:
        return [await anext(items) for _ in range(count)]


async def collect(value: Any) -> list[Any]:
    return [item async for item in each(value)]


async def outcome(result: Any) -> Any:
    """What a call gives, in whatever way it gives it: a list of its items, of a stream."""
    result = await a(result)
    return await collect(result) if hasattr(type(result), "__aiter__") or hasattr(type(result), "__next__") else result
