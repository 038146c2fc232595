"""How long the first of 30 chunks takes, each of which comes 50 ms after the one before, while the stream is recorded."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from openai import AsyncOpenAI

import memo
from benchmarks import _server
from benchmarks._harness import Row, Skipped, rows_against, said
from benchmarks._samples import MESSAGES
from benchmarks.llm import STORES, Store, memo_store, nothing

DELAY = 0.050


def rows(*, quick: bool) -> Iterator[Row | Skipped]:
    with _server.serving(DELAY) as url, memo.install("openai"), tempfile.TemporaryDirectory() as directory:
        yield from asyncio.run(measured(url, Path(directory), rounds=2 if quick else 10))


async def measured(url: str, directory: Path, *, rounds: int) -> list[Row | Skipped]:
    subject = "first chunk while recording 30, one each 50 ms"
    ways = {"memo": memo_store, "live": nothing, **STORES}
    reasons = {name: each for name, each in ways.items() if isinstance(each, str)}
    times: dict[str, list[float]] = {name: [] for name in ways}
    numbers = count()
    async with AsyncOpenAI(api_key="none", base_url=url, max_retries=0) as client:
        await first(client, nothing, directory)  # opens the connection
        for _ in range(rounds):
            for name, store in ways.items():
                folder = directory / f"{next(numbers)}"
                folder.mkdir()
                if name not in reasons and not isinstance(store, str):
                    try:
                        times[name].append(await first(client, store, folder))
                    except Exception as error:  # noqa: BLE001 - whatever it cannot do
                        reasons[name] = said(error)
    return rows_against(subject, times, reasons)


async def first(client: AsyncOpenAI, store: Store, folder: Path) -> float:
    """The seconds until the first chunk. The whole stream is consumed, so that it is recorded."""
    messages = [*MESSAGES[:1], {"role": "user", "content": "Which planet?"}]
    with store(folder, record=True):
        start = time.perf_counter()
        stream = await client.chat.completions.create(model="some-model", messages=messages, stream=True)  # type: ignore[call-overload]
        taken = 0.0
        async for _ in stream:
            taken = taken or time.perf_counter() - start
    return taken
