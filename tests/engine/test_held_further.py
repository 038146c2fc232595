"""Streams inside results that were left, and are read further where calls may be made."""

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from memo import Recorder, recordable, recording
from memo.errors import CallsNotRecordedWarning, StreamCutShort, UnrecordableValue
from memo.stores import MemoryStore

pytestmark = [
    pytest.mark.anyio,
    # Trio says which async generators were left to the collector, as it does without memo.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

TEXT = ["a", "b", "c", "d"]


async def words():
    for word in TEXT:
        yield word


def sync_words():
    yield from TEXT
    return "end"


async def taken(items: Any, count: int) -> list[Any]:
    got = []
    if hasattr(items, "__aiter__"):
        async for item in items:
            got.append(item)
            if len(got) == count:
                break
    else:
        for item in items:
            got.append(item)
            if len(got) == count:
                break
    return got


@dataclass
class Answer:
    stream: Any


class Events:
    """Can be iterated once, and says at its end how much it used."""

    usage = 0

    def __iter__(self):
        yield from TEXT
        self.usage = 4


class Body:
    def __init__(self) -> None:
        self.left = b"abcd"

    def read(self, size: int = -1) -> bytes:
        size = len(self.left) if size < 0 else size
        data, self.left = self.left[:size], self.left[size:]
        return data


class AsyncBody(Body):
    async def read(self, size: int = -1) -> bytes:
        return super().read(size)


@asynccontextmanager
async def in_a_manager():
    yield {"stream": words()}


@contextmanager
def twice_in_managers():
    yield Answer(in_a_manager())


WAYS = {}


def way(make):
    def put(use):
        WAYS[use.__name__] = (make, use)
        return use

    return put


@way(lambda: {"id": 1, "stream": words()})
async def a_dict(call, count):
    return await taken((await call())["stream"], count)


@way(lambda: Answer(words()))
async def a_dataclass(call, count):
    return await taken((await call()).stream, count)


@way(in_a_manager)
async def a_manager(call, count):
    async with await call() as given:
        return await taken(given["stream"], count)


@way(twice_in_managers)
async def a_manager_in_a_manager(call, count):
    with await call() as given:
        async with given.stream as inner:
            return await taken(inner["stream"], count)


@way(lambda: (words(), words()))
async def the_second_of_two_streams(call, count):
    first, second = await call()
    return await taken(first, 2) + await taken(second, count)


@way(lambda: {"body": AsyncBody()})
async def bytes_that_are_awaited(call, count):
    return (await (await call())["body"].read(count)).decode()


SYNC_WAYS = {
    "a dict": (lambda: {"stream": sync_words()}, lambda value: value["stream"]),
    "an object": (lambda: {"stream": Events()}, lambda value: value["stream"]),
    "bytes": (lambda: {"body": Body()}, lambda value: value["body"]),
    "a response": (
        lambda: {"response": httpx.Response(200, content=iter([word.encode() for word in TEXT]))},
        lambda value: value["response"].iter_text(),
    ),
}


@pytest.mark.parametrize("name", WAYS)
async def test_a_reader_of_more_causes_a_call_and_the_longer_outcome_stays(name):
    make, use = WAYS[name]
    store, calls = MemoryStore(), []

    @recordable(name="call", streams=("body", "stream"))
    async def call():
        calls.append(1)
        return make()

    expected = [await use(lambda: _made(make), count) for count in (1, 3, 9)]
    calls.clear()
    for index, count, mode, live in (
        (0, 1, "record-if-missing", 1),
        (1, 3, "record-if-missing", 1),
        (1, 3, "replay", 0),
        (0, 1, "record-if-missing", 0),
        (2, 9, "record-if-missing", 1),
        (2, 9, "replay", 0),
    ):
        with recording(store, mode=mode):
            assert await use(call, count) == expected[index]
        assert len(calls) == live
        calls.clear()


async def _made(make):
    return make()


@pytest.mark.parametrize("name", SYNC_WAYS)
def test_the_same_without_await(name):
    make, stream = SYNC_WAYS[name]
    store, calls = MemoryStore(), []

    @recordable(name="call", streams=("body", "stream"))
    def call():
        calls.append(1)
        return make()

    def used(count):
        found = stream(call())
        if hasattr(found, "read"):
            return found.read(count).decode()
        got = [item for item, _ in zip(found, range(count), strict=False)]
        return "".join(got)

    for count, mode, live in ((1, "record-if-missing", 1), (9, "record-if-missing", 1), (9, "replay", 0)):
        with recording(store, mode=mode):
            assert used(count) == "abcd"[:count]
        assert len(calls) == live
        calls.clear()


async def test_two_replays_at_once_each_go_on_with_a_call_of_their_own():
    recorder, calls = Recorder(MemoryStore(), mode="record-if-missing"), []

    @recorder.recordable
    async def call():
        calls.append(1)
        return in_a_manager()

    async with await call() as given:
        assert await taken(given["stream"], 1) == ["a"]
    first, second = await call(), await call()
    async with first as one, second as other:
        assert [await taken(given["stream"], 9) for given in (other, one)] == [TEXT, TEXT]
    async with await call() as given:
        assert await taken(given["stream"], 9) == TEXT
    assert len(calls) == 3


def test_what_the_object_says_at_its_end_is_that_of_the_live_one():
    store = MemoryStore()

    @recordable(streams=("stream",))
    def call():
        return {"stream": Events()}

    for mode, count in (("record-if-missing", 1), ("record-if-missing", 9), ("replay", 9)):
        with recording(store, mode=mode):
            stream = call()["stream"]
            assert [item for _, item in zip(range(count), stream, strict=False)] == TEXT[:count]
    assert stream.usage == 4


async def test_in_replay_it_is_an_error_that_counts_what_was_recorded():
    store = MemoryStore()

    @recordable(streams=("body",))
    async def call():
        return {"stream": words(), "body": Body()}

    with recording(store, mode="record"):
        value = await call()
        await taken(value["stream"], 1)
        value["body"].read(2)
    with pytest.raises(StreamCutShort, match="after 1 item\n"), recording(store, mode="replay"):
        await taken((await call())["stream"], 2)
    with recording(store, mode="replay"):
        body = (await call())["body"]
        assert body.read(2) == b"ab"
        with pytest.raises(StreamCutShort, match="after 2 bytes\n"):
            body.read(1)


async def test_a_call_that_fails_when_it_is_made_again_is_reported():
    store, calls = MemoryStore(), []

    @recordable
    async def call():
        calls.append(1)
        if len(calls) > 1:
            raise ConnectionError("away")
        return {"stream": words()}

    with recording(store, mode="record-if-missing"):
        await taken((await call())["stream"], 1)
    with pytest.warns(CallsNotRecordedWarning, match="made again"), recording(store, mode="record-if-missing"):
        stream = (await call())["stream"]
        with pytest.raises(ConnectionError):
            await taken(stream, 2)


async def test_a_sync_stream_of_an_async_function_is_cut_short():
    store = MemoryStore()

    @recordable
    async def call():
        return {"stream": sync_words()}

    with recording(store, mode="record-if-missing"):
        await taken((await call())["stream"], 1)
    with pytest.warns(CallsNotRecordedWarning, match="not async"), recording(store, mode="record-if-missing"):
        stream = (await call())["stream"]
        with pytest.raises(StreamCutShort):
            await taken(stream, 2)


class Socket(Body):
    def read(self, size: int = -1) -> bytes:
        return super().read(min(size, 2))


def test_what_gave_less_than_it_was_asked_for_gives_no_more_in_a_replay():
    store = MemoryStore()

    @recordable(streams=("body",))
    def call():
        return {"body": Socket()}

    for mode in ("record", "replay"):
        with recording(store, mode=mode):
            body = call()["body"]
            assert [body.read(1), body.read(9), body.read(1), body.read(9)] == [b"a", b"bc", b"d", b""]


class Numbers:
    """An iterator with a method of its own."""

    def __init__(self) -> None:
        self._last = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self._last == 3:
            raise StopIteration
        self._last += 1
        return self._last

    def last(self):
        return self._last


@pytest.mark.parametrize("hold", [lambda stream: stream, lambda stream: {"stream": stream}])
def test_an_iterator_keeps_its_methods(hold):
    store = MemoryStore()

    @recordable
    def call():
        return hold(Numbers())

    for mode in ("record", "replay"):
        with recording(store, mode=mode):
            found = call()
            stream = found["stream"] if isinstance(found, dict) else found
            assert [next(stream), stream.last()] == [1, 1]
            assert [*stream] == [2, 3]


def test_what_else_is_used_of_a_stream_without_a_name_is_refused():
    class Local(Numbers):
        pass

    class LocalBody(Body):
        pass

    @recordable(streams=("body",))
    def call(what):
        return {"stream": Local()} if what == "stream" else {"body": LocalBody()}

    store = MemoryStore()
    for mode in ("record", "replay"):
        with recording(store, mode=mode):
            assert [*call("stream")["stream"]] == [1, 2, 3]
    with pytest.raises(UnrecordableValue, match="last was used"), recording(store, mode="record"):  # noqa: PT012
        stream = call("stream")["stream"]
        assert [*stream] == [1, 2, 3]
        assert stream.last() == 3
    with pytest.raises(UnrecordableValue, match="could not be found"), recording(store, mode="record"):
        assert call("body")["body"].read() == b"abcd"
