"""A call that hands the identical call to a worker and waits for the worker: nobody waits for the other until `claim_timeout`."""

import asyncio
import queue
import threading

import anyio
import anyio.to_thread
import pytest

from memo import Recorder

pytestmark = pytest.mark.anyio

WAYS = {}


def way(function):
    """Put a program that would wait for minutes into the table. It returns what its calls came to: all of them 1."""
    WAYS[function.__name__] = function
    return function


@way
async def a_worker_behind_streams_of_anyio(recorder):
    (give, take), (put, get) = anyio.create_memory_object_stream(1), anyio.create_memory_object_stream(1)
    calls = []

    @recorder.recordable
    async def answer(n):
        calls.append(n)
        if len(calls) == 1:
            await give.send(n)
            return await get.receive()
        return n

    async def work():
        async with take, put:
            async for n in take:
                await put.send(await answer(n))
                return

    async with give, get, anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        return [await answer(1)]


@way
async def a_worker_behind_an_event(recorder):
    jobs, done, results, calls = [], anyio.Event(), [], []

    @recorder.recordable
    async def answer(n):
        calls.append(n)
        if len(calls) == 1:
            jobs.append(n)
            await done.wait()
            return results[0]
        return n

    async def work():
        while not jobs:  # noqa: ASYNC110 - there is no event to wait for
            await anyio.sleep(0.001)
        results.append(await answer(jobs[0]))
        done.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        return [await answer(1)]


def worker_of_asyncio(program):
    """Put a program that needs asyncio into the table."""

    async def run(recorder):
        return await anyio.to_thread.run_sync(lambda: asyncio.run(program(recorder)))

    WAYS[program.__name__] = run
    return program


@worker_of_asyncio
async def a_worker_behind_queues_of_asyncio(recorder):
    jobs, results, calls = asyncio.Queue(), asyncio.Queue(), []

    @recorder.recordable
    async def answer(n):
        calls.append(n)
        if len(calls) == 1:
            await jobs.put(n)
            return await results.get()
        return n

    async def work():
        while True:
            await results.put(await answer(await jobs.get()))

    worker = asyncio.create_task(work())
    result = await answer(1)
    worker.cancel()
    return [result]


@worker_of_asyncio
async def a_worker_that_is_given_a_future(recorder):
    jobs, calls = asyncio.Queue(), []

    @recorder.recordable
    async def answer(n):
        calls.append(n)
        if len(calls) == 1:
            reply = asyncio.get_running_loop().create_future()
            await jobs.put((n, reply))
            return await reply
        return n

    async def work():
        job = await jobs.get()
        job[1].set_result(await answer(job[0]))

    worker = asyncio.create_task(work())
    return [await answer(1), await worker or 1]


@worker_of_asyncio
async def a_worker_whose_end_is_awaited(recorder):
    jobs, calls = asyncio.Queue(), []

    async def work():
        return await answer(await jobs.get())

    worker = asyncio.create_task(work())

    @recorder.recordable
    async def answer(n):
        calls.append(n)
        if len(calls) == 1:
            await jobs.put(n)
            return (await asyncio.gather(worker))[0]
        return n

    return [await answer(1)]


def in_worker_thread(recorder, jobs, results):
    calls = []

    @recorder.recordable
    def answer(n):
        calls.append(n)
        if len(calls) == 1:
            jobs.put(n)
            return results.get()
        return n

    threading.Thread(target=lambda: results.put(answer(jobs.get())), daemon=True).start()
    return [answer(1)]


@way
async def a_worker_thread_behind_queues(recorder):
    return await anyio.to_thread.run_sync(lambda: in_worker_thread(recorder, queue.Queue(), queue.Queue()))


@way
async def a_worker_thread_of_an_object(recorder):
    class Pool:
        def __init__(self):
            self.jobs, self.results = queue.Queue(), queue.PriorityQueue()
            self.calls = []
            self.answer = recorder.recordable(name="answer", identity=lambda self: None)(self.ask)

        def ask(self, n):
            self.calls.append(n)
            if len(self.calls) == 1:
                self.jobs.put(n)
                return self.results.get()
            return n

        def work(self):
            self.results.put(self.answer(self.jobs.get()))

    pool = Pool()
    threading.Thread(target=pool.work, daemon=True).start()
    return [await anyio.to_thread.run_sync(pool.answer, 1)]


