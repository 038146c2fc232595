"""Questions to the assistant."""

import pytest
from assistant import Busy, ask, ask_aloud, complete, search

pytestmark = pytest.mark.anyio
QUESTIONS = [
    "Which planet has rings?",
    "How far is the Moon?",
    "What is a comet made of?",
    "Who saw Neptune first?",
    "How hot is Venus?",
    "Is Pluto a planet?",
    "What is a nebula?",
    "How old is the Sun?",
    "Why is Mars red?",
]


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
async def test_a_question_is_answered_from_passages(number: int) -> None:
    answer = await ask(QUESTIONS[number])
    assert answer.text.endswith(QUESTIONS[number])
    assert answer.usage["total"] > 0


@pytest.mark.parametrize("question", ["rings", "moon", "dust"])
async def test_an_answer_is_read_aloud(question: str) -> None:
    assert await ask_aloud(question) == f"About {question}."


@pytest.mark.parametrize("limit", [1, 3])
async def test_as_many_passages_as_asked_for(limit: int) -> None:
    assert len(await search("planets", limit)) == limit


async def test_samples_differ() -> None:
    messages = [{"role": "user", "content": "Name a planet."}]
    assert len({(await complete(messages, 1.0)).text for _ in range(3)}) == 3


async def test_a_busy_model_is_an_error() -> None:
    with pytest.raises(Busy) as busy:
        await complete([{"role": "user", "content": "Be busy."}])
    assert busy.value.status_code == 429


async def test_nothing_is_looked_for_twice() -> None:
    assert await search("twice") == (await search("twice"))
