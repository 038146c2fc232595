"""The hot paths of memo, each a row of `python -m benchmarks --against`, by what every version of memo can do.

Run as a module it is the process that measures one version: it reads `ROW NUMBER` and prints the seconds of CPU that a call took.
"""

import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import count, repeat
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk

import memo
from benchmarks import _server, llm
from benchmarks._samples import ANSWER, EMBEDDING, HISTORY, MESSAGES, QUESTION, Answer, chunks
from memo import Recorder, recordable, recording

Call = Callable[[], Awaitable[object]]
CHUNKS = chunks()
TYPESET = " ".join(f"“{word}”" for word in ANSWER.text.split())
"""What models write: it is not ASCII."""
WORDS = [f"{word} " for word in ANSWER.text.split()[:30]]


async def tiny(number: int) -> int:
    return number


async def model(question: Any) -> Answer:
    return ANSWER


async def messages(messages: list[dict[str, str]]) -> Answer:
    return ANSWER


async def embedding(text: str) -> list[float]:
    return EMBEDDING


async def models(number: int) -> AsyncIterator[ChatCompletionChunk]:
    for chunk in CHUNKS:
        yield chunk


async def typeset(number: int) -> str:
    return f"{number}: {TYPESET}"


async def texts(number: int) -> AsyncIterator[str]:
    for word in WORDS:
        yield word


async def to_end(stream: AsyncIterator[object]) -> None:
    async for _ in stream:
        pass


REPLAYED: dict[str, tuple[Any, Any]] = {
    "tiny int": (tiny, 7),
    "model of 1 KB": (model, QUESTION),
    "two messages": (messages, MESSAGES),
    "embedding": (embedding, QUESTION),
    "stream of 30 models": (models, 7),
    "100 KB argument": (messages, HISTORY),
}
RECORDED: dict[str, tuple[Any, Callable[[int], Any]]] = {
    "tiny int": (tiny, int),
    "model of 1 KB": (model, str),
    "two messages": (messages, lambda number: [MESSAGES[0], {"role": "user", "content": f"{number}"}]),
    "typeset text": (typeset, int),
    "stream of 30 models": (models, int),
    "stream of 30 texts": (texts, int),
}
ASKED: dict[str, Any] = {"plain answer": llm.plain, "stream": llm.stream, "100 KB history": llm.history}


def rows(directory: Path) -> dict[str, Callable[[], tuple[Call, Callable[[], AbstractContextManager[object]]]]]:
    """Return how each row is prepared: the call to be timed, and what is open in the meantime."""
    made: dict[str, Any] = {}

    def replay(function: Any, argument: Any, store: Any, **options: Any) -> Any:
        decorated = Recorder(store, mode="record-if-missing", **options).recordable(function)
        is_stream = function in (models, texts)
        return (lambda: to_end(decorated(argument))) if is_stream else (lambda: decorated(argument)), nullcontext

    def record(function: Any, argument: Any, store: Any) -> Any:
        decorated, numbers = Recorder(store, mode="record-if-missing").recordable(function), count()
        is_stream = function in (models, texts)
        once = lambda: decorated(argument(next(numbers)))  # noqa: E731
        return (lambda: to_end(once())) if is_stream else once, nullcontext

    async def in_scope(store: Path) -> tuple[Any, Any]:
        decorated = recordable(model)
        with recording(store, mode="record"):
            await decorated(QUESTION)
        return (lambda: decorated(QUESTION)), lambda: recording(store, mode="replay")

    async def opened(store: Path) -> tuple[Any, Any]:
        call, scope = await in_scope(store)

        async def one() -> None:
            with scope():
                await call()

        return one, nullcontext

    async def openai(ask: Any, store: Path) -> tuple[Any, Any]:
        memo.install("openai")
        with _server.serving() as url, recording(store, mode="record"):
            await ask(AsyncOpenAI(api_key="none", base_url=url, max_retries=0), 0)
        client = AsyncOpenAI(api_key="none", base_url=url, max_retries=0)
        return (lambda: ask(client, 0)), lambda: recording(store, mode="replay")

    for name, (function, argument) in REPLAYED.items():
        made[f"replay: {name}"] = lambda f=function, a=argument: replay(f, a, "memory://")
        made[f"replay from disk: {name}"] = lambda f=function, a=argument, n=name: replay(f, a, directory / n, memory=0)
    made["replay in a scope: model of 1 KB"] = lambda: in_scope(directory / "scope")
    made["replay, scope opened: model of 1 KB"] = lambda: opened(directory / "opened")
    for name, (function, make) in RECORDED.items():
        made[f"record in memory: {name}"] = lambda f=function, m=make: record(f, m, "memory://")
        made[f"record to disk: {name}"] = lambda f=function, m=make, n=name: record(f, m, directory / f"recorded {n}")
    for name, ask in ASKED.items():
        made[f"openai: {name}"] = lambda a=ask, n=name: openai(a, directory / f"openai {n}")
    return made


async def timed(call: Call, scope: Callable[[], AbstractContextManager[object]], number: int) -> float:
    with scope():
        await call()
        gc.disable()
        start = time.process_time()
        for _ in repeat(None, number):
            await call()
        taken = (time.process_time() - start) / number
        gc.enable()
    return taken


async def main(directory: Path) -> None:
    ways: dict[str, Any] = {}
    prepared = rows(directory)
    print(json.dumps([*prepared]), flush=True)
    for line in sys.stdin:
        name, _, number = line.strip().rpartition("|")
        if name not in ways:
            way: Any = prepared[name]()
            ways[name] = await way if asyncio.iscoroutine(way) else way
        print(await timed(*ways[name], int(number)), flush=True)


if __name__ == "__main__":
    from benchmarks import _hot  # by its own name: the recorded models and functions are named by their module

    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_hot.main(Path(name)))
