"""Streams that their consumer leaves, by whatever way, are stored as far as they were read."""

import asyncio
import gc
import json
import logging
import subprocess
import sys
import textwrap
from contextlib import aclosing, closing, suppress

import anyio
import pytest

from memo import Recorder, recordable, recording
from memo.errors import CallsNotRecordedWarning, StreamCutShort
from memo.stores import MemoryStore

pytestmark = [
    pytest.mark.anyio,
    # Trio says which async generators were left to the collector, as it does without memo.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

MODES = pytest.mark.parametrize("mode", ["record", "record-if-missing"])


@recordable
async def numbers(n):
    for number in range(n):
        yield number


@recordable(name="numbers")
async def awaited_numbers(n):
    return numbers.__wrapped__(n)


@recordable(name="numbers")
def returned_numbers(n):
    return numbers.__wrapped__(n)


@recordable
def sync_numbers(n):
    yield from range(n)


@recordable(name="sync_numbers")
def iterated_numbers(n):
    return iter(range(n))


async def by_break(opened):
    async for item in opened:
        return_value = item
        break
    return [return_value]


async def by_return(opened):
    async for item in opened:
        return [item]
    return []


async def by_an_exception(opened):
    with suppress(LookupError):
        async for item in opened:
            items = [item]
            raise LookupError
    return items


async def by_one_anext(opened):
    return [await anext(opened)]


async def by_aclose(opened):
    async with aclosing(opened):
        return [await anext(opened)]


async def by_taking_all_of_them(opened):
    return [await anext(opened) for _ in range(3)]


async def by_holding_on(opened):
    held.append(opened)
    return [await anext(opened)]


async def by_a_cycle(opened):
    cycle = [opened]
    cycle.append(cycle)
    return [await anext(opened)]


async def by_a_task(opened):
    items = []

    async def reads():
        async for item in opened:
            items.append(item)
            break

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reads)
    return items


async def by_not_reading(opened):
    return []


held = []


@pytest.fixture(autouse=True)
def let_go():
    yield
    held.clear()


WAYS = [
    by_break,
    by_return,
    by_an_exception,
    by_one_anext,
    by_aclose,
    by_taking_all_of_them,
    by_holding_on,
    by_a_cycle,
    by_a_task,
]


async def opened_by(function, n):
    opened = function(n)
    return await opened if hasattr(opened, "__await__") else opened


@MODES
@pytest.mark.parametrize("leave", WAYS)
@pytest.mark.parametrize(
    "function", [numbers, awaited_numbers, returned_numbers], ids=["generator", "awaited", "plain"]
)
async def test_it_is_stored_as_closed_at_the_end_of_the_scope(tmp_path, mode, leave, function):
    async def program():
        return await leave(await opened_by(function, 3))

    with recording(tmp_path, mode=mode) as recorder:
        items = await program()
    assert recorder.stats.recorded == 1
    (file,) = tmp_path.rglob("*.json")
    (outcome,) = json.loads(file.read_text())["outcomes"]
    assert outcome["stream"]["end"] == "closed"
    assert outcome["stream"]["items"] == items
    with recording(tmp_path, mode="replay") as recorder:
        assert await program() == items
        assert recorder.stats.live == 0
        with pytest.raises(StreamCutShort):
            assert [item async for item in await opened_by(function, 3)] == items


@MODES
@pytest.mark.parametrize("function", [awaited_numbers, returned_numbers], ids=["awaited", "plain"])
@pytest.mark.parametrize("leave", [by_not_reading, by_aclose], ids=["unread", "closed"])
async def test_unread_it_is_closed_after_none(tmp_path, mode, function, leave):
    async def program():
        opened = await opened_by(function, 3)
        if leave is by_aclose:
            await opened.aclose()

    with recording(tmp_path, mode=mode):
        await program()
    with recording(tmp_path, mode="replay"):
        await program()


async def test_unread_it_is_stored_with_the_next_outcome(tmp_path):
    recorder = Recorder(tmp_path, mode="record-if-missing")

    @recorder.recordable
    async def opened(n):
        return numbers.__wrapped__(n)

    for n in range(3):
        await opened(n)
        gc.collect()
    assert recorder.stats.recorded == 0
    assert [item async for item in await opened(3)] == [0, 1, 2]
    assert recorder.stats.recorded == 4


@MODES
async def test_two_streams_zipped(tmp_path, mode):
    async def program():
        left, right = numbers(2), numbers(5)
        pairs = []
        async for item in left:
            pairs.append((item, await anext(right)))  # noqa: PERF401 - step by step
        return pairs

    with recording(tmp_path, mode=mode):
        assert await program() == [(0, 0), (1, 1)]
    with recording(tmp_path, mode="replay"):
        assert await program() == [(0, 0), (1, 1)]


