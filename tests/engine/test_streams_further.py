"""Streams that were left, and are read further where calls may be made."""

import threading
from contextlib import aclosing, closing

import anyio
import pytest

from memo import Recorder, recordable, recording
from memo.errors import StreamCutShort
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def memoized():
    recorder = Recorder(MemoryStore(), mode="record-if-missing")
    calls = []

    @recorder.recordable
    async def stream(n):
        calls.append(n)
        for number in range(n):
            yield number

    stream.calls = calls
    return recorder, stream


async def taken(stream, count):
    async with aclosing(stream) as items:
        return [await anext(items) for _ in range(count)]


async def test_a_reader_of_more_causes_a_call_and_the_longer_outcome_stays(memoized):
    _, stream = memoized
    assert await taken(stream(5), 1) == [0]
    assert await taken(stream(5), 1) == [0]
    assert stream.calls == [5]
    assert await taken(stream(5), 3) == [0, 1, 2]
    assert stream.calls == [5, 5]
    assert await taken(stream(5), 2) == [0, 1]
    assert await taken(stream(5), 3) == [0, 1, 2]
    assert stream.calls == [5, 5]
    assert [item async for item in stream(5)] == [0, 1, 2, 3, 4]
    assert [item async for item in stream(5)] == [0, 1, 2, 3, 4]
    assert stream.calls == [5, 5, 5]


async def test_readers_of_more_share_one_call(memoized):
    _, stream = memoized
    assert await taken(stream(5), 2) == [0, 1]
    results = []

    async def reads():
        results.append([item async for item in stream(5)])

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(reads)
    assert results == [[0, 1, 2, 3, 4]] * 5
    assert stream.calls == [5, 5]


async def test_a_reader_of_more_while_another_reads_further(memoized):
    _, stream = memoized
    assert await taken(stream(5), 2) == [0, 1]
    async with aclosing(stream(5)) as one, aclosing(stream(5)) as other:
        assert [await anext(one) for _ in range(3)] == [0, 1, 2]
        with anyio.fail_after(10):
            assert [await anext(other) for _ in range(4)] == [0, 1, 2, 3]
    assert stream.calls == [5, 5, 5]
    assert await taken(stream(5), 4) == [0, 1, 2, 3]
    assert stream.calls == [5, 5, 5]


async def test_an_end_that_comes_otherwise():
    recorder = Recorder(MemoryStore(), mode="record-if-missing", errors="answers")
    ends = iter([ValueError("first"), ConnectionError(), ValueError("third")])

    @recorder.recordable(name="fails")
    async def fails(n):
        yield 0
        raise next(ends)

    assert await taken(fails(1), 1) == [0]
    assert next(ends).args == ("first",)
    for expected in (ConnectionError, ValueError, ValueError):
        with pytest.raises(expected) as raised:
            assert [item async for item in fails(1)]
    assert raised.value.args == ("third",)


async def test_a_call_that_fails_ends_the_stream_and_is_made_once():
    recorder = Recorder(MemoryStore(), mode="record-if-missing", errors="answers")
    calls = []

    @recorder.recordable(name="opens")
    async def opens(n):
        calls.append(n)
        if len(calls) > 1:
            raise ValueError("no more")

        async def items():
            for number in range(n):
                yield number

        return items()

    assert await taken(await opens(3), 1) == [0]
    for _ in range(2):
        got = []
        with pytest.raises(ValueError, match="no more"):  # noqa: PT012 - after some items
            async for item in await opens(3):
                got.append(item)  # noqa: PERF401
        assert got == [0]
    assert calls == [3, 3]


def test_a_call_that_fails_ends_a_sync_stream_and_is_made_once():
    recorder = Recorder(MemoryStore(), mode="record-if-missing", errors="answers")
    calls = []

    @recorder.recordable(name="opens")
    def opens(n):
        calls.append(n)
        if len(calls) > 1:
            raise ValueError("no more")
        return iter(range(n))

    with closing(opens(3)) as items:
        assert next(items) == 0
    for _ in range(2):
        items = opens(3)
        assert next(items) == 0
        with pytest.raises(ValueError, match="no more"):
            next(items)
    assert calls == [3, 3]


async def test_a_shorter_live_stream_ends_it(memoized):
    recorder, _ = memoized
    lengths = iter([3, 1])

    @recorder.recordable(name="shrinks")
    async def shrinks(n):
        for number in range(next(lengths)):
            yield number

    assert await taken(shrinks(1), 2) == [0, 1]
    assert [item async for item in shrinks(1)] == [0, 1]
    assert [item async for item in shrinks(1)] == [0, 1]


async def test_other_items_are_logged_and_what_the_consumer_got_is_stored(memoized, caplog):
    recorder, _ = memoized
    calls = iter("ab")

    @recorder.recordable(name="letters")
    async def letters(n):
        name = next(calls)
        for number in range(n):
            yield f"{name}{number}"

    assert await taken(letters(3), 1) == ["a0"]
    assert [item async for item in letters(3)] == ["a0", "b1", "b2"]
    assert [item async for item in letters(3)] == ["a0", "b1", "b2"]
    assert "other items" in caplog.text


def test_sync_streams_too(memoized):
    recorder, _ = memoized
    calls = []

    @recorder.recordable(name="sync")
    def stream(n):
        calls.append(n)
        yield from range(n)
        return "end"

    with closing(stream(3)) as items:
        assert next(items) == 0
    assert list(stream(3)) == list(stream(3)) == [0, 1, 2]
    assert calls == [3, 3]


def test_sync_readers_of_more_share_one_call(memoized):
    recorder, _ = memoized
    calls, together, results = [], threading.Barrier(5), []

    @recorder.recordable(name="sync")
    def stream(n):
        calls.append(n)
        yield from range(n)

    with closing(stream(5)) as items:
        assert next(items) == 0

    def reads():
        together.wait(5)
        results.append(list(stream(5)))

    threads = [threading.Thread(target=reads) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == [[0, 1, 2, 3, 4]] * 5
    assert calls == [5, 5]


async def test_each_draw_of_a_scope_is_read_further_by_itself(tmp_path):
    calls = []

    @recordable
    async def stream(n):
        calls.append(n)
        for number in range(n):
            yield (len(calls), number)

    async def program(first, second):
        return await taken(stream(3), first), await taken(stream(3), second)

    with recording(tmp_path, mode="record-if-missing"):
        assert await program(1, 2) == ([(1, 0)], [(2, 0), (2, 1)])
    with recording(tmp_path, mode="record-if-missing") as recorder:
        further = await program(2, 2)
        assert further[1] == [(2, 0), (2, 1)]
    assert recorder.stats.live == 1
    with recording(tmp_path, mode="replay"):
        assert await program(2, 2) == further
        with pytest.raises(StreamCutShort):
            await program(3, 2)
