"""Recordings that are made inside others know whose they are; a replay of the outer one makes no inner call."""

import asyncio
import threading
from contextlib import suppress

import anyio
import pytest

from memo import Recorder, recordable, recording
from memo._calls.digest import entry_name
from memo._recordings.document import parse
from memo.errors import CallsNotRecordedWarning
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio


@recordable(name="inner")
async def inner(n):
    return n


@recordable(name="inner")
def inner_now(n):
    return n


@recordable(name="inner")
async def inner_stream(n):
    yield n


def documents(store):
    found = [parse(store.get(name), name) for name in store.scan()]
    return {(document.function, *document.arguments.values()): document for document in found}


def of(document):
    return entry_name(document.function, document.key)


async def awaited(n):
    return await inner(n)


async def called(n):
    return inner_now(n)


async def streamed(n):
    return [item async for item in inner_stream(n)]


async def in_a_task(n):
    return await asyncio.create_task(inner(n))


async def in_a_group(n):
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(inner, n)


async def in_a_worker_thread(n):
    return await anyio.to_thread.run_sync(inner_now, n)


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
@pytest.mark.parametrize("way", [awaited, called, streamed, in_a_group, in_a_worker_thread])
async def test_an_inner_recording_knows_its_parent(mode, way):
    outer = recordable(name="outer")(way)
    store = MemoryStore()
    with recording(store, mode=mode):
        await outer(1)
        await outer(2)
        await inner(3)
    found = documents(store)
    assert {key: document.parent for key, document in found.items()} == {
        ("outer", 1): None,
        ("outer", 2): None,
        ("inner", 1): of(found["outer", 1]),
        ("inner", 2): of(found["outer", 2]),
        ("inner", 3): None,
    }
    with recording(store, mode="replay") as recorder:
        await outer(1)
    assert (recorder.stats.live, recorder.stats.replayed) == (0, 1)


def test_an_inner_recording_in_a_task():
    store = MemoryStore()

    async def main():
        with recording(store, mode="record"):
            await recordable(name="outer")(in_a_task)(1)

    asyncio.run(main())
    found = documents(store)
    assert found["inner", 1].parent == of(found["outer", 1])


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
async def test_inside_of_a_stream_and_beside_it(mode):
    @recordable(name="outer")
    async def outer(n):
        for number in range(n):
            yield await inner(number)

    store = MemoryStore()
    with recording(store, mode=mode):
        async for number in outer(2):
            await inner(f"beside {number}")  # the consumer's own
    found = documents(store)
    parent = of(found["outer", 2])
    assert [found["inner", n].parent for n in (0, 1, "beside 0", "beside 1")] == [parent, parent, None, None]


async def test_three_deep_and_recursive():
    @recordable(name="factorial")
    async def factorial(n):
        return 1 if n == 0 else n * await factorial(n - 1)

    store = MemoryStore()
    with recording(store, mode="record-if-missing"):
        assert await factorial(3) == 6
    found = documents(store)
    assert [found["factorial", n].parent for n in (3, 2, 1, 0)] == [
        None,
        *(of(found["factorial", n]) for n in (3, 2, 1)),
    ]


async def test_the_parent_is_that_of_the_same_recorder():
    cache = Recorder(MemoryStore(), mode="record-if-missing")

    @cache.recordable(name="grade")
    async def grade(n):
        return n

    @recordable(name="outer")
    async def outer(n):
        return await grade(n)

    with recording(MemoryStore(), mode="record"):
        await outer(1)
    assert documents(cache.store)["grade", 1].parent is None


def test_a_thread_of_ones_own_is_inside_of_the_only_call_that_runs():
    @recordable(name="outer")
    def outer(n):
        thread = threading.Thread(target=inner_now, args=(n,))
        thread.start()
        thread.join()

    store = MemoryStore()
    with recording(store, mode="record"):
        outer(1)
    found = documents(store)
    assert found["inner", 1].parent == of(found["outer", 1])


# Draws


def draws_of(answers):
    """A function that gives one answer after the other, and one that calls it twice."""

    @recordable(name="ask")
    async def ask():
        return answers.pop(0)

    @recordable(name="outer")
    async def outer(question="?"):
        return [await ask(), await ask()]

    return ask, outer


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
async def test_a_replay_goes_on_after_the_draws_that_were_taken_inside(mode):
    ask, outer = draws_of([1, 2, 3, 4, 5, 6, 7, 8])

    async def program():
        return [await ask(), await outer(), await ask(), await outer(), await ask(), await outer("other")]

    store, expected = MemoryStore(), [1, [2, 3], 4, [5, 6], 7, [8, 9]]
    ask, outer = draws_of([*range(1, 10)])
    with recording(store, mode=mode):
        assert await program() == expected
    for again in ("replay", "record-if-missing"):
        with recording(store, mode=again) as recorder:
            assert await program() == expected
        assert recorder.stats.live == 0


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
async def test_draws_of_a_recursive_call(mode):
    answers = [*"abcdefgh"]

    @recordable(name="deep")
    async def deep(n):
        return [answers.pop(0), *([await deep(n - 1)] if n else [])]

    async def program():
        return [await deep(2), await deep(0), await deep(1), await deep(0)]

    store = MemoryStore()
    with recording(store, mode=mode):
        live = await program()
    assert answers == [*"h"]
    with recording(store, mode="replay") as recorder:
        assert await program() == live
    assert recorder.stats.live == 0


async def test_draws_inside_of_a_call_that_is_replayed_inside_of_another():
    answers = [*range(10)]

    @recordable(name="ask")
    async def ask():
        return answers.pop(0)

    @recordable(name="middle")
    async def middle():
        return await ask()

    @recordable(name="outer")
    async def outer(n):
        return [n, await middle()]

    store = MemoryStore()
    with recording(store, mode="record-if-missing"):
        assert [await middle(), await ask()] == [0, 1]

    async def program():
        return [await outer(1), await ask()]

    for mode in ("record-if-missing", "replay"):
        with recording(store, mode=mode):
            assert await program() == [[1, 0], 1]  # of what is inside the middle one, outer knows


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
async def test_a_call_inside_that_was_not_recorded_takes_no_draw(mode):
    answers = [ConnectionError(), "a", "b"]

    @recordable(name="ask")
    async def ask():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @recordable(name="outer")
    async def outer():
        while True:
            with suppress(ConnectionError):
                return await ask()

    store = MemoryStore()
    with pytest.warns(CallsNotRecordedWarning), recording(store, mode=mode):
        assert [await outer(), await ask()] == ["a", "b"]
    with recording(store, mode="replay"):
        assert [await outer(), await ask()] == ["a", "b"]
