"""Draws: in a scope the k-th identical call takes outcome k, in every mode."""

import json
from contextlib import suppress

import anyio
import pytest

import memo
from memo import Recorder, recordable, recording
from memo.errors import CallsNotRecordedWarning, OutcomesExhausted
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["directory", "memory", "sqlite"])
def store(request, tmp_path):
    return {
        "directory": tmp_path / "recordings",
        "memory": MemoryStore(),
        "sqlite": f"sqlite:///{tmp_path}/recordings.db",
    }[request.param]


answers: list[object] = []


def next_answer():
    answer = answers.pop(0)
    if isinstance(answer, BaseException):
        raise answer
    return answer


@recordable(name="ask")
async def ask(question="?"):
    await anyio.lowlevel.checkpoint()
    return next_answer()


@recordable(name="ask")
def ask_now(question="?"):
    return next_answer()


@recordable(name="ask")
async def ask_stream(question="?"):
    yield next_answer()


async def asked(function):
    if function is ask_now:
        return function()
    if function is ask:
        return await function()
    return [item async for item in function()][-1]


KINDS = pytest.mark.parametrize("function", [ask, ask_now, ask_stream], ids=["async", "plain", "stream"])


async def run(function, store, given=(), *, times, mode="record-if-missing", **options):
    answers[:] = given
    with recording(store, mode=mode, **options) as recorder:
        found = [await asked(function) for _ in range(times)]
    assert answers == []
    return found, recorder.stats


# Each call has its own


@KINDS
@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
@pytest.mark.parametrize("given", ["ABC", "AAA", "ABA", "A", "ABB"])
async def test_each_call_has_its_own_outcome(store, function, mode, given):
    assert (await run(function, store, given, times=len(given), mode=mode))[0] == [*given]
    found, stats = await run(function, store, times=len(given))
    assert found == [*given]
    assert (stats.live, stats.replayed) == (0, len(given))
    found, _ = await run(function, store, times=len(given) + 2, mode="replay")
    assert found == [*given, given[-1], given[-1]]


@KINDS
async def test_what_is_missing_is_recorded(store, function):
    await run(function, store, "AA", times=2)
    found, stats = await run(function, store, "BC", times=4)
    assert found == [*"AABC"]
    assert (stats.live, stats.recorded, stats.replayed) == (2, 2, 2)
    assert (await run(function, store, times=4, mode="replay"))[0] == [*"AABC"]


@KINDS
async def test_as_many_equal_outcomes_as_were_made(store, function):
    """A, A, A is stored once, stands for three calls, and for no fourth."""
    await run(function, store, "AAA", times=3)
    assert (await run(function, store, times=3))[1].live == 0
    found, stats = await run(function, store, "A", times=4)
    assert (found, stats.live) == ([*"AAAA"], 1)
    answers[:] = []
    with recording(store, mode="replay", exhausted="error"):
        assert [await asked(function) for _ in range(4)] == [*"AAAA"]
        with pytest.raises(OutcomesExhausted):
            await asked(function)


async def test_a_file_has_the_number_of_calls_of_its_last_outcome(tmp_path):
    await run(ask, tmp_path, "AABBB", times=5)
    [path] = tmp_path.rglob("*.json")
    outcomes = json.loads(path.read_bytes())["outcomes"]
    assert [(outcome["value"], outcome.get("calls")) for outcome in outcomes] == [("A", None), ("A", None), ("B", 3)]


async def test_an_outcome_without_a_number_of_calls_answers_any_number(tmp_path):
    await run(ask, tmp_path, "AB", times=2)
    [path] = tmp_path.rglob("*.json")
    path.write_bytes(path.read_bytes().replace(b', "calls": 1', b"").replace(b',"calls":1', b""))
    assert b"calls" not in path.read_bytes()
    found, stats = await run(ask, tmp_path, times=5)
    assert (found, stats.live) == ([*"ABBBB"], 0)


