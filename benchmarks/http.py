"""The same HTTP work under memo's `http`, vcrpy and cassetter, by httpx and by requests, against a local server.

`record` is a scope, or a cassette, of its own in a new, empty folder in which one request is made, closed again, so that the
answer is on disk. Before each turn, what the other ways left to be written is written: who flushes waits for that, too. `replay
opened` is the same with what is recorded already and the server gone, `replay open` one more request in it. `first byte` is that
of a stream of 30 events, from the request on while it is recorded (one event comes each 20 ms), and from the opening of the scope
or the cassette on while it is replayed: memo reads a recording when it is asked for, the others read all of them when they open.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import requests

import memo
from benchmarks import _server
from benchmarks._harness import Row, Skipped, Way, race_all, rows_against, said
from benchmarks._samples import HISTORY, MESSAGES
from benchmarks.llm import STORES, Store, memo_store, nothing

DELAY = 0.020
LONG = {"model": "some-model", "messages": HISTORY}
BODIES = {
    "plain JSON": {"model": "some-model", "messages": MESSAGES},
    "100 KB body": LONG,
    "SSE of 30 events": {"model": "some-model", "messages": MESSAGES, "stream": True},
}

Ask = Callable[[str, dict[str, Any]], Awaitable[bytes]]
"""Gives the body of an answer."""


class Httpx:
    """Requests of httpx, async."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(trust_env=False)

    async def ask(self, url: str, body: dict[str, Any]) -> bytes:
        if not body.get("stream"):
            return (await self._client.post(url, json=body)).content
        async with self._client.stream("POST", url, json=body) as response:
            return b"".join([piece async for piece in response.aiter_bytes()])

    async def first(self, url: str, body: dict[str, Any]) -> float:
        start, taken = time.perf_counter(), 0.0
        async with self._client.stream("POST", url, json=body) as response:
            async for _ in response.aiter_bytes():
                taken = taken or time.perf_counter() - start
        return taken

    async def aclose(self) -> None:
        await self._client.aclose()


class Requests:
    """Requests of requests."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False

    async def ask(self, url: str, body: dict[str, Any]) -> bytes:
        if not body.get("stream"):
            return self._session.post(url, json=body).content
        with closing(self._session.post(url, json=body, stream=True)) as response:
            return b"".join(response.iter_content(1 << 16))

    async def first(self, url: str, body: dict[str, Any]) -> float:
        start, taken = time.perf_counter(), 0.0
        with closing(self._session.post(url, json=body, stream=True)) as response:
            for _ in response.iter_content(1 << 16):
                taken = taken or time.perf_counter() - start
        return taken

    async def aclose(self) -> None:
        self._session.close()


CLIENTS: dict[str, type[Httpx | Requests]] = {"httpx": Httpx, "requests": Requests}


def rows(*, quick: bool) -> Iterator[Row | Skipped]:
    rounds = 3 if quick else 15
    with memo.install("http"), tempfile.TemporaryDirectory() as name:
        for client, kind in CLIENTS.items():
            yield from _rows(client, kind, Path(name, client), rounds)


def _rows(name: str, kind: type[Httpx | Requests], directory: Path, rounds: int) -> Iterator[Row | Skipped]:
    with _server.serving() as server:
        url = f"{server}/chat/completions"
        for what, body in BODIES.items():
            ways = _ways(kind, directory / "record" / what, url, body)
            yield from race_all({f"http record: {what}, {name}": ways.pop("memo")}, ways, rounds=rounds)
        for what, body in BODIES.items():
            (directory / what).mkdir(parents=True)
            asyncio.run(_recorded(kind, directory / what, url, body))
    for what, body in BODIES.items():
        for how in ("opened", "open"):
            ways = _replays(kind, directory / what, url, body, is_open=how == "open")
            yield from race_all({f"http replay {how}: {what}, {name}": ways.pop("memo")}, ways, rounds=rounds)
    body = BODIES["SSE of 30 events"]
    with _server.serving(DELAY) as server:
        url = f"{server}/chat/completions"
        yield from asyncio.run(
            _first_bytes(f"http record: first byte of SSE, {name}", kind, directory / "first", url, body, rounds)
        )
    yield from asyncio.run(
        _first_bytes(
            f"http replay: first byte of SSE, {name}", kind, directory / "first", url, body, rounds, replays=True
        )
    )


def _stores() -> dict[str, Store | str]:
    return {"memo": memo_store, **STORES}


def _ways(kind: type[Httpx | Requests], folder: Path, url: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return how each records a request anew: memo, the others as they are, and the others with their file flushed to disk."""
    numbers = count()

    def way(name: str, *, flushes: bool) -> Way | str:
        store, client = (_memo_alone if name == "memo" else _stores()[name]), kind()
        if isinstance(store, str):
            return store

        async def call() -> None:
            path = folder / str(next(numbers))
            path.mkdir(parents=True)
            with store(path, record=True):
                await client.ask(url, body)
            if flushes:
                _flush(path)

        unlike = name != "memo" and not flushes
        note = "memo flushes to disk, this does not" if unlike else ""
        return Way(call, _nothing_left_to_write, None if unlike else 1.0, note)

    return {
        "memo": way("memo", flushes=False),
        **{f"{name}, flushed": way(name, flushes=True) for name in STORES},
        **{name: way(name, flushes=False) for name in STORES},
    }


