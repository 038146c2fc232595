"""Concurrent calls end in the order in which they ended when they were recorded, and the program reacts between them."""

import asyncio
import json
import queue
import threading
import time
import warnings
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor

import anyio
import anyio.to_thread
import pytest

import memo
from memo import recordable, recording
from memo.errors import MemoError, OrderNotKeptWarning
from memo.maintenance.changes import apply
from memo.maintenance.rekey import Rekey, plan_rekey
from memo.stores import DirectoryStore, MemoryStore

DELAYS = {"a": 0.1, "b": 0.01, "c": 0.06, "no": 0.035}
live = []


@recordable
async def ask(question: str, delay: float | None = None) -> str:
    live.append(question)
    await anyio.sleep(DELAYS[question] if delay is None else delay)
    if question == "no":
        raise ValueError(question)
    return question.upper()


@recordable
def look(question: str) -> str:
    live.append(question)
    time.sleep(DELAYS[question])
    return question.upper()


lengths = iter(())


@recordable
async def sample(prompt: str) -> float:
    length = next(lengths)
    await anyio.sleep(length)
    return length


async def as_completed(questions="abc"):
    return [await each for each in asyncio.as_completed([ask(question) for question in questions])]


async def first_completed(questions="abc"):
    pending, seen = {asyncio.create_task(ask(question)) for question in questions}, []
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        seen.append(sorted(task.result() for task in done))
    return seen


async def first_in_nested_tasks():
    async def agent(question):
        return await asyncio.wait_for(asyncio.gather(ask(question)), 5)

    pending, seen = {asyncio.create_task(agent(question)) for question in "bca"}, []
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        seen.append(sorted(task.result() for task in done))
    return seen


async def a_queue():
    answers = asyncio.Queue()

    async def one(question):
        await answers.put(await ask(question))

    tasks = [asyncio.create_task(one(question)) for question in "abc"]
    return [await answers.get() for _ in tasks]


async def a_task_group():
    seen = []

    async def one(question):
        try:
            seen.append(await ask(question))
        except ValueError as error:
            seen.append(repr(error))

    async with anyio.create_task_group() as group:
        for question in ["a", "b", "c", "no"]:
            group.start_soon(one, question)
    return seen


async def a_chain_beside_a_call():
    """The third call starts when the second ends, and the first one ends while it runs."""
    seen = []

    async def one(*questions):
        for question in questions:
            answer = await ask(question)
            seen.append(answer)

    async with anyio.create_task_group() as group:
        group.start_soon(one, "c")
        group.start_soon(one, "b", "a")
    return seen


async def draws_of_one_key():
    global lengths
    lengths, seen = iter((0.06, 0.01, 0.035)), []

    async def one():
        seen.append(await sample("draw"))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(one)
    return seen


async def a_pool():
    with ThreadPoolExecutor(3) as pool:
        begun = [pool.submit(look, question) for question in "abc"]
        return [each.result() for each in futures.as_completed(begun)]


async def a_pool_that_appends():
    seen = []
    with ThreadPoolExecutor(3) as pool:
        for question in "abc":
            pool.submit(lambda question=question: seen.append(look(question)))
    return seen


async def threads_with_a_queue():
    answers = queue.Queue()
    threads = [threading.Thread(target=lambda q=question: answers.put(look(q))) for question in "abc"]
    for thread in threads:
        thread.start()
    return [answers.get() for _ in threads]


async def threads_beside_a_loop():
    seen = []

    async def in_thread(question):
        seen.append(await anyio.to_thread.run_sync(look, question))

    async def here(question):
        seen.append(await ask(question))

    async with anyio.create_task_group() as group:
        group.start_soon(in_thread, "a")
        group.start_soon(here, "c")
        group.start_soon(in_thread, "b")
    return seen


EVERYWHERE = [
    a_task_group,
    a_chain_beside_a_call,
    draws_of_one_key,
    a_pool,
    a_pool_that_appends,
    threads_with_a_queue,
    threads_beside_a_loop,
]
ON_ASYNCIO = [as_completed, first_completed, first_in_nested_tasks, a_queue]
CASES = [*[(program, backend) for program in EVERYWHERE for backend in ("asyncio", "trio")]] + [
    (program, "asyncio") for program in ON_ASYNCIO
]