# Programs


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
@pytest.mark.parametrize("states", [["done"], ["queued", "done"], ["queued"] * 3 + ["running", "running", "done"]])
async def test_polling_ends(store, mode, states):
    async def program():
        seen = []
        while not seen or seen[-1] != "done":
            seen.append(await ask("job"))
        return seen

    answers[:] = states
    with recording(store, mode=mode), anyio.fail_after(10):
        assert await program() == states
    for again in ("record-if-missing", "replay"):
        with recording(store, mode=again) as recorder, anyio.fail_after(10):
            assert await program() == states
        assert recorder.stats.live == 0


@pytest.mark.parametrize("target", ["uuid:uuid4", "secrets:token_hex", "tempfile:mktemp", "secrets:randbits"])
async def test_what_differs_each_time(store, target):
    module, name = target.split(":")
    arguments = (64,) if name == "randbits" else ()
    call = getattr(__import__(module), name)
    assert callable(call)

    def program():
        return [getattr(__import__(module), name)(*arguments) for _ in range(5)]

    with memo.install(target, trust=["uuid"]):
        with recording(store, mode="record-if-missing"):
            made = program()
        with recording(store, mode="replay") as recorder:
            assert program() == made
    assert len(set(made)) == 5
    assert recorder.stats.live == 0
    assert type(made[0]) is type(call(*arguments))


async def test_concurrent_calls_are_draws_of_their_own(store):
    """In the order in which they are made, whichever ends first."""
    gates = [anyio.Event() for _ in range(5)]
    begun = []

    @recordable(name="draw")
    async def draw():
        number = len(begun)
        begun.append(number)
        await gates[number].wait()
        return f"answer {number}"

    found = {}

    async def one(place):
        found[place] = await draw()

    with recording(store, mode="record-if-missing"), anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for place in range(5):
                tasks.start_soon(one, place)
                while len(begun) == place:  # noqa: ASYNC110 - in this order
                    await anyio.sleep(0.001)
            for gate in reversed(gates):
                gate.set()
                await anyio.sleep(0.005)
    assert found == {place: f"answer {place}" for place in range(5)}
    found.clear()
    with recording(store, mode="replay"):
        async with anyio.create_task_group() as tasks:
            for place in range(5):
                tasks.start_soon(one, place)
    assert sorted(found.values()) == [f"answer {place}" for place in range(5)]


async def test_errors_are_draws_too(store):
    answers[:] = [1, ValueError("two"), 3]
    for mode in ("record-if-missing", "replay"):
        with recording(store, mode=mode):
            assert await ask() == 1
            with pytest.raises(ValueError, match="two"):
                await ask()
            assert await ask() == 3
    assert answers == []


# Draws that are missing


@KINDS
@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
async def test_whoever_repeats_a_call_that_was_not_recorded_takes_its_place(store, function, mode):
    answers[:] = ["A", ConnectionError(), "B", ConnectionError(), ConnectionError(), "C"]

    async def persistent():
        while True:
            with suppress(ConnectionError):
                return await asked(function)

    with pytest.warns(CallsNotRecordedWarning) as warned, recording(store, mode=mode) as recorder:
        assert [await persistent() for _ in range(3)] == ["A", "B", "C"]
    assert warned[0].message.calls == {"ask": {"raised ConnectionError": 3}}
    assert recorder.stats.unrecorded == 3
    with recording(store, mode="replay"):
        assert [await persistent() for _ in range(3)] == ["A", "B", "C"]


async def test_a_cancelled_call_leaves_its_draw_to_the_next(store):
    begun, hangs = anyio.Event(), [True]

    @recordable(name="draw")
    async def draw():
        if hangs:
            begun.set()
            await anyio.sleep_forever()
        return next_answer()

    answers[:] = ["A", "B"]
    with pytest.warns(CallsNotRecordedWarning, match="draw: 1 call was cancelled"), recording(store, mode="record"):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(draw)
            await begun.wait()
            tasks.cancel_scope.cancel()
        hangs.clear()
        assert [await draw(), await draw()] == ["A", "B"]
    with recording(store, mode="replay"):
        assert [await draw(), await draw()] == ["A", "B"]


