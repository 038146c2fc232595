"""httpx and httpx2, sync and async: what a live response gives, a replayed one gives, with the server stopped."""

import importlib
import itertools
import json
import re
import threading

import anyio
import httpx
import httpx2
import pytest
from http_routes import BINARY, EVENTS, LINES

from memo import recording
from memo.errors import RecordingNotFound, StreamCutShort

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")]


@pytest.fixture(params=["httpx", "httpx2"])
def http(request):
    return importlib.import_module(request.param)


def seen(response):
    return {
        "status": response.status_code,
        "reason": response.reason_phrase,
        "version": response.http_version,
        "headers": response.headers.multi_items(),
        "url": str(response.url),
        "method": response.request.method,
        "content": response.content,
        "text": response.text,
        "encoding": response.encoding,
        "history": [(hop.status_code, str(hop.url), hop.headers.get("location")) for hop in response.history],
        "next": response.next_request and str(response.next_request.url),
        "raises": raised(response.raise_for_status),
        "elapsed": response.elapsed.total_seconds() > 0,
        "closed": (response.is_closed, response.is_stream_consumed),
    }


def raised(function):
    try:
        function()
    except Exception as error:
        return type(error), str(error)
    return None


PLAIN = [
    ("GET", "/json/a?b=1&b=2&c=", {}),
    ("POST", "/json/a", {"json": {"q": "Which planet has rings?", "n": 1.5}}),
    ("POST", "/json/a", {"data": {"q": "rings", "r": ["1", "2"]}}),
    ("POST", "/json/a", {"content": b"\xff\x00"}),
    ("POST", "/status/201", {"files": {"file": ("a.txt", b"rings", "text/plain")}}),
    ("HEAD", "/json/a", {}),
    ("GET", "/binary", {}),
    ("GET", "/latin", {}),
    ("GET", "/events", {}),
    ("GET", "/torn", {}),
    ("GET", "/lines", {}),
    ("GET", "/text", {}),
    ("GET", "/encoded?as=gzip", {}),
    ("GET", "/encoded?as=deflate", {}),
    ("GET", "/encoded?as=br", {}),
    ("GET", "/encoded?as=unknown", {}),
    ("GET", "/encoded_events", {}),
    ("GET", "/status/404", {}),
    ("GET", "/status/500", {}),
    ("GET", "/redirect/2", {"follow_redirects": True}),
    ("GET", "/redirect/1", {}),
]


async def test_plain(http, server, tmp_path):
    async def ask():
        async with http.AsyncClient(verify=False, base_url=server.url) as client:
            return {name(sent): seen(await client.request(*sent[:2], **sent[2])) for sent in PLAIN}

    def ask_sync():
        with http.Client(verify=False, base_url=server.url) as client:
            return {name(sent): seen(client.request(*sent[:2], **sent[2])) for sent in PLAIN}

    def name(sent):
        return f"{sent[0]} {sent[1]} {sent[2]}"

    with recording(tmp_path / "async", mode="record"):
        recorded = await ask()
    with recording(tmp_path / "sync", mode="record"):
        assert ask_sync() == recorded
    expected = {path: without_cookie(response) for path, response in recorded.items()}
    before = len(server.seen)
    server.stop()
    for store in ("async", "sync"):  # each client replays what the other one recorded
        with recording(tmp_path / store) as recorder:
            assert await ask() == expected
            assert ask_sync() == expected
        assert recorder.stats.replayed == 2 * len(PLAIN)
    assert len(server.seen) == before


def without_cookie(response):
    """The values of cookies are never written: this is what is lost."""
    lost = [
        (name, re.sub("=[^;]*", "=secret", text, count=1)) for name, text in response["headers"] if name == "set-cookie"
    ]
    return {**response, "headers": [pair for pair in response["headers"] if pair[0] != "set-cookie"] + lost}


