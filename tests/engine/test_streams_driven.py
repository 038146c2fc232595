"""What is sent to streams and thrown into them, how sync ones are left, and their rhythm."""

import gc
import time
from contextlib import aclosing, asynccontextmanager, closing, contextmanager

import anyio
import anyio.lowlevel
import pytest
from stream_kinds import RECORDING, given, recorded_stream

from memo import recordable, recording
from memo.errors import CallsNotRecordedWarning, DataMismatch, StreamCutShort

pytestmark = pytest.mark.anyio

# What is sent and thrown


async def test_what_is_sent_and_thrown_reaches_the_real_generator(tmp_path):
    heard = []

    @recordable
    async def echo():
        sent = None
        while True:
            try:
                sent = yield [sent]
            except ValueError as error:
                sent = str(error)
            heard.append(sent)
            if sent == "stop":
                return

    with recording(tmp_path, mode="record"):
        stream = echo()
        assert await anext(stream) == [None]
        assert await stream.asend(1) == [1]
        assert await stream.athrow(ValueError("thrown")) == ["thrown"]
        with pytest.raises(StopAsyncIteration):
            await stream.asend("stop")
    assert heard == [1, "thrown", "stop"]

    with recording(tmp_path, mode="replay"):
        assert await given(echo()) == ([[None], [1], ["thrown"]], None)
        stream = echo()
        await anext(stream)
        assert await stream.asend("something else") == [1]
        assert await stream.athrow(ValueError("something else")) == ["thrown"]
        await stream.aclose()
        stream = echo()
        await anext(stream)
        with pytest.raises(ValueError, match="thrown"):
            await stream.athrow(ValueError("thrown"))
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
    assert heard == [1, "thrown", "stop"]


@RECORDING
def test_a_context_manager_that_handles_what_is_raised_in_its_block(tmp_path, mode):
    @contextmanager
    @recordable
    def transaction(name):
        try:
            yield name
        except KeyError:
            pass
        except TypeError as error:
            raise ValueError("translated") from error

    def program():
        with transaction("swallows"):
            raise KeyError("gone")
        with pytest.raises(ValueError, match="translated") as raised, transaction("translates"):
            raise TypeError("of the block")
        assert isinstance(raised.value.__cause__, TypeError)
        error = IndexError("passes")
        with pytest.raises(IndexError) as raised_again, transaction("passes"):
            raise error
        assert raised_again.value is error

    for scope in (mode, "replay"):
        with recording(tmp_path, mode=scope):
            program()


@RECORDING
async def test_an_async_context_manager_that_handles_what_is_raised_in_its_block(tmp_path, mode):
    @asynccontextmanager
    @recordable
    async def session(name):
        try:
            yield name
        except KeyError:
            await anyio.lowlevel.checkpoint()
        except TypeError as error:
            raise ValueError("translated") from error

    async def program():
        async with session("swallows"):
            raise KeyError("gone")
        with pytest.raises(ValueError, match="translated") as raised:
            async with session("translates"):
                raise TypeError("of the block")
        assert isinstance(raised.value.__cause__, TypeError)
        error = IndexError("passes")
        with pytest.raises(IndexError) as raised_again:
            async with session("passes"):
                raise error
        assert raised_again.value is error

    for scope in (mode, "replay"):
        with recording(tmp_path, mode=scope):
            await program()


@RECORDING
@pytest.mark.parametrize("pace", [0.0, 1000.0])
async def test_what_is_thrown_is_answered_as_recorded(tmp_path, mode, pace):
    @recordable
    async def echo():
        number = 0
        while True:
            try:
                yield number
            except ValueError as error:
                number = str(error)
            else:
                number = "asked"

    async def program():
        async with aclosing(echo()) as items:
            return [
                await anext(items),
                await items.athrow(ValueError("first")),
                await items.athrow(ValueError("second")),
                await anext(items),
            ]

    for scope in (mode, "replay"):
        with recording(tmp_path, mode=scope, timings=True, pace=pace):
            assert await program() == [0, "first", "second", "asked"]


async def test_closing_reaches_the_real_generator(tmp_path):
    closed = []

    @recordable
    async def stream():
        try:
            yield 1
            yield 2
        finally:
            await anyio.lowlevel.checkpoint()
            closed.append(True)

    with recording(tmp_path, mode="record"):
        items = stream()
        await anext(items)
        await items.aclose()
        assert closed == [True]
        with pytest.raises(StopAsyncIteration):
            await anext(items)


def test_what_is_sent_and_thrown_reaches_the_real_sync_generator(tmp_path):
    heard = []

    @recordable
    def echo():
        sent = None
        while True:
            try:
                sent = yield [sent]
            except ValueError as error:
                sent = str(error)
            heard.append(sent)
            if sent == "stop":
                return "returned"

    with recording(tmp_path, mode="record"):
        stream = echo()
        assert next(stream) == [None]
        assert stream.send(1) == [1]
        assert stream.throw(ValueError("thrown")) == ["thrown"]
        with pytest.raises(StopIteration) as stopped:
            stream.send("stop")
        assert stopped.value.value == "returned"
    assert heard == [1, "thrown", "stop"]

    with recording(tmp_path, mode="replay"):
        stream = echo()
        assert [next(stream), stream.send("something else"), next(stream)] == [[None], [1], ["thrown"]]
        with pytest.raises(StopIteration) as stopped:
            next(stream)
        assert stopped.value.value == "returned"
        stream = echo()
        next(stream)
        with pytest.raises(ValueError, match="thrown"):
            stream.throw(ValueError("thrown"))
    assert heard == [1, "thrown", "stop"]


