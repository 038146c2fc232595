"""The 12 faults that are tried with each client, the time-out with which they are tried, and how a replay is compared with a server."""

import anyio

import memo
from memo import fault, recording

WAIT = 0.4
NOBODY = "http://127.0.0.1:9"
"""Where no server answers."""


def faults(body):
    """Each fault by its name, and whether it is tried with a stream; errors have that body."""
    return {
        "rate limit": (fault.rate_limit(retry_after=2, body=body), False),
        "400": (fault.status(400, body=body), False),
        "401": (fault.status(401, body=body), False),
        "404": (fault.status(404, body=body), False),
        "500": (fault.status(500, body=body), False),
        "503, streamed": (fault.status(503, body=body), True),
        "529": (fault.status(529, body=body), False),
        "timeout": (fault.timeout(), False),
        "connection": (fault.connection(), False),
        "cut": (fault.cut(after=2), True),
        "slow": (fault.slow(first=0.05, per_item=0.01), True),
        "malformed": (fault.malformed(), False),
    }


def read_chat(answer, stream, got):
    """Add what an answer of a chat completion says to `got`: at once, or as a stream gives it."""
    if stream:
        for chunk in answer:
            got.append(chunk.choices[0].delta.content)
    else:
        got.append(answer.choices[0].message.content)


async def aread_chat(answer, stream, got):
    """Async twin of `read_chat`."""
    if stream:
        async for chunk in answer:
            got.append(chunk.choices[0].delta.content)
    else:
        got.append(answer.choices[0].message.content)


async def outcome(program, url, stream, seen):
    """Return what a program got, and what `seen` tells of the error that ended it."""
    got = []
    try:
        with anyio.fail_after(10):
            await program(url, stream, got)
    except Exception as error:
        return got, seen(error)
    return got, None


async def injected_as_live(program, preset, wanted, stream, seen, server, folder, *, raises=True):
    """Check that a fault gives a program in a replay what the server makes of it; return what was injected.

    The replay makes no request, and writes nothing. Without `raises`, the client raises no error for a status.
    """
    server.faults = [wanted]
    url = NOBODY if wanted.kind == "connection" else server.url
    live = await outcome(program, url, stream, seen)
    assert (live[1] is None) == (wanted.kind == "slow" or (not raises and bool(wanted.status)))
    with memo.install(preset):
        if wanted.kind in ("slow", "cut"):
            with recording(folder, mode="record"):
                await outcome(program, url, stream, seen)
        requests = len(server.seen)
        before = {path: path.read_bytes() for path in folder.rglob("*.json")}
        with recording(folder, faults=[wanted]) as recorder:
            assert await outcome(program, url, stream, seen) == live
    assert len(server.seen) == requests
    assert {path: path.read_bytes() for path in folder.rglob("*.json")} == before
    return recorder.stats.injected
