"""`memo demo`: replay a real recorded answer through a real client, then record and replay a slow tool."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pydantic import BaseModel

from memo._engine.rules.modes import ModeName
from memo._engine.scopes.recording import recording
from memo.errors import MissingExtra
from memo.patches import install

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

__all__ = ["run"]

_QUESTION = "Which planet has rings around it with a name starting with letter S?"
_PLACES = (Path(__file__).parent / "recordings", Path(__file__).parent.parent / "recordings")
"""The directories of the real recordings: inside an installed package, beside the package in a checkout."""
_RHYTHM = 0.01
"""Seconds between chunks on a terminal."""


def run(store: Path | None = None) -> int:
    """Run the demo, recording into `store` or a temporary directory; return the exit code: 1 if openai is missing."""
    for name in ("MEMO_MODE", "MEMO_STORE"):
        os.environ.pop(name, None)  # they take precedence over the demo's own mode and store
    return asyncio.run(_run(store))


async def _run(store: Path | None) -> int:
    code = 0
    if find_spec("openai") is not None:
        await _real_answer()
    else:
        code = 1
        print(MissingExtra("replaying a real answer as the types of OpenAI's SDK", "openai"), file=sys.stderr)
    if store is not None:
        await _slow_tool(store, "")
    else:
        with TemporaryDirectory(prefix="memo-demo-") as folder:
            await _slow_tool(Path(folder), " (temporary: --store DIR keeps it)")
    return code


# The real answer


async def _real_answer() -> None:
    from openai import AsyncOpenAI

    folder = next(place for place in _PLACES if place.is_dir())
    print(_bold("1. AsyncOpenAI with a dummy key and no network: a real answer, recorded once, replayed"))
    print(_dim(f"   {_QUESTION}"))
    print("   ", end="", flush=True)
    with install("openai"), recording(folder, mode="replay"):
        client = AsyncOpenAI(api_key="dummy", base_url="https://api.openai.com/v1")
        chunks, first_seconds = await _asked(client, shown=True)
        _, seconds = await _asked(client, shown=False)
        await client.close()
    print()
    print(_dim(f"   {len(chunks)} objects of the type {type(chunks[0]).__name__}, replayed in {seconds * 1000:.1f} ms"))
    print(
        _dim(f"   (the first time in {first_seconds * 1000:.1f} ms, most of which the SDK takes to import its modules)")
    )
    print()


async def _asked(client: AsyncOpenAI, *, shown: bool) -> tuple[list[ChatCompletionChunk], float]:
    """Ask the question; return the chunks, and the seconds that they took without the time of printing them."""
    chunks: list[ChatCompletionChunk] = []
    printing = 0.0
    start = time.perf_counter()
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": _QUESTION}]
    async for chunk in await client.chat.completions.create(model="gpt-4o", messages=messages, stream=True):
        chunks.append(chunk)
        if shown:
            pause = time.perf_counter()
            for choice in chunk.choices:
                print(choice.delta.content or "", end="", flush=True)
            if sys.stdout.isatty():
                await asyncio.sleep(_RHYTHM)
            printing += time.perf_counter() - pause
    return chunks, time.perf_counter() - start - printing


# The slow tool


class Reading(BaseModel):
    """An item that the demo's tool yields."""

    celsius: float
    station: str


class WeatherTool:
    """A tool that is as slow as real tools, and that does not know memo."""

    async def invoke_tool(
        self, tool_name: str, kwargs: dict[str, str], authorization: str | None = None
    ) -> AsyncIterator[Reading]:
        """Yield five readings, one by one."""
        for celsius in (20.5, 20.9, 21.4, 21.2, 20.8):
            await asyncio.sleep(0.08)
            yield Reading(celsius=celsius, station=kwargs["station"])


async def _slow_tool(store: Path, note: str) -> None:
    print(_bold("2. A slow tool, patched from outside: an async generator, recorded now and replayed"))
    with install(f"{__name__}:WeatherTool.invoke_tool"):
        live, live_seconds = await _timed(store, "record")
        again, replay_seconds = await _timed(store, "replay")
    same = "the same objects" if live == again else "OTHER OBJECTS"
    print(f"   live:     {live_seconds * 1000:6.1f} ms, {len(live)} objects of the type {type(live[0]).__name__}")
    print(f"   replayed: {replay_seconds * 1000:6.1f} ms, {same}")
    _show(store, note)


def _show(store: Path, note: str) -> None:
    for file in sorted(store.glob("memo.demo.WeatherTool.invoke_tool/*.json")):
        print(f"   the file: {file}{note}")
        for line in file.read_text(encoding="utf-8").splitlines():
            print(_dim(f"     {line if len(line) <= 110 else line[:109] + '…'}"))


async def _timed(store: Path, mode: ModeName) -> tuple[list[Reading], float]:
    with recording(store, mode=mode):
        start = time.perf_counter()
        items = [
            item async for item in WeatherTool().invoke_tool("weather", {"station": "Paris"}, "Bearer never-written")
        ]
        return items, time.perf_counter() - start


def _bold(text: str) -> str:
    return _painted(text, "1")


def _dim(text: str) -> str:
    return _painted(text, "2")


def _painted(text: str, style: str) -> str:
    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[{style}m{text}\x1b[0m"
