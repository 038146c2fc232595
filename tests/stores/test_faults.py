"""A store behind a network that is not there, or goes away: replay says so, recording loses nothing."""

import logging
import time
import warnings
from contextlib import nullcontext
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from memo import Recorder, recordable, recording
from memo.errors import (
    RecordingDamaged,
    RecordingsSpooledWarning,
    StoreError,
    StoreFull,
    StoreNotReadable,
    UnrecordableValue,
)
from memo.stores import AsyncReads, DirectoryStore, MemoryStore, Remote


class Far(MemoryStore):
    """A store behind a network that may fail. Stores of real servers are in tests of their own."""

    reads_in_place = False
    writes_in_place = False
    timeout = 1.0

    def __init__(self) -> None:
        super().__init__("far")
        self.reads = self.writes = True
        self.asked = 0

    def _ask(self, works: bool) -> None:
        self.asked += 1
        if not works:
            raise StoreNotReadable(self.location(), "does not answer")

    def get(self, name):
        self._ask(self.reads)
        return super().get(name)

    def put(self, name, data):
        self._ask(self.writes)
        super().put(name, data)

    def create(self, name, data):
        self._ask(self.writes)
        return super().create(name, data)


class FarAsync(Far):
    async def aget(self, name):
        await anyio.lowlevel.checkpoint()
        return self.get(name)


@pytest.fixture(params=[Far, FarAsync])
def far(request) -> Far:
    return request.param()


