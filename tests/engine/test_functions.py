"""Every kind of function is recorded and replayed as what it is."""

import functools
import inspect
import operator
import threading
from types import AsyncGeneratorType, CoroutineType, GeneratorType

import anyio
import anyio.to_thread
import pytest
from uses import outcome

import memo
from memo import RecordingNotFound, UnrecordableValue, recordable, recording

pytestmark = pytest.mark.anyio

calls: list[object] = []


@pytest.fixture(autouse=True)
def _no_calls():
    calls.clear()


# Kinds of functions


class Countdown:
    """An async iterator of its own class."""

    def __init__(self, start):
        self.left = start

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return self.left


class Pages:
    """Can be awaited, and can be iterated over: what it is awaited for counts."""

    def __init__(self, start):
        self.start = start

    def __await__(self):
        return self._first().__await__()

    async def _first(self):
        return [self.start]

    async def __aiter__(self):
        yield self.start


class OnlyIterable:
    def __init__(self, start):
        self.start = start

    async def __aiter__(self):
        yield self.start
        yield self.start - 1


async def items(start):
    while start:
        start -= 1
        yield start


async def coroutine(n):
    calls.append(n)
    return {"n": n}


async def coroutine_giving_async_generator(n):
    calls.append(n)
    return items(n)


async def coroutine_giving_async_iterator(n):
    calls.append(n)
    return Countdown(n)


async def async_generator(n):
    calls.append(n)
    async for item in items(n):
        yield item


def plain(n):
    calls.append(n)
    return [n]


def plain_giving_iterator(n):
    calls.append(n)
    return iter(range(n))


def plain_giving_awaitable(n):
    return coroutine(n)


def plain_giving_async_generator(n):
    calls.append(n)
    return items(n)


def plain_giving_async_iterator(n):
    calls.append(n)
    return Countdown(n)


def plain_giving_async_iterable(n):
    calls.append(n)
    return OnlyIterable(n)


def plain_giving_awaitable_of_stream(n):
    return coroutine_giving_async_iterator(n)


def plain_giving_awaitable_iterable(n):
    calls.append(n)
    return Pages(n)


def generator(n):
    calls.append(n)
    yield from range(n)


class Callable:
    def __call__(self, n):
        calls.append(n)
        return -n


class AsyncCallable:
    async def __call__(self, n):
        calls.append(n)
        return -n


class Bound:
    async def method(self, n):
        calls.append(n)
        return -n


def kept(function):
    """A decorator that keeps the name."""

    @functools.wraps(function)
    async def inner(*args, **kwargs):
        return await function(*args, **kwargs)

    return inner


KINDS = {
    "coroutine": (coroutine, CoroutineType),
    "coroutine giving async generator": (coroutine_giving_async_generator, CoroutineType),
    "coroutine giving async iterator": (coroutine_giving_async_iterator, CoroutineType),
    "async generator": (async_generator, AsyncGeneratorType),
    "plain": (plain, list),
    "plain giving iterator": (plain_giving_iterator, GeneratorType),
    "plain giving awaitable": (plain_giving_awaitable, CoroutineType),
    "plain giving async generator": (plain_giving_async_generator, AsyncGeneratorType),
    "plain giving async iterator": (plain_giving_async_iterator, Countdown),
    "plain giving async iterable": (plain_giving_async_iterable, OnlyIterable),
    "plain giving awaitable of stream": (plain_giving_awaitable_of_stream, CoroutineType),
    "plain giving awaitable iterable": (plain_giving_awaitable_iterable, CoroutineType),
    "generator": (generator, GeneratorType),
    "callable object": (Callable(), int),
    "async callable object": (AsyncCallable(), CoroutineType),
    "bound method": (Bound().method, CoroutineType),
    "partial": (functools.partial(coroutine, 3), CoroutineType),
    "partial of partial": (functools.partial(functools.partial(plain), 3), list),
    "lambda": (lambda n: calls.append(n) or n, int),
    "decorated": (kept(coroutine), CoroutineType),
}


