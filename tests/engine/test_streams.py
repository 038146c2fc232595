"""Streams pass through while they are recorded, and are replayed the way they went."""

import gc
import warnings
from contextlib import aclosing

import anyio
import anyio.lowlevel
import pytest
from stream_kinds import (
    KINDS,
    RECORDING,
    as_coroutine_function,
    as_generator_function,
    files,
    given,
    not_to_be_called,
    recorded_stream,
    until,
)

from memo import MemoError, UnrecordableValue, recordable, recording, register_codec
from memo.errors import CallsNotRecordedWarning, StreamCutShort

pytestmark = pytest.mark.anyio

# While it is recorded


@RECORDING
@KINDS
async def test_an_item_arrives_as_soon_as_it_is_made(tmp_path, mode, kind):
    release = anyio.Event()

    async def make():
        yield 1
        await release.wait()
        yield 2

    with recording(tmp_path, mode=mode), anyio.fail_after(5):
        stream = await kind(make)()
        assert await anext(stream) == 1
        release.set()
        assert await given(stream) == ([2], None)


@RECORDING
@KINDS
async def test_nothing_is_made_before_it_is_asked_for(tmp_path, mode, kind):
    made = []

    async def make():
        for n in range(3):
            made.append(n)
            yield n

    with recording(tmp_path, mode=mode):
        stream = await kind(make)()
        assert made == []
        await anext(stream)
        assert made == [0]
        await anext(stream)
        assert made == [0, 1]
        await stream.aclose()


@RECORDING
@KINDS
@pytest.mark.parametrize("count", [0, 1, 3, 2000])
async def test_complete(tmp_path, mode, kind, count):
    async def make():
        for n in range(count):
            yield {"n": n}

    expected = [{"n": n} for n in range(count)]
    with recording(tmp_path, mode=mode):
        assert await given(await kind(make)()) == (expected, None)
    assert recorded_stream(tmp_path)["end"] == "complete"
    with recording(tmp_path, mode="replay"):
        for _ in range(2):
            assert await given(await kind(not_to_be_called)()) == (expected, None)


@RECORDING
@KINDS
@pytest.mark.parametrize("count", [0, 2])
async def test_an_error_comes_at_the_same_place(tmp_path, mode, kind, count):
    async def make():
        for n in range(count):
            yield n
        raise ValueError("cut", 7)

    with recording(tmp_path, mode=mode):
        items, error = await given(await kind(make)())
        assert (items, error.args) == ([*range(count)], ("cut", 7))
    with recording(tmp_path, mode="replay"):
        items, error = await given(await kind(not_to_be_called)())
        assert items == [*range(count)]
        assert type(error) is ValueError
        assert error.args == ("cut", 7)


async def test_an_error_that_is_no_answer_is_not_recorded(tmp_path):
    async def make():
        yield 1
        raise ConnectionResetError

    with pytest.warns(CallsNotRecordedWarning), recording(tmp_path, mode="record"):
        items, error = await given(await as_coroutine_function(make)())
    assert (items, type(error)) == ([1], ConnectionResetError)
    assert files(tmp_path) == []


@RECORDING
@KINDS
async def test_a_consumer_that_closes(tmp_path, mode, kind):
    closed = []

    async def make():
        try:
            for n in range(5):
                yield n
        finally:
            closed.append(True)

    with recording(tmp_path, mode=mode) as recorder:
        async with aclosing(await kind(make)()) as stream:
            assert [await anext(stream), await anext(stream)] == [0, 1]
        assert closed == [True]
    assert recorder.stats.recorded == 1
    assert recorded_stream(tmp_path)["end"] == "closed"
    with recording(tmp_path, mode="replay"):
        items, error = await given(await kind(not_to_be_called)())
        assert items == [0, 1]
        assert type(error) is StreamCutShort
        assert error.items == 2
        async with aclosing(await kind(not_to_be_called)()) as stream:
            assert [await anext(stream), await anext(stream)] == [0, 1]  # who leaves as early is not told


@RECORDING
@KINDS
async def test_a_consumer_that_breaks_off(tmp_path, mode, kind):
    async def make():
        for n in range(5):
            yield n

    async def consume():
        async for _ in await kind(make)():
            break

    with recording(tmp_path, mode=mode) as recorder, warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # trio says that it is not closed
        await consume()
        gc.collect()
        await until(lambda: recorder.stats.recorded)
    with recording(tmp_path, mode="replay"):
        items, error = await given(await kind(not_to_be_called)())
        assert items == [0]
        assert type(error) is StreamCutShort


