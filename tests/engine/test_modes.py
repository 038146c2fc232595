"""What each mode does with a call, who decides the mode, and which outcome an identical call gets."""

import inspect

import anyio
import anyio.lowlevel
import anyio.to_thread
import orjson
import pytest

import memo
from memo import Recorder, RecordingNotFound, recordable, recording
from memo.errors import (
    AlreadyStarted,
    CallsNotRecordedWarning,
    InvalidMode,
    InvalidOption,
    OutcomesExhausted,
    StoreFull,
)
from memo.stores import DirectoryStore

pytestmark = pytest.mark.anyio

answers: list[object] = []
"""What the world gives, call by call."""


def ask(question):
    answer = answers.pop(0)
    if isinstance(answer, Exception):
        raise answer
    return answer


async def ask_async(question):
    return ask(question)


async def ask_stream(question):
    yield ask(question)


def ask_generator(question):
    yield ask(question)


async def asked(function, question="?"):
    """The answer, whatever kind of function gives it."""
    result = function(question)
    if inspect.isawaitable(result):
        return await result
    if inspect.isasyncgen(result):
        (item,) = [item async for item in result]
        return item
    if inspect.isgenerator(result):
        (item,) = result
        return item
    return result


KINDS = pytest.mark.parametrize("function", [ask, ask_async, ask_stream, ask_generator], ids=lambda each: each.__name__)


@pytest.fixture(autouse=True)
def _no_answers():
    answers.clear()


async def heard(folder, function, *given, mode="record", times=None, **options):
    """The answers of a session in which the world gives these answers."""
    answers[:] = given
    with recording(folder, mode=mode, **options):
        return [await asked(function) for _ in range(len(given) if times is None else times)]


# The table of modes


async def test_live(tmp_path):
    known = recordable(ask)
    assert await heard(tmp_path / "none", known, 1, 2, mode="live") == [1, 2]
    assert not (tmp_path / "none").exists()

    await heard(tmp_path, known, "old")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    assert await heard(tmp_path, known, 1, 2, mode="live") == [1, 2]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before


@KINDS
async def test_live_reads_no_recording(tmp_path, function):
    known = recordable(function)
    answers[:] = [1]
    with recording(tmp_path, mode="live") as recorder:
        assert await asked(known) == 1
    assert (recorder.stats.live, recorder.stats.recorded, recorder.stats.replayed) == (1, 0, 0)
    assert list(tmp_path.iterdir()) == []


@KINDS
async def test_replay(tmp_path, function):
    known = recordable(function)
    answers[:] = ["never given"]
    with recording(tmp_path, mode="replay") as recorder, pytest.raises(RecordingNotFound) as raised:
        await asked(known)
    assert answers == ["never given"]
    assert recorder.stats.missed == 1
    assert raised.value.function.endswith(function.__name__)
    assert raised.value.arguments == '{"question":"?"}'
    assert list(tmp_path.iterdir()) == []

    await heard(tmp_path, known, 1)
    assert await heard(tmp_path, known, 2, mode="replay") == [1]


@KINDS
async def test_record_if_missing(tmp_path, function):
    known = recordable(function)
    answers[:] = [1, 2]
    for _ in range(2):
        with recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
            assert [await asked(known), await asked(known)] == [1, 1]
    assert answers == [2]
    assert (recorder.stats.live, recorder.stats.replayed) == (0, 2)


@KINDS
async def test_record(tmp_path, function):
    known = recordable(function)
    assert await heard(tmp_path, known, 1, 2) == [1, 2]
    assert await heard(tmp_path, known, mode="replay", times=3) == [1, 2, 2]
    assert await heard(tmp_path, known, 3) == [3]  # the first call of a session replaces
    assert await heard(tmp_path, known, mode="replay", times=2) == [3, 3]


