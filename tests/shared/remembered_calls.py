"""Calls of openai that are remembered, and how often the SDK transforms their arguments."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from uses import a, collect

ROOT = Path(__file__).parent.parent.parent
LEFT_GENERATORS = r"ignore:Async generator '(cerebras|groq|httpx|httpcore|llama_stack_client|ogx_client|openai|together):ResourceWarning"
"""The SDKs and httpx leave generators of their own behind, which trio reports."""
METHODS = ("chat.completions.completions", "completions", "embeddings", "responses.responses")


def asked(*words: str) -> list[Any]:
    return [{"role": "user", "content": word} for word in words or ("how many?",)]


def client(kind: str, url: str, key: str, **more: Any) -> Any:
    made = openai.AsyncOpenAI if kind == "async" else openai.OpenAI
    return to_close(made(base_url=f"{url}/v1", api_key=key, max_retries=0, **more))


def to_close(made: Any) -> Any:
    clients.append(made)
    return made


clients: list[Any] = []


class Transformed:
    """How often the SDK transformed arguments."""

    def __init__(self) -> None:
        self.count = 0

    def watch(self, module: Any, patch: pytest.MonkeyPatch) -> None:
        for name in ("maybe_transform", "async_maybe_transform"):
            transform = getattr(module, name)

            def counting(*args: Any, transform: Any = transform) -> Any:
                self.count += 1
                return transform(*args)

            patch.setattr(module, name, counting)

    def since(self) -> int:
        """How often since it was asked the last time."""
        count, self.count = self.count, 0
        return count


Call = Callable[[Any], Awaitable[Any]]
CALLS: dict[str, Call] = {
    "chat": lambda c: a(c.chat.completions.create(model="m", messages=asked(), temperature=0.5, stop=("x", "y"))),
    "completion": lambda c: a(c.completions.create(model="m", prompt="p")),
    "embedding": lambda c: a(c.embeddings.create(model="e", input=["x", "y"])),
    "embedding of floats": lambda c: a(c.embeddings.create(model="e", input="x", encoding_format="float")),
    "response": lambda c: a(c.responses.create(model="m", input="i")),
    "chat in a stream": lambda c: streamed(c.chat.completions.create(model="m", messages=asked(), stream=True)),
    "response in a stream": lambda c: streamed(c.responses.create(model="m", input="i", stream=True)),
}


async def streamed(call: Any) -> Any:
    stream = await a(call)
    assert isinstance(stream, openai.AsyncStream | openai.Stream)
    found = [stream.response.status_code, stream.response.headers["x-request-id"], str(stream.response.request.url)]
    return [*found, await collect(stream), stream.response.elapsed.total_seconds() > 0]


def recordings(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.json"))


both_kinds = pytest.mark.parametrize("kind", ["async", "sync"])
