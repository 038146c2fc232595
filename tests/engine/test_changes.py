"""Arguments that change during a call: keyed as they were at its beginning, and reported while it is recorded."""

import warnings
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from memo import Recorder, recordable, recording
from memo.errors import ArgumentsChangedWarning, RecordingNotFound
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio

MODES = pytest.mark.parametrize("mode", ["record", "record-if-missing"])


@dataclass
class State:
    steps: list = field(default_factory=list)
    name: str = "a"


def append(messages):
    messages.append({"role": "assistant"})


def edit(messages):
    messages[0]["content"] = "edited"


def pop(messages):
    messages.pop()


@recordable
async def turn(messages, change):
    CHANGES[change](messages)
    return len(messages)


@recordable
async def fails(messages, change):
    CHANGES[change](messages)
    raise ValueError(change)


@recordable
async def streams(messages, change):
    yield 1
    yield 2
    CHANGES[change](messages)


@recordable
def sync(messages, change):
    CHANGES[change](messages)


@recordable
def sync_streams(messages, change):
    yield 1
    CHANGES[change](messages)
    yield 2


CHANGES = {"append": append, "edit": edit, "pop": pop}
PATHS = {"append": "messages[1]", "edit": "messages[0].content", "pop": "messages[0]"}


async def called(function, *arguments):
    result = function(*arguments)
    if hasattr(result, "__await__"):
        try:
            return await result
        except ValueError as error:
            return str(error)
    if hasattr(result, "__aiter__"):
        return [item async for item in result]
    return list(result) if hasattr(result, "__next__") else result


@MODES
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("function", [turn, fails, streams, sync, sync_streams])
async def test_a_call_that_changes_its_arguments_is_reported_and_keyed_as_it_began(tmp_path, mode, function, change):
    with recording(tmp_path, mode=mode), pytest.warns(ArgumentsChangedWarning, match="messages") as warned:
        result = await called(function, [{"content": "hi"}], change)
    (warning,) = [each.message for each in warned]
    assert warning.paths == (PATHS[change],)
    assert warning.function.endswith(function.__name__)
    with recording(tmp_path, mode="replay"):
        assert await called(function, [{"content": "hi"}], change) == result


async def test_two_turns_of_an_agent(tmp_path):
    async def agent():
        messages = []
        for _ in range(2):
            messages.append({"role": "user"})
            await turn(messages, "append")

    with recording(tmp_path, mode="record"), pytest.warns(ArgumentsChangedWarning) as warned:
        await agent()
    assert [warning.message.paths for warning in warned] == [("messages[1]",), ("messages[3]",)]
    with recording(tmp_path, mode="replay"), pytest.raises(RecordingNotFound):
        await agent()


async def test_an_out_parameter(tmp_path):
    @recordable
    async def fill(state):
        state.steps.append(1)
        state.name = "b"

    with recording(tmp_path, mode="record"), pytest.warns(ArgumentsChangedWarning) as warned:
        await fill(State())
    assert set(warned[0].message.paths) == {"state.steps[0]", "state.name"}


async def test_a_keyword_and_what_a_method_gets(tmp_path):
    class Agent:
        @recordable
        async def step(self, *, history):
            history.add("x")

    with recording(tmp_path, mode="record"), pytest.warns(ArgumentsChangedWarning, match="history"):
        await Agent().step(history=set())


async def test_a_memoizer_reports_it_too():
    @Recorder(MemoryStore(), mode="record-if-missing").recordable
    async def call(items):
        items.append(1)

    with pytest.warns(ArgumentsChangedWarning, match="items"):
        await call([])


async def test_where_warnings_are_errors_the_call_is_stored_first(tmp_path):
    with warnings.catch_warnings(), recording(tmp_path, mode="record") as recorder:
        warnings.simplefilter("error")
        with pytest.raises(ArgumentsChangedWarning):
            await turn([], "append")
    assert recorder.stats.recorded == 1


# What is no change of the call's


@MODES
async def test_what_the_consumer_of_a_stream_changes_is_not_reported(tmp_path, mode):
    @recordable
    async def echo(messages):
        yield 1
        yield 2

    @recordable
    def echo_sync(messages):
        yield 1
        yield 2

    async def program():
        messages = []
        async for item in echo(messages):
            messages.append(item)  # noqa: PERF401 - while it is read
        for item in echo_sync(messages):
            messages.append(item)  # noqa: PERF402 - while it is read
        return messages

    for each in (mode, "replay"):
        with recording(tmp_path, mode=each):
            assert await program() == [1, 2, 1, 2]


async def test_what_is_left_out_of_the_key_may_change(tmp_path):
    @recordable(ignore=("log", "state.steps"))
    async def call(log, state):
        log.append(1)
        state.steps.append(1)

    for mode in ("record", "replay"):
        with recording(tmp_path, mode=mode):
            await call([], State())


async def test_a_change_that_gives_the_same_call_does_not_count(tmp_path):
    @recordable
    async def call(mapping, items):
        mapping["b"] = mapping.pop("b")
        items[:] = list(items)

    with recording(tmp_path, mode="record"):
        await call({"b": 1, "a": 2}, [1])


async def test_nothing_is_compared_where_nothing_is_recorded(tmp_path):
    asked = []

    @recordable(key=lambda arguments: asked.append(1) or {"n": 1})
    async def call(items):
        return 1

    with recording(tmp_path, mode="record"):
        await call([])
    asked.clear()
    with recording(tmp_path, mode="replay"):
        await call([])
    with recording(tmp_path, mode="live"):
        await call([])
    await call([])
    assert asked == [1]


async def test_an_argument_that_cannot_be_keyed_afterwards_breaks_nothing(tmp_path):
    @recordable(key=lambda arguments: {"n": arguments["box"].n})
    async def call(box):
        del box.n
        return 1

    with recording(tmp_path, mode="record") as recorder:
        assert await call(SimpleNamespace(n=1)) == 1
    assert recorder.stats.recorded == 1