@RECORDING
@KINDS
async def test_cancelled_while_an_item_is_made(tmp_path, mode, kind):
    async def make():
        yield 1
        waiting.set()
        await anyio.sleep_forever()

    async def consume():
        with cancelled:
            await given(await kind(make)())

    waiting, cancelled = anyio.Event(), anyio.CancelScope()
    with pytest.warns(CallsNotRecordedWarning), recording(tmp_path, mode=mode) as recorder, anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(consume)
            await waiting.wait()
            cancelled.cancel()
    assert cancelled.cancelled_caught
    assert (recorder.stats.live, recorder.stats.recorded) == (1, 0)
    assert files(tmp_path) == []


@RECORDING
@KINDS
@pytest.mark.parametrize("closes", [True, False], ids=["aclosing", "collected"])
async def test_cancelled_between_items(tmp_path, mode, kind, closes):
    ended = []

    async def make():
        try:
            yield 1
            yield 2
        finally:
            ended.append(True)

    async def consume():
        if closes:
            async with aclosing(await kind(make)()) as stream:
                async for _ in stream:
                    waiting.set()
                    await anyio.sleep_forever()
        else:
            async for _ in await kind(make)():
                waiting.set()
                await anyio.sleep_forever()

    async def cancellable():
        with cancelled:
            await consume()

    waiting, cancelled = anyio.Event(), anyio.CancelScope()
    reported = pytest.warns(CallsNotRecordedWarning)
    with reported, recording(tmp_path, mode=mode) as recorder, anyio.fail_after(5), warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # trio says that it is not closed
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cancellable)
            await waiting.wait()
            cancelled.cancel()
        gc.collect()
        await until(lambda: ended)
        await anyio.wait_all_tasks_blocked()
        assert cancelled.cancelled_caught
        assert (recorder.stats.live, recorder.stats.recorded) == (1, 0)
        if mode == "record-if-missing":
            assert await given(await kind(make)()) == ([1, 2], None)  # nobody waits for the cancelled one


@RECORDING
@KINDS
async def test_a_stream_that_is_never_read(tmp_path, mode, kind):
    async def make():
        yield 1

    async def program(make):
        await kind(make)()
        await (await kind(make)()).aclose()
        gc.collect()
        with anyio.fail_after(5):
            assert await given(await kind(make)()) == ([1], None)

    with recording(tmp_path, mode=mode) as recorder:
        await program(make)
    assert recorder.stats.recorded == (1 if kind is as_generator_function else 3)
    with recording(tmp_path, mode="replay"):
        await program(not_to_be_called)


async def test_two_tasks_that_read_one_stream(tmp_path):
    release = anyio.Event()

    @recordable
    async def stream():
        yield 1
        await release.wait()
        yield 2
        yield 3

    with recording(tmp_path, mode="record"), anyio.fail_after(5):
        items = stream()

        async def second():
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(RuntimeError, match="already running"):
                await anext(items)
            release.set()

        async with anyio.create_task_group() as tasks:
            assert await anext(items) == 1
            tasks.start_soon(second)
            assert await anext(items) == 2
        assert await given(items) == ([3], None)
    with recording(tmp_path, mode="replay"):
        assert await given(stream()) == ([1, 2, 3], None)


async def test_a_consumer_that_changes_its_items(tmp_path):
    @recordable
    async def stream():
        for n in range(3):
            yield {"n": [n]}

    for mode in ("record", "replay", "replay"):
        with recording(tmp_path, mode=mode):
            number = 0
            async for item in stream():
                assert item == {"n": [number]}
                item["n"].append("changed")
                number += 1
            assert number == 3


async def test_a_producer_that_changes_its_items(tmp_path):
    @recordable
    async def stream():
        item = []
        for n in range(3):
            item.append(n)
            yield item

    for mode in ("record", "replay"):
        with recording(tmp_path, mode=mode):
            assert [len(item) async for item in stream()] == [1, 2, 3]


class Broken:
    pass


@pytest.mark.parametrize(("item", "path"), [(object(), "[3]"), ([0, [object()]], "[3][1][0]")], ids=["item", "deep"])
async def test_an_item_that_cannot_be_recorded_stops_nothing(tmp_path, item, path):
    @recordable
    async def stream():
        for n in range(6):
            yield item if n == 3 else n

    with pytest.raises(UnrecordableValue) as raised, recording(tmp_path, mode="record"):
        assert await given(stream()) == ([0, 1, 2, item, 4, 5], None)
    assert raised.value.path == path
    assert raised.value.function.endswith("stream")
    assert files(tmp_path) == []


async def test_a_codec_that_breaks_stops_nothing(tmp_path):
    def encode(value):
        raise ZeroDivisionError("broken")

    register_codec(Broken, encode=encode, decode=lambda data: Broken())
    items = [1, Broken(), 2]

    @recordable
    async def stream():
        for item in items:
            yield item

    with pytest.raises(MemoError, match="broken"), recording(tmp_path, mode="record"):
        assert await given(stream()) == (items, None)
    assert files(tmp_path) == []
