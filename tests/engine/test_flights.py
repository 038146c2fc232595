"""In `record-if-missing` identical calls that come at once make one live call, and nobody waits for ever."""

import asyncio
import gc
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from memo import Recorder

pytestmark = pytest.mark.anyio


@pytest.fixture
def recorder(tmp_path):
    # The functions are bound to it: a scope that a fixture opens is not one that async tests run in.
    return Recorder(tmp_path, mode="record-if-missing")


async def gathered(*functions):
    """What the functions return, called at once, each in its own task."""
    results = [None] * len(functions)

    async def one(index):
        results[index] = await functions[index]()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for index in range(len(functions)):
                tasks.start_soon(one, index)
    return results


class Overloaded(Exception):
    status_code = 429


async def test_fifty_at_once_are_one_live_call(recorder):
    calls = []

    @recorder.recordable
    async def slow(n):
        calls.append(n)
        await anyio.wait_all_tasks_blocked()  # all the others wait for this one
        return {"n": [n]}

    results = await gathered(*[lambda: slow(1)] * 50)
    assert calls == [1]
    assert results == [{"n": [1]}] * 50
    assert len({id(result) for result in results}) == 50
    assert len({id(result["n"]) for result in results}) == 50
    assert (recorder.stats.live, recorder.stats.recorded, recorder.stats.replayed) == (1, 1, 49)


async def test_errors_are_shared_too(recorder):
    calls = []

    @recorder.recordable
    async def fails(n):
        calls.append(n)
        await anyio.wait_all_tasks_blocked()
        raise ValueError(n)

    async def caught():
        with pytest.raises(ValueError, match="1") as raised:
            await fails(1)
        return raised.value

    errors = await gathered(*[caught] * 5)
    assert calls == [1]
    assert len({id(error) for error in errors}) == 5


async def test_other_calls_do_not_wait(recorder):
    release = anyio.Event()

    @recorder.recordable
    async def maybe_slow(n):
        if n == 1:
            await release.wait()
        return n

    async def quick():
        await anyio.wait_all_tasks_blocked()  # the slow one is on its way
        result = await maybe_slow(2)
        release.set()
        return result

    assert await gathered(lambda: maybe_slow(1), quick) == [1, 2]


async def test_when_the_first_is_cancelled_the_next_becomes_first(recorder):
    calls, first, called = [], anyio.CancelScope(), anyio.Event()

    @recorder.recordable
    async def slow(n):
        calls.append(n)
        called.set()
        if len(calls) == 1:
            await anyio.sleep_forever()
        return n

    async def cancelled():
        with first:
            await slow(1)

    async def canceller():
        await anyio.wait_all_tasks_blocked()
        first.cancel()

    async def late():
        await called.wait()
        return await slow(1)

    assert await gathered(cancelled, late, late, late, canceller) == [None, 1, 1, 1, None]
    assert calls == [1, 1]
    assert recorder.stats.recorded == 1


async def test_one_who_waits_can_be_cancelled(recorder):
    calls, waiting, release = [], anyio.CancelScope(), anyio.Event()

    @recorder.recordable
    async def slow(n):
        calls.append(n)
        await release.wait()
        return n

    async def waits():
        with waiting:
            await slow(1)

    async def test():
        await anyio.wait_all_tasks_blocked()
        waiting.cancel()
        await anyio.wait_all_tasks_blocked()
        release.set()

    async def leads():
        return await slow(1)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(leads)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(waits)
            tasks.start_soon(test)
    assert waiting.cancelled_caught
    assert calls == [1]
    assert await slow(1) == 1


async def test_when_the_first_fails_unrecorded_the_next_becomes_first(recorder):
    calls = []

    @recorder.recordable
    async def busy(n):
        calls.append(n)
        if len(calls) < 3:
            await anyio.wait_all_tasks_blocked()
            raise Overloaded
        return n

    async def tried():
        try:
            return await busy(1)
        except Overloaded:
            return "overloaded"

    results = await gathered(*[tried] * 6)
    assert sorted(map(str, results)) == ["1"] * 4 + ["overloaded"] * 2
    assert len(calls) == 3