@pytest.fixture
def spool(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MEMO_SPOOL", str(tmp_path / "spool"))
    return tmp_path / "spool"


calls = []


@recordable(name="f")
async def ask(n):
    calls.append(n)
    return {"n": n}


@recordable(name="g")
def ask_sync(n):
    calls.append(n)
    return {"n": n}


@pytest.fixture(autouse=True)
def no_calls():
    calls.clear()


def test_the_stores_here_are_what_they_should_be(far):
    assert isinstance(far, Remote)
    assert isinstance(far, AsyncReads) is (type(far) is FarAsync)


async def test_replay_says_which_store_failed_and_asks_it_no_more_for_a_while(far):
    far.reads = False
    with recording(far):
        for _ in range(50):
            with pytest.raises(StoreNotReadable, match="memory://far does not answer"):
                await ask(1)
            with pytest.raises(StoreNotReadable, match="memory://far does not answer"):
                ask_sync(1)
    assert far.asked == 1
    assert calls == []


async def test_a_store_that_is_back_is_asked_again(far, monkeypatch):
    far.reads = False
    with recording(far) as recorder:
        with pytest.raises(StoreError):
            await ask(1)
        far.reads = True
        monkeypatch.setattr(time, "monotonic", lambda real=time.monotonic: real() + 6)
        recorder.store.put("other", b"")
        far.put("f/x", b"")
        with pytest.raises(LookupError):
            await ask(1)
    assert calls == []


@pytest.mark.parametrize("mode", ["record-if-missing", "record"])
async def test_what_cannot_be_stored_is_kept_and_reported(far, spool, mode):
    far.reads = far.writes = False
    with pytest.warns(RecordingsSpooledWarning, match="memo push") as warned, recording(far, mode=mode):
        assert await ask(1) == {"n": 1}
        assert ask_sync(2) == {"n": 2}
        assert await ask(3) == {"n": 3}
    [warning] = warned
    assert (warning.message.recordings, warning.message.spool) == (3, str(spool))
    assert warning.message.store == "memory://far"
    assert "does not answer" in str(warning.message)
    assert far.asked <= 2
    assert len(list(DirectoryStore(spool).scan())) == 3
    assert (spool / ".gitignore").read_text() == "*\n"
    for name in DirectoryStore(spool).scan():  # it is a store like any other
        far.writes = True
        far.put(name, DirectoryStore(spool).get(name))
    far.reads = True
    with recording(far):
        assert await ask(3) == {"n": 3}
        assert ask_sync(2) == {"n": 2}
    assert calls == [1, 2, 3]


async def test_what_is_in_the_spool_is_replayed_meanwhile(far, spool):
    far.reads = far.writes = False
    with pytest.warns(RecordingsSpooledWarning), recording(far, mode="record-if-missing", draws=False, memory=0):
        for _ in range(3):
            assert await ask(1) == {"n": 1}
            assert ask_sync(1) == {"n": 1}
    assert calls == [1, 1]


async def test_what_another_run_left_in_the_spool_is_replayed_too(far, spool):
    far.reads = far.writes = False
    for _ in range(2):
        recorder = Recorder(far, mode="record-if-missing")
        assert await recorder.recordable(name="f")(ask.__wrapped__)(1) == {"n": 1}
        warned = pytest.warns(RecordingsSpooledWarning) if recorder.stats.recorded else nullcontext()
        with warned:
            recorder.raise_failures()
    assert calls == [1]


async def test_a_store_that_can_only_be_read_is_still_read(far, spool):
    with recording(far, mode="record-if-missing"):
        await ask(1)
    far.writes = False
    with pytest.warns(RecordingsSpooledWarning, match=r"^1 recording "), recording(far, mode="record-if-missing"):
        await ask(2)
        await ask(1)
    assert calls == [1, 2]
    assert len(list(far.scan())) == 1


async def test_a_store_that_goes_away_in_the_middle(far, spool):
    with pytest.warns(RecordingsSpooledWarning, match=r"^1 recording "), recording(far, mode="record"):
        await ask(1)
        far.reads = far.writes = False
        await ask(2)
    assert len(list(far.scan())) == len(list(DirectoryStore(spool).scan())) == 1


async def test_streams_and_errors_are_kept_too(far, spool):
    far.reads = far.writes = False
    recorder = Recorder(far, mode="record-if-missing", errors="answers")

    @recorder.recordable
    async def stream(n):
        for i in range(n):
            yield i

    @recorder.recordable
    async def fails(n):
        raise ValueError(n)

    assert [each async for each in stream(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="5"):
        await fails(5)
    with pytest.warns(RecordingsSpooledWarning, match=r"^2 recordings"):
        recorder.raise_failures()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recorder.raise_failures()


async def test_where_warnings_are_errors_nothing_else_is_forgotten(far, spool):
    far.reads = far.writes = False
    recorder = Recorder(far, mode="record-if-missing")
    recorder.recordable(name="g")(lambda: 1)()
    recorder.recordable(name="h")(lambda: object())()
    with pytest.raises(ExceptionGroup) as raised:
        recorder.raise_failures()
    assert [type(each) for each in raised.value.exceptions] == [UnrecordableValue, RecordingsSpooledWarning]


async def test_a_spool_that_fails_too_is_an_error(far, spool):
    spool.write_text("a file")
    far.reads = far.writes = False
    with pytest.raises(StoreError, match="spool"), recording(far, mode="record-if-missing"):
        assert await ask(1) == {"n": 1}


async def test_what_is_damaged_is_no_fault_of_the_store(far, spool):
    with recording(far, mode="record-if-missing"):
        await ask(1)
    [name] = far.scan()
    far._entries[name] = b"{"
    with recording(far, mode="record-if-missing"):
        with pytest.raises(RecordingDamaged):
            await ask(1)
        assert await ask(2) == {"n": 2}
    assert not spool.exists()


async def test_a_directory_that_is_full_is_an_error_as_ever(tmp_path, spool, monkeypatch):
    store = DirectoryStore(tmp_path / "store")

    def full(*_):
        raise StoreFull(store.location(), "is full")

    monkeypatch.setattr(store, "create", full)
    with pytest.raises(StoreFull), recording(store, mode="record-if-missing"):
        assert await ask(1) == {"n": 1}
    assert not spool.exists()


async def test_a_fault_is_logged_once(far, spool, caplog):
    far.reads = far.writes = False
    with (
        caplog.at_level(logging.WARNING),
        pytest.warns(RecordingsSpooledWarning),
        recording(far, mode="record-if-missing"),
    ):
        async with anyio.create_task_group() as tasks:
            for n in range(20):
                tasks.start_soon(ask, n)
    assert sum("asked again in" in each.message for each in caplog.records) == 2  # reads, writes
