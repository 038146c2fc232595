"""A scope that saw no call says so, and names the hosts that were reached; one that may not reach any refuses."""

import logging
import socket

import httpx
import pytest
from http_routes import HttpServer

from memo import recordable, recording
from memo.errors import NetworkBlocked, NoCallsWarning
from memo.stores import MemoryStore


@pytest.fixture
def server():
    running = HttpServer()
    yield running
    running.stop()


@recordable(name="app.f")
def f():
    return 1


def ask(server):
    with httpx.Client(verify=False) as client:
        return client.get(f"{server.url}/json").status_code


@pytest.mark.parametrize("mode", ["record", "record-if-missing", "replay"])
def test_hosts_that_were_reached_are_named(server, mode):
    with pytest.warns(NoCallsWarning) as warned, recording(MemoryStore(), mode=mode):
        assert ask(server) == 200
    (warning,) = warned
    assert warning.message.hosts == (server.url.removeprefix("http://"),)
    assert warning.filename == __file__
    assert "memo.install('http')" in str(warning.message)


@pytest.mark.anyio
async def test_async_with_warns_at_the_same_place(server):
    with pytest.warns(NoCallsWarning) as warned:
        async with recording(MemoryStore()):
            assert ask(server) == 200
    assert warned[0].filename == __file__


def test_hosts_are_named_as_they_were_looked_up(server):
    port = int(server.url.rpartition(":")[2])
    with pytest.warns(NoCallsWarning) as warned, recording(MemoryStore()):
        socket.create_connection(("localhost", port)).close()
    assert warned[0].message.hosts == (f"localhost:{port}",)


def test_a_scope_with_a_call_says_nothing(server):
    with recording(MemoryStore(), mode="record"):
        f()
        assert ask(server) == 200


def test_a_scope_that_did_nothing_is_a_line_in_the_log(caplog):
    caplog.set_level(logging.INFO)
    with recording(MemoryStore(), mode="record"):
        pass
    assert "the scope saw no call" in caplog.text


def test_live_scopes_and_scopes_that_fail_say_nothing(server):
    with recording(MemoryStore(), mode="live"):
        ask(server)
    with pytest.raises(ZeroDivisionError), recording(MemoryStore(), mode="record"):
        _ = ask(server) / 0


def test_no_connection_is_made_where_the_network_is_blocked(server):
    connect = socket.socket.connect
    with recording(MemoryStore(), block_network=True):
        with pytest.raises(NetworkBlocked) as raised:
            socket.create_connection(("192.0.2.1", 80))
        assert raised.value.host == "192.0.2.1"
        assert ask(server) == 200  # this machine
        f_missing()
    assert socket.socket.connect is connect


def f_missing():
    from memo.errors import RecordingNotFound

    with pytest.raises(RecordingNotFound):
        f()


def test_only_replays_block_the_network(server):
    with recording(MemoryStore(), mode="record", block_network=True):
        assert f() == 1
        with socket.socket() as sock:
            sock.setblocking(False)
            assert sock.connect_ex(("192.0.2.1", 80)) != 0  # tried, and not refused


def test_scopes_that_block_may_overlap():
    store = MemoryStore()
    with recording(store, mode="record"):
        f()
    with recording(store, block_network=True), recording(store, block_network=True):
        f()
    with recording(store, block_network=True):
        f()
        with pytest.raises(NetworkBlocked):
            socket.create_connection(("192.0.2.1", 80))
