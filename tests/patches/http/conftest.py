"""A server, and the net in place."""

from collections.abc import Iterator

import pytest
from http_routes import HttpServer

import memo


@pytest.fixture
def server() -> Iterator[HttpServer]:
    running = HttpServer()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def net() -> Iterator[memo.Installation]:
    with memo.install("http") as installed:
        yield installed
