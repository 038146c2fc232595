"""aiohttp: what a live response gives, a replayed one gives, with the server stopped."""

import io
import itertools
import re

import aiohttp
import httpx
import pytest
from http_routes import BINARY, EVENTS

from memo import recording
from memo.errors import StreamCutShort

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", params=["asyncio"])
def anyio_backend(request):
    return request.param  # aiohttp knows no other event loop


PATHS = [
    "/json/a?b=1",
    "/binary",
    "/events",
    "/torn",
    "/lines",
    "/text",
    "/encoded?as=gzip",
    "/encoded?as=br",
    "/encoded?as=deflate",
    "/encoded_events",
    "/status/404",
    "/status/500",
    "/redirect/2",
    "/latin",
]


async def seen(response):
    headers = [
        (name, re.sub("=[^;]*", "=secret", text) if name == "Set-Cookie" else text)
        for name, text in response.headers.items()
    ]
    return {
        "status": (response.status, response.reason, response.ok, response.version),
        "headers": headers,
        "url": (str(response.url), str(response.real_url), response.method),
        "kind": (response.content_type, response.charset),
        "content": await response.read(),
        "text": await response.text("utf-8", "replace"),
        "history": [(hop.status, str(hop.url)) for hop in response.history],
        "eof": response.content.at_eof(),
    }


async def test_plain(server, tmp_path):
    async def ask():
        async with aiohttp.ClientSession(server.url) as session:
            answers = {}
            for path in PATHS:
                async with session.get(path) as response:
                    answers[path] = await seen(response)
            form = aiohttp.FormData({"field": "value"})
            form.add_field("file", io.BytesIO(b"rings"), filename="a.txt")
            for path, sent in {
                "/json/json": {"json": {"q": "rings?"}, "params": {"n": "1"}},
                "/json/text": {"data": "rings?"},
                "/json/fields": {"data": {"q": "rings?"}},
                "/json/file": {"data": io.BytesIO(b"rings")},
                "/json/pieces": {"data": pieces()},
                "/status/201": {"data": form},
            }.items():
                async with session.post(path, **sent) as response:
                    answers[path] = await seen(response)
            async with session.head("/json/b") as response:
                answers["head"] = await seen(response)
            return answers, sorted(cookie.key for cookie in session.cookie_jar)

    async def pieces():
        yield b"a"
        yield b"b"

    with recording(tmp_path, mode="record"):
        recorded = await ask()
    server.stop()
    with recording(tmp_path) as recorder:
        assert await ask() == recorded
    assert recorder.stats.replayed == len(PATHS) + 7


async def test_redirects_without_end_are_an_answer(server, tmp_path):
    async def ask():
        async with aiohttp.ClientSession(server.url) as session:
            with pytest.raises(aiohttp.TooManyRedirects) as raised:
                await session.get("/loop", headers={"authorization": "Bearer of-this-user"})
        error = raised.value
        return str(error), error.request_info.method, [(hop.status, str(hop.url), hop.ok) for hop in error.history]

    with recording(tmp_path, mode="record"):
        recorded = await ask()
    server.stop()
    with recording(tmp_path):
        assert await ask() == recorded
    assert "of-this-user" not in "".join(path.read_text() for path in tmp_path.rglob("*.json"))


async def test_streams(server, tmp_path):
    readers = {
        "iter_chunked": lambda content: content.iter_chunked(5),
        "iter_any": lambda content: content.iter_any(),
        "lines": lambda content: content,
        "iter_chunks": lambda content: content.iter_chunks(),
    }

    async def ask():
        read = {}
        async with aiohttp.ClientSession(server.url) as session:
            for path, name in itertools.product(
                ["/events", "/spaced", "/torn", "/lines", "/text", "/binary", "/encoded_events"], readers
            ):
                async with session.get(path) as response:
                    items = [item async for item in readers[name](response.content)]
                read[path, name] = (
                    items
                    if name == "lines"
                    else b"".join(item[0] if isinstance(item, tuple) else item for item in items)
                )
            async with session.get("/events") as response:
                read["parts"] = await response.content.readexactly(5), await response.content.readline()
                read["until"] = await response.content.readuntil(b"\n\n"), await response.content.read()
        return read

    live = await ask()
    with recording(tmp_path, mode="record"):
        assert await ask() == live
    server.stop()
    with recording(tmp_path):
        assert await ask() == live


