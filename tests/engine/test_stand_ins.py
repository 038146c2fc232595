"""What a caller gets in the place of a live stream while it is recorded: it is and does what the stream does."""

import json
from collections import abc
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

from memo import recordable, recording
from memo.errors import UnrecordableValue
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio


async def twins(function, use):
    """What `use` makes of the live call, and of its replay."""
    store, results = MemoryStore(), []
    for mode in ("record", "replay"):
        with recording(store, mode=mode) as recorder:
            results.append(await use(function))
        assert recorder.stats.recorded == (mode == "record")
    return results


async def everything(stream: Any) -> list[Any]:
    return [item async for item in stream] if hasattr(type(stream), "__aiter__") else list(stream)


# A stream that reads another of its own


class Body:
    def __iter__(self):
        yield from "ab"


class Reader:
    """Reads a stream that it holds itself, as the SDKs' streams read their response."""

    def __init__(self) -> None:
        self.response = Body()

    def __iter__(self):
        yield from self.response

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None: ...


class AsyncBody:
    def __init__(self) -> None:
        self._items = iter("ab")

    def __aiter__(self):
        return self

    async def __anext__(self):
        await anyio.lowlevel.checkpoint()
        for item in self._items:
            return item
        raise StopAsyncIteration


class AsyncReader(AsyncBody):
    def __init__(self) -> None:
        super().__init__()
        self.response = AsyncBody()

    async def __anext__(self):
        return await anext(self.response)


async def test_a_stream_reads_a_declared_stream_of_its_own():
    @recordable(streams=("response",))
    def call():
        return Reader()

    async def use(function):
        with function() as stream:
            return list(stream)

    assert await twins(call, use) == [["a", "b"], ["a", "b"]]


async def test_an_async_stream_reads_a_declared_stream_of_its_own():
    @recordable(streams=("response",))
    async def call():
        return AsyncReader()

    async def use(function):
        return await everything(await function())

    assert await twins(call, use) == [["a", "b"], ["a", "b"]]


async def test_two_tasks_that_read_two_streams_of_one_result_leave_its_call():
    both = [anyio.Event(), anyio.Event()]

    async def meeting(number):
        both[number].set()
        await both[1 - number].wait()  # each is being made while the other is
        yield number

    @recordable
    async def call():
        return {"streams": [meeting(0), meeting(1)]}

    @recordable
    async def other(number: int):
        return number

    async def read(stream):
        (number,) = [item async for item in stream]
        await other(number)

    store = MemoryStore()
    with recording(store, mode="record"):
        streams = (await call())["streams"]
        async with anyio.create_task_group() as group:
            for stream in streams:
                group.start_soon(read, stream)
    entries = [json.loads(store.get(name) or b"") for name in store.scan("") if ".other/" in name]
    assert len(entries) == 2
    assert not any("parent" in json.dumps(entry) for entry in entries)


# What can be iterated, and is no iterator


class Answer:
    """As of google.generativeai: its text is there when it has been iterated."""

    def __init__(self) -> None:
        self.usage = None
        self._parts = []

    async def __aiter__(self):
        for part in "ab":
            self._parts.append(part)
            yield part
        self.usage = 2

    @property
    def text(self):
        return "".join(self.parts())

    def parts(self):
        return self._parts


class Resource(Answer):
    async def __aenter__(self):
        return self

    async def __aexit__(self, *_: object) -> None: ...


@dataclass
class Page:
    """Has fields, and items that are none of them."""

    url: str

    async def __aiter__(self):
        await anyio.lowlevel.checkpoint()
        yield f"GET {self.url}"


async def facts(answer):
    before = isinstance(answer, Answer), type(answer).__name__, answer.text, answer.usage
    return *before, await everything(answer), answer.text, answer.parts(), answer.usage


async def test_an_async_iterable_keeps_its_class_attributes_and_methods():
    @recordable
    async def call():
        return Answer()

    async def use(function):
        return await facts(await function())

    live = await use(call)
    assert live == (True, "Answer", "", None, ["a", "b"], "ab", ["a", "b"], 2)
    assert await twins(call, use) == [live, live]


