"""Every method of google-genai, of each of its APIs: what is recorded equals the live call, and what is replayed both.

By default a sample of the methods is walked; `MEMO_WALK=all` walks all of them (see tests/README.md).
"""

import os
from pathlib import Path

import anyio.to_thread
import pytest
from answering import Answering

pytest.importorskip("google.genai")

from google_walking import MODES, methods, opened, run
from uses import a
from walking import same

import memo

pytestmark = pytest.mark.filterwarnings(
    "ignore:Async generator '(google|httpx|httpcore):ResourceWarning", "ignore::google.genai.errors.ExperimentalWarning"
)

EXCEPTIONS: dict[str, str] = {}
"""The methods that are not walked, each with the reason. At most one in a hundred."""

ALL = os.environ.get("MEMO_WALK") == "all"


on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])
"""The SDK's async client needs asyncio."""


@on_asyncio
@pytest.mark.parametrize("kind", ["async", "sync"])
@pytest.mark.parametrize("mode", MODES)
async def test_recorded_equals_live_and_replayed_equals_both(mode: str, kind: str, tmp_path: Path):
    walked = methods() if ALL else methods()[list(MODES).index(mode) :: 6]
    with Answering() as server, memo.install("google-genai"):
        client = opened(server.url, mode)
        seen = client.aio if kind == "async" else client
        live = await run(seen, walked, server)
        with memo.recording(tmp_path, mode="record", errors="all") as rec:
            recorded = await run(seen, walked, server, lambda: len(rec.failures))
        count = server.count
        server.stop()
        with memo.recording(tmp_path) as replay:
            replayed = await run(seen, walked)
        await a(client.aio.aclose())
        await anyio.to_thread.run_sync(client.close)
    given = {
        name for name, result in live.items() if not (type(result) is tuple and result[0] in ("raised", "no sample"))
    }
    assert [name for name in given if not same(live[name], recorded[name])] == []
    assert [name for name in given if not same(live[name], replayed[name])] == []
    assert replay.stats.replayed == rec.stats.live > 0
    assert server.count == count


@on_asyncio
@pytest.mark.skipif(not ALL, reason="walks all methods of all APIs: MEMO_WALK=all")
async def test_every_method_is_walked():
    """Each gives a result in one of the APIs at least: none is refused for its arguments."""
    walked, missing = methods(), None
    for mode in MODES:
        with Answering() as server:
            client = opened(server.url, mode)
            live = await run(client, walked, server)
            client.close()
        refused = {
            method
            for (method, _), result in live.items()
            if type(result) is tuple and result[0] in ("raised", "no sample")
        }
        missing = refused if missing is None else missing & refused
    assert missing == EXCEPTIONS.keys()
    assert len(EXCEPTIONS) <= len(walked) / 100
    assert len(walked) >= 90
