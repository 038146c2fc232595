"""What was called: `recorder.calls`, in order and as plain data, and a limit on the calls that are paid for."""

import anyio
import anyio.lowlevel
import pytest
from inline_snapshot import snapshot
from pydantic import BaseModel

from memo import CallRecord, Recorder, recordable, recording
from memo.errors import InvalidOption, TooManyLiveCalls
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio

made: list[str] = []


class Answer(BaseModel):
    text: str
    usage: dict[str, int] = {}


@recordable(name="model.answer")
async def answer(prompt):
    made.append(prompt)
    return Answer(text=prompt.upper(), usage={"input_tokens": 3, "output_tokens": 4})


@recordable(name="model.words")
async def words(prompt):
    for word in prompt.split():
        yield word


@recordable(name="tools.search")
def search(query, limit=3):
    if query == "nothing":
        raise LookupError(query)
    return [query] * limit


@pytest.fixture(autouse=True)
def nothing_made():
    made.clear()


async def agent():
    search("rings", limit=1)
    with pytest.raises(LookupError):
        search("nothing")
    [word async for word in words("which planet")]
    await answer("saturn")


AGENT = [
    CallRecord("tools.search", {"query": "rings", "limit": 1}, value=["rings"]),
    CallRecord("tools.search", {"query": "nothing", "limit": 3}, error="builtins:LookupError"),
    CallRecord("model.words", {"prompt": "which planet"}, items=["which", "planet"], end="complete"),
    CallRecord(
        "model.answer",
        {"prompt": "saturn"},
        value={"text": "SATURN", "usage": {"input_tokens": 3, "output_tokens": 4}},
        tokens=7,
    ),
]


@pytest.mark.parametrize("mode", ["record", "record-if-missing", "replay"])
async def test_calls_are_listed_in_order(mode):
    store = MemoryStore()
    if mode == "replay":
        with recording(store, mode="record"):
            await agent()
    with recording(store, mode=mode, calls=True) as recorder:
        await agent()
    is_replayed = mode == "replay"
    assert [call.replayed for call in recorder.calls] == [is_replayed] * 4
    assert recorder.calls == [CallRecord(**{**_fields(call), "replayed": is_replayed}) for call in AGENT]


def _fields(call):
    return {name: getattr(call, name) for name in CallRecord.__dataclass_fields__}


async def test_a_snapshot_of_what_an_agent_called():
    store = MemoryStore()
    with recording(store, mode="record"):
        await agent()
    with recording(store, calls=True) as recorder:
        await agent()
    assert [(call.function, call.arguments) for call in recorder.calls] == snapshot(
        [
            ("tools.search", {"query": "rings", "limit": 1}),
            ("tools.search", {"query": "nothing", "limit": 3}),
            ("model.words", {"prompt": "which planet"}),
            ("model.answer", {"prompt": "saturn"}),
        ]
    )
    assert sum(call.tokens for call in recorder.calls) == 7
    assert all(call.seconds >= 0 for call in recorder.calls)


async def test_the_outcomes_of_identical_calls_are_distinguished():
    answers = iter("abcab")
    draw = recordable(name="model.draw")(lambda: next(answers))
    store = MemoryStore()
    with recording(store, mode="record", calls=True) as recorder:
        [draw() for _ in range(3)]
    assert [call.value for call in recorder.calls] == ["a", "b", "c"]
    with recording(store, calls=True) as recorder:
        [draw() for _ in range(4)]
    assert [call.value for call in recorder.calls] == ["a", "b", "c", "c"]


async def test_calls_that_are_not_recorded_are_listed_too():
    down = recordable(name="model.down")(_down)
    with recording(MemoryStore(), mode="live", calls=True) as recorder:
        search("rings")
        await answer("x")
    assert recorder.calls == [
        CallRecord("tools.search", {"query": "rings", "limit": 3}, replayed=False),
        CallRecord("model.answer", {"prompt": "x"}, replayed=False),
    ]
    recorder = Recorder(MemoryStore(), mode="record", calls=True)
    with pytest.warns(match="not recorded"), recorder, pytest.raises(ConnectionError):
        down("x")
    # What was asked is known, what came of it is not.
    assert [(call.function, call.arguments, call.replayed) for call in recorder.calls] == [
        ("model.down", {"prompt": "x"}, False)
    ]


def _down(prompt):
    raise ConnectionError


async def test_without_the_option_asking_says_how_to_get_them():
    with recording(MemoryStore(), mode="live") as recorder, pytest.raises(InvalidOption, match="calls=True"):
        recorder.calls  # noqa: B018


async def test_a_limit_on_live_calls_stops_a_run_before_it_pays():
    store = MemoryStore()
    with recording(store, mode="record"):
        await answer("a")
    made.clear()
    with recording(store, mode="record-if-missing", max_live=0) as recorder:
        await answer("a")
        for _ in range(2):
            with pytest.raises(TooManyLiveCalls, match=r"model\.answer") as caught:
                await answer("b")
    assert made == []
    assert (caught.value.function, caught.value.max_live) == ("model.answer", 0)
    assert (recorder.stats.live, recorder.stats.replayed) == (0, 1)


@pytest.mark.parametrize("mode", ["live", "record", "record-if-missing"])
async def test_so_many_calls_may_be_live_of_those_that_run_at_once(mode):
    refused = []

    async def one(number):
        try:
            await answer(f"q{number}")
        except TooManyLiveCalls:
            refused.append(number)

    with recording(MemoryStore(), mode=mode, max_live=3) as recorder:
        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(one, number)
    assert (len(made), len(refused), recorder.stats.live) == (3, 7, 3)


async def test_who_waits_for_a_call_that_may_not_be_made_gets_the_error_too():
    cache = Recorder(MemoryStore(), mode="record-if-missing", max_live=0)
    grade = cache.recordable(name="grade")(_slow)
    refused = []

    async def one():
        with pytest.raises(TooManyLiveCalls):
            await grade("x")
        refused.append(1)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(one)
    assert len(refused) == 5


async def _slow(prompt):
    await anyio.lowlevel.checkpoint()
    return prompt


@pytest.mark.parametrize("limit", [-1, 1.5, "3", True])
def test_a_limit_is_a_whole_number(limit):
    with pytest.raises(InvalidOption, match="0 or more"):
        Recorder(MemoryStore(), max_live=limit)
