"""Results that hold streams, and context managers that give one: recorded as they are read."""

import gc
import json
from collections import namedtuple
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from pydantic import BaseModel, ConfigDict

from memo import recordable, recording
from memo.errors import CallsNotRecordedWarning, StreamCutShort, UnrecordableValue
from memo.stores import MemoryStore

pytestmark = [
    pytest.mark.anyio,
    # Trio says which async generators were left to the collector, as it does without memo.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class Word(BaseModel):
    text: str


async def words(*texts: str):
    for text in texts or ("a", "b", "c"):
        yield Word(text=text)


def sync_words(*texts: str):
    yield from [Word(text=text) for text in texts or ("a", "b", "c")]
    return "end"


class Events:
    """Can be iterated once, and is no iterator: as of boto's event streams."""

    def __init__(self) -> None:
        self._raw = object()
        self.closed = False
        self.usage = None

    def __iter__(self):
        yield from sync_words()
        self.usage = {"tokens": 3}

    def close(self):
        self.closed = True

    def texts(self):
        return [word.text for word in self]


class Chunks:
    """An async iterator that counts, and says its usage after its end."""

    def __init__(self) -> None:
        self._items = words()
        self.usage = None
        self.closed = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return await anext(self._items)
        except StopAsyncIteration:
            self.usage = Word(text="3 tokens")
            raise

    async def until_done(self):
        return [word.text async for word in self]

    async def aclose(self):
        self.closed += 1
        await self._items.aclose()


class Body:
    """Bytes that are read in steps, as boto's StreamingBody."""

    def __init__(self) -> None:
        self._raw = [b"one\n", b"two\n", b"three"]
        self.count = 0

    def read(self, amt=None):
        data = b"".join(self._raw)
        amt = len(data) if amt is None else amt
        self._raw = [data[amt:]]
        self.count += len(data[:amt])
        return data[:amt]

    def iter_chunks(self, size=4):
        while data := self.read(size):
            yield data

    def __iter__(self):
        return self.iter_chunks()

    def close(self):
        self._raw = []


Pair = namedtuple("Pair", "name stream")  # noqa: PYI024 - types are not at issue


@dataclass
class Answer:
    name: str
    stream: Any


class Reply(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    name: str
    stream: Any


async def read(stream: Any) -> list[Any]:
    return [item async for item in stream] if hasattr(stream, "__aiter__") else list(stream)


HOLDERS = {
    "dict": (lambda stream: {"id": 1, "stream": stream}, lambda result: result["stream"]),
    "nested": (lambda stream: {"all": [{"stream": stream}]}, lambda result: result["all"][0]["stream"]),
    "tuple": (lambda stream: ("id", stream), lambda result: result[1]),
    "named tuple": (lambda stream: Pair("id", stream), lambda result: result.stream),
    "dataclass": (lambda stream: Answer("id", stream), lambda result: result.stream),
    "model": (lambda stream: Reply(name="id", stream=stream), lambda result: result.stream),
}
STREAMS = {
    "async generator": words,
    "generator": sync_words,
    "async iterator": Chunks,
    "map": lambda: map(Word.model_copy, sync_words()),
}


async def twins(function, use):
    """What `use` makes of the live call, and of its replay."""
    store, results = MemoryStore(), []
    for mode in ("record", "replay"):
        with recording(store, mode=mode) as recorder:
            results.append(await use(function))
        assert recorder.stats.live == (mode == "record")
        assert recorder.stats.recorded == (mode == "record")
    return results


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("kind", STREAMS)
async def test_a_stream_in_a_result_passes_and_is_replayed(kind: str, holder: str):
    hold, stream_of = HOLDERS[holder]

    @recordable
    async def call():
        return hold(STREAMS[kind]())

    async def use(function):
        result = await function()
        return type(result), await read(stream_of(result))

    live, replayed = await twins(call, use)
    assert live == replayed
    assert [word.text for word in live[1]] == ["a", "b", "c"]


async def test_a_declared_stream_keeps_its_class_attributes_and_methods():
    @recordable(streams=("stream",))
    def call():
        return {"metadata": {"status": 200}, "stream": Events()}

    async def use(function):
        stream = function()["stream"]
        before = stream.usage, isinstance(stream, Events), stream.closed
        texts = stream.texts()
        stream.close()
        return before, texts, stream.usage

    live, replayed = await twins(call, use)
    assert live == replayed == ((None, True, False), ["a", "b", "c"], {"tokens": 3})


async def test_what_an_iterator_carries_comes_back_at_its_end():
    @recordable
    async def call():
        return {"stream": Chunks()}

    async def use(function):
        stream = (await function())["stream"]
        first, before = await anext(stream), stream.usage
        return first, before, await stream.until_done(), stream.usage, isinstance(stream, Chunks)

    live, replayed = await twins(call, use)
    assert live == replayed == (Word(text="a"), None, ["b", "c"], Word(text="3 tokens"), True)


async def test_what_an_iterator_carries_comes_back_if_it_is_the_whole_result():
    @recordable
    async def call():
        return Chunks()

    async def use(function):
        stream = await function()
        first, before = await anext(stream), stream.usage
        return first, before, await stream.until_done(), stream.usage, isinstance(stream, Chunks)

    live, replayed = await twins(call, use)
    assert live == replayed == (Word(text="a"), None, ["b", "c"], Word(text="3 tokens"), True)


@pytest.mark.parametrize(
    "use",
    [
        lambda body: body.read(),
        lambda body: [body.read(4), body.read(4), body.read(100), body.read(1)],
        lambda body: list(body),
        lambda body: list(body.iter_chunks(3)),
        lambda body: (body.read(4), body.count),
        lambda body: (body.read(), body.count),
    ],
)
async def test_a_body_is_read_in_any_steps(use: Any):
    @recordable(streams=("Body",))
    def call():
        return {"Body": Body()}

    async def on(function):
        return use(function()["Body"])

    live, replayed = await twins(call, on)
    assert live == replayed


async def test_two_streams_in_one_result():
    @recordable
    async def call():
        return words("a", "b"), sync_words("c", "d")

    async def use(function):
        one, two = await function()
        return await anext(one), next(two), await read(one), await read(two)

    live, replayed = await twins(call, use)
    assert live == replayed
    assert live[2:] == ([Word(text="b")], [Word(text="d")])


async def left_after_one(stream):
    async with anyio.create_task_group():
        return await anext(stream)


async def closed(stream):
    await stream.aclose()


async def untouched(stream):
    return None


@pytest.mark.parametrize("leave", [left_after_one, closed, untouched])
@pytest.mark.parametrize("make", [words, Chunks])
async def test_a_stream_that_is_left_is_closed_there(make: Any, leave: Any):
    store = MemoryStore()

    @recordable
    async def call():
        return {"stream": make()}

    with recording(store, mode="record") as recorder:
        stream = (await call())["stream"]
        live = await leave(stream)
        await stream.aclose()
        del stream
        gc.collect()
    assert recorder.stats.recorded == 1
    with recording(store, mode="replay"):
        stream = (await call())["stream"]
        assert await leave(stream) == live
    with recording(store, mode="replay"):
        stream = (await call())["stream"]
        with pytest.raises(StreamCutShort, match="call: the stream was read further"):
            await read(stream)


async def test_an_error_in_the_stream_comes_at_the_same_place():
    async def failing():
        yield 1
        raise ValueError("no more")

    @recordable
    async def call():
        return {"stream": failing()}

    async def use(function):
        stream = (await function())["stream"]
        items = [await anext(stream)]
        with pytest.raises(ValueError, match="no more"):
            await anext(stream)
        return items

    live, replayed = await twins(call, use)
    assert live == replayed == [1]


async def test_a_cancelled_stream_is_not_recorded():
    async def slow():
        yield 1
        await anyio.sleep_forever()

    @recordable
    async def call():
        return {"stream": slow()}

    store = MemoryStore()
    with pytest.warns(CallsNotRecordedWarning), recording(store, mode="record"):
        with anyio.move_on_after(0.05):
            await read((await call())["stream"])
    assert list(store.scan()) == []


async def test_secrets_in_the_items_are_masked_those_cut_over_several_too():
    key = "sk-proj-" + "Abc123Def456" * 4

    @recordable
    def call():
        return {"stream": iter([{"text": key[:20]}, {"text": key[20:]}, {"text": key}])}

    store = MemoryStore()
    with recording(store, mode="record"):
        live = "".join(item["text"] for item in call()["stream"])
    assert live == key * 2
    (name,) = store.scan()
    data = store.get(name)
    assert data is not None
    assert key[20:40] not in data.decode()
    assert key[:20] not in data.decode()
    (outcome,) = json.loads(data)["outcomes"]
    assert outcome["holds"] == ["stream"]
    assert outcome["redacted"][-1] == "stream[2].text"


async def test_what_else_cannot_be_recorded_leaves_the_stream_as_it_was():
    made = words()

    @recordable
    async def call():
        return {"stream": made, "lock": object()}

    store = MemoryStore()
    with pytest.raises(UnrecordableValue, match="lock"), recording(store, mode="record"):  # noqa: PT012
        result = await call()
        assert result["stream"] is made
        assert len(await read(result["stream"])) == 3


async def test_what_is_not_declared_is_refused_with_the_line_that_declares_it():
    @recordable
    def call():
        return {"answer": {"stream": Events()}}

    with (
        pytest.raises(UnrecordableValue, match=r"streams=\('answer.stream',\)"),
        recording(MemoryStore(), mode="record"),
    ):
        assert call()["answer"]["stream"].texts() == ["a", "b", "c"]


async def test_a_whole_result_that_cannot_be_declared_is_refused_with_the_place_to_put_it_in():
    @recordable
    def call():
        return Events()

    with pytest.raises(UnrecordableValue) as caught, recording(MemoryStore(), mode="record"):
        assert call().texts() == ["a", "b", "c"]
    assert 'return it in a dict, {"stream": …}' in str(caught.value)
    assert "streams=('',)" not in str(caught.value)

    @recordable(streams=("stream",))
    def placed():
        return {"stream": Events()}

    async def use(function):
        return function()["stream"].texts()

    assert await twins(placed, use) == [["a", "b", "c"]] * 2


async def test_a_generator_in_a_result_is_closed_with_closing():
    closed = []

    def numbers():
        try:
            yield from range(5)
        finally:
            closed.append(True)

    @recordable
    def call():
        return {"stream": numbers()}

    async def use(function):
        with closing(function()["stream"]) as stream:
            return next(stream), next(stream)

    live, replayed = await twins(call, use)
    assert live == replayed == (0, 1)
    assert closed == [True]


async def test_identical_calls_each_have_their_own_stream():
    count = iter(range(10))

    @recordable
    async def call():
        number = next(count)
        return {"stream": words(f"{number}")}

    async def use(function):
        return [await read((await function())["stream"]) for _ in range(3)]

    store, results = MemoryStore(), []
    for mode in ("record-if-missing", "replay"):
        with recording(store, mode=mode), suppress(StopIteration):
            results.append(await use(call))
    assert results[0] == results[1]
