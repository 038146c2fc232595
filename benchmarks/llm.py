"""Replays of openai's AsyncOpenAI, recorded from a local server that is gone by then.

| against | is |
|---|---|
| by hand | the bare floor: pydantic validates the JSON of the answer, and nothing else |
| the SDK | the floor of anyone who records below the SDK's own method: what it does until it sends, and then `by hand` |
| transport | the SDK with a transport that answers at once: the floor of anyone who records HTTP |
| vcrpy, cassetter | these, matching method, URL and body |

`opened` is a test with a store, or a cassette, of its own: it is opened, and the call is made. `open` is one more call in it.
memo is `patch`, as `memo.install("openai")` records, and `decorator`: `@recordable` on the function that asks the SDK. `first time`
is the patch with a call that its client never made: the SDK transforms the arguments, which is remembered for the next time.
"""

import asyncio
import itertools
import json
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol

from openai import AsyncOpenAI
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk

import memo
from benchmarks import _server
from benchmarks._harness import Row, Skipped, Way, missing, race_all
from benchmarks._samples import ANSWER, HISTORY, MESSAGES
from memo import recordable, recording


class Store(Protocol):
    """Opens what is at a path."""

    def __call__(self, path: Path, *, record: bool) -> AbstractContextManager[object]: ...


Ask = Callable[[AsyncOpenAI, int], Awaitable[Any]]


def messages(number: int) -> list[Any]:
    return [MESSAGES[0], {"role": "user", "content": f"{MESSAGES[1]['content']} ({number})"}]


async def plain(client: AsyncOpenAI, number: int) -> ChatCompletion:
    return await client.chat.completions.create(model="some-model", messages=messages(number))


async def history(client: AsyncOpenAI, number: int) -> ChatCompletion:
    asked: list[Any] = [*HISTORY, *messages(number)]
    return await client.chat.completions.create(model="some-model", messages=asked)


async def stream(client: AsyncOpenAI, number: int) -> list[ChatCompletionChunk]:
    opened = await client.chat.completions.create(model="some-model", messages=messages(number), stream=True)
    return [chunk async for chunk in opened]


async def embedding(client: AsyncOpenAI, number: int) -> list[float]:
    response = await client.embeddings.create(model="some-embedding", input=f"{ANSWER.text} ({number})")
    return response.data[0].embedding


@recordable(ignore="client")
async def plain_decorated(client: AsyncOpenAI, number: int, messages: list[Any]) -> ChatCompletion:
    return await plain(client, number)


@recordable(ignore="client")
async def stream_decorated(client: AsyncOpenAI, number: int, messages: list[Any]) -> Any:
    opened = await client.chat.completions.create(model="some-model", messages=messages, stream=True)
    async for chunk in opened:
        yield chunk


@recordable(ignore="client")
async def embedding_decorated(client: AsyncOpenAI, number: int, messages: list[Any]) -> Any:
    return await client.embeddings.create(model="some-embedding", input=f"{ANSWER.text} ({number})")


def decorated(ask: Ask) -> Ask:
    async def one(client: AsyncOpenAI, number: int) -> Any:
        asked = [*HISTORY, *messages(number)] if ask is history else messages(number)
        if ask is stream:
            return [chunk async for chunk in stream_decorated(client, number, asked)]
        if ask is embedding:
            return (await embedding_decorated(client, number, asked)).data[0].embedding
        return await plain_decorated(client, number, asked)

    return one


def told(result: Any) -> object:
    """What tells one answer from another: the SDK's sets of set fields differ from those of validation."""
    if isinstance(result, list):
        return [each.model_dump() if isinstance(each, ChatCompletionChunk) else each for each in result]
    return result.model_dump()


class Bare(AsyncOpenAI):
    """The SDK up to the method that sends, with what would be done by hand instead of it."""

    async def request(self, cast_to: Any, options: Any, *, stream: bool = False, stream_cls: Any = None) -> Any:
        if stream:
            return _chunks()
        data = COMPLETION if cast_to is ChatCompletion else EMBEDDED
        return cast_to.model_validate_json(data)


COMPLETION = json.dumps(_server.COMPLETION).encode()
CHUNKS = [json.dumps(each).encode() for each in _server.CHUNKS]
EMBEDDED = json.dumps(_server.EMBEDDED).encode()


async def _chunks() -> Any:
    validate = ChatCompletionChunk.model_validate_json
    for each in CHUNKS:
        yield validate(each)


async def by_hand(ask: Ask) -> Any:
    if ask is stream:
        return [chunk async for chunk in _chunks()]
    if ask is embedding:
        return CreateEmbeddingResponse.model_validate_json(EMBEDDED).data[0].embedding
    return ChatCompletion.model_validate_json(COMPLETION)


# Stores


def nothing(path: Path, *, record: bool) -> AbstractContextManager[object]:
    return nullcontext()


def memo_store(path: Path, *, record: bool) -> AbstractContextManager[object]:
    return recording(path / "memo", mode="record-if-missing" if record else "replay")


def vcrpy_store(path: Path, *, record: bool) -> AbstractContextManager[object]:
    from vcr import VCR

    return VCR(match_on=["method", "uri", "body"]).use_cassette(
        str(path / "vcrpy.yaml"), record_mode="once" if record else "none", allow_playback_repeats=True
    )


