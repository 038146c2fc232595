"""In `record` a session replaces what was recorded: if this very process recorded something else, that is said."""

import pytest

from memo import recordable, recording
from memo.errors import RecordingReplacedWarning
from memo.stores import MemoryStore


@pytest.fixture
def answers():
    return iter(range(100))


@pytest.fixture
def ask(answers):
    @recordable(name="ask")
    async def ask(question):
        return next(answers) if question == "varies" else 0

    return ask


async def scopes(ask, question, counts, store, **options):
    for count in counts:
        with recording(store, mode="record", **options):
            for _ in range(count):
                await ask(question)


@pytest.mark.parametrize("counts", [(1, 1), (2, 1), (1, 2)])
async def test_other_outcomes_are_reported(ask, counts):
    with pytest.warns(RecordingReplacedWarning, match="ask: outcomes that this process recorded") as warned:
        await scopes(ask, "varies", counts, MemoryStore())
    assert warned[0].message.functions == ["ask"]


@pytest.mark.parametrize("question", ["varies", "stays"])
async def test_what_replay_gives_back_alike_is_not(ask, question, recwarn):
    counts = (3,) if question == "varies" else (2, 2)
    await scopes(ask, question, counts, MemoryStore())
    assert not recwarn.list


async def test_a_test_that_is_run_again_may_record_again(ask, recwarn):
    await scopes(ask, "varies", (1, 1), MemoryStore(), test="tests/test_app.py::test_ask")
    assert not recwarn.list


async def test_another_store_is_another(ask, recwarn):
    for _ in range(2):
        await scopes(ask, "varies", (1,), MemoryStore())
    assert not recwarn.list


async def test_record_if_missing_keeps_both(ask, recwarn):
    store = MemoryStore()
    for _ in range(2):
        with recording(store, mode="record-if-missing"):
            assert await ask("varies") == 0
    assert not recwarn.list
