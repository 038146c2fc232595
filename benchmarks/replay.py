"""Replay of what is in memory already."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from typing import Any, Literal

import orjson
import wrapt
from openai.types.chat import ChatCompletionChunk

from benchmarks._harness import Row, race
from benchmarks._samples import ANSWER, MESSAGES, Answer, chunks, stream
from memo import Recorder


def rows(*, quick: bool) -> Iterator[Row]:
    rounds = 20 if quick else 100
    with tempfile.TemporaryDirectory() as directory:
        cache = Recorder(directory, mode="record-if-missing")
        yield model(cache, rounds)
        yield chat(cache, rounds, "stream of 30 chunks", "none")
        yield chat(cache, rounds, "the same with an extra field", "one")
        yield chat(cache, rounds, "the same with extra fields at three levels", "many")


def model(cache: Recorder, rounds: int) -> Row:
    held: dict[str, bytes] = {}

    @cache.recordable
    async def ask(messages: list[dict[str, str]], model: str, temperature: float = 1.0) -> Answer:
        return ANSWER

    @wrapt.decorator
    async def replayed(wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Answer:
        key = sha256(orjson.dumps([args, kwargs], option=orjson.OPT_SORT_KEYS)).hexdigest()
        if key not in held:
            held[key] = (await wrapped(*args, **kwargs)).model_dump_json().encode()
        return Answer.model_validate_json(held[key])

    @replayed
    async def ask_floor(messages: list[dict[str, str]], model: str, temperature: float = 1.0) -> Answer:
        return ANSWER

    return race(
        "replay: model of 1 KB",
        3.0,
        lambda: ask(MESSAGES, "some-model", temperature=0.2),
        lambda: ask_floor(MESSAGES, "some-model", temperature=0.2),
        rounds=rounds,
        number=200,
    )


def chat(cache: Recorder, rounds: int, name: str, extras: Literal["none", "one", "many"]) -> Row:
    items = chunks(extras)
    held = [item.model_dump_json(by_alias=True, exclude_unset=True).encode() for item in items]
    validate = ChatCompletionChunk.__pydantic_validator__.validate_json

    @cache.recordable(name=f"benchmarks.chat.{extras}")
    def ask(messages: list[dict[str, str]], model: str) -> AsyncIterator[ChatCompletionChunk]:
        return stream(items)

    async def replayed() -> None:
        async for _ in ask(MESSAGES, "some-model"):
            pass

    async def floor() -> None:
        for data in held:
            validate(data)

    return race(f"replay: {name}", 1.5, replayed, floor, rounds=rounds, number=20)
