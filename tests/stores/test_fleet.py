"""Several processes, one store: a call has one recorded outcome, and where the store can claim, one live call."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from fleets import Fleet

from memo import Recorder, recordable, recording
from memo.errors import InvalidOption, StoreFull
from memo.stores import HeldClaim, as_store
from memo.stores._sqlite import SqliteStore


@pytest.fixture
def workers(fleet, tmp_path) -> Fleet:
    return Fleet(fleet, tmp_path)


FORTY = """
async def main():
    with recording(sys.argv[1], mode="record-if-missing"):
        print(await asyncio.gather(*[ask(n) for n in range(40)]))
asyncio.run(main())
"""


def test_forty_keys_by_four_processes_are_forty_live_calls(workers):
    printed = workers.run(FORTY, 4)
    assert workers.calls() == list(range(40))
    assert len(set(printed)) == 1
    assert workers.run(FORTY, 1) == printed[:1]
    assert workers.calls() == list(range(40))


async def test_a_first_draw_that_is_recorded_last_is_no_second_live_call(fleet):
    """Five identical calls at once in each of two scopes: the others are recorded while the first is on its way."""
    calls, release = [], anyio.Event()

    @recordable(name="app.ask")
    async def asked(n):
        calls.append(n)
        number = len(calls)
        if number == 1:
            await release.wait()
        return number

    async def five(given):
        with recording(as_store(fleet), mode="record-if-missing"):

            async def one(index):
                given[index] = await asked(1)

            async with anyio.create_task_group() as tasks:
                for index in range(5):
                    tasks.start_soon(one, index)

    given = [dict[int, int](), dict[int, int]()]
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(five, given[0])
            while len(given[0]) < 4:  # noqa: ASYNC110 - there is no event to wait for
                await anyio.sleep(0.01)
            tasks.start_soon(five, given[1])
            while len(given[1]) < 4:  # noqa: ASYNC110
                await anyio.sleep(0.01)
            await anyio.sleep(0.2)  # the fifth waits by now, or has been made
            release.set()
    assert len(calls) == 5
    assert sorted(given[0].values()) == sorted(given[1].values()) == [1, 2, 3, 4, 5]


EVERYTHING = """
with recording(sys.argv[1], mode="record-if-missing"):
    print([(ask_sync(n), asyncio.run(told(n)), asyncio.run(caught(n))) for n in range(4)])
"""


def test_everybody_gets_the_one_outcome_of_every_kind(workers):
    printed = workers.run(EVERYTHING, 3)
    assert workers.calls() == sorted([*range(4)] * 3)
    assert len(set(printed)) == 1


def test_without_claims_everybody_still_gets_the_one_outcome(workers):
    program = FORTY.replace('mode="record-if-missing"', 'mode="record-if-missing", claims=False').replace("40", "4")
    barrier = "import pathlib\nwhile not pathlib.Path(sys.argv[2] + '.go').exists(): time.sleep(0.001)\n"
    started = [workers.start(barrier + program) for _ in range(3)]
    time.sleep(0.8)
    Path(f"{workers.log}.go").touch()
    printed = [process.communicate(timeout=300)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 3
    assert len(set(printed)) == 1


LONG = """
@recordable(name="app.long")
async def long(n):
    note(n)
    if len(open(sys.argv[2]).readlines()) == 1:
        await asyncio.sleep(60)
    return n

async def main():
    with recording(sys.argv[1], mode="record-if-missing"):
        print(await long(1))
asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_to_end_a_leader_costs_one_more_call(workers, number):
    leader = workers.start(LONG)
    workers.until_calls(1)
    others = [workers.start(LONG) for _ in range(2)]
    time.sleep(0.5)
    assert workers.calls() == [1]
    leader.send_signal(number)
    assert [process.communicate(timeout=300)[0] for process in others] == ["1\n"] * 2
    leader.communicate(timeout=300)
    assert workers.calls() == [1, 1]


