"""What a carried scope costs a request: the middleware around an ASGI app that does nothing, against the bare app."""

import asyncio
import os
import tempfile
from collections.abc import Iterator

import memo
from benchmarks._harness import Row, race
from memo.integrations.asgi import Middleware

HEADERS = [
    (b"host", b"localhost"),
    (b"accept", b"*/*"),
    (b"user-agent", b"benchmark"),
    (b"content-type", b"text/plain"),
]


@memo.recordable(name="benchmarks.served")
async def served(question: str) -> str:
    return question


async def bare(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def calling(scope, receive, send):
    await served("Which planet has rings?")
    await bare(scope, receive, send)


async def receive():
    return {}


async def send(message):
    pass


def rows(*, quick: bool) -> Iterator[Row]:
    rounds, number = (7, 300) if quick else (25, 2_000)
    os.environ.setdefault("MEMO_SCOPE_SECRET", "benchmark")
    with tempfile.TemporaryDirectory() as folder:
        with memo.recording(folder, mode="record") as recorder:
            asyncio.run(served("Which planet has rings?"))
        recorder = memo.Recorder(folder, mode="replay")
        carried = {"type": "http", "headers": [*HEADERS, (b"memo-scope", recorder.headers["memo-scope"].encode())]}
        without = {"type": "http", "headers": HEADERS}
        for subject, app, scope in (
            ("server: a request with a scope", bare, carried),
            ("server: a request without one", bare, without),
            ("server: a request with a scope and a replay", calling, carried),
        ):
            around = Middleware(app)

            def memos(around=around, scope=scope):
                return around(scope, receive, send)

            def floor():
                return bare(without, receive, send)

            row = race(subject, 0.0, memos, floor, rounds=rounds, number=number)
            yield row._replace(added=True, target=None)