@MODES
async def test_an_exception_ends_the_scope(tmp_path, mode):
    async def program(mode):
        with recording(tmp_path, mode=mode):
            async for item in numbers(3):
                raise LookupError(item)

    for each in (mode, "replay"):
        with pytest.raises(LookupError, match="0"):
            await program(each)


@MODES
async def test_a_stream_that_was_left_is_not_reported(tmp_path, mode, caplog):
    with caplog.at_level(logging.WARNING, "memo"), recording(tmp_path, mode=mode):
        await by_break(numbers(3))
    assert not caplog.records


async def test_a_memoizer_stores_it_when_it_is_left(tmp_path):
    recorder = Recorder(tmp_path, mode="record-if-missing")

    @recorder.recordable
    async def stream(n):
        for number in range(n):
            yield number

    await by_break(stream(3))
    gc.collect()
    with anyio.fail_after(5):
        while not recorder.stats.recorded:  # noqa: ASYNC110 - the event loop closes it, when it likes
            await anyio.sleep(0.001)


@MODES
@pytest.mark.parametrize("function", [sync_numbers, iterated_numbers], ids=["generator", "iterator"])
@pytest.mark.parametrize("leave", ["break", "next", "close", "hold", "cycle", "take"])
def test_of_a_sync_stream_too(tmp_path, mode, function, leave):
    def program():
        opened = function(3)
        if leave == "break":
            for item in opened:
                return [item]
        if leave == "take":
            return [item for item, _ in zip(opened, range(2), strict=False)]
        if leave == "close":
            with closing(opened):
                return [next(opened)]
        if leave in ("hold", "cycle"):
            held.append(opened) if leave == "hold" else cycle.append([cycle, opened])
        return [next(opened)]

    cycle = []
    with recording(tmp_path, mode=mode):
        items = program()
    with recording(tmp_path, mode="replay"):
        assert program() == items
        opened = function(3)
        seen = []
        with pytest.raises(StreamCutShort):  # noqa: PT012 - after some items
            for item in opened:
                seen.append(item)  # noqa: PERF402 - those before the error count
        assert seen[: len(items)] == items


@MODES
async def test_cancelled_it_is_not_stored(tmp_path, mode):
    async def reads():
        async for _ in numbers(3):
            scope.cancel()
            await anyio.sleep(5)

    with pytest.warns(CallsNotRecordedWarning), recording(tmp_path, mode=mode) as recorder:
        with anyio.CancelScope() as scope:
            await reads()
    assert recorder.stats.recorded == 0
    assert not list(tmp_path.rglob("*.json"))


async def by_asyncio(reading):
    async with asyncio.timeout(0.01):
        await reading()


async def by_anyio(reading):
    with anyio.fail_after(0.01):
        await reading()


async def by_waiting_for(reading):
    await asyncio.wait_for(reading(), 0.01)


@pytest.mark.parametrize("cancel", [by_asyncio, by_anyio, by_waiting_for])
def test_nor_where_the_time_is_out(tmp_path, cancel):
    async def reading():
        async for _ in numbers(3):
            await asyncio.sleep(5)

    async def main():
        with pytest.warns(CallsNotRecordedWarning), recording(tmp_path, mode="record") as recorder:
            with pytest.raises(TimeoutError):
                await cancel(reading)
        return recorder.stats.recorded

    assert asyncio.run(main()) == 0


def test_nor_where_the_traceback_of_a_cancelled_task_holds_it(tmp_path):
    async def reading():
        opened = numbers(3)
        async for _ in opened:
            asyncio.current_task().cancel()
            await asyncio.sleep(5)

    async def main():
        with recording(tmp_path, mode="record") as recorder:
            with pytest.raises(asyncio.CancelledError) as raised:
                await asyncio.create_task(reading())
        return raised, recorder.stats.recorded

    with pytest.warns(CallsNotRecordedWarning, match="cancelled"):
        raised, recorded = asyncio.run(main())
    assert raised.tb is not None
    assert recorded == 0


# The end of event loops and processes


def test_the_end_of_an_event_loop(tmp_path):
    recorder = Recorder(tmp_path, mode="record-if-missing")

    @recorder.recordable
    async def stream(n):
        for number in range(n):
            yield number

    async def main():
        kept.append(stream(3))
        return await anext(kept[0])

    kept = []
    assert asyncio.run(main()) == 0
    assert recorder.stats.recorded == 1