async def test_a_claim_lasts_as_long_as_the_call(fleet):
    calls, store = [], as_store(fleet)
    recorder, other = (Recorder(store, mode="record-if-missing") for _ in range(2))

    async def slow(n):
        calls.append(n)
        await anyio.sleep(2.5 * store.lease)
        return n

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for each in (recorder, other):
                tasks.start_soon(each.recordable(name="slow")(slow), 1)
    assert calls == [1]
    assert (recorder.stats.live + other.stats.live, recorder.stats.replayed + other.stats.replayed) == (1, 1)


async def test_a_cancelled_leader_hands_over_at_once(fleet):
    calls, store = [], as_store(f"{fleet}0")  # a lease of ten seconds
    recorder, other = (Recorder(store, mode="record-if-missing") for _ in range(2))
    called = anyio.Event()

    async def slow(n):
        calls.append(n)
        called.set()
        if len(calls) == 1:
            await anyio.sleep_forever()
        return n

    leader = anyio.CancelScope()

    async def lead():
        with leader:
            await recorder.recordable(name="slow")(slow)(1)

    with anyio.fail_after(8):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lead)
            await called.wait()
            tasks.start_soon(other.recordable(name="slow")(slow), 1)
            await anyio.sleep(0.1)
            leader.cancel()
    assert calls == [1, 1]
    assert other.stats.recorded == 1


async def test_what_is_not_recorded_is_handed_over_too(fleet):
    calls, store = [], as_store(f"{fleet}0")
    recorder, other = (Recorder(store, mode="record-if-missing") for _ in range(2))

    async def busy(n):
        calls.append(n)
        if len(calls) == 1:
            await anyio.sleep(0.1)
            raise TimeoutError
        return n

    async def lead():
        with pytest.raises(TimeoutError):
            await recorder.recordable(name="busy")(busy)(1)

    with anyio.fail_after(8):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lead)
            await anyio.sleep(0.05)
            tasks.start_soon(other.recordable(name="busy")(busy), 1)
    assert calls == [1, 1]


async def test_what_could_not_be_stored_is_handed_over_too(tmp_path):
    class Full(SqliteStore):
        def finish(self, name, token, data):
            raise StoreFull(self.location(), "is full")

    recorder = Recorder(Full(tmp_path / "store.db", lease=10), mode="record-if-missing")
    other = Recorder(SqliteStore(tmp_path / "store.db", lease=10), mode="record-if-missing")

    async def ask(n):
        return n

    assert await recorder.recordable(name="f")(ask)(1) == 1
    with anyio.fail_after(8):
        assert await other.recordable(name="f")(ask)(1) == 1
    with pytest.raises(StoreFull):
        recorder.raise_failures()
    assert other.stats.recorded == 1


async def test_who_waits_can_be_cancelled_and_leaves_no_claim(fleet):
    store = as_store(f"{fleet}0")
    recorder = Recorder(store, mode="record-if-missing")
    calls = []

    @recorder.recordable(name="f")
    async def ask(n):
        calls.append(n)
        return n

    call = ask._self_bound.call(recorder, None, (1,), {})
    name = f"f/{call.key[:32]}"
    assert store.claim(name, "another") is None
    with anyio.move_on_after(0.3) as scope:
        await ask(1)
    assert scope.cancelled_caught
    store.release(name, "another")
    assert await ask(1) == 1
    assert calls == [1]
    held = store.claim(name, "after")
    assert not isinstance(held, HeldClaim)


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_patience_ends(fleet, caplog, kind):
    store = as_store(f"{fleet}0")
    recorder = Recorder(store, mode="record-if-missing", claim_timeout=0.2)

    async def ask(n):
        return n

    def ask_sync(n):
        return n

    asked = recorder.recordable(name="f")(ask if kind == "async" else ask_sync)
    name = f"f/{asked._self_bound.call(recorder, None, (1,), {}).key[:32]}"
    assert store.claim(name, "host:7:another") is None
    with anyio.fail_after(5):
        assert (await asked(1) if kind == "async" else await anyio.to_thread.run_sync(asked, 1)) == 1
    assert "host:7:another" in caplog.text
    assert "claim_timeout" in caplog.text
    assert recorder.stats.recorded == 1
    assert isinstance(store.claim(name, "after"), bytes)


