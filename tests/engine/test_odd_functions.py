"""Functions whose defaults, signatures and kinds are odd: recorded as what they are, or refused at decoration with a fix."""

import asyncio
import functools
import inspect
import types

import pytest

import memo
from memo.errors import InvalidOption

EMPTY = inspect.Parameter.empty


def after_another(a=1, b=EMPTY):
    return [a, b is EMPTY]


def last(a, b=inspect.Signature.empty):
    return [a, b is EMPTY]


def by_keyword(a=1, *, b=EMPTY, c=EMPTY):
    return [a, b is EMPTY, c is EMPTY]


@functools.wraps(after_another)
def wrapped(*args, **kwargs):
    return after_another(*args, **kwargs)


@pytest.mark.parametrize(
    ("function", "calls"),
    [
        (after_another, [((), {}), ((1,), {}), ((2,), {}), ((2, 3), {}), ((), {"b": 5})]),
        (last, [((1,), {}), ((1, 2), {}), ((), {"a": 3, "b": 4})]),
        (by_keyword, [((), {}), ((1,), {"b": 2}), ((), {"c": 3})]),
        (wrapped, [((), {}), ((2, 3), {})]),
        (functools.partial(after_another, 7), [((), {}), ((1,), {})]),
        (functools.partial(after_another, b=7), [((), {}), ((1,), {})]),
    ],
)
def test_no_default_is_a_default(tmp_path, function, calls):
    recorded = memo.recordable(function, name="odd")
    seen = []
    for mode in ("record", "replay"):
        with memo.recording(tmp_path, mode=mode) as recorder:
            seen.append([recorded(*args, **kwargs) for args, kwargs in calls])
    assert seen[0] == seen[1] == [function(*args, **kwargs) for args, kwargs in calls]
    assert (recorder.stats.live, recorder.stats.replayed) == (0, len(calls))


def test_a_call_with_the_default_given_is_the_same_call(tmp_path):
    recorded = memo.recordable(after_another, name="odd")
    with memo.recording(tmp_path, mode="record"):
        recorded()
    with memo.recording(tmp_path) as recorder:
        assert recorded(1, EMPTY) == recorded(b=EMPTY) == recorded(a=1) == [1, True]
    assert recorder.stats.replayed == 3


def test_what_does_not_fit_is_still_a_type_error(tmp_path):
    recorded = memo.recordable(after_another, name="odd")
    with memo.recording(tmp_path, mode="record"), pytest.raises(TypeError, match="positional"):
        recorded(1, 2, 3)


def signed(signature):
    def function(a):
        return [a]

    function.__signature__ = signature
    return function


def circle():
    def function(a):
        return [a]

    def other(a):
        return [a]

    function.__wrapped__, other.__wrapped__ = other, function
    return function


class Raising:
    @property
    def __signature__(self):
        raise RuntimeError("no signature today")

    def __call__(self, a):
        return a


@pytest.mark.parametrize(
    "function",
    [signed("(a)"), signed(5), circle(), dict, int, Raising()],
    ids=["text", "a number", "a circle", "dict", "int", "raises"],
)
def test_without_a_signature_there_is_no_call(function):
    with pytest.raises(InvalidOption, match=r"needs a signature.*\n  decorate a function of your own"):
        memo.recordable(function, name="odd")


def test_what_makes_methods_is_no_function():
    with pytest.raises(InvalidOption, match="put @recordable below @singledispatchmethod"):
        memo.recordable(functools.singledispatchmethod(lambda self, a: a))
    with pytest.raises(InvalidOption, match="decorate the method that it calls"):
        memo.recordable(functools.partialmethod(len))


@types.coroutine
def old_style(a):
    yield from asyncio.sleep(0).__await__()
    return [a]


@types.coroutine
def failing(a):
    yield from asyncio.sleep(0).__await__()
    raise LookupError(a)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_coroutine_made_of_a_generator_is_awaited(tmp_path, anyio_backend):
    recorded, fails = memo.recordable(old_style, name="old"), memo.recordable(failing, name="fails")
    assert await recorded(1) == [1]
    for mode in ("record", "replay"):
        with memo.recording(tmp_path, mode=mode) as recorder:
            assert await recorded(1) == [1]
            with pytest.raises(LookupError, match="2"):
                await fails(2)
    assert (recorder.stats.live, recorder.stats.replayed) == (0, 2)