@pytest.mark.parametrize(("function", "shape"), KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
async def test_recorded_then_replayed(tmp_path, mode, function, shape):
    arguments = () if isinstance(function, functools.partial) else (3,)
    expected = await outcome(function(*arguments))
    calls.clear()
    known = recordable(function)

    with recording(tmp_path, mode=mode) as recorder:
        assert await outcome(known(*arguments)) == expected
    assert calls == [3]
    assert (recorder.stats.live, recorder.stats.recorded) == (1, 1)

    with recording(tmp_path, mode="replay") as recorder:
        for _ in range(2):
            result = known(*arguments)
            assert type(result) is shape or (shape in (Countdown, OnlyIterable) and isinstance(result, shape))
            assert await outcome(result) == expected
    assert calls == [3]
    assert recorder.stats.replayed == 2


@pytest.mark.parametrize(("function", "_shape"), KINDS.values(), ids=KINDS)
async def test_straight_through_outside(function, _shape):
    known = recordable(function)
    arguments = () if isinstance(function, functools.partial) else (3,)
    for _ in range(2):
        assert await outcome(known(*arguments)) == await outcome(function(*arguments))
    assert calls == [3] * 4


@pytest.mark.parametrize("value", [None, "", [], 0, False, {}, (), b""], ids=repr)
async def test_empty_values_are_outcomes(tmp_path, value):
    @recordable
    async def empty():
        calls.append(None)
        return value

    with recording(tmp_path, mode="record-if-missing", draws=False):
        for _ in range(2):
            result = await empty()
            assert result == value
            assert type(result) is type(value)
    assert len(calls) == 1


def test_what_a_generator_returns_is_kept(tmp_path):
    @recordable
    def inner():
        calls.append("inner")
        yield 1
        return {"sum": 1}

    def outer():
        returned = yield from inner()
        yield returned

    with recording(tmp_path, mode="record-if-missing", draws=False):
        assert list(outer()) == [1, {"sum": 1}]
        assert list(outer()) == [1, {"sum": 1}]
    assert calls == ["inner"]


def test_builtin(tmp_path):
    length, add = recordable(len), recordable(operator.add)
    with recording(tmp_path, mode="record"):
        assert length("four") == 4
        assert add(1, 2) == 3
    with recording(tmp_path, mode="replay"):
        assert length("four") == 4
        assert add(1, 2) == 3
        with pytest.raises(RecordingNotFound):
            length("five!")


# Arguments


async def signature(a, /, b, *rest, key=1, **more):
    calls.append((a, b, rest, key, more))
    return [a, b, list(rest), key, more]


async def test_every_kind_of_parameter(tmp_path):
    known = recordable(signature)
    made = [
        ((1, 2), {}),
        ((1, 2, 3), {}),
        ((1, 2), {"key": 2}),
        ((1, 2), {"other": 3}),
        ((1, 2), {"a": 3}),  # not the positional-only one
        ((1, 2, 3, 4), {"key": 2, "other": 3}),
    ]
    with recording(tmp_path, mode="record"):
        live = [await known(*args, **kwargs) for args, kwargs in made]
    assert len(calls) == len(made)
    with recording(tmp_path, mode="replay"):
        assert [await known(*args, **kwargs) for args, kwargs in made] == live
    assert len(calls) == len(made)


async def test_one_call_however_it_is_written(tmp_path):
    @recordable
    async def forecast(city, days=3, *, unit="C"):
        calls.append(city)
        return city

    with recording(tmp_path, mode="record-if-missing", draws=False):
        await forecast("Paris")
        await forecast(city="Paris")
        await forecast("Paris", 3)
        await forecast("Paris", days=3, unit="C")
        assert calls == ["Paris"]
        await forecast("Paris", 4)
        await forecast("Rome")
        await forecast("Paris", unit="F")
        assert calls == ["Paris", "Paris", "Rome", "Paris"]


async def test_what_a_partial_binds_counts(tmp_path):
    async def add(a, b=0, *, c=0):
        calls.append((a, b, c))
        return a + b + c

    one, two = recordable(functools.partial(add, 1)), recordable(functools.partial(add, 2, c=5))
    with recording(tmp_path, mode="record-if-missing", draws=False):
        assert (await one(1), await two(1), await one(2)) == (2, 8, 3)
        assert (await one(1), await two(1), await two(1, c=6)) == (2, 8, 9)
        assert await recordable(add)(1, 1) == 2
    assert calls == [(1, 1, 0), (2, 1, 5), (1, 2, 0), (2, 1, 6)]


@pytest.mark.parametrize("mode", ["live", "record", "record-if-missing", "replay"])
@pytest.mark.parametrize("function", [coroutine, async_generator, plain, generator], ids=lambda each: each.__name__)
async def test_wrong_arguments_raise_the_functions_own_error(tmp_path, mode, function):
    known = recordable(function)
    for args, kwargs in [((), {}), ((1, 2), {}), ((1,), {"n": 1}), ((1,), {"other": 1})]:
        with pytest.raises(TypeError) as plainly:
            await outcome(function(*args, **kwargs))
        with recording(tmp_path, mode=mode) as recorder, pytest.raises(TypeError) as raised:
            await outcome(known(*args, **kwargs))
        assert type(raised.value) is TypeError
        assert str(raised.value) == str(plainly.value)
        assert (recorder.stats.missed, recorder.stats.recorded) == (0, 0)
    assert calls == []


# What stays as it was


def test_the_function_stays_itself():
    async def forecast(city: str, days: int = 3) -> list[str]:
        """What the weather will be."""

    known = recordable(forecast)
    assert inspect.signature(known) == inspect.signature(forecast)
    assert known.__doc__ == "What the weather will be."
    assert (known.__name__, known.__qualname__, known.__module__) == (
        "forecast",
        forecast.__qualname__,
        forecast.__module__,
    )
    assert known.__wrapped__ is forecast
    assert known.__annotations__ == forecast.__annotations__


@pytest.mark.parametrize(
    "kind", [inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction, inspect.isfunction]
)
@pytest.mark.parametrize("function", [coroutine, async_generator, plain, generator], ids=lambda each: each.__name__)
def test_the_kind_stays(kind, function):
    assert kind(recordable(function)) is kind(function)


async def test_a_name_of_its_own(tmp_path):
    @recordable(name="tools.find")
    async def first(n):
        calls.append(n)
        return n

    @recordable(name="tools.find")
    async def moved_and_renamed(n):
        pytest.fail("was called")

    with recording(tmp_path, mode="record"):
        await first(1)
    assert [path.name for path in tmp_path.iterdir()] == ["tools.find"]
    with recording(tmp_path, mode="replay"):
        assert await moved_and_renamed(1) == 1


@pytest.mark.parametrize("nonsense", [3, "name", property(len)], ids=["int", "str", "property"])
def test_what_cannot_be_called_cannot_be_recorded(nonsense):
    with pytest.raises(memo.errors.InvalidOption):
        recordable(nonsense)


# Threads


async def test_worker_threads_are_inside_the_scope(tmp_path):
    known = recordable(plain)
    with recording(tmp_path, mode="record"):
        assert await anyio.to_thread.run_sync(known, 1) == [1]
    with recording(tmp_path, mode="replay") as recorder:
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(anyio.to_thread.run_sync, known, 1)
    assert recorder.stats.replayed == 2
    assert calls == [1]


def in_thread(function, *args):
    results = []
    thread = threading.Thread(target=lambda: results.append(function(*args)))
    thread.start()
    thread.join(5)
    return results[0]


def test_a_bare_thread_is_served_by_the_only_recorder_unless_that_is_isolated(tmp_path):
    known = recordable(plain)
    with recording(tmp_path / "isolated", mode="record", isolated=True) as isolated:
        assert in_thread(known, 1) == [1]
    assert isolated.stats.recorded == 0
    with recording(tmp_path / "scope", mode="record-if-missing") as only:
        assert in_thread(known, 1) == [1]
    assert (only.stats.recorded, only.stats.unscoped) == (1, 1)

    recorder = memo.start(tmp_path / "process", mode="record-if-missing", draws=False)
    try:
        assert in_thread(known, 1) == [1]
        assert in_thread(known, 1) == [1]
    finally:
        memo.stop()
    assert (recorder.stats.live, recorder.stats.replayed) == (1, 1)
    assert calls == [1, 1, 1]


def test_an_open_file_is_handed_over_and_refused_at_the_end(tmp_path):
    @recordable
    def opened() -> object:
        return (tmp_path / "file").open("w+")

    with pytest.raises(UnrecordableValue), recording(tmp_path / "store", mode="record"), opened() as file:
        assert file.write("text") == 4