def cassetter_store(path: Path, *, record: bool) -> AbstractContextManager[object]:
    from cassetter import use_cassette

    return use_cassette(
        path / "cassetter.yaml",
        record_mode="once" if record else "none",
        match_on=["method", "uri", "json_body"],
    )


STORES: dict[str, Store | str] = {
    "vcrpy": missing("vcr") or vcrpy_store,
    "cassetter": missing("cassetter") or cassetter_store,
}

KINDS: tuple[tuple[str, Ask, tuple[int, ...], float | None, float | None], ...] = (
    # name, call, stored, target against the recorders of HTTP, and against doing it by hand
    ("plain answer", plain, (1, 200), 1 / 40, 3.0),
    ("stream of 30 chunks", stream, (1, 200), 1 / 20, 1.5),
    ("embedding", embedding, (1,), None, 1.5),
    ("100 KB history", history, (1,), None, None),
)


def rows(*, quick: bool) -> Iterator[Row | Skipped]:
    rounds = 3 if quick else 15
    ChatCompletionChunk.model_rebuild()  # the SDK puts it off until the first validation
    with memo.install("openai"), tempfile.TemporaryDirectory() as name:
        for kind, ask, stored, target, bare in KINDS:
            for number in stored:
                directory = Path(name, kind, str(number))
                directory.mkdir(parents=True)
                number = min(number, 20) if quick else number  # noqa: PLW2901
                url, reasons = asyncio.run(recorded(directory, ask, number))
                client = AsyncOpenAI(api_key="none", base_url=url, max_retries=0)
                among = f"{kind}, 1 of {number}" if number > 1 else kind
                ways = {"patch": ask, "decorator": decorated(ask)}

                def proved(call: Ask, how: Any, client: Any, *, ask: Any = ask, last: int = number - 1) -> Way:
                    return how(lambda: call(client, last), lambda: by_hand(ask))

                yield from race_all(
                    {
                        f"llm opened: {among}, {each}": proved(way, opened(memo_store, directory), client)
                        for each, way in ways.items()
                    },
                    {
                        each: reasons.get(each) or proved(ask, opened(store, directory), client)._replace(target=target)
                        for each, store in STORES.items()
                    },
                    rounds=rounds,
                )
                if number > 1:
                    ways["patch, first time"] = each_once(ask, url, number)
                yield from race_all(
                    {
                        f"llm open: {among}, {each}": proved(way, still_open(memo_store, directory), client)
                        for each, way in ways.items()
                    },
                    {
                        "by hand": Way(lambda ask=ask: by_hand(ask), target=bare),
                        "the SDK": proved(
                            ask, still_open(nothing, directory), Bare(api_key="none", base_url=url)
                        )._replace(target=1.5),
                        "transport": proved(ask, still_open(nothing, directory), answered(url)),
                        **{
                            each: reasons.get(each)
                            or proved(ask, still_open(store, directory), client)._replace(target=target)
                            for each, store in STORES.items()
                        },
                    },
                    rounds=rounds,
                )


def each_once(ask: Ask, url: str, number: int) -> Ask:
    """One recorded call after the other, by its own client. (Fewer are made than are recorded.)"""
    client, numbers = AsyncOpenAI(api_key="none", base_url=url, max_retries=0), itertools.count()
    return lambda *_: ask(client, next(numbers) % number)


def answered(url: str) -> AsyncOpenAI:
    """A client whose transport answers at once."""
    import httpx2
    from openai import DefaultAsyncHttpxClient

    def answer(request: httpx2.Request) -> httpx2.Response:
        kind, data = _server.answer_to(request.url.path, json.loads(request.content))
        return httpx2.Response(200, headers={"content-type": kind}, content=data)

    return AsyncOpenAI(
        api_key="none", base_url=url, http_client=DefaultAsyncHttpxClient(transport=httpx2.MockTransport(answer))
    )


async def recorded(directory: Path, ask: Ask, number: int) -> tuple[str, dict[str, str]]:
    """Record so many calls in every store. The URL at which nobody listens any more; and why it was not possible, where it was not."""
    reasons = {name: store for name, store in STORES.items() if isinstance(store, str)}
    with _server.serving() as url:
        for name, store in {"memo": memo_store, **STORES}.items():
            if name in reasons:
                continue
            async with AsyncOpenAI(api_key="none", base_url=url, max_retries=0) as client:
                for way in (ask, decorated(ask)) if name == "memo" else (ask,):
                    with store(directory, record=True):
                        for each in range(number):
                            await way(client, each)
    return url, reasons


Make = Callable[[Callable[[], Awaitable[Any]], Callable[[], Awaitable[Any]]], Way]


def opened(store: Any, directory: Path) -> Make:
    """A way that opens the store for each call."""

    def make(call: Callable[[], Awaitable[Any]], expected: Callable[[], Awaitable[Any]]) -> Way:
        async def one() -> Any:
            with store(directory, record=False):
                return await call()

        async def prove() -> None:
            if told(await one()) != told(await expected()):
                raise TypeError("gives back another answer")

        return Way(one, prove=prove)

    return make


def still_open(store: Any, directory: Path) -> Make:
    """A way that finds the store open."""

    def make(call: Callable[[], Awaitable[Any]], expected: Callable[[], Awaitable[Any]]) -> Way:
        return opened(store, directory)(call, expected)._replace(
            call=call, around=lambda: store(directory, record=False)
        )

    return make
