"""How old a recording may be, and what is done with one that is older."""

import json
import pickle
import time
import warnings
from datetime import UTC, datetime, timedelta

import anyio
import pytest

import memo
from memo import Recorder, recordable, recording
from memo._recordings.ages import in_words
from memo.errors import CallsNotRecordedWarning, InvalidOption, OutcomesExhausted, RecordingExpiredWarning
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio

answers: list[object] = []


@recordable(name="ask")
def ask(question="?"):
    answer = answers.pop(0)
    if isinstance(answer, Exception):
        raise answer
    return answer


@recordable(name="ask")
async def ask_async(question="?"):
    await anyio.lowlevel.checkpoint()
    return ask.__wrapped__(question)


@recordable(name="ask")
async def ask_stream(question="?"):
    yield ask.__wrapped__(question)


async def asked(function):
    if function is ask:
        return function()
    if function is ask_async:
        return await function()
    return [each async for each in function()][-1]


KINDS = pytest.mark.parametrize("function", [ask, ask_async, ask_stream], ids=["plain", "async", "stream"])


def recorded_at(folder):
    (path,) = folder.rglob("*.json")
    return json.loads(path.read_bytes())["recorded_at"]


def age(folder, when):
    """Make the recording one of that time."""
    if isinstance(when, timedelta):
        when = (datetime.now(UTC) - when).strftime("%Y-%m-%dT%H:%M:%SZ")
    for path in folder.rglob("*.json"):
        document = json.loads(path.read_bytes())
        document["recorded_at"] = when
        if when is None:
            del document["recorded_at"]
        path.write_text(json.dumps(document), encoding="utf-8")


@pytest.fixture
async def old(tmp_path):
    """A store with an old recording of one call."""
    answers[:] = ["old"]
    with recording(tmp_path, mode="record"):
        ask()
    age(tmp_path, timedelta(days=45))
    return tmp_path


@KINDS
async def test_an_old_recording_is_replayed_with_a_warning(old, function):
    before = [path.read_bytes() for path in old.rglob("*.json")]
    if function is ask_stream:
        answers[:] = ["old"]
        with recording(old, mode="record"):
            await asked(function)
        age(old, timedelta(days=45))
        before = [path.read_bytes() for path in old.rglob("*.json")]
    for mode in ("replay", "record-if-missing"):
        with (
            recording(old, mode=mode, draws=False, max_age="30d") as recorder,
            pytest.warns(RecordingExpiredWarning) as warned,
        ):
            assert [await asked(function) for _ in range(3)] == ["old"] * 3
        assert len(warned) == 1  # a call and session
        assert warned[0].filename == __file__
        assert recorder.stats.replayed == 3
    assert [path.read_bytes() for path in old.rglob("*.json")] == before  # reading never renews


@KINDS
@pytest.mark.parametrize(
    ("mode", "on_expiry"), [("replay", "fail"), ("record-if-missing", "fail"), ("replay", "record")]
)
async def test_fail(old, function, mode, on_expiry):
    answers[:] = ["never given"]
    with recording(old, mode=mode, max_age="30d", on_expiry=on_expiry) as recorder:
        for _ in range(2):
            with pytest.raises(RecordingExpiredWarning) as raised:
                await asked(function)
            assert raised.value.__context__ is None
    assert answers == ["never given"]
    assert (recorder.stats.live, recorder.stats.replayed) == (0, 0)


@KINDS
async def test_record(old, function):
    answers[:] = ["new", "newer"]
    for _ in range(2):
        with recording(old, mode="record-if-missing", draws=False, max_age="30d", on_expiry="record"):
            assert [await asked(function), await asked(function)] == ["new", "new"]
    assert answers == ["newer"]
    with recording(old, max_age="30d", on_expiry="fail"):
        assert await asked(function) == "new"


@KINDS
@pytest.mark.parametrize("mode", ["record", "live"])
async def test_modes_that_call_anyway(old, function, mode):
    answers[:] = ["new"]
    with recording(old, mode=mode, max_age="30d", on_expiry="fail"):
        assert await asked(function) == "new"


@KINDS
@pytest.mark.parametrize("on_expiry", ["warn", "fail", "record"])
async def test_what_is_not_too_old(tmp_path, function, on_expiry):
    answers[:] = ["young"]
    with recording(tmp_path, mode="record"):
        await asked(function)
    age(tmp_path, timedelta(days=29))
    with recording(tmp_path, max_age="30d", on_expiry=on_expiry):
        assert await asked(function) == "young"
    with recording(tmp_path):  # no limit
        assert await asked(function) == "young"


async def test_the_error_says_what_mends_it(old, monkeypatch):
    with recording(old, max_age="30d", on_expiry="fail"), pytest.raises(RecordingExpiredWarning) as raised:
        ask()
    error = raised.value
    (path,) = old.rglob("*.json")
    assert (error.function, error.location, error.max_age) == ("ask", str(path), timedelta(days=30))
    assert error.recorded_at == recorded_at(old)
    assert timedelta(days=45) <= error.age < timedelta(days=46)
    assert f"ask: {path} was recorded 45 days ago, which is more than max_age=30 days" in str(error)
    assert error.command.startswith("MEMO_MODE=record pytest ")  # record-if-missing would miss nothing
    assert str(error).endswith(error.command)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))
    with recording(old, max_age="30d", on_expiry="record"), pytest.raises(RecordingExpiredWarning) as raised:
        ask()
    assert raised.value.command.startswith("MEMO_MODE=record-if-missing pytest ")


