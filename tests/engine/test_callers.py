"""Two functions, or two objects, that have the same key: a warning in a scope, an error in a memoizer, never a wrong answer."""

import functools
import gc
import types
import warnings

import pytest

from memo import Recorder, recordable, recording
from memo.errors import KeyCollision, KeyCollisionWarning, UnkeyableArgument
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio


def factory(model):
    async def ask(question):
        return f"{model}: {question}"

    return ask


def without_wraps(function):
    async def wrapper(*args):
        return await function(*args)

    return wrapper


async def small(question):
    return f"small: {question}"


async def large(question):
    return f"large: {question}"


class Ask:
    def __init__(self, model):
        self.model = model

    async def __call__(self, question):
        return f"{self.model}: {question}"

    async def ask(self, question):
        return f"{self.model}: {question}"


class Settings:
    def __init__(self, model):
        self.settings = {"models": [model]}

    async def __call__(self, question):
        return f"{self.settings['models'][0]}: {question}"


def through_partial(model):
    async def ask(question):
        return f"{model}: {question}"

    return functools.partial(ask)


DIFFERENT = {
    "closures of a factory": lambda: (factory("small"), factory("large")),
    "lambdas": lambda: (lambda x: small(x), lambda x: large(x)),
    "decorated without wraps": lambda: (without_wraps(small), without_wraps(large)),
    "callable objects": lambda: (Ask("small"), Ask("large")),
    "callable objects with nested state": lambda: (Settings("small"), Settings("large")),
    "bound methods": lambda: (Ask("small").ask, Ask("large").ask),
    "one name": lambda: (small, large),
    "partials": lambda: (through_partial("small"), through_partial("large")),
}


@pytest.mark.parametrize("case", DIFFERENT)
async def test_different_functions_under_one_name_warn_once_in_a_scope(case):
    first, second = (recordable(name="ask")(function) for function in DIFFERENT[case]())
    for mode in ("record-if-missing", "record"):
        with recording(MemoryStore(), mode=mode, draws=False):
            await first("a")
            await first("b")
            with pytest.warns(KeyCollisionWarning, match=r"(?s)ask.*name=.*identity=") as warned:
                await second("a")
                await second("b")
                await first("a")
            assert len(warned) == 1
            assert warned[0].filename == __file__


@pytest.mark.parametrize("case", DIFFERENT)
async def test_different_functions_under_one_name_never_share_an_answer_in_a_memoizer(case):
    cache = Recorder(MemoryStore(), mode="record-if-missing")
    first, second = (cache.recordable(name="ask")(function) for function in DIFFERENT[case]())
    refused = []
    for function, answer in [(first, "small: a"), (second, "large: a"), (first, "small: a"), (second, "large: a")]:
        try:
            assert await function("a") == answer
        except (KeyCollision, UnkeyableArgument) as error:
            refused.append(str(error))
    assert refused
    assert all("identity=" in error for error in refused)


async def test_the_error_of_a_memoizer():
    cache = Recorder(MemoryStore(), mode="record-if-missing")
    first, second = cache.recordable(name="ask")(factory("small")), cache.recordable(name="ask")(factory("large"))
    await first("a")
    assert await second("b") == "large: b"  # no call of another
    with pytest.raises(KeyCollision) as raised:
        await second("a")
    assert raised.value.function == "ask"
    assert "test_callers.py" in raised.value.first
    assert raised.value.second.endswith("with another model")


class Client:
    def __init__(self, model, lock=None):
        self.model = model
        self.connection = object()

    @recordable(name="client.ask")
    async def ask(self, question):
        return f"{self.model}: {question}"

    @recordable(name="client.told", identity=lambda self: self.model)
    async def told_apart(self, question):
        return f"{self.model}: {question}"


async def test_objects_that_differ_warn_once_in_a_scope():
    small, large, like = Client("small"), Client("large"), Client("small")
    with recording(MemoryStore(), mode="record", draws=False):
        await small.ask("a")
        await like.ask("a")  # nothing that can be compared differs
        with pytest.warns(KeyCollisionWarning, match="a Client and a Client with another model") as warned:
            await large.ask("a")
            await small.ask("a")
        assert len(warned) == 1


class Cached(Client):
    pass


@pytest.mark.parametrize("first_class", [Client, Cached])
async def test_objects_of_two_classes_warn_whether_or_not_the_first_is_gone(first_class):
    second_class = Cached if first_class is Client else Client
    for kept in ([], [first_class("small")]):
        with recording(MemoryStore(), mode="record", draws=False):
            await (kept[0] if kept else first_class("small")).ask("a")
            gc.collect()
            with pytest.warns(KeyCollisionWarning, match=f"a {first_class.__name__} and a {second_class.__name__}"):
                await second_class("small").ask("a")
            await first_class("small").ask("b")  # no call of another


async def test_objects_that_identity_distinguishes_are_none():
    with recording(MemoryStore(), mode="record-if-missing"):
        assert await Client("small").told_apart("a") == "small: a"
        assert await Client("large").told_apart("a") == "large: a"


SAME = {
    "one function twice": lambda: (small, small),
    "a factory of equal closures": lambda: (factory("small"), factory("small")),
    "equal lambdas": lambda: tuple((lambda x: small(x)) for _ in range(2)),
    "equal objects": lambda: (Ask("small"), Ask("small")),
    "methods of equal objects": lambda: (Ask("small").ask, Ask("small").ask),
    "closures over what cannot be compared": lambda: (through_connection(object()), through_connection(object())),
}


def through_connection(connection):
    async def ask(question):
        return f"{type(connection).__name__}: {question}"

    return ask


@pytest.mark.parametrize("case", SAME)
async def test_what_is_the_same_warns_of_nothing(case):
    first, second = (recordable(name="ask")(function) for function in SAME[case]())
    with recording(MemoryStore(), mode="record", draws=False):
        await first("a")
        await second("a")


def defined(source, module="cells"):
    """What a notebook's cell, or a module that is imported again, defines."""
    space = {"__name__": module}
    exec(compile(source, f"<cell {len(source)}>", "exec"), space)
    return space["ask"]


@pytest.mark.parametrize("bound", [False, True])
def test_a_function_that_is_defined_anew_is_one_warning(bound):
    recorder = Recorder(MemoryStore(), mode="record-if-missing")
    decorate = recordable(recorder=recorder if bound else None)
    ask = decorate(defined("def ask(x):\n    return x"))
    with warnings.catch_warnings(record=True) as warned, recorder:
        warnings.simplefilter("always")
        assert ask(1) == 1
        ask = decorate(defined("# unchanged, on another line\ndef ask(x):\n    return x"))
        assert ask(1) == 1
        assert warned == []
        ask = decorate(defined("def ask(x):\n    return -x"))
        ask(1)
        ask(1)
        ask = decorate(defined("def ask(x):\n    return 3 * x"))
        ask(1)
    assert [warning.category for warning in warned] == [KeyCollisionWarning]


def test_a_session_of_many_calls_remembers_so_many_callers():
    from memo._engine.reports.callers import _REMEMBERED_CALLS, Callers

    callers, caller = Callers(), types.SimpleNamespace(function=small)
    for number in range(_REMEMBERED_CALLS + 10):
        callers.check("ask", str(number), caller, memoizes=True)
    assert len(callers.by_key) == _REMEMBERED_CALLS