READERS = ["iter_raw", "iter_bytes", "iter_text", "iter_lines"]
STREAMED = ["/events", "/spaced", "/torn", "/lines", "/text", "/binary", "/json/a", "/encoded_events"]


async def test_streams(http, server, tmp_path):
    async def ask():
        read = {}
        async with http.AsyncClient(verify=False, base_url=server.url) as client:
            for path, reader in itertools.product(STREAMED, READERS):
                async with client.stream("GET", path) as response:
                    items = [item async for item in getattr(response, f"a{reader}")()]
                assert response.elapsed.total_seconds() > 0
                read[path, reader] = joined(items, path, reader), response.headers.multi_items()
        return read

    def ask_sync():
        read = {}
        with http.Client(verify=False, base_url=server.url) as client:
            for path, reader in itertools.product(STREAMED, READERS):
                with client.stream("GET", path) as response:
                    items = list(getattr(response, reader)())
                assert response.elapsed.total_seconds() > 0
                read[path, reader] = joined(items, path, reader), response.headers.multi_items()
        return read

    def joined(items, path, reader):
        # Compressed bytes are other bytes, which read the same.
        if path == "/encoded_events" and reader == "iter_raw":
            return http.Response(200, headers={"content-encoding": "gzip"}, content=b"".join(items)).content
        return items if reader == "iter_lines" else items[0][:0].join(items)

    with recording(tmp_path / "async", mode="record"):
        recorded = await ask()
    with recording(tmp_path / "sync", mode="record"):
        assert ask_sync() == recorded
    server.stop()
    for store in ("async", "sync"):
        with recording(tmp_path / store):
            assert await ask() == recorded
            assert ask_sync() == recorded


async def test_the_first_event_is_there_while_the_server_still_works(http, server, tmp_path):
    with recording(tmp_path, mode="record"):
        async with (
            http.AsyncClient(verify=False, base_url=server.url) as client,
            client.stream("GET", "/events?waits") as response,
        ):
            pieces = response.aiter_bytes()
            assert await anext(pieces) == EVENTS[0]
            server.go_on.set()
            assert b"".join([piece async for piece in pieces]) == b"".join(EVENTS[1:])


def test_the_first_event_is_there_while_the_server_still_works_sync(http, server, tmp_path):
    with (
        recording(tmp_path, mode="record"),
        http.Client(verify=False, base_url=server.url) as client,
        client.stream("GET", "/events?waits") as response,
    ):
        pieces = response.iter_bytes()
        assert next(pieces) == EVENTS[0]
        server.go_on.set()
        assert b"".join(pieces) == b"".join(EVENTS[1:])


def document(store):
    (path,) = store.rglob("*.json")
    return json.loads(path.read_text())


async def test_what_is_stored_can_be_read(http, server, tmp_path):
    async with http.AsyncClient(verify=False, base_url=server.url) as client:
        with recording(tmp_path / "plain", mode="record"):
            await client.post("/json/a?q=1", json={"planet": "Saturn"}, headers={"authorization": "Bearer abc"})
        with recording(tmp_path / "events", mode="record"):
            await client.get("/events")
    written = document(tmp_path / "plain")
    assert written["function"] == "http.127.0.0.1"
    assert written["arguments"] == {
        "method": "POST",
        "server": server.url,
        "path": "/json/a",
        "query": {"q": "1"},
        "body": {"planet": "Saturn"},
    }
    (outcome,) = written["outcomes"]
    assert outcome["value"]["status"] == 200
    assert outcome["value"]["body"]["method"] == "POST"
    (outcome,) = document(tmp_path / "events")["outcomes"]
    assert outcome["stream"]["items"] == [
        {"event": "start", "data": {"type": "start", "id": "r1"}},
        ": keep-alive\n\n",
        {"data": {"text": "Sät"}},
        {"data": {"text": "urn"}},
        {"data": "[DONE]"},
    ]
    assert outcome["stream"]["response"]["status"] == 200


