"""What is recorded and replayed: a model of 1 KB, 30 chunks, an embedding, and the arguments of ordinary and of long calls."""

import random
from collections.abc import AsyncIterator
from typing import Literal

from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel

MESSAGES = [
    {"role": "system", "content": "You are a careful assistant. Answer in one paragraph, and name your sources."},
    {
        "role": "user",
        "content": "Which planet of the solar system has the most visible rings, and who described them first?",
    },
]

QUESTION = MESSAGES[1]["content"]
HISTORY = [{"role": ("user", "assistant")[turn % 2], "content": f"{turn}: {QUESTION * 10}"} for turn in range(105)]
"""A conversation of 100 KB."""

EMBEDDING = [random.Random(number).uniform(-0.1, 0.1) for number in range(1536)]


class Source(BaseModel):
    title: str
    url: str
    score: float


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None


class Answer(BaseModel):
    id: str
    model: str
    text: str
    stop: Literal["end", "length"]
    sources: list[Source]
    usage: Usage


ANSWER = Answer(
    id="answer-5f0c2b7d9e",
    model="some-model-2026-05-01",
    text="Saturn has the most visible rings: countless pieces of ice and rock, most of them no larger than a house. "
    "Galileo Galilei saw them in 1610 and took them for two large moons; Christiaan Huygens was the first to "
    "describe a thin, flat ring that nowhere touches the planet, in 1655. Twenty years later Giovanni Cassini found "
    "the gap that carries his name, and in 1859 James Clerk Maxwell proved that the rings can not be solid. "
    "Jupiter, Uranus and Neptune have rings, too, but theirs are thin and dark, and were found only after 1970.",
    stop="end",
    sources=[
        Source(title="The rings of Saturn", url="https://example.org/planets/saturn/rings", score=0.971),
        Source(title="Systema Saturnium, 1659", url="https://example.org/books/systema-saturnium", score=0.9125),
        Source(title="On the stability of Saturn's rings", url="https://example.org/papers/maxwell-1859", score=0.88),
    ],
    usage=Usage(prompt_tokens=46, completion_tokens=113),
)


def chunks(extras: Literal["none", "one", "many"] = "none") -> list[ChatCompletionChunk]:
    """As the SDK builds them, without validation.

    OpenAI sends no field that its SDK does not declare; other providers send one, or some at every level (OpenRouter).
    """
    words = ANSWER.text.split()[:28]
    deltas = [{"role": "assistant", "content": ""}, *({"content": f" {word}"} for word in words), {}]
    more, in_choice, in_delta = ({"provider": "Some"} if extras == "one" else {}), {}, {}
    if extras == "many":
        more, in_choice, in_delta = {"provider": "Some"}, {"native_finish_reason": None}, {"reasoning": None}
    return [
        ChatCompletionChunk.construct(
            id="chatcmpl-Bx2kqT0v9aSg7cL1mN4pR8wZ",
            choices=[
                {
                    "index": 0,
                    "delta": {**delta, **in_delta},
                    "finish_reason": None if delta else "stop",
                    "logprobs": None,
                    **in_choice,
                }
            ],
            created=1770000000,
            model="some-model-2026-05-01",
            object="chat.completion.chunk",
            service_tier="default",
            system_fingerprint="fp_44709d6fcb",
            obfuscation="Zq3xLw8vB",
            **more,
        )
        for delta in deltas
    ]


async def stream(items: list[ChatCompletionChunk]) -> AsyncIterator[ChatCompletionChunk]:
    for item in items:
        yield item