async def test_the_first_event_is_there_while_the_server_still_works(server, tmp_path):
    with recording(tmp_path, mode="record"):
        async with aiohttp.ClientSession(server.url) as session, session.get("/events?waits") as response:
            assert await response.content.readany() == EVENTS[0]
            server.go_on.set()
            assert await response.content.read() == b"".join(EVENTS[1:])


async def test_a_consumer_that_leaves(server, tmp_path):
    async def first(count):
        async with aiohttp.ClientSession(server.url) as session, session.get("/events?waits") as response:
            return [await response.content.readany() for _ in range(count)]

    with recording(tmp_path, mode="record"):
        assert await first(1) == EVENTS[:1]
    server.stop()
    with recording(tmp_path):
        assert await first(1) == EVENTS[:1]
        with pytest.raises(StreamCutShort):
            await first(2)


async def test_raise_for_status(server, tmp_path):
    async def ask():
        async with aiohttp.ClientSession(server.url, raise_for_status=True) as session:
            try:
                await session.get("/status/404")
            except aiohttp.ClientResponseError as error:
                return error.status, error.message, str(error)

    with recording(tmp_path, mode="record"):
        recorded = await ask()
    assert recorded[0] == 404
    server.stop()
    with recording(tmp_path):
        assert await ask() == recorded


@pytest.mark.parametrize("kind", ["refused", "timeout"])
async def test_errors_are_the_clients_own(server, tmp_path, kind):
    async def ask():
        async with aiohttp.ClientSession(server.url) as session:
            try:
                await session.get("/slow", timeout=aiohttp.ClientTimeout(sock_read=0.05))
            except aiohttp.ClientError as error:
                return type(error), str(error)

    if kind == "refused":
        server.stop()
    with recording(tmp_path, mode="record", errors="all"):
        recorded = await ask()
    assert recorded[0] is (aiohttp.ClientConnectorError if kind == "refused" else aiohttp.SocketTimeoutError)
    server.stop()
    with recording(tmp_path) as recorder:
        assert await ask() == recorded
    assert recorder.stats.replayed == 1


async def test_what_httpx_recorded_aiohttp_replays_and_the_other_way_round(server, tmp_path):
    async def ask_aiohttp():
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{server.url}/json/a?x=1", json={"planet": "Saturn"}) as response:
                plain = await response.json()
            async with session.get(f"{server.url}/encoded?as=gzip") as response:
                zipped = await response.json()
            async with session.get(f"{server.url}/binary") as response:
                assert await response.read() == BINARY
            async with session.get(f"{server.url}/events") as response:
                return plain, zipped, await response.read()

    async def ask_httpx():
        async with httpx.AsyncClient(verify=False) as client:
            plain = (await client.post(f"{server.url}/json/a", params={"x": 1}, json={"planet": "Saturn"})).json()
            zipped = (await client.get(f"{server.url}/encoded?as=gzip")).json()
            assert (await client.get(f"{server.url}/binary")).content == BINARY
            return plain, zipped, (await client.get(f"{server.url}/events")).content

    with recording(tmp_path / "httpx", mode="record"):
        of_httpx = await ask_httpx()
    with recording(tmp_path / "aiohttp", mode="record"):
        of_aiohttp = await ask_aiohttp()
    server.stop()
    with recording(tmp_path / "httpx"):
        assert await ask_aiohttp() == of_httpx
    with recording(tmp_path / "aiohttp"):
        assert await ask_httpx() == of_aiohttp