@MODES
@pytest.mark.parametrize("opened", [numbers, returned_numbers])
def test_a_stream_left_as_the_last_step_of_an_event_loop(tmp_path, mode, opened):
    """asyncio.run() cancels the task that is to close the stream before that task began."""

    async def main():
        async for _ in opened(3):
            break

    for scope in (mode, "replay"):
        with recording(tmp_path, mode=scope) as recorder:
            asyncio.run(main())
        assert (recorder.stats.recorded, recorder.stats.replayed) == ((0, 1) if scope == "replay" else (1, 0))


@pytest.mark.parametrize("close", [True, False])
def test_an_event_loop_that_was_closed_by_hand(tmp_path, close):
    recorder = Recorder(tmp_path, mode="record-if-missing")

    @recorder.recordable
    async def stream(n):
        for number in range(n):
            yield number

    loop = asyncio.new_event_loop()
    opened = stream(3)
    assert loop.run_until_complete(anext(opened)) == 0
    if close:
        loop.close()
    del opened
    gc.collect()
    if not close:
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()
    assert recorder.stats.recorded == 1


PROGRAM = """
    import asyncio
    from memo import Recorder, recordable

    recorder = Recorder({store!r}, mode="record-if-missing")
    {start}

    @{decorator}
    async def stream(n):
        for number in range(n):
            yield number

    @{decorator}
    def iterator(n):
        yield from range(n)

    async def main():
        async for item in stream(3):
            {leave}

    kept = iterator(3)
    next(kept)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
"""


@pytest.mark.parametrize("bound", [True, False], ids=["memoizer", "started"])
@pytest.mark.parametrize(
    "leave", ["break", "globals()['held'] = asyncio.current_task(), loop.stop(); await asyncio.sleep(9)"]
)
def test_the_end_of_the_process(tmp_path, bound, leave):
    program = PROGRAM.format(
        store=str(tmp_path / "store"),
        decorator="recorder.recordable" if bound else "recordable",
        start="" if bound else "recorder.start()",
        leave=leave,
    )
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], timeout=60, check=False, capture_output=True)
    ends = [json.loads(file.read_text())["outcomes"][0]["stream"]["end"] for file in tmp_path.rglob("*.json")]
    assert ends == ["closed", "closed"]


@MODES
async def test_left_and_then_read_in_full(tmp_path, mode):
    async def program():
        return [*await by_break(numbers(3)), *[item async for item in numbers(3)]]

    with recording(tmp_path, mode=mode):
        assert await program() == [0, 0, 1, 2]
    with recording(tmp_path, mode="replay"):
        assert await program() == [0, 0, 1, 2]


@MODES
async def test_read_on_after_the_scope(tmp_path, mode, caplog):
    async def program(mode):
        with recording(tmp_path, mode=mode):
            stream = numbers(3)
            items = [await anext(stream)]
        if mode != "replay":
            assert "numbers after 1 item: the stream was still open" in caplog.text
        return items + [item async for item in stream]

    with caplog.at_level(logging.WARNING, "memo"):
        assert await program(mode) == [0, 1, 2]
    assert await program("replay") == [0, 1, 2]


class CountingTask(asyncio.Task):
    """A task that knows how many callbacks wait for its end."""

    callbacks = 0

    def add_done_callback(self, *args, **options):
        self.callbacks += 1
        super().add_done_callback(*args, **options)

    def remove_done_callback(self, callback):
        removed = super().remove_done_callback(callback)
        self.callbacks -= removed
        return removed


@MODES
def test_a_task_that_reads_many_streams_keeps_nothing_of_them(mode):
    async def reads():
        for n in range(20):
            assert [item async for item in numbers(2)] == [0, 1]
            assert [item async for item in await awaited_numbers(2)] == [0, 1]
            await by_aclose(numbers(n + 1))
        return asyncio.current_task().callbacks

    async def main():
        with recording(MemoryStore(), mode=mode):
            return await CountingTask(reads())

    assert asyncio.run(main()) <= 1


async def test_a_scope_that_ends_while_what_was_left_is_being_written(tmp_path):
    """The loop closes the stream in its own task and writes in a worker thread: the end of the scope may come at any point."""
    for attempt in range(40):
        with recording(tmp_path / str(attempt), mode="record-if-missing") as recorder:
            assert [*await by_break(numbers(3)), *[item async for item in numbers(3)]] == [0, 0, 1, 2]
        assert (recorder.stats.recorded, recorder.stats.unrecorded) == (2, 0)
