"""A Redis or Valkey server behind TLS."""

import asyncio
import secrets
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import anyio
import pytest
import trustme
from redis_servers import (
    READS,
    SECRET,
    WRITES,
    failures,
    told,
)

from memo.stores import as_store


@pytest.fixture
def encrypted(valkey) -> Iterator[tuple[str, trustme.CA]]:
    """Host and port of the same server behind an end of TLS, as proxies are. (The one that the tests have knows none.)"""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    host, port = valkey.split(":")

    async def serve() -> None:
        async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                with suppress(OSError):
                    while data := await source.read(65536):
                        sink.write(data)
                        await sink.drain()
                sink.close()

            there, here = await asyncio.open_connection(host, int(port))
            try:
                await asyncio.gather(pump(reader, here), pump(there, writer))
            finally:
                for each in (here, writer):
                    each.close()
                    with suppress(OSError):
                        await each.wait_closed()

        server = await asyncio.start_server(joined, "127.0.0.1", 0, ssl=context)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        await anyio.to_thread.run_sync(over.wait)
        server.close()

    ports: list[int] = []
    ready, over = threading.Event(), threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait(10)
    yield f"localhost:{ports[0]}", authority
    over.set()
    thread.join(10)


@pytest.mark.parametrize("scheme", ["rediss", "valkeys"])
def test_encryption(encrypted, tmp_path, scheme):
    server, authority = encrypted
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    store = as_store(f"{scheme}://{server}?prefix={secrets.token_hex(6)}&ssl_ca_certs={tmp_path}/ca.pem")
    store.put("f/a", b"x" * 300_000)
    assert store.get("f/a") == asyncio.run(store.aget("f/a")) == b"x" * 300_000
    store.claim("f/b", "one")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(asyncio.run, store.await_("f/b", "one", 30))
        time.sleep(0.2)
        store.finish("f/b", "one", b"1")
        waiting.result(10)


def test_a_certificate_that_is_not_trusted_is_refused(encrypted, tmp_path):
    server, authority = encrypted
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for url in (
        f"rediss://bob:{SECRET}@{server}",
        f"rediss://bob:{SECRET}@{server}?ssl_ca_certs={tmp_path}/other.pem",
        f"rediss://bob:{SECRET}@{server.replace('localhost', '127.0.0.1')}?ssl_ca_certs={tmp_path}/ca.pem",
    ):
        which = {"get": READS["get"], "aget": READS["aget"], "put": WRITES["put"]}
        for error in failures(as_store(url), which).values():
            assert "CERTIFICATE_VERIFY_FAILED" in str(error)
            assert SECRET not in told(error)