@pytest.mark.parametrize("when", ["2999-01-01T00:00:00Z", timedelta(seconds=-90)])
async def test_one_of_the_future_is_new(old, when):
    age(old, when)
    with recording(old, max_age="1s", on_expiry="fail"):
        assert ask() == "old"


@pytest.mark.parametrize("when", [None, "", "yesterday", 5, "2026-13-01T00:00:00Z"])
async def test_one_that_does_not_say_when_is_old(old, when):
    age(old, when)
    with recording(old, max_age="30d", on_expiry="fail"), pytest.raises(RecordingExpiredWarning) as raised:
        ask()
    assert (raised.value.age, raised.value.recorded_at) == (None, "")
    assert "has no time of recording" in str(raised.value)
    with recording(old):
        assert ask() == "old"


@pytest.mark.parametrize("when", ["2026-01-01T00:00:00", "2026-01-01T00:00:00+05:30", "2026-01-01"])
async def test_other_ways_to_write_a_time(old, when):
    age(old, when)
    with recording(old, max_age=timedelta(days=365 * 900), on_expiry="fail"):
        assert ask() == "old"


async def test_what_is_ready_in_memory_expires_too(tmp_path, monkeypatch):
    answers[:] = ["old", "new"]
    cache = Recorder(tmp_path, mode="record-if-missing", max_age="1h", on_expiry="record")
    bound = cache.recordable(name="ask")(ask.__wrapped__)
    assert [bound(), bound()] == ["old", "old"]
    later = time.time() + 3602
    monkeypatch.setattr(time, "time", lambda: later)
    assert not bound.cache_contains()
    age(tmp_path, datetime.fromtimestamp(later, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))  # another process renewed it
    assert bound.cache_contains()
    assert bound() == "old"
    monkeypatch.setattr(time, "time", lambda: later + 3602)
    assert bound() == "new"
    assert recorded_at(tmp_path)


async def test_a_renewal_that_fails_keeps_what_there_is(old):
    answers[:] = [ConnectionError("away"), "new"]
    with (
        pytest.warns(CallsNotRecordedWarning),
        recording(old, mode="record-if-missing", max_age="30d", on_expiry="record"),
    ):
        with pytest.raises(ConnectionError):
            ask()
        with recording(old):
            assert ask() == "old"
        assert ask() == "new"


async def test_concurrent_expired_calls_make_one(old):
    calls = 0
    on_its_way, go_on = anyio.Event(), anyio.Event()

    @recordable(name="ask")
    async def slow(question="?"):
        nonlocal calls
        calls += 1
        on_its_way.set()
        await go_on.wait()
        return "new"

    got: list[str] = []

    async def one():
        got.append(await slow())

    with recording(old, mode="record-if-missing", draws=False, max_age="30d", on_expiry="record"):
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(one)
            await on_its_way.wait()
            await anyio.wait_all_tasks_blocked()
            go_on.set()
    assert got == ["new"] * 10
    assert calls == 1


async def test_a_renewed_call_begins_anew(tmp_path):
    answers[:] = ["a", "b"]
    with recording(tmp_path, mode="record"):
        ask(), ask()
    age(tmp_path, timedelta(days=45))
    answers[:] = ["c"]
    options = {"max_age": "30d", "on_expiry": "record", "exhausted": "error"}
    with recording(tmp_path, mode="record-if-missing", draws=False, **options):
        assert ask() == "c"
        with pytest.raises(OutcomesExhausted):
            ask()


async def test_nothing_is_read_where_there_is_no_limit():
    store = MemoryStore()
    answers[:] = ["a"]
    with recording(store, mode="record"):
        ask()
    with warnings.catch_warnings(), recording(store):
        warnings.simplefilter("error")
        assert ask() == "a"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("12h", timedelta(hours=12)),
        (" 30 d ", timedelta(days=30)),
        ("4w", timedelta(weeks=4)),
        ("0s", timedelta(0)),
        (timedelta(days=1.5), timedelta(hours=36)),
    ],
)
def test_how_an_age_is_written(written, meant):
    assert Recorder(MemoryStore(), max_age=written).max_age == meant


@pytest.mark.parametrize(
    "written",
    ["", "30", "30 days", "-1d", "1.5h", "d", "30D", "٣d", "9" * 30 + "w", 30, 30.0, True, timedelta(-1), b"1d"],
)
def test_what_is_no_age(written):
    with pytest.raises(InvalidOption) as raised:
        Recorder(MemoryStore(), max_age=written)
    assert raised.value.option == "max_age"
    assert "30d" in str(raised.value)


def test_what_is_no_way_to_expire():
    with pytest.raises(InvalidOption, match="warn, fail, record, refresh"):
        Recorder(MemoryStore(), on_expiry="delete")


def test_it_can_be_configured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "memo.toml"
    config.write_text('store = "r"\nmax_age = "30d"\non_expiry = "fail"\n')
    with memo.install() as installed:
        assert installed.recorder is not None
        assert (installed.recorder.max_age, installed.recorder.on_expiry) == (timedelta(days=30), "fail")
    for wrong in ('max_age = "soon"', "max_age = 30", 'on_expiry = "no"'):
        config.write_text(wrong)
        with pytest.raises(InvalidOption, match=r"memo\.toml"):
            memo.install()


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=0.5), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=119), "119 seconds"),
        (timedelta(minutes=2), "2 minutes"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(days=30), "30 days"),
        (timedelta(days=3650), "3,650 days"),
    ],
)
def test_ages_in_words(length, words):
    assert in_words(length) == words
