"""Calls from a context that is in no scope while several recorders are open, and `memo.carry`, which takes a scope along."""

import asyncio
import contextvars
import functools
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import anyio.lowlevel
import pytest

import memo
from memo import recordable, recording
from memo.errors import RecordingNotFound, ScopeLost, ScopeLostWarning
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio

calls = []


@pytest.fixture(autouse=True)
def no_calls():
    calls.clear()


@recordable(name="lost.ask")
def ask(question):
    calls.append(question)
    return question


@recordable(name="lost.aask")
async def aask(question):
    calls.append(question)
    return question


@recordable(name="lost.stream")
async def stream(question):
    calls.append(question)
    yield question


@pytest.fixture
def executor():
    with ThreadPoolExecutor(1, thread_name_prefix="older") as executor:
        executor.submit(int).result()
        yield executor


@pytest.mark.parametrize("function", [ask, aask, stream], ids=lambda function: function.__name__)
def test_in_replay_it_is_an_error_that_names_the_thread_and_the_recorders(executor, function, tmp_path):
    with recording(tmp_path / "a") as one, recording(tmp_path / "b", mode="record") as other:
        with pytest.raises(ScopeLost) as raised:
            executor.submit(function, 1).result()
    error = raised.value
    assert error.function == f"lost.{function.__name__}"
    assert error.context == "thread 'older_0'"
    assert error.recorders == (repr(one), repr(other))
    for part in (error.context, *error.recorders, "memo.carry", "@recorder.recordable", "isolated=True"):
        assert part in str(error)
    assert calls == []
    assert (one.stats.unscoped, other.stats.unscoped) == (1, 1)


async def test_a_task_is_named():
    go, errors = anyio.Event(), []

    async def wait():
        await go.wait()
        try:
            await aask(1)
        except ScopeLost as error:
            errors.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait, name="older task")
        await anyio.lowlevel.checkpoint()
        with recording(MemoryStore()), recording(MemoryStore()):
            go.set()
            while not errors:
                await anyio.lowlevel.checkpoint()
    assert "task 'older task' of thread 'MainThread'" in str(errors[0])


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
def test_while_recording_it_is_a_warning_and_counted(executor, mode):
    with recording(MemoryStore(), mode=mode) as one, recording(MemoryStore(), mode="live") as other:
        with pytest.warns(ScopeLostWarning, match=r"lost\.ask: called from thread 'older_0'"):
            assert executor.submit(ask, 1).result() == 1
    assert (one.stats.unscoped, other.stats.unscoped, one.stats.recorded) == (1, 1, 0)


def test_where_all_are_live_it_is_a_call(executor):
    with recording(MemoryStore(), mode="live"), recording(MemoryStore(), mode="live"):
        assert executor.submit(ask, 1).result() == 1


def test_one_recorder_in_many_scopes_is_one(executor):
    recorder = memo.Recorder(MemoryStore(), mode="record")
    with recorder, recorder:
        executor.submit(ask, 1).result()
    assert (recorder.stats.recorded, recorder.stats.unscoped) == (1, 1)


def test_the_default_of_the_process_comes_before_open_scopes(executor):
    default = memo.start(MemoryStore(), mode="record")
    try:
        with recording(MemoryStore()), recording(MemoryStore()):
            executor.submit(ask, 1).result()
    finally:
        memo.stop()
    assert (default.stats.recorded, default.stats.unscoped) == (1, 0)


def test_an_isolated_recorder_is_not_among_them(executor):
    with recording(MemoryStore(), mode="record") as only, recording(MemoryStore(), isolated=True):
        executor.submit(ask, 1).result()
    assert only.stats.recorded == 1
    with recording(MemoryStore(), isolated=True) as isolated:
        assert executor.submit(ask, 2).result() == 2
        assert executor.submit(memo.current).result() is None
        with pytest.raises(RecordingNotFound):
            ask(2)
    assert isolated.stats.unscoped == 0


def test_the_recorder_of_a_context_is_the_only_one_that_is_open(executor):
    assert executor.submit(memo.current).result() is None
    with recording(MemoryStore()) as one:
        assert executor.submit(memo.current).result() is one
        with recording(MemoryStore()):
            assert executor.submit(memo.current).result() is None
    assert executor.submit(memo.current).result() is None


# carry


def alone(function, *args):
    """Call a function in a context that is empty."""
    return contextvars.Context().run(function, *args)


@pytest.fixture
def two():
    """Two open recorders: the inner one is active."""
    with recording(MemoryStore()), recording(MemoryStore(), mode="record") as recorder:
        yield recorder


def test_a_plain_function_takes_its_scope_along(executor, two):
    assert executor.submit(memo.carry(ask), 1).result() == 1
    assert executor.submit(memo.carry(lambda: ask(2))).result() == 2
    assert executor.submit(memo.carry(functools.partial(ask, 3))).result() == 3
    assert (two.stats.recorded, two.stats.unscoped) == (3, 0)


async def test_a_coroutine_function_does(two):
    async def nested(question):
        await anyio.lowlevel.checkpoint()
        return await aask(question)

    for function in (aask, nested, lambda question: aask(question), functools.partial(aask)):
        carried = memo.carry(function)
        assert inspect.iscoroutinefunction(carried) is inspect.iscoroutinefunction(function)
        assert await alone(carried, 1) == 1
    assert two.stats.recorded == 4
    assert memo.current() is two


def test_into_another_event_loop(two):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        assert asyncio.run_coroutine_threadsafe(memo.carry(aask)(1), loop).result(10) == 1
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
    assert two.stats.recorded == 1


async def test_generators_take_it_along_for_each_step(two):
    def numbers(start):
        step = 1
        try:
            while True:
                step = (yield ask(start)) or 1
                start += step
        finally:
            ask("closed")

    async def anumbers(start):
        try:
            while True:
                try:
                    step = (yield await aask(start)) or 1
                except ValueError:
                    step = 100
                start += step
        finally:
            await aask("aclosed")

    def run():
        found = memo.carry(numbers)(1)
        seen = [next(found), memo.current(), found.send(5)]
        found.close()
        return seen

    carried = memo.carry(numbers)
    assert inspect.isgeneratorfunction(carried)
    found = carried(1)
    assert [alone(next, found), alone(found.send, 5)] == [1, 6]
    alone(found.close)
    acarried = memo.carry(anumbers)
    assert inspect.isasyncgenfunction(acarried)
    afound = acarried(1)
    assert [await anext(afound), await afound.asend(5), await afound.athrow(ValueError())] == [1, 6, 106]
    await afound.aclose()
    assert calls == [1, 6, "closed", 1, 6, 106, "aclosed"]
    assert two.stats.recorded == len(calls)
    assert run()[1] is two


def test_a_scope_inside_is_nearer(two):
    def inside():
        with recording(MemoryStore(), mode="record") as inner:
            ask(1)
        return inner.stats.recorded

    assert alone(memo.carry(inside)) == 1
    assert two.stats.recorded == 0


def test_without_a_recorder_there_is_nothing_to_carry():
    assert memo.carry(ask) is ask


def test_the_first_recorder_is_kept(two):
    carried = memo.carry(ask)
    with recording(MemoryStore(), mode="record") as other:
        alone(memo.carry(carried), 1)
    assert (two.stats.recorded, other.stats.recorded) == (1, 0)
