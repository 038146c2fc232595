"""In `record-if-missing` identical calls whose results are still to come make one live call: awaitables and streams."""

import gc
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import anyio
import anyio.lowlevel
import pytest
from at_once import gathered

from memo import Recorder

pytestmark = pytest.mark.anyio


@pytest.fixture
def recorder(tmp_path):
    # The functions are bound to it: a scope that a fixture opens is not one that async tests run in.
    return Recorder(tmp_path, mode="record-if-missing")


def alone(second):
    """Stands in a live call: long enough for a second one to come, if one could."""
    assert not second.wait(0.1)


# Results that are still to come


@pytest.fixture
def fetch(recorder):
    """A plain function that gives an awaitable."""

    async def fetch(n):
        fetch.calls.append(n)
        await anyio.wait_all_tasks_blocked()
        return [n]

    fetch.calls = []

    def begun(n):
        return fetch(n)

    known = recorder.recordable(name="fetch")(begun)
    known.calls = fetch.calls
    return known


async def test_awaitables_share_one_live_call(fetch):
    async def one():
        return await fetch(1)

    assert await gathered(*[one] * 10) == [[1]] * 10
    assert fetch.calls == [1]


async def test_awaitables_made_first_and_awaited_later_share_one(fetch):
    made = [fetch(1) for _ in range(5)]

    async def first():
        return await made[0]

    def other(awaitable):
        async def later():
            await anyio.lowlevel.checkpoint()
            return await awaitable

        return later

    assert await gathered(first, *map(other, made[1:])) == [[1]] * 5


async def test_awaitables_can_be_awaited_in_any_order(fetch):
    one, two, three = fetch(1), fetch(1), fetch(1)
    with anyio.fail_after(5):
        assert await three == [1]
        assert await one == [1]
        assert await two == [1]


async def test_a_dropped_awaitable_blocks_no_caller(fetch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it was never awaited
        fetch(1)
        gc.collect()
    with anyio.fail_after(5):
        assert await fetch(1) == [1]


# Streams


class Letters:
    """An SDK's stream: not a generator."""

    def __init__(self, n):
        self._left = list("abc"[:n])

    def __aiter__(self):
        return self

    async def __anext__(self):
        await anyio.lowlevel.checkpoint()
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop(0)


def generator_function(recorder, calls):
    @recorder.recordable(name="stream")
    async def stream(n):
        calls.append(n)
        for letter in "abc"[:n]:
            await anyio.lowlevel.checkpoint()
            yield letter

    async def made(n):
        return stream(n)

    return made


def coroutine_function(recorder, calls):
    @recorder.recordable(name="stream")
    async def stream(n):
        calls.append(n)
        await anyio.lowlevel.checkpoint()
        return Letters(n)

    return stream


def plain_function(recorder, calls):
    @recorder.recordable(name="stream")
    def stream(n):
        calls.append(n)
        return Letters(n)

    async def made(n):
        return stream(n)

    return made


def plain_function_to_await(recorder, calls):
    async def inner(n):
        calls.append(n)
        await anyio.lowlevel.checkpoint()
        return Letters(n)

    @recorder.recordable(name="stream")
    def stream(n):
        return inner(n)

    return stream


STREAMS = pytest.mark.parametrize(
    "streams", [generator_function, coroutine_function, plain_function, plain_function_to_await]
)


async def consumed(stream):
    return [item async for item in stream]


@STREAMS
async def test_streams_share_one_live_call(recorder, streams):
    calls = []
    stream = streams(recorder, calls)

    async def consume():
        return await consumed(await stream(3))

    assert await gathered(*[consume] * 5) == [list("abc")] * 5
    assert calls == [3]
    assert (recorder.stats.live, recorder.stats.replayed) == (1, 4)


@STREAMS
async def test_streams_opened_together_can_be_read_in_any_order(recorder, streams):
    stream = streams(recorder, [])
    one, two, three = await gathered(*[lambda: stream(3)] * 3)
    with anyio.fail_after(5):
        for each in (three, one, two):
            assert await consumed(each) == list("abc")


@STREAMS
async def test_identical_streams_nest_in_one_task(recorder, streams):
    stream = streams(recorder, [])
    pairs = []
    with anyio.fail_after(5):
        async for outer in await stream(2):
            async for inner in await stream(2):
                pairs.append(outer + inner)  # noqa: PERF401 - an async comprehension would not nest
    assert pairs == ["aa", "ab", "ba", "bb"]


@STREAMS
async def test_a_stream_read_in_another_task_than_it_was_opened_in(recorder, streams):
    stream = streams(recorder, [])
    opened = await stream(2)

    async def reader():
        pairs = []
        async for outer in opened:
            pairs += [outer + inner async for inner in await stream(2)]
        return pairs

    assert await gathered(reader) == [["aa", "ab", "ba", "bb"]]


@STREAMS
async def test_identical_streams_read_in_step(recorder, streams):
    stream = streams(recorder, [])
    one, two = await stream(3), await stream(3)
    with anyio.fail_after(5):
        items = [(await anext(one), await anext(two)) for _ in range(3)]
        assert await consumed(one) == await consumed(two) == []
    assert items == [("a", "a"), ("b", "b"), ("c", "c")]


@STREAMS
async def test_an_unread_stream_blocks_no_caller(recorder, streams):
    calls = []
    stream = streams(recorder, calls)
    opened = await stream(3)
    with anyio.fail_after(5):
        assert await consumed(await stream(3)) == list("abc")  # while it is still held
    assert recorder.stats.recorded == 1
    del opened


@STREAMS
async def test_a_stream_that_is_dropped_does_not_count(recorder, streams):
    calls = []
    stream = streams(recorder, calls)
    await stream(3)
    gc.collect()
    calls.clear()

    async def consume():
        return await consumed(await stream(3))

    assert await gathered(*[consume] * 3) == [list("abc")] * 3
    assert calls == [3]


def test_iterators_opened_in_threads_can_be_read_in_any_order(recorder):
    stream = recorder.recordable(lambda n: iter("abc"[:n]), name="stream")
    with ThreadPoolExecutor(3) as pool:
        together = threading.Barrier(3)

        def opened(_):
            together.wait(5)
            return stream(3)

        opened = list(pool.map(opened, range(3), timeout=30))
    for each in reversed(opened):
        assert list(each) == list("abc")
    assert recorder.stats.recorded == 1


def test_identical_generators_nest_in_one_thread(recorder):

    @recorder.recordable
    def stream(n):
        yield from "abc"[:n]

    assert [one + two for one in stream(2) for two in stream(2)] == ["aa", "ab", "ba", "bb"]
    assert list(stream(2)) == ["a", "b"]


def test_generators_in_threads_share_one_live_call(recorder):
    calls, second, together = [], threading.Event(), threading.Barrier(5)

    @recorder.recordable
    def stream(n):
        if calls:
            second.set()
        calls.append(n)
        yield "a"
        alone(second)
        yield "b"

    def consume(_):
        together.wait(5)
        return list(stream(1))

    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(consume, range(5), timeout=30)) == [["a", "b"]] * 5
    assert calls == [1]


async def test_an_awaitable_of_an_iterator_blocks_no_caller(recorder):
    @recorder.recordable
    async def stream(n):
        return iter("abc"[:n])

    opened = await gathered(*[lambda: stream(3)] * 3)
    assert [list(each) for each in reversed(opened)] == [list("abc")] * 3
    assert recorder.stats.recorded == 1
