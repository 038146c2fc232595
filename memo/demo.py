"""`memo demo`: a real recorded answer comes back typed; then a slow generator is recorded, and replayed."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pydantic import BaseModel

from memo._recordable import recordable
from memo._scope import recording

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk

__all__ = ["run"]

_QUESTION = "Which planet has rings around it with a name starting with letter S?"
_REQUEST: dict[str, object] = {
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": _QUESTION}],
    "stream": True,
}
_PLACES = (Path(__file__).parent / "recordings", Path(__file__).parent.parent / "recordings")
"""Where the real recordings lie: inside of an installed package, beside it in a checkout."""
_RHYTHM = 0.01


def run(store: Path | None = None) -> int:
    """Run the demo, recording into `store`, else into a temporary directory. The exit code: 1 if openai is missing."""
    for name in ("MEMO_MODE", "MEMO_STORE"):
        os.environ.pop(name, None)  # they would win over what the demo says
    return asyncio.run(_run(store))


async def _run(store: Path | None) -> int:
    code = 0
    if find_spec("openai") is not None:
        await _real_answer()
    else:
        code = 1
        print(
            "memo demo replays a real answer as the types of OpenAI's SDK, which is not installed. To see it:\n"
            '  pip install "memo-recorder[openai]"',
            file=sys.stderr,
        )
    if store is not None:
        await _slow_generator(store, "")
    else:
        with TemporaryDirectory(prefix="memo-demo-") as folder:
            await _slow_generator(Path(folder), " (temporary: --store DIR keeps it)")
    return code


# The real answer


@recordable(name="openai.chat.completions", trust=("openai",))
async def _completions(
    method: str, path: str, query: dict[str, str], body: dict[str, object], server: str
) -> AsyncIterator[ChatCompletionChunk]:
    """The call that was recorded, as the SDK sends it."""
    raise ConnectionError("the demo makes no live calls")
    yield


async def _real_answer() -> None:
    import_module("openai.types.chat")  # before the clock starts
    folder = next(place for place in _PLACES if place.is_dir())
    print(_bold("1. A real answer of OpenAI's, recorded once, replayed offline"))
    print(_dim(f"   {_QUESTION}"))
    print("   ", end="", flush=True)
    chunks: list[ChatCompletionChunk] = []
    waited = 0.0
    with recording(folder, mode="replay"):
        start = time.perf_counter()
        async for chunk in _completions("POST", "/chat/completions", {}, _REQUEST, "https://api.openai.com/v1"):
            chunks.append(chunk)
            pause = time.perf_counter()
            for choice in chunk.choices:
                print(choice.delta.content or "", end="", flush=True)
            if sys.stdout.isatty():
                await asyncio.sleep(_RHYTHM)
            waited += time.perf_counter() - pause
        took = time.perf_counter() - start - waited
    print()
    print(_dim(f"   {len(chunks)} objects of the type {type(chunks[0]).__name__}, replayed in {took * 1000:.1f} ms"))
    print()


# The slow generator


class Reading(BaseModel):
    """What the demo's generator yields."""

    celsius: float
    station: str


@recordable
async def readings(station: str) -> AsyncIterator[Reading]:
    """A source that is slow, as real ones are."""
    for celsius in (20.5, 20.9, 21.4, 21.2, 20.8):
        await asyncio.sleep(0.08)
        yield Reading(celsius=celsius, station=station)


async def _slow_generator(store: Path, note: str) -> None:
    print(_bold("2. A slow async generator, recorded now and replayed"))
    live, live_seconds = await _timed(store, "record")
    again, replay_seconds = await _timed(store, "replay")
    same = "the same objects" if live == again else "OTHER OBJECTS"
    print(f"   live:     {live_seconds * 1000:6.1f} ms, {len(live)} objects of the type {type(live[0]).__name__}")
    print(f"   replayed: {replay_seconds * 1000:6.1f} ms, {same}")
    _show(store, note)


def _show(store: Path, note: str) -> None:
    for file in sorted(store.glob("memo.demo.readings/*.json")):
        print(f"   the file: {file}{note}")
        for line in file.read_text(encoding="utf-8").splitlines():
            print(_dim(f"     {line if len(line) <= 110 else line[:109] + '…'}"))


async def _timed(store: Path, mode: str) -> tuple[list[Reading], float]:
    with recording(store, mode=mode):
        start = time.perf_counter()
        items = [item async for item in readings("Paris")]
        return items, time.perf_counter() - start


def _bold(text: str) -> str:
    return _painted(text, "1")


def _dim(text: str) -> str:
    return _painted(text, "2")


def _painted(text: str, style: str) -> str:
    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[{style}m{text}\x1b[0m"
