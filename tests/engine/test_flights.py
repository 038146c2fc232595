"""In `record-if-missing` identical calls that come at once make one live call, and nobody waits forever."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from at_once import gathered

from memo import Recorder

pytestmark = pytest.mark.anyio


@pytest.fixture
def recorder(tmp_path):
    # The functions are bound to it: a scope that a fixture opens is not one that async tests run in.
    return Recorder(tmp_path, mode="record-if-missing")


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

    @recorder.recordable(errors="answers")
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


async def test_what_cannot_be_recorded_is_called_by_each(recorder):
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


async def test_a_dead_event_loop_blocks_no_caller(recorder):
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
