"""HTTP bodies that were left when they were recorded, and are read further where calls may be made."""

import itertools
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import aiohttp
import anthropic
import httpx
import httpx2
import openai
import pytest
import requests
import urllib3
from loopback import Server
from uses import a

import memo
from memo.errors import StreamCutShort

pytestmark = [
    pytest.mark.anyio,
    # The clients leave generators of their own behind, which trio reports.
    pytest.mark.filterwarnings(r"ignore:Async generator '(openai|anthropic|http):ResourceWarning"),
]

BINARY = [bytes([number]) * 40_000 for number in range(4)]


class _Routes(BaseHTTPRequestHandler):
    """Answers any request with what the server's `answers` say."""

    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *_: Any) -> None: ...

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.do_GET()

    def do_GET(self) -> None:
        self.server.seen.append(self.path)
        status, kind, pieces, encoding = next(self.server.answers)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for piece in pieces:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except OSError:  # the client left
            self.close_connection = True


class _Server(Server):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        self.answers: Iterator[Any] = iter(())
        super().__init__(_Routes)

    def handle_error(self, *_: Any) -> None:
        """Ignore clients that leave."""


@pytest.fixture
def server() -> Iterator[_Server]:
    with memo.install("openai", "anthropic", "http"):
        running = _Server()
        yield running
        running.stop()


def events(name: str) -> list[bytes]:
    """Five events, of which some hold the name."""
    told = [{"id": f"{name}{number}", "n": number} for number in range(4)]
    return [*(b"data: %b\n\n" % json.dumps(event).encode() for event in told), b"data: [DONE]\n\n"]


