"""Every method of every SDK in every form: what is recorded equals the live call, and what is replayed equals both.

By default a sample of the methods is walked; `MEMO_WALK=all` walks all of them (see tests/README.md).
"""

import importlib
import os
from pathlib import Path

import pytest
from answering import Answering
from walking import SDK, SDKS, Method, methods, opened, run, same, telling

import memo

pytestmark = pytest.mark.filterwarnings(
    r"ignore:Async generator '(anthropic|cerebras|groq|httpx|httpcore|llama_stack_client|ogx_client|openai|together):ResourceWarning"
)

NO_REQUEST = "reads what it is given and makes no request"
NEEDS = "needs what only a real session or folder gives"
EXCEPTIONS = {
    "openai beta.agents.environments.files.prepare_directory": NEEDS,
    "openai beta.agents.environments.files.upload": NEEDS,
    "openai beta.agents.sessions.artifacts.for_result": NEEDS,
    "openai beta.agents.sessions.stream": NEEDS,
    "openai webhooks.unwrap": NO_REQUEST,
    "openai webhooks.verify_signature": NO_REQUEST,
    "anthropic beta.webhooks.parse_unverified": NO_REQUEST,
    "anthropic beta.webhooks.unwrap": NO_REQUEST,
    "together files.upload": NEEDS,
}
"""The methods that are not walked, each with the reason. At most one in a hundred."""

WEBSOCKETS = ("connect", "transcription")
"""Methods that speak over a WebSocket: there is no request to record."""

ALL = os.environ.get("MEMO_WALK") == "all"


def chosen(sdk: SDK) -> list[Method]:
    found = [method for method in walkable(sdk) if f"{sdk.preset} {method}" not in EXCEPTIONS]
    return found if ALL else found[:: max(1, len(found) // 12)]


def walkable(sdk: SDK) -> list[Method]:
    return [method for method in methods(sdk) if method.name not in WEBSOCKETS]


@pytest.mark.parametrize("kind", ["Async", ""])
@pytest.mark.parametrize("sdk", SDKS, ids=[sdk.preset for sdk in SDKS])
async def test_recorded_equals_live_and_replayed_equals_both(sdk: SDK, kind: str, tmp_path: Path):
    walked = chosen(sdk)
    client = getattr(importlib.import_module(sdk.module), kind + sdk.client)
    with Answering() as server, memo.install(sdk.preset):
        told = telling(client, server)
        async with opened(told, sdk, server.url) as c:
            live = await run(c, walked)
            with memo.recording(tmp_path, mode="record", errors="all") as rec:
                recorded = await run(c, walked, lambda: len(rec.failures))
        server.stop()
        async with opened(client, sdk, server.url) as c:
            with memo.recording(tmp_path) as replay:
                replayed = await run(c, walked)
    assert [key for key, result in live.items() if type(result) is tuple and result[0] in ("raised", "no sample")] == []
    assert [key for key in live if not same(live[key], recorded[key])] == []
    assert [key for key in live if not same(live[key], replayed[key])] == []
    assert replay.stats.replayed == rec.stats.live > 0


def test_at_most_one_method_in_a_hundred_is_not_walked():
    known = {f"{sdk.preset} {method}" for sdk in SDKS for method in walkable(sdk)}
    assert EXCEPTIONS.keys() <= known
    assert len(EXCEPTIONS) <= len(known) / 100