@KINDS
async def test_what_fails_unrecorded_leaves_what_was_recorded(tmp_path, function):
    known = recordable(function)
    await heard(tmp_path, known, 1)
    with pytest.raises(ConnectionError):
        await heard(tmp_path, known, ConnectionError())
    assert await heard(tmp_path, known, mode="replay", times=1) == [1]

    answers[:] = [ConnectionError(), 2, ConnectionError(), 3]
    with pytest.warns(CallsNotRecordedWarning), recording(tmp_path, mode="record"):
        for expected in (None, 2, None, 3):
            if expected is None:
                with pytest.raises(ConnectionError):
                    await asked(known)
            else:
                assert await asked(known) == expected
    assert await heard(tmp_path, known, mode="replay", times=3) == [2, 3, 3]


def test_what_cannot_be_written_takes_no_place(tmp_path):
    class Full(DirectoryStore):
        full = False

        def put(self, name, data):
            if self.full:
                raise StoreFull(self.location(name), "is full")
            super().put(name, data)

    store, known = Full(tmp_path), recordable(ask)
    answers[:] = [1, 2, 3]
    with recording(store, mode="record"):
        known("?")
    recorder = Recorder(store, mode="record")
    store.full = True
    with pytest.raises(StoreFull), recorder.scope():
        assert known("?") == 2
    store.full = False
    with recorder.scope():
        assert known("?") == 3
    with recording(store, mode="replay"):
        assert known("?") == 3


# Identical calls


@KINDS
@pytest.mark.parametrize(
    ("given", "stored"), [("ABBA", "ABBA"), ("AAA", "A"), ("ABB", "AB"), ("AAB", "AAB"), ("ABAB", "ABAB"), ("A", "A")]
)
async def test_the_nth_call_gets_the_nth_outcome(tmp_path, function, given, stored):
    known = recordable(function)
    await heard(tmp_path, known, *given)
    repeated = [*stored, stored[-1], stored[-1]]
    assert await heard(tmp_path, known, mode="replay", times=len(repeated)) == repeated

    with recording(tmp_path, mode="replay", exhausted="error"):
        assert [await asked(known) for _ in given] == [*given]  # however often the last was given
        for _ in range(2):
            with pytest.raises(OutcomesExhausted) as raised:
                await asked(known)
    assert raised.value.outcomes == len(stored)


async def test_errors_have_their_place_among_the_outcomes(tmp_path):
    known = recordable(ask)
    answers[:] = [1, ValueError("two"), 3]
    for mode in ("record", "replay"):
        with recording(tmp_path, mode=mode):
            assert known("?") == 1
            with pytest.raises(ValueError, match="two"):
                known("?")
            assert known("?") == 3


async def test_every_session_begins_at_the_first_outcome(tmp_path):
    known = recordable(ask)
    await heard(tmp_path, known, 1, 2)
    for _ in range(2):
        assert await heard(tmp_path, known, mode="replay", times=2) == [1, 2]


async def test_different_calls_are_counted_apart(tmp_path):
    known = recordable(ask)
    answers[:] = [1, 2, 3, 4]
    for mode in ("record", "replay"):
        with recording(tmp_path, mode=mode):
            assert [known(question) for question in "abab"] == [1, 2, 3, 4]


@pytest.mark.parametrize("completed", ["012", "210", "102"])
async def test_concurrent_calls_are_stored_in_the_order_of_the_calls(tmp_path, completed):
    gates = [anyio.Event() for _ in completed]
    calls = []

    @recordable
    async def slow():
        number = len(calls)
        calls.append(number)
        await gates[number].wait()
        return number

    with recording(tmp_path, mode="record") as recorder, anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for number in range(len(gates)):
                tasks.start_soon(slow)
                while len(calls) == number:
                    await anyio.lowlevel.checkpoint()
            for done, number in enumerate(completed, 1):
                gates[int(number)].set()
                while recorder.stats.recorded < done:  # noqa: ASYNC110 - a thread writes
                    await anyio.sleep(0.001)
    [path] = tmp_path.rglob("*.json")
    assert [outcome["value"] for outcome in orjson.loads(path.read_bytes())["outcomes"]] == [0, 1, 2]


# Statistics