def run(program, store, mode, backend="asyncio"):
    live.clear()

    async def main():
        with recording(store, mode=mode):
            return await program()

    with warnings.catch_warnings():
        warnings.simplefilter("error", MemoError)
        return anyio.run(main, backend=backend)


@pytest.fixture(params=["memory", "directory"])
def store(request, tmp_path):
    return MemoryStore() if request.param == "memory" else tmp_path / "recordings"


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
@pytest.mark.parametrize(("program", "backend"), CASES, ids=lambda each: getattr(each, "__name__", each))
def test_replayed_calls_end_in_the_recorded_order(program, backend, mode, store):
    recorded = run(program, store, mode, backend)
    for _ in range(3):
        assert run(program, store, "replay", backend) == recorded
        assert live == []
    assert run(program, store, "record-if-missing", backend) == recorded


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
def test_calls_that_end_as_they_began_are_told_apart_too(mode, store):
    async def program():
        return await first_completed("bca")

    recorded = run(program, store, mode)
    assert run(program, store, "replay") == recorded


def test_what_is_recorded_one_after_the_other_says_nothing_of_order(store_files):
    async def program():
        return [await ask("a"), await ask("b"), look("c"), look("c")]

    assert all("after" not in outcome for outcome in store_files(program))


def test_an_outcome_names_the_call_that_ended_last_while_its_own_ran(store_files):
    found = {outcome["value"]: outcome.get("after") for outcome in store_files(as_completed)}
    assert "after" not in found["B"] if found["B"] else True
    assert found["C"]["draw"] == found["A"]["draw"] == 0
    assert found["C"]["call"] != found["A"]["call"]


@pytest.fixture
def store_files(tmp_path):
    def outcomes(program):
        run(program, tmp_path, "record")
        return [each for path in tmp_path.rglob("*.json") for each in json.loads(path.read_bytes())["outcomes"]]

    return outcomes


# Programs that changed


def replay(program, store):
    async def main():
        with recording(store):
            return await program()

    return asyncio.run(main())


def test_a_call_that_waits_for_one_that_never_comes_ends_and_is_reported(store):
    run(as_completed, store, "record")
    with pytest.warns(OrderNotKeptWarning, match=r"ask.*\n.*record") as caught:
        assert replay(lambda: ask("a"), store) == "A"
    assert len(caught) == 1
    assert caught[0].message.calls == {f"{ask.__module__}.ask": 1}


def test_a_call_waits_for_nothing_that_is_not_in_the_store(tmp_path):
    run(as_completed, tmp_path, "record")
    for path in tmp_path.rglob("*.json"):
        if json.loads(path.read_bytes())["arguments"]["question"] == "c":
            path.unlink()
    assert run(lambda: ask("a"), tmp_path, "replay") == "A"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_call_that_waits_can_be_cancelled_and_made_again(store, backend):
    async def both():
        seen = []

        async def one(question):
            seen.append(await ask(question))

        async with anyio.create_task_group() as group:
            group.start_soon(one, "a")
            group.start_soon(one, "b")
        return seen

    assert run(both, store, "record", backend) == ["B", "A"]

    async def cancelled():
        async with anyio.create_task_group() as group:
            group.start_soon(ask, "a")
            await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        return await both()

    assert run(cancelled, store, "replay", backend) == ["B", "A"]


def test_a_plain_function_does_not_keep_its_event_loop_waiting(store):
    async def in_threads():
        await asyncio.gather(asyncio.to_thread(look, "a"), asyncio.to_thread(look, "b"))

    async def in_the_loop():
        return look("a"), look("b")

    run(in_threads, store, "record")
    assert run(in_the_loop, store, "replay") == ("A", "B")