def zipped(pieces: list[bytes]) -> list[bytes]:
    """What a server sends of a compressed stream: each piece can be read at once."""
    packer = zlib.compressobj(wbits=31)
    sent = [packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
    return [*sent, packer.flush()]


async def ataken(pieces: AsyncIterator[bytes], size: int | None) -> bytes:
    """Read so many bytes, and then leave; None reads all."""
    got = b""
    if size == 0:
        return got
    async for piece in pieces:
        got += piece
        if size is not None and len(got) >= size:
            break
    return got


def taken(pieces: Iterator[bytes], size: int | None) -> bytes:
    got = b""
    if size == 0:
        return got
    for piece in pieces:
        got += piece
        if size is not None and len(got) >= size:
            break
    return got


def by_httpx(package: Any) -> Any:
    async def read(url: str, size: int | None) -> bytes:
        async with package.AsyncClient(verify=False) as client, client.stream("GET", f"{url}/x") as response:
            return await ataken(response.aiter_bytes(), size)

    return read


def by_httpx_sync(package: Any) -> Any:
    async def read(url: str, size: int | None) -> bytes:
        with package.Client(verify=False) as client, client.stream("GET", f"{url}/x") as response:
            return taken(response.iter_bytes(), size)

    return read


async def by_requests(url: str, size: int | None) -> bytes:
    with requests.get(f"{url}/x", stream=True, timeout=20) as response:  # noqa: ASYNC210 - the sync clients are tested as the async ones
        return taken(response.iter_content(None), size)


async def by_urllib3(url: str, size: int | None) -> bytes:
    with urllib3.PoolManager() as pool:
        response = pool.request("GET", f"{url}/x", preload_content=False)
        try:
            return taken(response.stream(1 << 16, decode_content=True), size)
        finally:
            response.close()


async def by_aiohttp(url: str, size: int | None) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/x") as response:
        return await ataken(response.content.iter_any(), size)


async def by_openai(url: str, size: int | None) -> bytes:
    async with (
        openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as client,
        client.chat.completions.with_streaming_response.create(model="m", messages=[], stream=True) as response,
    ):
        return await ataken(response.iter_bytes(), size)


async def by_openai_sync(url: str, size: int | None) -> bytes:
    with (
        openai.OpenAI(base_url=url, api_key="k", max_retries=0) as client,
        client.chat.completions.with_streaming_response.create(model="m", messages=[], stream=True) as response,
    ):
        return taken(response.iter_bytes(), size)


async def by_anthropic(url: str, size: int | None) -> bytes:
    async with (
        anthropic.AsyncAnthropic(base_url=url, api_key="k", max_retries=0) as client,
        client.messages.with_streaming_response.create(model="m", messages=[], max_tokens=9, stream=True) as response,
    ):
        return await ataken(response.iter_bytes(), size)


async def by_anthropic_sync(url: str, size: int | None) -> bytes:
    with (
        anthropic.Anthropic(base_url=url, api_key="k", max_retries=0) as client,
        client.messages.with_streaming_response.create(model="m", messages=[], max_tokens=9, stream=True) as response,
    ):
        return taken(response.iter_bytes(), size)


Read = Callable[[str, int | None], Awaitable[bytes]]
CLIENTS: dict[str, Read] = {
    "httpx": by_httpx(httpx),
    "httpx sync": by_httpx_sync(httpx),
    "httpx2": by_httpx(httpx2),
    "httpx2 sync": by_httpx_sync(httpx2),
    "requests": by_requests,
    "urllib3": by_urllib3,
    "aiohttp": by_aiohttp,
    "openai": by_openai,
    "openai sync": by_openai_sync,
    "anthropic": by_anthropic,
    "anthropic sync": by_anthropic_sync,
}
KINDS: dict[str, Any] = {
    "events": (200, "text/event-stream", events("a"), ""),
    "zipped events": (200, "text/event-stream", zipped(events("a")), "gzip"),
    "binary": (200, "application/octet-stream", BINARY, ""),
    "lines": (200, "application/x-ndjson", [b'{"n": %d}\n' % number for number in range(5)], ""),
}


def of_asyncio(name: str, backend: str) -> Read:
    if name == "aiohttp" and backend != "asyncio":
        pytest.skip("aiohttp runs on asyncio only")
    return CLIENTS[name]


@pytest.fixture
def backend(anyio_backend: Any) -> str:
    return anyio_backend if isinstance(anyio_backend, str) else anyio_backend[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CLIENTS)
async def test_a_reader_of_more_causes_one_call(name: str, kind: str, backend: str, server: _Server, tmp_path: Path):
    read, answer = of_asyncio(name, backend), KINDS[kind]
    pieces = KINDS[kind.removeprefix("zipped ")][2]
    whole, first = b"".join(pieces), len(pieces[0])
    server.answers = itertools.repeat(answer)
    got = []
    for size in (first, first, 2 * first + 1, None):
        with memo.recording(tmp_path, mode="record-if-missing") as recorder:
            got.append(await read(server.url, size))
        assert whole.startswith(got[-1])
        assert len(got[-1]) >= (size or len(whole))
    assert recorder.stats.recorded <= 1
    assert got[-1] == whole
    assert len(server.seen) <= 3
    server.stop()
    for mode in ("record-if-missing", "replay"):
        with memo.recording(tmp_path, mode=mode) as recorder:
            assert await read(server.url, None) == whole
        assert recorder.stats.live == 0


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_replay_makes_no_call(name: str, backend: str, server: _Server, tmp_path: Path):
    read = of_asyncio(name, backend)
    server.answers = itertools.repeat(KINDS["events"])
    with memo.recording(tmp_path, mode="record-if-missing"):
        first = await read(server.url, 1)
    if first == b"".join(events("a")):
        return  # everything came at once
    with memo.recording(tmp_path), pytest.raises(StreamCutShort):
        await read(server.url, None)
    assert len(server.seen) == 1


@pytest.mark.parametrize("name", CLIENTS)
async def test_another_answer_goes_on_after_as_many_events(
    name: str, backend: str, server: _Server, tmp_path: Path, caplog: Any
):
    read = of_asyncio(name, backend)
    server.answers = iter(
        [(200, "text/event-stream", events(text), "") for text in ("a", "longer ", "none")],
    )
    with memo.recording(tmp_path, mode="record-if-missing"):
        first = await read(server.url, 1)
    count = first.count(b"\n\n")
    with memo.recording(tmp_path, mode="record-if-missing") as recorder:
        second = await read(server.url, None)
    assert second == b"".join([*events("a")[:count], *events("longer ")[count:]])
    assert ("other items" in caplog.text) == (recorder.stats.live == 1)
    server.stop()
    with memo.recording(tmp_path):
        assert await read(server.url, None) == second


@pytest.mark.filterwarnings("ignore::memo.errors.CallsNotRecordedWarning")  # it says so
@pytest.mark.parametrize("status", [400, 503])
@pytest.mark.parametrize("name", CLIENTS)
async def test_a_call_that_fails_raises_once(name: str, status: int, backend: str, server: _Server, tmp_path: Path):
    read = of_asyncio(name, backend)
    failed = (status, "application/json", [b'{"error": {"message": "no"}}'], "")
    server.answers = itertools.chain([KINDS["binary"]], itertools.repeat(failed))
    with memo.recording(tmp_path, mode="record-if-missing"):
        first = await read(server.url, 1)
    with memo.recording(tmp_path, mode="record-if-missing"), pytest.raises(Exception) as raised:
        await read(server.url, None)
    kind = type(raised.value)
    assert kind.__name__ in ("StreamCutShort", "BadRequestError", "InternalServerError", "ServiceUnavailableError")
    assert len(server.seen) == 2
    with memo.recording(tmp_path):
        assert await read(server.url, 1) == first
    if kind is not StreamCutShort and status == 400:  # an answer: the body ended with it
        with memo.recording(tmp_path), pytest.raises(kind):
            await read(server.url, None)


async def test_a_body_read_whole_where_it_was_left(server: _Server, tmp_path: Path):
    server.answers = itertools.repeat(KINDS["binary"])
    with memo.recording(tmp_path, mode="record-if-missing"):
        await CLIENTS["httpx"](server.url, 1)
    for mode in ("record-if-missing", "replay"):
        with memo.recording(tmp_path, mode=mode):
            async with httpx.AsyncClient(verify=False) as client:
                assert (await a(client.get(f"{server.url}/x"))).content == b"".join(BINARY)
    assert len(server.seen) == 2


async def test_a_body_that_differs_and_is_one_piece_is_not_mixed(server: _Server, tmp_path: Path):
    other = (200, "application/octet-stream", [bytes(reversed(piece)) + b"x" for piece in reversed(BINARY)], "")
    server.answers = iter([KINDS["binary"], other])
    with memo.recording(tmp_path, mode="record-if-missing"):
        await CLIENTS["httpx"](server.url, 1)
    with memo.recording(tmp_path, mode="record-if-missing"), pytest.raises(StreamCutShort):
        await CLIENTS["httpx"](server.url, None)