async def test_stats(tmp_path):
    known = recordable(ask)
    answers[:] = [1, 2]
    with recording(tmp_path, mode="record-if-missing", draws=False) as recorder:
        known("a"), known("a"), known("b"), known("a")
        stats = recorder.stats
        assert (stats.live, stats.recorded, stats.replayed, stats.missed) == (2, 2, 2, 0)
        assert stats.seconds_saved > 0
        known("b")
        assert stats.replayed == 2  # a copy
    with recording(tmp_path, mode="replay") as recorder:
        known("a")
        with pytest.raises(RecordingNotFound):
            known("c")
        assert (recorder.stats.replayed, recorder.stats.missed, recorder.stats.live) == (1, 1, 0)


# Names and precedence


@pytest.mark.parametrize(
    ("alias", "mode"),
    [
        ("none", "replay"),
        ("once", "record-if-missing"),
        ("new_episodes", "record-if-missing"),
        ("all", "record"),
        ("rewrite", "record"),
        *((name, name) for name in ("live", "record", "replay", "record-if-missing")),
    ],
)
def test_modes_have_names_and_aliases(tmp_path, alias, mode):
    assert Recorder(tmp_path, mode=alias).mode == mode


@pytest.mark.parametrize("name", ["", "Replay", "playback", None, 3])
def test_other_modes_are_refused(tmp_path, name):
    with pytest.raises(InvalidMode) as raised, recording(tmp_path, mode=name):
        pytest.fail("was entered")
    for allowed in ("live", "record", "replay", "record-if-missing", "none", "once", "new_episodes", "all", "rewrite"):
        assert allowed in raised.value.allowed
        assert allowed in str(raised.value)
    assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize(
    "option", [{"exhausted": "stop"}, {"errors": "some"}, {"on_watched_change": "ignore"}], ids=str
)
def test_other_values_of_options_are_refused(tmp_path, option):
    with pytest.raises(InvalidOption) as raised:
        Recorder(tmp_path, **option)
    assert raised.value.option in option
    assert raised.value.value in option.values()


def test_other_options_are_refused(tmp_path):
    with pytest.raises(TypeError, match="retries"):
        Recorder(tmp_path, retries=3)
    with pytest.raises(TypeError, match="retries"), recording(tmp_path, retries=3):
        pytest.fail("was entered")
    with pytest.raises(InvalidOption, match="retries"):
        recordable(retries=3)(ask)
    with pytest.raises(InvalidOption, match="errors"):
        recordable(errors="some")(ask)
    with pytest.raises(InvalidOption, match="answer"):
        recordable(ignore=("answer",))(ask)


async def test_the_environment_wins_over_the_code(tmp_path, monkeypatch):
    known = recordable(ask)
    answers[:] = [1]
    monkeypatch.setenv("MEMO_MODE", "once")
    monkeypatch.setenv("MEMO_STORE", str(tmp_path / "environment"))
    with recording(tmp_path / "code", mode="replay") as recorder:
        assert recorder.mode == "record-if-missing"
        assert known("?") == 1
    assert not (tmp_path / "code").exists()
    assert list((tmp_path / "environment").rglob("*.json"))

    monkeypatch.setenv("MEMO_MODE", "")
    monkeypatch.setenv("MEMO_STORE", "")
    with recording(tmp_path / "environment", mode="replay") as recorder:
        assert recorder.mode == "replay"
        assert known("?") == 1

    monkeypatch.setenv("MEMO_MODE", "sometimes")
    with pytest.raises(InvalidMode, match="sometimes"):
        Recorder(tmp_path)


# Scopes


def test_the_innermost_scope_counts(tmp_path):
    known = recordable(ask)
    answers[:] = [1, 2, 3]
    assert memo.current() is None
    with recording(tmp_path / "outer", mode="record") as outer:
        assert known("?") == 1
        with recording(tmp_path / "inner", mode="record") as inner:
            assert memo.current() is inner
            assert known("?") == 2
        assert memo.current() is outer
        with pytest.raises(ZeroDivisionError), recording(tmp_path / "inner", mode="live"):
            raise ZeroDivisionError
        assert known("?") == 3
    assert memo.current() is None
    assert (outer.stats.recorded, inner.stats.recorded) == (2, 1)