async def test_polls_get_their_own_answers(http, server, tmp_path):
    async def poll():
        async with http.AsyncClient(verify=False, base_url=server.url) as client:
            return [(await client.get("/count")).json()["count"] for _ in range(3)]

    with recording(tmp_path, mode="record-if-missing"):
        assert await poll() == [1, 2, 3]
    server.stop()
    with recording(tmp_path):
        assert await poll() == [1, 2, 3]


async def test_a_consumer_that_leaves(http, server, tmp_path):
    async def first(count):
        async with (
            http.AsyncClient(verify=False, base_url=server.url) as client,
            client.stream("GET", "/events?waits") as response,
        ):
            pieces = []
            async for piece in response.aiter_bytes():
                pieces.append(piece)
                if len(pieces) == count:
                    break
            return pieces

    with recording(tmp_path, mode="record"):
        assert await first(1) == EVENTS[:1]
    server.stop()
    with recording(tmp_path):
        assert await first(1) == EVENTS[:1]
        with pytest.raises(StreamCutShort):
            await first(2)


def test_a_consumer_that_leaves_sync(http, server, tmp_path):
    def first(count):
        with (
            http.Client(verify=False, base_url=server.url) as client,
            client.stream("GET", "/events?waits") as response,
        ):
            pieces = response.iter_bytes()
            return [next(pieces) for _ in range(count)]

    with recording(tmp_path, mode="record"):
        assert first(1) == EVENTS[:1]
    server.stop()
    with recording(tmp_path):
        assert first(1) == EVENTS[:1]
        with pytest.raises(StreamCutShort):
            first(2)


async def test_a_connection_that_breaks_in_the_middle(http, server, tmp_path):
    async def ask():
        got = []
        async with (
            http.AsyncClient(verify=False, base_url=server.url) as client,
            client.stream("GET", "/cut") as response,
        ):
            try:
                async for piece in response.aiter_bytes():
                    got.append(piece)  # noqa: PERF401 - what came before the error counts
            except http.RemoteProtocolError as error:
                return b"".join(got), str(error)

    with recording(tmp_path, mode="record", errors="all"):
        recorded = await ask()
    server.stop()
    with recording(tmp_path):
        assert await ask() == recorded
    assert recorded[0] == b"".join(EVENTS[:3])


@pytest.mark.parametrize("kind", ["refused", "timeout"])
async def test_errors_are_the_clients_own(http, server, tmp_path, kind):
    async def ask():
        async with http.AsyncClient(verify=False, base_url=server.url) as client:
            try:
                await client.get("/slow", timeout=http.Timeout(20, read=0.05))
            except http.TransportError as error:
                return type(error), str(error), str(error.request.url)

    if kind == "refused":
        server.stop()
    with recording(tmp_path, mode="record", errors="all"):
        recorded = await ask()
    assert recorded[0] is (http.ConnectError if kind == "refused" else http.ReadTimeout)
    server.stop()
    with recording(tmp_path) as recorder:
        assert await ask() == recorded
    assert recorder.stats.replayed == 1


async def test_a_timeout_says_nothing_about_the_request_so_it_is_not_recorded(http, server, tmp_path):
    from memo.errors import CallsNotRecordedWarning

    with pytest.warns(CallsNotRecordedWarning, match="ReadTimeout"), recording(tmp_path, mode="record"):
        async with http.AsyncClient(verify=False, base_url=server.url) as client:
            with pytest.raises(http.ReadTimeout):
                await client.get("/slow", timeout=http.Timeout(20, read=0.05))


async def test_bodies_from_generators(http, server, tmp_path):
    async def pieces():
        yield b'{"planet":'
        yield b'"Saturn"}'

    async def ask():
        async with http.AsyncClient(verify=False, base_url=server.url) as client:
            return (await client.post("/json/a", content=pieces(), headers={"content-type": "application/json"})).json()

    with recording(tmp_path, mode="record"):
        recorded = await ask()
    assert document(tmp_path)["arguments"]["body"] == {"planet": "Saturn"}
    server.stop()
    with recording(tmp_path):
        assert await ask() == recorded


