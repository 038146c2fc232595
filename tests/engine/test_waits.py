"""No wait is without an end: each way to wait for an identical call ends, and the answer is there."""

import asyncio
import concurrent.futures
import threading
from contextlib import suppress

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest

from memo import Recorder, recordable, recording
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio

WAYS = {}


def way(function):
    """Put a program that would wait forever into the table. It returns what its calls came to: all of them 1."""
    WAYS[function.__name__] = function
    return function


def nested(recorder, inside):
    """An async function whose live call makes the identical call once, `inside` something."""
    calls = []

    @recorder.recordable
    async def answer(n):
        calls.append(n)
        return n if len(calls) > 1 else await inside(answer, n)

    return answer(1)


def nested_sync(recorder, inside):
    calls = []

    @recorder.recordable
    def answer(n):
        calls.append(n)
        return n if len(calls) > 1 else inside(answer, n)

    return answer(1)


async def in_task_group(*functions):
    results = []

    async def one(function):
        results.append(await function())

    async with anyio.create_task_group() as tasks:
        for function in functions:
            tasks.start_soon(one, function)
    return results


def in_new_thread(function):
    """What the function returns, called in a thread that inherits no context."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


@way
async def itself(recorder):
    return [await nested(recorder, lambda answer, n: answer(n))]


@way
async def a_child_task(recorder):
    async def inside(answer, n):
        return (await in_task_group(lambda: answer(n)))[0]

    return [await nested(recorder, inside)]


@way
async def three_child_tasks(recorder):
    async def inside(answer, n):
        return (await in_task_group(*[lambda: answer(n)] * 3))[0]

    return [await nested(recorder, inside)]


@way
async def a_grandchild_task(recorder):
    async def inside(answer, n):
        return (await in_task_group(lambda: in_task_group(lambda: answer(n))))[0][0]

    return [await nested(recorder, inside)]


@way
async def another_function_between(recorder):
    @recorder.recordable
    async def between(n):
        return await outer(n)

    calls = []

    @recorder.recordable
    async def outer(n):
        calls.append(n)
        return n if len(calls) > 1 else await between(n)

    return [await outer(1)]


@way
async def an_event_loop_in_a_worker(recorder):
    async def inside(answer, n):
        return await anyio.to_thread.run_sync(lambda: anyio.run(answer, n))

    return [await nested(recorder, inside)]


@way
async def an_event_loop_in_a_thread_that_blocks_this_one(recorder):
    async def inside(answer, n):
        return in_new_thread(lambda: anyio.run(answer, n))

    return [await nested(recorder, inside)]


@way
async def a_worker_of_anyio(recorder):
    def inside(answer, n):
        return anyio.run(anyio.to_thread.run_sync, answer, n)

    return [await anyio.to_thread.run_sync(lambda: nested_sync(recorder, inside))]


@way
async def a_thread(recorder):
    return [nested_sync(recorder, lambda answer, n: in_new_thread(lambda: answer(n)))]


@way
async def a_thread_of_a_thread(recorder):
    return [nested_sync(recorder, lambda answer, n: in_new_thread(lambda: in_new_thread(lambda: answer(n))))]


@way
async def a_thread_pool(recorder):
    def inside(answer, n):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            return pool.submit(answer, n).result()

    return [nested_sync(recorder, inside)]


@way
async def a_thread_pool_that_maps(recorder):
    def inside(answer, n):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            return max(pool.map(answer, [n] * 3))

    return [nested_sync(recorder, inside)]


@way
async def a_thread_pool_whose_end_is_waited_for(recorder):
    def inside(answer, n):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            future = pool.submit(answer, n)
        return future.result()

    return [nested_sync(recorder, inside)]


@way
async def a_thread_pool_one_of_which_is_waited_for(recorder):
    def inside(answer, n):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            done, _ = concurrent.futures.wait([pool.submit(answer, n) for _ in range(3)])
            return done.pop().result()

    return [nested_sync(recorder, inside)]


@way
async def an_executor_of_the_event_loop(recorder):
    def main():
        async def inside(answer, n):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, lambda: asyncio.run(answer(n)))

        return asyncio.run(nested_main(inside))

    async def nested_main(inside):
        return await nested(recorder, inside)

    return [await anyio.to_thread.run_sync(main)]


def circle(recorder, count):
    """`count` functions, each of which awaits the next one when all of them are on their way."""
    begun = []
    functions = []

    def member(index):
        @recorder.recordable(name=f"member {index}")
        async def call(n):
            begun.append(index)
            if begun.count(index) > 1:
                return n
            while len(set(begun)) < count:  # noqa: ASYNC110 - there is no event to wait for
                await anyio.sleep(0.001)
            return await functions[(index + 1) % count](n)

        return call

    functions.extend(member(index) for index in range(count))
    return functions


@way
async def two_that_wait_for_each_other(recorder):
    one, other = circle(recorder, 2)
    return await in_task_group(lambda: one(1), lambda: other(1))


@way
async def four_in_a_circle(recorder):
    return await in_task_group(*[lambda call=call: call(1) for call in circle(recorder, 4)])


@way
async def two_event_loops_that_wait_for_each_other(recorder):
    one, other = circle(recorder, 2)
    threads = [lambda call=call: anyio.to_thread.run_sync(lambda: anyio.run(call, 1)) for call in (one, other)]
    return await in_task_group(*threads)


@way
async def two_threads_that_wait_for_each_other(recorder):
    together = threading.Barrier(2)

    @recorder.recordable
    def call(name, n):
        with suppress(threading.BrokenBarrierError):
            together.wait(1)
        return n if name in seen or seen.append(name) else call("ba"["ab".index(name)], n)

    seen = []
    return await in_task_group(*[lambda name=name: anyio.to_thread.run_sync(call, name, 1) for name in "ab"])


@way
async def a_plain_function_that_needs_this_event_loop(recorder):
    begun = threading.Event()

    @recorder.recordable
    def call(n):
        if not begun.is_set():
            begun.set()
            anyio.from_thread.run_sync(int)
        return n

    async def blocks():
        while not begun.is_set():  # noqa: ASYNC110 - a thread sets it
            await anyio.sleep(0.001)
        return call(1)

    return await in_task_group(lambda: anyio.to_thread.run_sync(call, 1), blocks)


@way
async def an_event_loop_that_is_closed_while_others_wait(recorder):
    begun, waiting = threading.Event(), threading.Event()
    calls = []

    @recorder.recordable
    async def call(n):
        calls.append(n)
        if len(calls) == 1:
            begun.set()
            await asyncio.get_running_loop().create_future()
        return n

    def die():
        loop = asyncio.new_event_loop()
        tasks.append(loop.create_task(call(1)))
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.run_in_executor(None, waiting.wait, 5))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    async def waits():
        await anyio.to_thread.run_sync(begun.wait, 5)
        waiting.set()
        return await call(1)

    tasks = []
    results = await in_task_group(lambda: anyio.to_thread.run_sync(die), waits)
    assert not tasks[0].done()
    return [result for result in results if result is not None]


@way
async def a_stream_that_is_kept_half_read(recorder):
    @recorder.recordable
    async def stream(n):
        yield n
        yield n

    async def other():
        return [item async for item in stream(1)]

    kept = stream(1)
    assert await anext(kept) == 1
    (items,) = await in_task_group(other)
    return [*items, *[item async for item in kept]]


@way
async def an_iterator_that_is_kept_half_read(recorder):
    @recorder.recordable
    def stream(n):
        yield n
        yield n

    kept = stream(1)
    assert next(kept) == 1
    return [*await anyio.to_thread.run_sync(list, stream(1)), next(kept)]


@way
async def two_half_read_streams_that_wait_for_each_other(recorder):
    @recorder.recordable
    async def stream(name, n):
        yield n
        yield n

    async def reads(one, other):
        results = []
        async for item in stream(one, 1):
            results.append(item)
            while len(begun) < 2:
                begun.add(one)
                await anyio.sleep(0.001)
            results += [item async for item in stream(other, 1)]
        return results

    begun = set()
    one, other = await in_task_group(lambda: reads("a", "b"), lambda: reads("b", "a"))
    return one + other


@way
async def a_stream_that_reads_itself(recorder):
    calls = []

    @recorder.recordable
    async def stream(n):
        calls.append(n)
        if len(calls) > 1:
            yield n
        else:
            async for item in stream(n):
                yield item

    return [item async for item in stream(1)]


@way
async def a_stream_that_reads_itself_in_a_child_task(recorder):
    calls = []

    async def consumed():
        return [item async for item in stream(1)]

    @recorder.recordable
    async def stream(n):
        calls.append(n)
        for item in [n] if len(calls) > 1 else (await in_task_group(consumed))[0]:
            yield item

    return [item async for item in stream(1)]


def two_recorders(folder):
    return [Recorder(f"sqlite:///{folder}/claims.db", mode="record-if-missing") for _ in range(2)]


def closed(recorders, results):
    for recorder in recorders:
        recorder.close_store()
    return results


@way
async def two_recorders_of_one_store_that_claims(recorder, tmp_path):
    stores = two_recorders(tmp_path)

    async def call(n):
        calls.append(n)
        return n if len(calls) > 1 else await other(n)

    calls = []
    one, other = [store.recordable(name="call")(call) for store in stores]
    return closed(stores, [await one(1)])


@way
async def two_recorders_that_wait_for_each_other_with_claims(recorder, tmp_path):
    stores = two_recorders(tmp_path)

    async def call(name, n):
        begun.append(name)
        if begun.count(name) > 1:
            return n
        while len(set(begun)) < 2:  # noqa: ASYNC110 - there is no event to wait for
            await anyio.sleep(0.001)
        return await calls["ba".index(name)]("ab"["ba".index(name)], n)

    begun = []
    calls = [store.recordable(name="call")(call) for store in stores]
    return closed(stores, await in_task_group(lambda: calls[0]("a", 1), lambda: calls[1]("b", 1)))


@way
async def longer_than_the_patience_of_the_recorder(recorder):
    recorder = Recorder(MemoryStore(), mode="record-if-missing", claim_timeout=0.2)
    calls, release = [], anyio.Event()

    @recorder.recordable
    async def call(n):
        calls.append(n)
        if len(calls) == 1:
            await release.wait()
        return n

    async def waits():
        while not calls:  # noqa: ASYNC110 - there is no event to wait for
            await anyio.sleep(0.001)
        result = await call(1)
        release.set()
        return result

    return await in_task_group(lambda: call(1), waits)


@pytest.mark.parametrize("name", WAYS)
async def test_it_ends_with_the_answer(tmp_path, name):
    program = WAYS[name]
    recorder = Recorder(tmp_path / "recordings", mode="record-if-missing")
    arguments = (recorder, tmp_path)[: program.__code__.co_argcount]
    with anyio.fail_after(20):
        results = await program(*arguments)
    assert results
    assert set(results) == {1}


async def test_in_a_scope_identical_calls_from_inside_end_too(tmp_path):
    calls = []

    @recordable
    async def call(n):
        calls.append(n)
        return n if len(calls) > 1 else (await in_task_group(lambda: call(n)))[0]

    for mode in ("record", "record-if-missing"):
        calls.clear()
        with recording(tmp_path / mode, mode=mode), anyio.fail_after(10):
            assert await call(1) == 1