async def test_what_can_not_be_recorded_is_called_by_each(recorder):
    calls = []

    @recorder.recordable
    async def unrecordable(n):
        calls.append(n)
        await anyio.lowlevel.checkpoint()
        return object()

    await gathered(*[lambda: unrecordable(1)] * 3)
    with pytest.raises(ExceptionGroup, match="3 calls could not be recorded"):
        recorder.raise_failures()
    assert len(calls) == 3


# Threads and event loops


def alone(second):
    """Stands in a live call: long enough for a second one to come, if one could."""
    assert not second.wait(0.1)


async def test_threads_share_one_live_call(recorder):
    calls, second, together = [], threading.Event(), threading.Barrier(10)

    @recorder.recordable
    def slow(n):
        if calls:
            second.set()
        calls.append(n)
        alone(second)
        return [n]

    def call():
        together.wait(5)
        return slow(1)

    assert await gathered(*[lambda: anyio.to_thread.run_sync(call)] * 10) == [[1]] * 10
    assert calls == [1]


def test_event_loops_share_one_live_call(recorder):
    calls, together = [], threading.Barrier(4)

    @recorder.recordable
    async def slow(n):
        calls.append(n)
        await anyio.sleep(0.1)
        return [n]

    async def main():
        together.wait(5)
        with anyio.fail_after(5):
            return await slow(1)

    with ThreadPoolExecutor() as pool:
        loops = [pool.submit(anyio.run, main, backend=backend) for backend in ("asyncio", "asyncio", "trio", "trio")]
        assert [each.result(10) for each in loops] == [[1]] * 4
    assert calls == [1]


async def test_the_event_loops_thread_can_wait_for_a_worker(recorder):
    calls, started, second = [], threading.Event(), threading.Event()

    @recorder.recordable
    def slow(n):
        calls.append(n)
        started.set()
        alone(second)
        return n

    async def later():
        await anyio.to_thread.run_sync(started.wait, 5)
        return slow(1)

    assert await gathered(lambda: anyio.to_thread.run_sync(slow, 1), later) == [1, 1]
    assert calls == [1]


async def test_a_function_may_call_itself(recorder):
    calls = []

    @recorder.recordable
    async def again(n):
        calls.append(n)
        return n if len(calls) > 1 else await again(n)

    @recorder.recordable
    def again_sync(n):
        calls.append(n)
        return n if len(calls) > 3 else again_sync(n)

    with anyio.fail_after(5):
        assert await again(1) == 1
    assert again_sync(1) == 1
    assert calls == [1] * 4


async def test_an_event_loop_that_died_holds_nobody_up(recorder):
    calls = []

    @recorder.recordable
    async def slow(n):
        calls.append(n)
        if len(calls) == 1:
            await asyncio.get_running_loop().create_future()
        return n

    def die():
        loop = asyncio.new_event_loop()
        task = loop.create_task(slow(1))
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        return task

    task = await anyio.to_thread.run_sync(die)
    with anyio.fail_after(5):
        assert await slow(1) == 1
    assert calls == [1, 1]
    assert not task.done()


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


async def test_an_awaitable_that_is_dropped_holds_nobody_up(fetch):
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
async def test_a_stream_that_is_never_read_holds_nobody_up(recorder, streams):
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

        opened = list(pool.map(opened, range(3), timeout=5))
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
        assert list(pool.map(consume, range(5), timeout=5)) == [["a", "b"]] * 5
    assert calls == [1]


async def test_an_awaitable_of_an_iterator_holds_nobody_up(recorder):
    @recorder.recordable
    async def stream(n):
        return iter("abc"[:n])

    opened = await gathered(*[lambda: stream(3)] * 3)
    assert [list(each) for each in reversed(opened)] == [list("abc")] * 3
    assert recorder.stats.recorded == 1
