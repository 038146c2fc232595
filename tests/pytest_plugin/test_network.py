"""The guard of the network: real clients that try to get out, and servers on this machine that they may reach."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from memo import errors
from memo._engine.sessions import network

TRIES = """
import asyncio
import socket
import trio
import httpx
import urllib.request

def by_socket():
    socket.create_connection(("192.0.2.1", 80))

def by_connect_ex():
    with socket.socket() as sock:
        return sock.connect_ex(("192.0.2.1", 80))

def by_datagram():
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", ("192.0.2.1", 53))

def by_name():
    urllib.request.urlopen("http://example.com")

def by_asyncio():
    async def main():
        await asyncio.open_connection("192.0.2.1", 80)
    asyncio.run(main())

def by_trio():
    async def main():
        await trio.open_tcp_stream("example.com", 80)
    trio.run(main)

def by_anyio_in_asyncio():
    async def main():
        async with httpx.AsyncClient() as client:
            await client.get("http://example.com")
    asyncio.run(main())

TRIES = [by_socket, by_connect_ex, by_datagram, by_name, by_asyncio, by_trio, by_anyio_in_asyncio]
"""

TESTS = """
from tries import TRIES

@pytest.mark.memo
@pytest.mark.parametrize("attempt", TRIES)
def test_it(attempt):
    attempt()

@pytest.mark.memo
@pytest.mark.parametrize("attempt", TRIES)
def test_swallowed(attempt):
    with pytest.raises(Exception):
        attempt()
"""


def test_no_way_out(project):
    project.write(tries=TRIES, test_app=TESTS)
    run = project.run("--memo-block-network", failed=14)
    for name in ("by_socket", "by_connect_ex", "by_datagram", "by_name"):
        assert f"{name} (tries.py:" in run.text
    for name in ("by_asyncio", "by_trio", "by_anyio_in_asyncio"):
        assert f"{name}.<locals>.main (tries.py:" in run.text
    assert run.text.count("the network is blocked in replay") >= 14
    assert "something tried" not in run.text
    assert "_network.py" not in run.text


def test_socket_is_as_it_was():
    assert "connect" not in vars(socket.socket)
    assert socket.getaddrinfo.__module__ == "socket"


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"here")

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"localhost:{server.server_port}"
        server.shutdown()
        thread.join()


def test_this_machine_may_be_reached(project, server):
    project.ini("memo_block_network = true")
    project.write(
        test_app=f"""
import asyncio
import httpx
import socket

@pytest.mark.memo
def test_a_server():
    assert httpx.get("http://{server}").text == "here"

@pytest.mark.memo
def test_async():
    async def main():
        async with httpx.AsyncClient() as client:
            return (await client.get("http://{server}")).text
    assert asyncio.run(main()) == "here"

@pytest.mark.memo
def test_a_unix_socket(tmp_path):
    one, two = socket.socketpair()
    one.send(b"x")
    assert two.recv(1) == b"x"
    one.close()
    two.close()
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind("s")
        listener.listen()
        client.connect("s")
"""
    )
    project.run(passed=3)


LOOKS = """
import socket

def tries():
    socket.getaddrinfo("blocked.invalid", 80)

@pytest.mark.memo(mode="{mode}")
def test_it():
    with pytest.raises(socket.gaierror):
        tries()

def test_unmarked():
    with pytest.raises(socket.gaierror):
        tries()
"""


@pytest.mark.parametrize("mode", ["record", "record-if-missing", "live"])
def test_only_replay_is_blocked(project, mode):
    project.write(test_app=LOOKS.format(mode=mode))
    project.run("--memo-block-network", passed=2)


def test_what_is_allowed(project):
    project.ini("memo_block_network = true", "memo_allowed_hosts = *.invalid 192.0.2.0/24")
    project.write(
        test_app=LOOKS.format(mode="replay")
        + """
@pytest.mark.memo
def test_an_address():
    with socket.socket() as sock:
        sock.settimeout(0.01)
        with pytest.raises(OSError):
            sock.connect(("192.0.2.1", 80))

@pytest.mark.memo
def test_another():
    with socket.socket() as sock:
        sock.connect(("198.51.100.1", 80))
"""
    )
    run = project.run(passed=3, failed=1)
    assert "test_another (test_app.py:" in run.text
    project.ini("memo_allowed_hosts = http://example.com/")
    assert "memo_allowed_hosts='http://example.com/' is invalid" in project.run().text


def test_the_patch_that_is_missing(project):
    project.write(
        client="""
from openai import AsyncOpenAI

async def answer():
    async with AsyncOpenAI(api_key="dummy", max_retries=0) as client:
        return await client.models.retrieve("gpt-4o")
""",
        test_app="""
import asyncio
from client import answer

@pytest.mark.memo
def test_it():
    asyncio.run(answer())
""",
    )
    run = project.run("--memo-block-network", failed=1)
    assert "openai was called in replay, but is not patched" in run.text
    assert '{"patches": ["openai"]}, returned by a fixture memo_config' in run.text
    assert "client.py:" in run.text
    assert "the network is blocked" not in run.text
    project.write(conftest="import pytest\n\n@pytest.fixture\ndef memo_config():\n    return {'patches': 'openai'}\n")
    run = project.run("--memo-block-network", failed=1)
    assert "openai.models: there are no recordings at all" in run.text
    assert "the network is blocked" not in run.text


def test_two_guards_in_one_process():
    noted: list[errors.MemoError] = []
    outer, inner = network.Network(()), network.Network(())
    outer.block(noted.append)
    inner.block(noted.append)
    try:
        with pytest.raises(errors.NetworkBlocked), socket.socket() as sock:
            sock.connect(("192.0.2.1", 80))
    finally:
        inner.close()
        outer.close()
    assert len(noted) == 1
    assert "connect" not in vars(socket.socket)
