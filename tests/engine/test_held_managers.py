"""Context managers that calls return: recorded as they are entered and left."""

from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace

import pytest
from pydantic import BaseModel

from memo import recordable, recording
from memo.errors import UnrecordableValue
from memo.stores import MemoryStore

pytestmark = [
    pytest.mark.anyio,
    # Trio says which async generators were left to the collector, as it does without memo.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class Word(BaseModel):
    text: str


async def words():
    for text in ("a", "b", "c"):
        yield Word(text=text)


async def read(stream):
    return [item async for item in stream]


async def twins(function, use):
    """What `use` makes of the live call, and of its replay."""
    store, results = MemoryStore(), []
    for mode in ("record", "replay"):
        with recording(store, mode=mode) as recorder:
            results.append(await use(function))
        assert recorder.stats.live == (mode == "record")
    return results


async def test_an_asynccontextmanager_that_yields_a_stream():
    @recordable
    @asynccontextmanager
    async def call():
        yield words()

    async def use(function):
        async with function() as stream:
            return await read(stream)

    live, replayed = await twins(call, use)
    assert live == replayed
    assert len(live) == 3


async def test_a_contextmanager_that_yields_a_value():
    @recordable
    @contextmanager
    def call(number):
        yield Word(text=str(number))

    async def use(function):
        with function(1) as word:
            return word

    live, replayed = await twins(call, use)
    assert live == replayed == Word(text="1")


class Opened:
    """An object whose `async with` gives a stream, as of many clients' `stream(...)`."""

    def __init__(self) -> None:
        self.left = False

    async def __aenter__(self):
        return {"stream": words()}

    async def __aexit__(self, *exc):
        self.left = True


async def test_an_object_whose_async_with_gives_a_stream():
    @recordable
    def call():
        return Opened()

    async def use(function):
        async with function() as result:
            return await read(result["stream"])

    live, replayed = await twins(call, use)
    assert live == replayed
    assert len(live) == 3


async def test_errors_of_context_managers_are_replayed_where_they_were_raised():
    @recordable
    @asynccontextmanager
    async def call(how):
        if how == "enter":
            raise ValueError("at first")
        try:
            yield 1
        except LookupError:
            if how != "suppress":
                raise KeyError("at last") from None

    async def use(function):
        said = []
        for how in ("enter", "suppress", "exit"):
            try:
                async with function(how) as value:
                    said.append(value)
                    raise LookupError
            except (ValueError, LookupError) as error:
                said.append(repr(error))
        return said

    store, results = MemoryStore(), []
    for mode in ("record", "replay"):
        with recording(store, mode=mode):
            results.append(await use(call))
    assert results[0] == results[1] == ["ValueError('at first')", 1, 1, "KeyError('at last')"]


async def test_a_context_manager_left_in_the_middle_of_its_stream():
    @recordable
    @asynccontextmanager
    async def call():
        yield words()

    async def use(function):
        async with function() as stream:
            return await anext(stream)

    live, replayed = await twins(call, use)
    assert live == replayed == Word(text="a")


async def test_a_context_manager_that_gives_no_data_is_refused_and_works():
    @recordable
    @contextmanager
    def call():
        yield SimpleNamespace(lock=object())

    with pytest.raises(UnrecordableValue, match="lock"), recording(MemoryStore(), mode="record"), call() as value:
        assert value.lock is not None
