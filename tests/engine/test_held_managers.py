"""Context managers that calls return: recorded as they are entered and left."""

import inspect
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace

import httpx
import pytest
from pydantic import BaseModel

from memo import recordable, recording
from memo.errors import StreamCutShort, UnrecordableValue
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


class Lock:
    """A context manager that is used in other ways, too."""

    def __enter__(self):
        return True

    def __exit__(self, *exc): ...

    def acquire(self):
        return True


def test_a_context_manager_that_is_used_in_another_way_is_refused():
    @recordable
    def call():
        return Lock()

    with pytest.raises(UnrecordableValue, match="was not entered"), recording(MemoryStore(), mode="record"):
        assert call().acquire()


async def test_a_generated_context_manager_that_is_never_entered_is_recorded():
    @recordable
    @contextmanager
    def call():
        yield 1

    live, replayed = await twins(call, lambda function: left_alone(function()))
    assert live is replayed is None


async def left_alone(manager):
    """Leave the manager as it is."""
    return None if manager is not None else 1


# HTTP responses that nobody has read yet


async def served(asynchronous: bool, *, end: bytes = b"two"):
    def pieces():
        yield b"one\n"
        yield end

    async def apieces():
        yield b"one\n"
        yield end

    return httpx.Response(
        200,
        headers={"content-type": "text/plain", "x-request-id": "r1"},
        content=apieces() if asynchronous else pieces(),
        request=httpx.Request("GET", "https://a.test/b"),
    )


READERS = {
    "aread": (True, lambda response: response.aread()),
    "aiter_bytes": (True, lambda response: read(response.aiter_bytes())),
    "aiter_lines": (True, lambda response: read(response.aiter_lines())),
    "read": (False, lambda response: response.read()),
    "iter_lines": (False, lambda response: list(response.iter_lines())),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("hold", ["itself", "inside", "manager"])
async def test_an_unread_response_is_recorded_as_it_is_read(name: str, hold: str):
    asynchronous, how = READERS[name]

    @recordable
    async def call():
        return await served(asynchronous) if hold == "itself" else {"response": await served(asynchronous)}

    @recordable
    @asynccontextmanager
    async def manager():
        yield await served(asynchronous)

    async def used(response):
        text = how(response)
        text = await text if inspect.isawaitable(text) else text
        content = b"".join(text) if name == "aiter_bytes" else text
        return content, response.status_code, response.headers["x-request-id"], str(response.request.url)

    async def use(function):
        if hold == "manager":
            async with manager() as response:
                return await used(response)
        result = await function()
        return await used(result if hold == "itself" else result["response"])

    live, replayed = await twins(call, use)
    assert live == replayed
    assert live[1:] == (200, "r1", "https://a.test/b")


async def test_a_response_that_is_left_in_the_middle_is_cut_short_there():
    @recordable
    async def call():
        return await served(asynchronous=True)

    store = MemoryStore()
    with recording(store, mode="record"):
        response = await call()
        assert await anext(response.aiter_bytes()) == b"one\n"
        await response.aclose()
    with recording(store, mode="replay"):
        response = await call()
        assert await anext(response.aiter_bytes()) == b"one\n"
        await response.aclose()
    with recording(store, mode="replay"):
        response = await call()
        with pytest.raises(StreamCutShort):
            await response.aread()