@pytest.mark.parametrize("leave", ["close", "break"])
def test_a_sync_generator_that_is_left(tmp_path, leave):
    closed = []

    @recordable
    def stream():
        try:
            yield from range(5)
        finally:
            closed.append(True)

    with recording(tmp_path, mode="record-if-missing") as recorder:
        if leave == "close":
            with closing(stream()) as items:
                assert [next(items), next(items)] == [0, 1]
        else:
            for item in stream():
                if item == 1:
                    break
            gc.collect()
        assert closed == [True]
    assert recorder.stats.recorded == 1
    with recording(tmp_path, mode="replay"):
        items = stream()
        assert [next(items), next(items)] == [0, 1]
        with pytest.raises(StreamCutShort):
            next(items)


def test_an_error_in_a_sync_generator(tmp_path):
    @recordable
    def stream():
        yield 1
        raise ValueError("cut")

    for mode in ("record", "replay"):
        with recording(tmp_path, mode=mode):
            items = stream()
            assert next(items) == 1
            with pytest.raises(ValueError, match="cut"):
                next(items)


async def test_a_value_is_not_replayed_as_a_stream(tmp_path):
    @recordable(name="changed")
    async def before():
        return [1, 2]

    @recordable(name="changed")
    async def after():
        yield 1

    @recordable(name="changed")
    def after_sync():
        yield 1

    with recording(tmp_path, mode="record"):
        await before()
    with recording(tmp_path, mode="replay"), pytest.raises(DataMismatch, match="a value was recorded"):
        await anext(after())
    with recording(tmp_path, mode="replay"), pytest.raises(DataMismatch, match="a value was recorded"):
        next(after_sync())


# The rhythm


async def test_the_rhythm_is_kept_only_where_asked_for(tmp_path):
    @recordable
    async def stream(n):
        for item in range(n):
            await anyio.sleep(0.02)
            yield item

    with recording(tmp_path, mode="record"):
        assert await given(stream(2)) == ([0, 1], None)
    assert "offsets" not in recorded_stream(tmp_path)

    with recording(tmp_path, mode="record", timings=True):
        assert await given(stream(2)) == ([0, 1], None)
    offsets = recorded_stream(tmp_path)["offsets"]
    assert 0.01 < offsets[0] < offsets[1]

    for pace, least in ((1.0, offsets[1]), (2.0, offsets[1] / 2)):
        with recording(tmp_path, mode="replay", pace=pace):
            started = time.perf_counter()
            assert await given(stream(2)) == ([0, 1], None)
            assert time.perf_counter() - started >= least - 0.001


async def test_replay_waits_for_nothing_without_a_pace(tmp_path, monkeypatch):
    @recordable
    async def stream():
        yield 1
        await anyio.sleep(0.001)
        yield 2

    with recording(tmp_path, mode="record", timings=True):
        await given(stream())
    monkeypatch.setattr(anyio, "sleep", lambda delay: pytest.fail("slept"))
    with recording(tmp_path, mode="replay"):
        assert await given(stream()) == ([1, 2], None)


def test_the_rhythm_of_a_sync_generator(tmp_path):
    @recordable
    def stream():
        for item in range(2):
            time.sleep(0.02)
            yield item

    with recording(tmp_path, mode="record", timings=True):
        assert list(stream()) == [0, 1]
    with recording(tmp_path, mode="replay", pace=1.0):
        started = time.perf_counter()
        assert list(stream()) == [0, 1]
        assert time.perf_counter() - started >= recorded_stream(tmp_path)["offsets"][1] - 0.001


class Unclean(Exception): ...


@recordable(name="unclean")
async def unclean(n):
    try:
        yield n
    finally:
        raise Unclean


@recordable(name="unclean")
def unclean_now(n):
    try:
        yield n
    finally:
        raise Unclean


async def test_a_generator_that_raises_when_it_is_closed_is_reported(tmp_path):
    with pytest.warns(CallsNotRecordedWarning, match="unclean: 2 calls were closed, and raised Unclean"):
        with recording(tmp_path, mode="record"):
            for opened in (unclean(1), unclean(2)):
                await anext(opened)
                with pytest.raises(Unclean):
                    await opened.aclose()


def test_a_sync_generator_that_raises_when_it_is_closed_is_reported(tmp_path):
    with (
        pytest.warns(CallsNotRecordedWarning, match="unclean: 1 call was closed, and raised Unclean"),
        recording(tmp_path, mode="record"),
    ):
        opened = unclean_now(1)
        next(opened)
        with pytest.raises(Unclean):
            opened.close()