async def test_what_was_lost_between_two_others_is_filled_in(tmp_path):
    await run(ask, tmp_path, "ABC", times=3)
    [path] = tmp_path.rglob("*.json")
    document = json.loads(path.read_bytes())
    del document["outcomes"][1]
    document["outcomes"][1]["draw"] = 2
    path.write_text(json.dumps(document))
    assert (await run(ask, tmp_path, times=2, mode="replay"))[0] == ["A", "C"]
    found, stats = await run(ask, tmp_path, ["lost"], times=3)
    assert found == ["A", "lost", "C"]
    assert stats.live == 1
    assert (await run(ask, tmp_path, times=3, mode="replay"))[0] == ["A", "lost", "C"]


# One outcome a key


@pytest.mark.parametrize("times", [2, 5])
async def test_draws_can_be_switched_off(store, times):
    found, stats = await run(ask, store, "A", times=times, draws=False)
    assert (found, stats.live) == (["A"] * times, 1)
    assert (await run(ask, store, times=times + 1))[1].live == 0  # any number, said the file


async def test_concurrent_calls_share_one_where_draws_are_off(store):
    go_on, calls = anyio.Event(), []

    @recordable(name="draw")
    async def draw():
        calls.append(1)
        await go_on.wait()
        return "A"

    found = []

    async def one():
        found.append(await draw())

    with recording(store, mode="record-if-missing", draws=False), anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(one)
            await anyio.wait_all_tasks_blocked()
            go_on.set()
    assert (found, calls) == (["A"] * 5, [1])


async def test_memoizers_have_one_outcome_a_key(store):
    cache = Recorder(store, mode="record-if-missing")
    made = []

    @cache.recordable
    async def grade(answer):
        made.append(answer)
        return len(made)

    assert [await grade("x") for _ in range(3)] == [1, 1, 1]
    with recording(store, mode="record-if-missing"):
        assert await grade("x") == 1  # inside a scope, too
    assert made == ["x"]


async def test_a_memoizer_is_one_in_the_draws_of_others(store):
    """What a scope recorded in draws, a memoizer goes through and then repeats."""
    await run(ask, store, "AB", times=2)
    cache = Recorder(store, mode="record-if-missing")
    known = cache.recordable(name="ask")(ask.__wrapped__)
    assert [await known() for _ in range(4)] == ["A", "B", "B", "B"]


async def test_refresh_begins_anew(store):
    await run(ask, store, "AB", times=2)
    answers[:] = ["new", "second"]
    with recording(store, mode="record-if-missing"):
        assert await ask() == "A"
        assert await ask.refresh() == "new"
        assert await ask() == "second"
    assert (await run(ask, store, times=2, mode="replay"))[0] == ["new", "second"]


# Scopes


async def test_each_scope_begins_with_the_first(store):
    await run(ask, store, "AB", times=2)
    with recording(store, mode="record-if-missing"):
        assert await ask() == "A"
        with recording(store, mode="record-if-missing"):
            assert [await ask(), await ask()] == ["A", "B"]
        assert await ask() == "B"


async def test_two_scopes_at_once_have_one_outcome_a_draw(store):
    both, answers[:] = 2, []
    arrived, everybody = [], anyio.Event()

    @recordable(name="draw")
    async def draw():
        arrived.append(len(arrived))
        number = arrived[-1]
        if len(arrived) == both:
            everybody.set()
        with anyio.move_on_after(0.2):  # a store that claims lets only one of them in
            await everybody.wait()
        return f"answer {number}"

    found = []

    async def one():
        with recording(store, mode="record-if-missing"):
            found.append([await draw(), await draw()])

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one)
            tasks.start_soon(one)
    assert found[0] == found[1]
    with recording(store, mode="replay"):
        assert [await draw(), await draw()] == found[0]