def test_a_rekey_goes_on_with_the_order(tmp_path):
    recorded = run(as_completed, tmp_path, "record")
    before = {path.name for path in tmp_path.rglob("*.json")}
    rekey = Rekey(add={"extra": 1})
    apply(DirectoryStore(tmp_path), plan_rekey(DirectoryStore(tmp_path), rekey), rekey)
    assert not before & {path.name for path in tmp_path.rglob("*.json")}

    @recordable(name=f"{ask.__module__}.ask")
    async def asked(question, delay=None, extra=1):
        raise AssertionError

    async def program():
        return [await each for each in asyncio.as_completed([asked(question) for question in "abc"])]

    assert run(program, tmp_path, "replay") == recorded


# Recording what is missing


def test_what_is_recorded_later_takes_its_place_among_what_is_there(tmp_path):
    run(as_completed, tmp_path, "record")
    for path in tmp_path.rglob("*.json"):
        if json.loads(path.read_bytes())["arguments"]["question"] == "b":
            path.unlink()
    recorded = run(as_completed, tmp_path, "record-if-missing")
    assert live == ["b"]
    assert run(as_completed, tmp_path, "replay") == recorded


def test_a_call_whose_predecessor_comes_no_more_is_mended_where_that_may_be_written(store):
    run(as_completed, store, "record")

    async def changed():
        begun = [asyncio.create_task(each) for each in (ask("a"), ask("b"), ask("c", 0.001))]
        return [await each for each in asyncio.as_completed(begun)]

    recorded = run(changed, store, "record-if-missing")
    assert sorted(recorded) == ["A", "B", "C"]
    assert run(changed, store, "replay") == recorded


def test_a_stream_beside_calls_is_no_part_of_the_order(store):
    @recordable(name="told")
    async def tell(count):
        for number in range(count):
            await anyio.sleep(0.005)
            yield number

    async def program():
        async def read():
            return [number async for number in tell(3)]

        return await asyncio.gather(ask("a"), read(), ask("b"))

    recorded = run(program, store, "record")
    assert run(program, store, "replay") == recorded == ["A", [0, 1, 2], "B"]


def test_memoizers_take_no_part(tmp_path):
    cache = memo.Recorder(tmp_path, mode="record-if-missing")

    @cache.recordable(name="cached")
    async def cached(question):
        await anyio.sleep(DELAYS[question])
        return question

    async def main():
        return await asyncio.gather(*map(cached, "abc"))

    asyncio.run(main())
    assert not any(b'"after"' in path.read_bytes() for path in tmp_path.rglob("*.json"))


# Damaged files


def _damaged(path, after):
    document = json.loads(path.read_bytes())
    document["outcomes"][0]["after"] = after(document)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    "after",
    [
        7,
        "x" * 1_000_000,
        [],
        {},
        {"call": 7, "draw": 0},
        {"call": "x", "draw": -1},
        {"call": "x", "draw": True},
        {"call": "x" * 100_000, "draw": 0},
        {"call": "f/" + "0" * 64, "draw": 10**30},
    ],
    ids=lambda each: str(each)[:30],
)
def test_a_damaged_predecessor_is_an_error_of_memos_or_is_passed_over(tmp_path, after):
    run(lambda: ask("b"), tmp_path, "record")
    [path] = tmp_path.rglob("*.json")
    _damaged(path, lambda _: after)
    try:
        assert run(lambda: ask("b"), tmp_path, "replay") == "B"
    except MemoError as error:
        assert str(path) in str(error)


def test_calls_that_wait_for_themselves_or_for_one_another_go_on(tmp_path):
    run(lambda: asyncio.gather(ask("b"), ask("c")), tmp_path, "record")
    one, other = sorted(tmp_path.rglob("*.json"))

    def named(path):
        document = json.loads(path.read_bytes())
        return {"call": f"{document['function']}/{document['key']}", "draw": 0}

    _damaged(one, lambda _: named(other))
    _damaged(other, lambda _: named(one))
    assert run(lambda: asyncio.gather(ask("b"), ask("c")), tmp_path, "replay") == ["B", "C"]
    _damaged(one, lambda _: named(one))
    _damaged(other, lambda _: named(other))
    assert run(lambda: asyncio.gather(ask("b"), ask("c")), tmp_path, "replay") == ["B", "C"]