@way
async def a_worker_thread_behind_simple_queues(recorder):
    return await anyio.to_thread.run_sync(lambda: in_worker_thread(recorder, queue.SimpleQueue(), queue.SimpleQueue()))


@way
async def a_waiter_that_holds_a_lock(recorder):
    lock, calls, has_begun = anyio.Lock(), [], anyio.Event()

    @recorder.recordable
    async def answer(n):
        calls.append(n)
        if len(calls) == 1:
            has_begun.set()
            await anyio.sleep(0.01)
            async with lock:
                return n
        return n

    results = []

    async def lead():
        results.append(await answer(1))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lead)
        await has_begun.wait()
        async with lock:
            results.append(await answer(1))
    return results


@pytest.mark.parametrize("name", WAYS)
async def test_it_ends_with_the_answer(tmp_path, name):
    recorder = Recorder(tmp_path, mode="record-if-missing")
    with anyio.fail_after(20):
        results = await WAYS[name](recorder)
    assert results
    assert set(results) == {1}
    assert recorder.stats.live == 2


async def test_a_call_that_waits_for_a_queue_that_its_waiter_does_not_have_is_waited_for(tmp_path):
    recorder = Recorder(tmp_path, mode="record-if-missing")
    sent, received = anyio.create_memory_object_stream(1)
    calls = []

    @recorder.recordable
    async def answer(n):
        calls.append(n)
        return await received.receive()

    async def one():
        assert await answer(1) == 7

    async def reader():
        await anyio.sleep(0.7)
        await sent.send(7)

    async with sent, received, anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(one)
        tasks.start_soon(reader)
    assert calls == [1]


APART = {}


def apart(function):
    """Put a program into the table whose call waits for a third party. It returns how often the call was made."""
    APART[function.__name__] = function
    return function


async def answered(recorder, wait, name):
    """Make three identical calls that wait, from code that `name`s what they wait at."""
    calls = []

    @recorder.recordable
    async def answer(n):
        calls.append(n)
        await wait()
        return n

    async def one():
        await name(lambda: answer(1))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(one)
    return len(calls)


@apart
async def an_event(recorder, later):
    event = anyio.Event()

    async def name(call):
        if not event.is_set():
            await call()

    later(event.set)
    return await answered(recorder, event.wait, name)


@apart
async def a_semaphore_that_was_held_before(recorder, later):
    semaphore = anyio.Semaphore(1)

    async def wait():
        async with semaphore:
            pass

    async def name(call):
        if semaphore.value:
            async with semaphore:
                pass
        await call()

    await semaphore.acquire()
    later(semaphore.release)
    return await answered(recorder, wait, name)


@apart
async def a_limiter_beside_what_is_held(recorder, later):
    limiter, other = anyio.CapacityLimiter(1), anyio.Semaphore(3)

    async def wait():
        async with limiter:
            pass

    async def name(call):
        async with other:
            assert limiter.total_tokens
            await call()

    limiter.acquire_on_behalf_of_nowait("somebody")
    later(lambda: limiter.release_on_behalf_of("somebody"))
    return await answered(recorder, wait, name)


@apart
async def a_pool_of_connections(recorder, later):
    put, get = anyio.create_memory_object_stream(9)

    async def name(call):
        assert get.statistics().max_buffer_size
        await call()

    later(lambda: [put.send_nowait(1) for _ in range(3)])
    with put, get:
        return await answered(recorder, get.receive, name)


async def test_what_waits_for_a_third_party_is_waited_for():
    made = {}

    async def one(name):
        things = []
        recorder = Recorder("memory://", mode="record-if-missing")
        async with anyio.create_task_group() as tasks:

            async def later():
                await anyio.sleep(0.6)
                things[0]()

            tasks.start_soon(later)
            made[name] = await APART[name](recorder, things.append)

    async with anyio.create_task_group() as tasks:
        for name in APART:
            tasks.start_soon(one, name)
    assert made == dict.fromkeys(APART, 1)
