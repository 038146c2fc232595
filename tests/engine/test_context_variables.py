"""A context variable that a recorded function sets for its caller: a replay does not, which is said while recording."""

import asyncio
import contextvars
import decimal
import warnings
from concurrent.futures import ThreadPoolExecutor

import anyio
import numpy as np
import pytest

from memo import recordable, recording
from memo.errors import ContextVariableSetWarning
from memo.stores import MemoryStore

user = contextvars.ContextVar("user", default=None)


@recordable
async def log_in(name):
    user.set([name])
    await anyio.lowlevel.checkpoint()
    return name


@recordable
def log_in_here(name):
    user.set([name])
    return name


@recordable
async def fails():
    user.set("nobody")
    raise ValueError


def caught_while(function, *args, mode="record", backend="asyncio"):
    async def main():
        with recording(MemoryStore(), mode=mode):
            return await function(*args)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        anyio.run(main, backend=backend)
    return [item.message for item in caught if isinstance(item.message, ContextVariableSetWarning)]


async def of_plain(function, *args):
    return function(*args)


async def of_failing():
    with pytest.raises(ValueError, match=""):
        await fails()


async def twice():
    await log_in("a")
    await log_in("b")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
@pytest.mark.parametrize(
    "program", [twice, lambda: of_plain(log_in_here, "a"), of_failing], ids=["async", "sync", "error"]
)
def test_a_variable_that_the_caller_can_see_is_warned_of_once(program, mode, backend):
    [warning] = caught_while(program, mode=mode, backend=backend)
    assert warning.variables == ("user",)
    assert "'user'" in str(warning)
    assert "return the value" in str(warning)


async def a_task():
    await asyncio.create_task(log_in("a"))
    await asyncio.gather(log_in("b"), log_in("c"))


async def a_thread():
    await asyncio.to_thread(log_in_here, "a")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(log_in_here, "b").result()


def test_what_a_task_or_a_thread_sets_for_itself_is_no_matter():
    assert caught_while(a_task) == []
    assert caught_while(a_thread) == []


async def a_group():
    async with anyio.create_task_group() as group:
        group.start_soon(log_in, "a")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_neither_is_what_a_task_of_a_group_sets(backend):
    assert caught_while(a_group, backend=backend) == []


def test_what_a_task_calls_is_seen_by_the_task():
    async def work():
        await log_in("a")
        return user.get()

    async def main():
        await asyncio.create_task(work())

    assert len(caught_while(main)) == 1


@recordable(name="resets")
async def resets():
    token = user.set("somebody")
    await anyio.lowlevel.checkpoint()
    user.reset(token)


@recordable(name="nests")
async def nests():
    return await resets()


@recordable(name="counts")
async def counts():
    return str(decimal.Decimal(1) / 3)


@recordable(name="scopes")
async def scopes():
    with recording(MemoryStore(), mode="live"):
        await resets()


@pytest.mark.parametrize("function", [resets, nests, counts, scopes], ids=lambda function: function.__name__)
def test_what_is_reset_and_what_libraries_keep_for_themselves_is_no_matter(function):
    assert caught_while(function) == []


def test_values_are_never_compared_by_their_own_equality():
    class Never:
        def __eq__(self, other):
            raise AssertionError

        __hash__ = None

    async def main():
        user.set(np.zeros(3))
        await recordable(name="sets")(sets)()
        user.set(Never())
        await recordable(name="sets too")(sets)()

    async def sets():
        user.set(np.zeros(3) if isinstance(user.get(), np.ndarray) else Never())

    assert len(caught_while(main)) == 2


def test_an_equal_object_that_was_there_before_is_no_change():
    async def main():
        user.set("same")
        await recordable(name="keeps")(keeps)()

    async def keeps():
        user.set(user.get())

    assert caught_while(main) == []