def test_threads_wait_for_the_fleet_too(fleet):
    calls, together = [], threading.Barrier(4)
    store = as_store(fleet)

    def slow(n):
        calls.append(n)
        time.sleep(0.2)
        return [n, len(calls)]

    def one(_):
        recorder = Recorder(store, mode="record-if-missing")
        together.wait(5)
        return recorder.recordable(name="slow")(slow)(1)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(4))) == [[1, 1]] * 4
    assert calls == [1]


async def test_a_loop_does_not_wait_for_itself(fleet):
    """A plain function blocks its event loop, which may be the one that makes the other call."""
    store = as_store(fleet)
    recorder, other = (Recorder(store, mode="record-if-missing") for _ in range(2))
    started = anyio.Event()

    @recorder.recordable(name="f")
    async def ask(n):
        started.set()
        await anyio.sleep(0.2)
        return "async"

    @other.recordable(name="f")
    def ask_sync(n):
        return "sync"

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, 1)
            await started.wait()
            assert ask_sync(1) == "sync"
    assert await ask(1) == "sync"


# First write wins, with claims and without


@pytest.mark.parametrize("claims", [True, False])
async def test_the_loser_of_a_race_gets_the_outcome_of_the_winner(creates, claims):
    first, second = (Recorder(creates, mode="record-if-missing", claims=claims, claim_timeout=0.01) for _ in range(2))
    release = anyio.Event()
    results = {}

    async def slow(n):
        await release.wait()
        return "slow"

    async def quick(n):
        return "quick"

    async def ask(name, function):
        results[name] = await function(1)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, "slow", first.recordable(name="f")(slow))
            await anyio.sleep(0.05)
            await ask("quick", second.recordable(name="f")(quick))
            release.set()
    assert results == {"slow": "quick", "quick": "quick"}
    assert await first.recordable(name="f")(slow)(1) == "quick"


@pytest.mark.parametrize(("won", "lost"), [("error", "value"), ("value", "error"), ("error", "error")])
async def test_the_loser_gets_the_error_of_the_winner_and_the_other_way_round(creates, won, lost):
    losing, winning = (Recorder(creates, mode="record-if-missing", claims=False, errors="answers") for _ in range(2))

    def end(kind, name):
        if kind == "error":
            raise ValueError(name)
        return name

    @winning.recordable(name="f")
    async def wins(n):
        return end(won, "winner")

    @losing.recordable(name="f")
    async def loses(n):
        with suppress(ValueError):
            await wins(n)
        return end(lost, "loser")

    if won == "error":
        with pytest.raises(ValueError, match="winner"):
            await loses(1)
    else:
        assert await loses(1) == "winner"


async def test_a_stream_that_lost_stays_what_was_seen_and_is_replayed_as_the_winner(creates):
    losing, winning = (Recorder(creates, mode="record-if-missing", claims=False, errors="answers") for _ in range(2))

    @winning.recordable(name="f")
    async def wins(n):
        yield "winner"

    @losing.recordable(name="f")
    async def loses(n):
        yield "loser"
        assert [each async for each in wins(n)] == ["winner"]
        yield "loser again"

    assert [each async for each in loses(1)] == ["loser", "loser again"]
    assert [each async for each in loses(1)] == ["winner"]


@pytest.mark.parametrize("wrong", [0, -1, "soon", True])
def test_a_wrong_patience_is_refused(wrong):
    with pytest.raises(InvalidOption, match="claim_timeout"), recording("memory://", claim_timeout=wrong):
        pass
