"""Identical calls whose draws a replay may give to other callers are reported while they are recorded."""

import asyncio
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import anyio
import anyio.to_thread
import pytest

import memo
from memo import recordable, recording
from memo._calls.digest import entry_name
from memo._recordings.document import parse
from memo.errors import UncertainDrawsWarning
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio

MODES = pytest.mark.parametrize("mode", ["record", "record-if-missing"])


@pytest.fixture
def look():
    """Each call gives another outcome."""
    serials = count()
    return recordable(name="look")(lambda question: next(serials))


def alone(function, *args):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *args).result()


def in_a_thread(function, *args):
    found = []
    thread = threading.Thread(target=lambda: found.append(function(*args)))
    thread.start()
    thread.join()
    return found[0]


async def in_an_executor(function, *args):
    return await asyncio.get_running_loop().run_in_executor(None, function, *args)


# In a foreign thread, while another call runs


@MODES
@pytest.mark.parametrize("host", [alone, in_a_thread])
async def test_perhaps_inside_of_a_call(look, mode, host):
    outer = recordable(name="outer")(lambda: host(look, "a"))
    with pytest.warns(
        UncertainDrawsWarning, match=r"look: .*in no scope, while outer was running.*\n.*memo\.carry"
    ) as found:
        with recording(MemoryStore(), mode=mode):
            outer()
            look("a")
    assert found[0].message.function == "look"
    assert "thread" in found[0].message.reason


@MODES
def test_in_an_executor_of_the_event_loop(look, mode):
    outer = recordable(name="outer")(lambda: in_an_executor(look, "a"))

    async def program():
        with recording(MemoryStore(), mode=mode):
            await outer()
            look("a")

    with pytest.warns(UncertainDrawsWarning, match="while outer was running"):
        asyncio.run(program())


@MODES
@pytest.mark.parametrize("host", [alone, in_a_thread])
async def test_carried_it_is_inside(look, mode, host):
    outer = recordable(name="outer")(lambda: host(memo.carry(look), "a"))

    def program():
        return [outer(), look("a"), outer(), look("a")]

    store = MemoryStore()
    with recording(store, mode=mode):
        assert program() == [0, 1, 2, 3]
    with recording(store, mode="replay"):
        assert program() == [0, 1, 2, 3]


@MODES
@pytest.mark.parametrize("host", [alone, in_a_thread])
async def test_the_call_that_encloses_it_is_its_parent(look, mode, host):
    store = MemoryStore()
    with recording(store, mode=mode):
        recordable(name="outer")(lambda: host(look, "a"))()
    documents = {name.partition("/")[0]: parse(store.get(name), name) for name in store.scan()}
    assert documents["look"].parent == entry_name("outer", documents["outer"].key)


async def test_of_several_that_run_none_is_its_parent(look):
    store = MemoryStore()
    one, two = anyio.Event(), anyio.Event()

    @recordable(name="outer")
    async def outer(mine, other):
        (one if mine == 1 else two).set()
        await (two if mine == 1 else one).wait()
        if mine == 1:
            alone(look, "a")
            return
        await anyio.lowlevel.checkpoint()

    with recording(store, mode="record"):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(outer, 1, 2)
            tasks.start_soon(outer, 2, 1)
    (name,) = store.scan("look/")
    assert parse(store.get(name), name).parent is None


@MODES
@pytest.mark.parametrize("way", ["once", "equal", "beside no call", "a thread of anyio's", "distinct"])
async def test_nothing_is_reported_where_replay_is_the_same(look, mode, way):
    equal = recordable(name="equal")(lambda question: 1)

    @recordable(name="outer")
    async def outer():
        match way:
            case "once":
                return alone(look, "a")
            case "equal":
                return alone(equal, "a")
            case "a thread of anyio's":
                return await anyio.to_thread.run_sync(look, "a")
            case "distinct":
                return alone(look, "b")
            case _:
                return None

    async def program():
        seen = [await outer()]
        if way == "beside no call":
            seen += [alone(look, "a"), alone(look, "a")]
        return [*seen, equal("a"), *([look("a"), look("a")] if way != "once" else [])]

    store = MemoryStore()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with recording(store, mode=mode):
            recorded = await program()
        with recording(store, mode="replay"):
            assert await program() == recorded


