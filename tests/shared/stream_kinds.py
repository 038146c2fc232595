"""A stream by each kind of function that gives one, and how its recording is looked at."""

import json
from contextlib import aclosing

import anyio
import pytest

from memo import recordable

RECORDING = pytest.mark.parametrize("mode", ["record", "record-if-missing"])


def files(folder):
    return sorted(folder.rglob("*.json"))


def recorded_stream(folder):
    """The only stream that is recorded."""
    (file,) = files(folder)
    (outcome,) = json.loads(file.read_text(encoding="utf-8"))["outcomes"]
    return outcome["stream"]


async def until(condition):
    with anyio.fail_after(5):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await anyio.sleep(0.001)


class Source:
    """An async iterator that is no generator."""

    def __init__(self, generator):
        self._generator = generator

    def __aiter__(self):
        return self

    async def __anext__(self):
        return await anext(self._generator)

    async def aclose(self):
        await self._generator.aclose()


def as_generator_function(make):
    @recordable(name="stream")
    async def stream():
        async with aclosing(make()) as items:
            async for item in items:
                yield item

    async def opened():
        return stream()

    return opened


def as_coroutine_function(make):
    @recordable(name="stream")
    async def stream():
        return Source(make())

    return stream


def as_plain_function(make):
    @recordable(name="stream")
    def stream():
        return Source(make())

    async def opened():
        return stream()

    return opened


def as_awaitable(make):
    async def inner():
        return Source(make())

    @recordable(name="stream")
    def stream():
        return inner()

    return stream


KINDS = pytest.mark.parametrize("kind", [as_generator_function, as_coroutine_function, as_plain_function, as_awaitable])


async def not_to_be_called():
    pytest.fail("was called")
    yield


async def given(stream):
    """The items that come, and the error that ends them, if one does."""
    items = []
    try:
        async for item in stream:
            items.append(item)  # noqa: PERF401 - those before an error count
    except Exception as error:
        return items, error
    return items, None
