"""Faults under the preset `http`: each client sees what a server that does the same makes it see."""

import json

import aiohttp
import httpx
import httpx2
import pytest
import requests
import urllib3
from fault_table import WAIT, faults, injected_as_live, outcome
from faulty_server import FaultyServer

import memo
from memo import fault, recording

pytestmark = [
    pytest.mark.anyio,
    # The clients leave generators open where a body breaks, and trio minds when it collects them.
    pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
BODY = {"error": {"message": "no luck", "type": "unlucky"}}
FAULTS = faults(BODY)


def asked(stream):
    return {"method": "POST", "json": {"stream": stream}}


async def by_async_httpx(package, url, stream, got):
    async with package.AsyncClient(timeout=WAIT) as client:
        if not stream:
            response = await client.request(url=url, **asked(stream))
            response.raise_for_status()
            got.append(response.json())
            return
        async with client.stream(url=url, **asked(stream)) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                got.append(line)


async def by_sync_httpx(package, url, stream, got):
    with package.Client(timeout=WAIT) as client:
        if not stream:
            response = client.request(url=url, **asked(stream))
            response.raise_for_status()
            got.append(response.json())
            return
        with client.stream(url=url, **asked(stream)) as response:
            response.raise_for_status()
            for line in response.iter_lines():
                got.append(line)


async def by_aiohttp(url, stream, got):
    timeout = aiohttp.ClientTimeout(sock_read=WAIT)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.request(url=url, **asked(stream)) as response:
        response.raise_for_status()
        if not stream:
            got.append(await response.json())
            return
        async for line in response.content:
            got.append(line)


async def by_requests(url, stream, got):
    with requests.request(url=url, stream=stream, timeout=WAIT, **asked(stream)) as response:  # noqa: ASYNC210 - it is the sync client
        response.raise_for_status()
        if not stream:
            got.append(response.json())
            return
        for line in response.iter_lines(chunk_size=None):
            got.append(line)


async def by_urllib3(url, stream, got):
    with urllib3.PoolManager() as pool:
        response = pool.request(url=url, preload_content=not stream, timeout=WAIT, retries=False, **asked(stream))
        if response.status >= 400:
            got.append((response.status, response.headers.get("retry-after"), response.json()))
            return
        if not stream:
            got.append(response.json())
            return
        for piece in response.stream():
            got.append(piece)


CLIENTS = {
    "httpx": lambda *given: by_async_httpx(httpx, *given),
    "httpx2": lambda *given: by_async_httpx(httpx2, *given),
    "httpx, sync": lambda *given: by_sync_httpx(httpx, *given),
    "aiohttp": by_aiohttp,
    "requests": by_requests,
    "urllib3": by_urllib3,
}


@pytest.fixture
def server():
    made = FaultyServer()
    yield made
    made.stop()


def seen(error):
    """What a program can tell of an error."""
    response = getattr(error, "response", None)
    headers = getattr(error, "headers", None) or getattr(response, "headers", None) or {}
    status = getattr(error, "status", None) or getattr(response, "status_code", None)
    body = (
        response.content and json.loads(response.content) if status and isinstance(error, requests.HTTPError) else None
    )
    return type(error), plain(str(error)), status, headers.get("retry-after"), body


def plain(text):
    """A message without the address of an object in it."""
    return text.partition(" object at 0x")[0]


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_a_fault_is_what_a_server_that_does_the_same_makes_of_a_request(
    client, name, server, tmp_path, anyio_backend
):
    if client == "aiohttp" and anyio_backend == "trio":
        pytest.skip("aiohttp needs asyncio")
    wanted, stream = FAULTS[name]

    async def program(url, stream, got):
        await CLIENTS[client](f"{url}/plain", stream, got)

    raises = client != "urllib3"
    injected = await injected_as_live(program, "http", wanted, stream, seen, server, tmp_path, raises=raises)
    assert injected == {str(wanted): 1}


async def test_the_retries_of_a_pool_see_the_fault(server, tmp_path):
    retries = urllib3.Retry(2, status_forcelist=[503], backoff_factor=0, allowed_methods=None)

    def ask():
        with urllib3.PoolManager() as pool:
            return pool.request("POST", f"{server.url}/plain", json={}, retries=retries).json()

    with memo.install("http"):
        with recording(tmp_path, mode="record"):
            live = ask()
        with recording(tmp_path, faults=[fault.status(503, call=1)]) as recorder:
            assert ask() == live
        assert recorder.stats.injected == {"status(503, call=1)": 1}
        with (
            recording(tmp_path, faults=[fault.status(503)]) as recorder,
            pytest.raises(urllib3.exceptions.MaxRetryError),
        ):
            ask()
        assert recorder.stats.injected == {"status(503)": 3}
    assert len(server.seen) == 1


@pytest.mark.parametrize("retries", [False, 0, 3, None])
async def test_a_pool_that_is_given_its_retries_as_a_number_is_replayed(retries, server, tmp_path):
    def ask():
        with urllib3.PoolManager() as pool:
            return pool.request("POST", f"{server.url}/plain", json={}, retries=retries).json()

    with memo.install("http"):
        with recording(tmp_path, mode="record"):
            live = ask()
        with recording(tmp_path):
            assert ask() == live


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_body_that_is_cut_while_it_is_recorded_is_recorded_whole(client, server, tmp_path, anyio_backend):
    if client == "aiohttp" and anyio_backend == "trio":
        pytest.skip("aiohttp needs asyncio")
    whole = await outcome(CLIENTS[client], f"{server.url}/plain", stream=True, seen=seen)
    with memo.install("http"):
        with recording(tmp_path, mode="record", faults=[fault.cut(after=2)]):
            got, error = await outcome(CLIENTS[client], f"{server.url}/plain", stream=True, seen=seen)
        assert got == whole[0][:2]
        assert error is not None
        with recording(tmp_path):
            replayed = await outcome(CLIENTS[client], f"{server.url}/plain", stream=True, seen=seen)
    assert b"".join(map(_bytes, replayed[0])) == b"".join(map(_bytes, whole[0]))


def _bytes(item):
    return item.encode() if isinstance(item, str) else item