def _memo_alone(path: Path, *, record: bool) -> AbstractContextManager[object]:
    """Open the folder itself as memo's store: the others' files are in a folder that is there, too."""
    return memo.recording(path, mode="record-if-missing" if record else "replay")


@contextmanager
def _nothing_left_to_write() -> Iterator[None]:
    """Write what is still to be written. A flush also waits for what other files of the disk have left: memo's for the others'."""
    os.sync()
    yield


def _flush(folder: Path) -> None:
    """Flush the one file of a folder, and the folder."""
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


async def _recorded(kind: type[Httpx | Requests], folder: Path, url: str, body: dict[str, Any]) -> None:
    client = kind()
    for store in _stores().values():
        if not isinstance(store, str):
            with store(folder, record=True):
                await client.ask(url, body)
    await client.aclose()


def _replays(
    kind: type[Httpx | Requests], folder: Path, url: str, body: dict[str, Any], *, is_open: bool
) -> dict[str, Any]:
    """Return how each replays the request."""
    expected = _server.answer_to(url, body)[1]

    def way(store: Store) -> Way:
        client = kind()

        async def opened() -> None:
            with store(folder, record=False):
                await client.ask(url, body)

        async def prove() -> None:
            with store(folder, record=False):
                found = await client.ask(url, body)
            if found != expected and json.loads(found) != json.loads(expected):
                raise TypeError("gives back another answer")

        if is_open:
            return Way(lambda: client.ask(url, body), lambda: store(folder, record=False), 1.0, prove=prove)
        return Way(opened, target=1.0, prove=prove)

    return {name: store if isinstance(store, str) else way(store) for name, store in _stores().items()}


async def _first_bytes(
    subject: str,
    kind: type[Httpx | Requests],
    folder: Path,
    url: str,
    body: dict[str, Any],
    rounds: int,
    *,
    replays: bool = False,
) -> list[Row | Skipped]:
    ways = {**_stores(), **({} if replays else {"live": nothing})}
    reasons = {name: store for name, store in ways.items() if isinstance(store, str)}
    times: dict[str, list[float]] = {name: [] for name in ways}
    client = kind()
    if not replays:
        await client.first(url, body)  # opens the connection
    rounds = rounds if replays else max(2, rounds // 3)
    for number in range(rounds):
        for name, store in ways.items():
            path = folder / str(0 if replays else number)
            path.mkdir(parents=True, exist_ok=True)
            if name not in reasons and not isinstance(store, str):
                try:
                    begun = time.perf_counter()
                    with store(path, record=not replays):
                        opening = time.perf_counter() - begun if replays else 0.0
                        times[name].append(opening + await client.first(url, body))
                except Exception as error:  # noqa: BLE001 - whatever it cannot do
                    reasons[name] = said(error)
    await client.aclose()
    return rows_against(subject, times, reasons)