async def test_hooks_see_replayed_responses(http, server, tmp_path):
    async def ask():
        calls = []

        async def on_request(request):
            calls.append((request.method, str(request.url)))

        async def on_response(response):
            calls.append((response.status_code, await response.aread()))

        hooks = {"request": [on_request], "response": [on_response]}
        async with http.AsyncClient(verify=False, base_url=server.url, event_hooks=hooks) as client:
            await client.get("/json/a")
        return calls

    with recording(tmp_path, mode="record"):
        recorded = await ask()
    server.stop()
    with recording(tmp_path):
        assert await ask() == recorded
    assert len(recorded) == 2


async def test_cookies_are_set_but_their_values_are_lost(http, server, tmp_path):
    async def ask():
        async with http.AsyncClient(verify=False, base_url=server.url) as client:
            response = await client.get("/cookies")
            await client.get("/json/a")
            return response, dict(client.cookies)

    with recording(tmp_path, mode="record"):
        _, jar = await ask()
    assert jar == {"session": "the-cookie-of-this-user"}
    assert all(b"the-cookie-of-this-user" not in path.read_bytes() for path in tmp_path.rglob("*.json"))
    server.stop()
    with recording(tmp_path) as recorder:
        response, jar = await ask()
    assert jar == {"session": "secret"}
    assert response.headers["set-cookie"] == "session=secret; Path=/; HttpOnly"
    assert recorder.stats.replayed == 2


async def test_a_miss_names_the_nearest_request(http, server, tmp_path):
    async with http.AsyncClient(verify=False, base_url=server.url) as client:
        with recording(tmp_path, mode="record"):
            await client.post("/json/a", json={"q": "Which planet has rings?"})
        with recording(tmp_path), pytest.raises(RecordingNotFound) as raised:
            await client.post("/json/a", json={"q": "Which planet has wings?"})
    assert "body.q: 'Which planet has rings?' → 'Which planet has wings?'" in str(raised.value)


def test_threads_of_one_scope(http, server, tmp_path):
    def work(client, answers, number):
        answers[number] = client.get(f"/json/{number}").json()

    def run():
        answers = {}
        with http.Client(verify=False, base_url=server.url) as client:
            threads = [threading.Thread(target=work, args=(client, answers, number)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return answers

    with recording(tmp_path, mode="record"):
        recorded = run()
    server.stop()
    with recording(tmp_path):
        assert run() == recorded
    assert len(recorded) == 8


async def test_identical_requests_at_once_are_made_each(http, server, tmp_path):
    async def run():
        counts = []

        async def ask(client):
            counts.append((await client.get("/count")).json()["count"])

        async with http.AsyncClient(verify=False, base_url=server.url) as client, anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ask, client)
        return sorted(counts)

    with recording(tmp_path, mode="record"):
        recorded = await run()
    with recording(tmp_path):
        assert await run() == recorded == [1, 2, 3]


def test_an_application_in_this_process_is_not_recorded(http, tmp_path):
    transport = http.MockTransport(lambda request: http.Response(200, json={}))
    with recording(tmp_path, mode="record") as recorder, http.Client(transport=transport) as client:
        assert client.get("https://app.test/").json() == {}
    assert recorder.stats.live == 0


def test_both_packages_share_recordings(server, tmp_path):
    with recording(tmp_path, mode="record"), httpx.Client(verify=False) as client:
        recorded = seen(client.get(f"{server.url}/events"))
    server.stop()
    with recording(tmp_path), httpx2.Client(verify=False) as client:
        assert seen(client.get(f"{server.url}/events")) == recorded


def test_large_and_binary_bodies_come_back(http, server, tmp_path):
    with recording(tmp_path, mode="record"), http.Client(verify=False, base_url=server.url) as client:
        assert client.get("/binary").content == BINARY
        assert client.get("/lines").content == b"".join(LINES)