async def test_a_plain_function_that_returns_an_async_iterable():
    @recordable
    def call():
        return Answer()

    async def use(function):
        return await facts(function())

    live = await use(call)
    assert await twins(call, use) == [live, live]


async def test_an_async_iterable_that_is_a_context_manager():
    @recordable
    async def call():
        return Resource()

    async def use(function):
        async with await function() as answer:
            return await facts(answer)

    live = await use(call)
    assert await twins(call, use) == [live, live]


async def test_an_async_iterable_with_fields_is_not_iterated_anew_in_a_replay():
    count = []

    @recordable
    async def call():
        count.append(1)
        return Page("/a")

    async def use(function):
        page = await function()
        return page.url, isinstance(page, Page), await everything(page)

    live = await use(call)
    assert await twins(call, use) == [live, live]
    assert len(count) == 2


async def test_an_async_iterable_of_a_class_without_a_name_is_refused_and_untouched():
    class Local(Answer):
        pass

    @recordable
    async def call():
        return Local()

    store = MemoryStore()
    with pytest.raises(UnrecordableValue, match=r"Local, .* could not find"), recording(store, mode="record"):  # noqa: PT012
        answer = await call()
        assert type(answer) is Local
        assert await everything(answer) == ["a", "b"]
    assert list(store.scan("")) == []


# Special methods


class Plain:
    """An iterator with an attribute, and nothing else."""

    def __init__(self) -> None:
        self.usage = 1
        self._items = iter("ab")

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._items)


class Managed(Plain):
    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None: ...


class Sized(Plain):
    __hash__ = None

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return "ab"[index]

    def __contains__(self, item):
        return item == "z"

    def __call__(self, number):
        return number + 1

    def __eq__(self, other):
        return other == "sized"

    def __repr__(self):
        return "Sized!"

    def __bool__(self):
        return False


class Lock:
    """A context manager that is no stream, and gives data."""

    name = "lock"

    def __enter__(self):
        return [1]

    def __exit__(self, *_: object) -> None: ...


SPECIAL = (
    "__enter__ __exit__ __aenter__ __aexit__ __await__ __iter__ __next__ __aiter__ __anext__ __len__ __getitem__ "
    "__contains__ __call__ __bool__ __add__ __int__ __index__ __bytes__ __reversed__ __del__"
).split()
ABCS = (
    abc.Iterator,
    abc.AsyncIterator,
    abc.Awaitable,
    abc.Callable,
    abc.Sized,
    abc.Container,
    abc.Hashable,
    AbstractContextManager,
    AbstractAsyncContextManager,
)


@pytest.mark.parametrize("cls", [Plain, Managed, Sized, AsyncReader, Answer, Resource, Lock])
async def test_a_stream_has_the_special_methods_of_its_class_and_no_others(cls: Any):
    @recordable
    def call():
        return cls()

    def described():
        made = call()
        if cls is Lock:
            with made:  # a manager that is never entered is refused
                pass
        names = [name for name in SPECIAL if hasattr(made, name)]
        return (
            names,
            [name for name in SPECIAL if hasattr(type(made), name)],
            [kind for kind in ABCS if isinstance(made, kind)],
            [type(made).__name__, type(made).__module__, isinstance(made, cls), made.__class__, cls.__doc__],
            bool(made),
            sorted(vars(made)),
            set(dir(cls)) <= set(dir(made)),
        )

    live = described()
    with recording(MemoryStore(), mode="record"):
        assert described() == live


async def test_a_stream_does_what_its_special_methods_do():
    @recordable
    def call():
        return Sized()

    def used():
        sized = call()
        sized.usage = 5
        del sized.usage
        return (
            len(sized),
            sized[1],
            "z" in sized,
            sized(1),
            sized == "sized",
            sized != "sized",
            repr(sized),
            vars(sized).keys(),
        )

    live = used()
    with recording(MemoryStore(), mode="record"):
        assert used() == live
        plain = recordable(Plain, name="plain")()
        assert plain == plain
        assert {plain: 1}[plain] == 1
        with pytest.raises(TypeError):
            len(plain)
        with pytest.raises(TypeError), plain:
            pass
