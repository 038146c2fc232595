"""`recording(...)` as people write it: entered again, with `async with`, as a decorator."""

import functools

import anyio
import pytest

import memo
from memo import recordable, recording
from memo.errors import InvalidOption, RecordingNotFound

pytestmark = pytest.mark.anyio


@recordable
async def ask(question: str) -> str:
    return question.upper()


@recordable
def ask_sync(question: str) -> str:
    return question.upper()


async def test_an_object_may_be_entered_again_and_inside_itself(tmp_path):
    scope = recording(tmp_path, mode="record-if-missing")
    for counts in ((1, 0), (0, 1)):
        async with scope as recorder:
            await ask("a")
        assert (recorder.stats.recorded, recorder.stats.replayed) == counts
    with scope as outer:
        with scope as inner:
            await ask("a")
        await ask("b")
    assert (inner.stats.replayed, outer.stats.recorded) == (1, 1)
    assert memo.current() is None


async def test_several_tasks_may_have_one_object_open(tmp_path):
    scope = recording(tmp_path, mode="record", isolated=True)
    second_is_open, first_has_ended = anyio.Event(), anyio.Event()
    counts = []

    async def first():
        async with scope as recorder:
            await second_is_open.wait()
            await ask("a")
        counts.append(recorder.stats.recorded)
        first_has_ended.set()

    async def second():
        async with scope as recorder:
            second_is_open.set()
            await first_has_ended.wait()
            await ask("b")
            await ask("c")
        counts.append(recorder.stats.recorded)

    async with anyio.create_task_group() as group:
        group.start_soon(first)
        group.start_soon(second)
    assert counts == [1, 2]


async def test_a_decorated_function_runs_inside(tmp_path):
    @recording(tmp_path, mode="record")
    async def acalled(question):
        return await ask(question)

    @recording(tmp_path, mode="record")
    def called(question):
        return ask_sync(question)

    assert (await acalled("a"), called("a")) == ("A", "A")
    assert len(list(tmp_path.rglob("*.json"))) == 2
    assert acalled.__name__ == "acalled"


async def test_a_decorated_coroutine_function_makes_no_live_call_in_replay(tmp_path):
    made = []

    @recordable
    async def counted():
        made.append(1)

    with pytest.raises(RecordingNotFound):
        await recording(tmp_path)(lambda_of(counted))()
    assert made == []


def lambda_of(function):
    async def call():
        return await function()

    return call


def generator():
    yield 1


async def agenerator():
    yield 1


@pytest.mark.parametrize(
    ("decorated", "what"),
    [(generator, "a generator"), (agenerator, "a generator"), (int, "a class"), (1, "no function")],
)
async def test_what_cannot_be_decorated(tmp_path, decorated, what):
    with pytest.raises(InvalidOption, match=f"which is {what}\n  open it inside: with recording"):
        recording(tmp_path)(decorated)


async def test_a_coroutine_that_is_not_awaited_has_the_name_of_its_function(tmp_path):
    with recording(tmp_path, mode="record"):
        coroutine = ask("a")
    assert (coroutine.__name__, coroutine.__qualname__) == ("ask", "ask")
    coroutine.close()


@pytest.mark.parametrize("wrong", [property(lambda self: 1), functools.cached_property(lambda self: 1)])
async def test_a_property_goes_above(wrong):
    with pytest.raises(InvalidOption, match=f"put @recordable below @{type(wrong).__name__}"):
        recordable(wrong)


async def test_what_is_not_callable(anyio_backend):
    with pytest.raises(InvalidOption, match="takes a function, a method or another callable, and not a str"):
        recordable("name")


async def test_install_takes_names_and_patches(anyio_backend):
    with pytest.raises(InvalidOption, match="install=3 is invalid; allowed: the name of a preset"):
        memo.install(3)