@MODES
@pytest.mark.parametrize("host", [alone, in_a_thread])
@pytest.mark.parametrize("beside", [True, False])
async def test_all_of_them_or_none_are_made_in_a_replay(look, mode, host, beside):
    outer = recordable(name="outer")(lambda: [host(look, "a"), *([look("a")] if beside else [])])
    store = MemoryStore()
    with recording(store, mode=mode):
        recorded = [outer(), outer()]
    with recording(store, mode="replay") as recorder:
        assert [outer(), outer()] == recorded
    assert recorder.stats.live == 0


# After the call that made it has returned


def background(look, opened):
    """A function that leaves a task behind, which makes a call once the function has returned."""
    tasks = []

    @recordable(name="outer")
    async def outer():
        async def later():
            await opened.wait()
            look("a")

        tasks.append(asyncio.create_task(later()))

    return outer, tasks


@MODES
@pytest.mark.parametrize("repeats", [True, False])
def test_made_after_the_call_that_made_it_had_returned(look, mode, repeats):
    async def program():
        opened = asyncio.Event()
        outer, tasks = background(look, opened)
        with recording(MemoryStore(), mode=mode):
            await outer()
            opened.set()
            await asyncio.gather(*tasks)
            if repeats:
                look("a")

    if not repeats:
        asyncio.run(program())
        return
    with pytest.warns(UncertainDrawsWarning, match="by outer after it had returned, and a replay does not run outer"):
        asyncio.run(program())


@MODES
def test_made_while_the_outcome_is_being_written(look, mode):
    """The outcome says already which draws were taken inside."""
    writing, made = threading.Event(), threading.Event()

    class Slow(MemoryStore):
        writes_in_place = False

        def put(self, name, data):
            self._wait(name)
            super().put(name, data)

        def create(self, name, data):
            self._wait(name)
            return super().create(name, data)

        def _wait(self, name):
            if name.startswith("outer/"):
                writing.set()
                assert made.wait(20)

    tasks = []

    @recordable(name="outer")
    async def outer():
        async def later():
            assert await asyncio.to_thread(writing.wait, 20)
            look("a")
            made.set()

        tasks.append(asyncio.create_task(later()))

    async def program():
        with recording(Slow(), mode=mode):
            await outer()
            await asyncio.gather(*tasks)
            look("a")

    with pytest.warns(UncertainDrawsWarning, match="by outer after it had returned"):
        asyncio.run(program())


# Streams that several threads read at once


def read_at_once(takes):
    """Read identical streams in a thread each, so many items of each; all are open before one of them is read on."""
    barrier = threading.Barrier(len(takes), timeout=20)
    serials = count()

    @recordable(name="numbers")
    def numbers():
        serial = next(serials)
        for number in range(4):
            yield serial, number

    def read(take):
        stream = numbers()
        first = next(stream)
        barrier.wait()
        return [first, *(item for _, item in zip(range(take - 1), stream, strict=False))]

    with ThreadPoolExecutor(len(takes)) as pool:
        return list(pool.map(read, takes))


@MODES
@pytest.mark.parametrize("takes", [[1, 3], [2, 2, 4], [4, 9]])
def test_identical_streams_that_threads_leave_at_different_places(mode, takes):
    with pytest.warns(UncertainDrawsWarning, match="numbers: .* in several threads at once, which left their streams"):
        with recording(MemoryStore(), mode=mode):
            read_at_once(takes)


@MODES
@pytest.mark.parametrize("takes", [[2, 2], [9, 9, 9]])
def test_and_at_the_same_place_nothing_is_reported(mode, takes):
    store = MemoryStore()
    with recording(store, mode=mode):
        recorded = read_at_once(takes)
    with recording(store, mode="replay"):
        assert sorted(read_at_once(takes)) == sorted(recorded)


@MODES
async def test_tasks_begin_their_streams_in_the_same_order_again(mode):
    serials = count()

    @recordable(name="numbers")
    async def numbers():
        serial = next(serials)
        for number in range(4):
            await anyio.lowlevel.checkpoint()
            yield serial, number

    async def program():
        seen = {}

        async def read(take):
            stream = numbers()
            seen[take] = [await anext(stream) for _ in range(take)]
            await stream.aclose()

        async with anyio.create_task_group() as tasks:
            for take in (1, 3, 2):
                tasks.start_soon(read, take)
        return {take: len(items) for take, items in seen.items()}

    store = MemoryStore()
    with recording(store, mode=mode):
        recorded = await program()
    assert recorded == {1: 1, 2: 2, 3: 3}
