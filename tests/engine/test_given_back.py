"""Results that are, or hold, what the caller gave: a replay gives the caller the same objects."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel

from memo import Recorder, recordable, recording
from memo.errors import ArgumentsChangedWarning
from memo.stores import MemoryStore

pytestmark = pytest.mark.anyio


class State(BaseModel):
    messages: list[str] = []


@dataclass
class Agent:
    history: list[str] = field(default_factory=list)

    @recordable
    async def ask(self, question: str) -> Any:
        self.history.append(question)
        return self


WAYS = {
    "itself": (list, lambda given: given, lambda result: result),
    "in a dict": (dict, lambda given: {"answer": 1, "given": given}, lambda result: result["given"]),
    "in a tuple": (list, lambda given: (1, [given]), lambda result: result[1][0]),
    "in a model": (State, lambda given: State.model_construct(messages=[given]), lambda result: result.messages[0]),
    "a model": (State, lambda given: given, lambda result: result),
    "twice": (list, lambda given: [given, given], lambda result: result[1]),
}


@pytest.mark.parametrize("name", WAYS)
async def test_what_the_caller_gave_is_the_same_object_in_a_replay(name):
    make, wrap, unwrap = WAYS[name]
    store = MemoryStore()

    @recordable
    async def call(given, n=1):
        return wrap(given)

    for mode in ("record", "replay", "record-if-missing"):
        with recording(store, mode=mode):
            given = make()
            assert unwrap(await call(given)) is given
            assert unwrap(await call(n=2, given=given)) is given


def test_what_is_inside_an_argument_is_the_same_object_too():
    store = MemoryStore()

    @recordable
    def last(messages):
        return messages[-1]

    for mode in ("record", "replay"):
        with recording(store, mode=mode):
            messages = [{"role": "user"}, {"role": "assistant"}]
            assert last(messages) is messages[1]
            last(messages)["seen"] = True
            assert messages[1] == {"role": "assistant", "seen": True}


async def test_a_method_that_returns_its_object_leaves_the_object_as_the_call_did():
    store = MemoryStore()
    for mode in ("record", "replay"):
        with recording(store, mode=mode):
            agent = Agent()
            assert await agent.ask("rings") is agent
            assert await (await agent.ask("moons")).ask("rings") is agent
            assert agent.history == ["rings", "moons", "rings"]


def test_an_argument_that_the_call_changes_comes_back_as_it_was_returned():
    store = MemoryStore()

    @recordable
    def add(items):
        items.append(1)
        return items

    with pytest.warns(ArgumentsChangedWarning), recording(store, mode="record"):
        assert add([]) == [1]
    with recording(store, mode="replay"):
        assert add([]) == [1]


def test_a_memoizer_gives_each_caller_its_own():
    recorder = Recorder(MemoryStore(), mode="record-if-missing")

    @recorder.recordable
    def same(items):
        return items

    first, second = [1], [1]
    assert same(first) is first
    assert same(second) is second
    assert recorder.stats.live == 1
