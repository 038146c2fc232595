"""An answer that is there is kept, however its caller is cancelled while it is written."""

import asyncio
import threading

import anyio
import anyio.to_thread
import pytest

from memo import Recorder, recordable, recording
from memo.errors import CallsNotRecordedWarning
from memo.stores import DirectoryStore, MemoryStore


class SlowStore(MemoryStore):
    """A store that writes when it is released, and says when it begins."""

    writes_in_place = False

    def __init__(self):
        super().__init__()
        self.begun, self.release = threading.Event(), threading.Event()

    def put(self, name, data):
        self.begun.set()
        assert self.release.wait(10)
        super().put(name, data)

    def create(self, name, data):
        self.begun.set()
        assert self.release.wait(10)
        return super().create(name, data)


class Call:
    """A recordable call in a store that is slow: made twice, the first time cancelled while the answer is written."""

    def __init__(self, mode="record-if-missing"):
        self.store = SlowStore()
        self.count = 0
        self.tasks = []
        self.scope = None

        @Recorder(self.store, mode=mode).recordable
        async def call(n):
            self.count += 1
            self.tasks.append(asyncio.current_task())
            return [n, self.count]

        self.make = call

    async def writes(self):
        while not self.store.begun.is_set():  # noqa: ASYNC110 - a thread sets it
            await asyncio.sleep(0.001)

    async def release(self):
        """End the write once its caller is being cancelled."""
        await self.writes()
        while not (self.tasks[0].cancelling() or (self.scope is not None and self.scope.cancel_called)):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        self.store.release.set()


async def by_timeout(call):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await call.make(1)


async def by_wait_for(call):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(call.make(1), 0.01)


async def by_cancel(call):
    task = asyncio.create_task(call.make(1))
    await call.writes()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_cancelling_again_and_again(call):
    task = asyncio.create_task(call.make(1))
    await call.writes()
    while not task.done():
        task.cancel()
        await asyncio.sleep(0.001)
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_a_task_group(call):
    async def fails():
        await call.writes()
        raise LookupError

    with pytest.raises(ExceptionGroup):  # noqa: PT012 - its tasks are what raises
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.make(1))
            tasks.create_task(fails())


async def by_fail_after(call):
    with anyio.move_on_after(0.01) as call.scope:
        assert await call.make(1) == [1, 1]


WAYS = [by_timeout, by_wait_for, by_cancel, by_cancelling_again_and_again, by_a_task_group, by_fail_after]


@pytest.mark.parametrize("cancel", WAYS)
def test_the_call_made_next_is_no_second_live_call(cancel):
    async def main():
        call = Call()
        release = asyncio.create_task(call.release())
        await cancel(call)
        async with asyncio.timeout(10):
            assert await call.make(1) == [1, 1]
            await release
        assert call.count == 1

    asyncio.run(main())


@pytest.mark.parametrize("cancel", WAYS)
def test_one_who_waits_gets_the_answer(cancel):
    async def main():
        call = Call()

        async def waits():
            await call.writes()
            return await call.make(1)

        other = asyncio.create_task(waits())
        release = asyncio.create_task(call.release())
        await cancel(call)
        async with asyncio.timeout(10):
            assert await other == [1, 1]
            await release
        assert call.count == 1

    asyncio.run(main())


@pytest.mark.parametrize("cancel", WAYS)
def test_the_answer_of_a_call_in_record_is_stored(cancel):
    async def main():
        call = Call("record")
        release = asyncio.create_task(call.release())
        await cancel(call)
        await release
        assert len(list(call.store.scan(""))) == 1

    asyncio.run(main())


def test_the_end_of_the_event_loop_waits_for_the_write():
    call = Call()

    async def main():
        tasks.append(asyncio.create_task(call.make(1)))
        await call.writes()
        call.store.release.set()

    tasks = []
    asyncio.run(main())
    assert len(list(call.store.scan(""))) == 1


def test_cancelled_before_the_answer_there_is_nothing_to_keep(tmp_path):
    @recordable
    async def call(n):
        await asyncio.sleep(10)

    async def main():
        with pytest.warns(CallsNotRecordedWarning), recording(tmp_path, mode="record") as recorder:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(call(1), 0.01)
        assert (recorder.stats.live, recorder.stats.recorded) == (1, 0)

    asyncio.run(main())


def test_a_claim_that_a_cancelled_caller_was_about_to_get_is_handed_over(tmp_path):
    calls = []

    async def main():
        recorder = Recorder(f"sqlite:///{tmp_path}/claims.db", mode="record-if-missing")

        @recorder.recordable
        async def call(n):
            calls.append(n)
            return n

        for _ in range(20):
            task = asyncio.create_task(call(1))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with asyncio.timeout(10):
            assert await call(1) == 1
        recorder.close_store()

    asyncio.run(main())


@pytest.mark.anyio
async def test_a_cancel_scope_does_not_interrupt_the_write(tmp_path):
    @recordable
    async def call(n):
        scope.cancel()
        return n

    with recording(DirectoryStore(tmp_path), mode="record") as recorder, anyio.CancelScope() as scope:
        assert await call(1) == 1
    assert recorder.stats.recorded == 1