async def test_concurrent_scopes_do_not_mix(tmp_path):
    known = recordable(ask_async)
    together = [anyio.Event(), anyio.Event()]
    answers[:] = [1, 1]
    seen = {}

    async def session(number):
        with recording(tmp_path / str(number), mode="record") as recorder:
            together[number].set()
            await together[1 - number].wait()
            await known(number)
            await anyio.to_thread.run_sync(lambda: seen.update({number: memo.current()}))
            assert seen[number] is recorder
        assert memo.current() is not recorder

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session, 0)
            tasks.start_soon(session, 1)
    assert [len(list((tmp_path / name).rglob("*.json"))) for name in "01"] == [1, 1]


async def test_tasks_begun_inside_are_inside(tmp_path):
    known = recordable(ask_async)
    answers[:] = [1]
    with recording(tmp_path, mode="record") as recorder:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(known, "?")
    assert recorder.stats.recorded == 1


async def test_a_scope_may_end_before_the_call_does(tmp_path):
    known = recordable(ask_async)
    answers[:] = [1]
    with recording(tmp_path, mode="record") as recorder:
        call = known("?")
    assert await call == 1
    assert recorder.stats.recorded == 1


def test_a_bound_function_ignores_scopes(tmp_path):
    recorder = Recorder(tmp_path / "own", mode="record-if-missing")
    bound, by_option = recorder.recordable(ask), recordable(recorder=recorder)(ask_generator)
    answers[:] = [1, 2]
    with recording(tmp_path / "scope", mode="replay"):
        assert bound("?") == 1
        assert list(by_option("?")) == [2]
    assert bound("?") == 1
    assert recorder.stats.recorded == 2
    assert not (tmp_path / "scope").exists()


def test_a_process_wide_recorder(tmp_path):
    known = recordable(ask)
    answers[:] = [1, 2, 3]
    recorder = memo.start(tmp_path / "process", mode="record")
    try:
        assert memo.current() is recorder
        assert known("?") == 1
        with recording(tmp_path / "scope", mode="record"):
            assert known("?") == 2
        assert recorder.start() is recorder  # already
        with pytest.raises(AlreadyStarted, match="stop"):
            memo.start(tmp_path / "second")
        assert memo.current() is recorder
    finally:
        memo.stop()
    assert memo.current() is None
    assert known("?") == 3
    assert recorder.stats.recorded == 1
    memo.stop()  # nothing to stop


def test_what_could_not_be_recorded_is_raised_at_the_end(tmp_path):
    known = recordable(ask)
    answers[:] = [object(), object(), object()]
    with pytest.raises(memo.UnrecordableValue), recording(tmp_path, mode="record"):
        known("?")
    with pytest.raises(ExceptionGroup) as group, recording(tmp_path, mode="record"):
        known("?"), known("!")
    assert [type(each) for each in group.value.exceptions] == [memo.UnrecordableValue] * 2


def test_an_error_on_its_way_is_not_replaced(tmp_path):
    known = recordable(ask)
    answers[:] = [object()]
    with pytest.raises(ZeroDivisionError), recording(tmp_path, mode="record"):
        known("?") and 1 / 0


def test_a_damaged_recording_is_not_an_absent_one(tmp_path):
    known = recordable(ask)
    answers[:] = [1, 2, 3]
    with recording(tmp_path, mode="record"):
        known("?")
    (file,) = tmp_path.rglob("*.json")
    file.write_text("{", encoding="utf-8")
    for mode in ("replay", "record-if-missing", "record"):
        with pytest.raises(memo.RecordingDamaged), recording(tmp_path, mode=mode):
            known("?")
    assert file.read_text(encoding="utf-8") == "{"
    assert answers == [2, 3]
    with recording(tmp_path, mode="live"):
        assert known("?") == 2
