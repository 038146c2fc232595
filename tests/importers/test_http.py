"""HTTP interactions of any host, imported: what `memo.install("http")` replays to any client, with the server gone."""

import base64
import gzip
import json

import httpx
import pytest
import requests
from cassette_files import JSON, ask, interaction
from http_routes import EVENTS, HttpServer

import memo
from memo import recording
from memo.errors import RecordingNotFound
from memo.importers import cassetter as cassetter_importer
from memo.importers import vcr as vcr_importer

vcr = pytest.importorskip("vcr")
cassetter = pytest.importorskip("cassetter")

PATHS = [
    "/json/a?b=1&b=2",
    "/binary",
    "/events",
    "/lines",
    "/text",
    "/encoded?as=gzip",
    "/encoded?as=deflate",
    "/encoded_events",
    "/status/404",
    "/status/500",
    "/cookies",
]


@pytest.fixture
def server():
    running = HttpServer()
    yield running
    running.stop()


def kept(response):
    """What a client sees of a response, but for the cookies' values and the length of what is sent."""
    headers = {name.lower(): text for name, text in response.headers.items()}
    for lost in ("set-cookie", "content-length", "content-encoding", "transfer-encoding"):
        headers.pop(lost, None)
    return response.status_code, response.content, headers


def asked(url, client):
    """Return what a client gets for requests of every kind: plain, streamed, JSON, form, files, bytes, credentials."""
    answers = [kept(client.get(url + path)) for path in PATHS]
    answers += [kept(client.post(f"{url}/json/b", json={"q": "rings?", "temperature": 1.0}))]
    answers += [kept(client.post(f"{url}/json/b", data={"q": "rings?"}))]
    answers += [kept(client.post(f"{url}/status/201", files={"f": ("a.txt", b"\xff\xfe")}))]
    answers += [kept(client.put(f"{url}/json/c", data=b"\xff\x00", headers={"content-type": "application/x"}))]
    headers = {"authorization": "Bearer a1B2a1B2a1B2a1B2a1B2", "cookie": "session=a1B2cookie"}
    answers += [kept(client.get(f"{url}/binary?api_key=sk-a1B2a1B2a1B2a1B2a1B2a1B2", headers=headers))]
    return answers


def respaced(answers):
    """Return answers without the spaces of JSON, which cassetter does not keep."""
    return [(status, content.replace(b" ", b""), headers) for status, content, headers in answers]


@pytest.mark.parametrize("tool", ["vcr", "cassetter"])
def test_what_another_tool_recorded_is_replayed_to_any_client(server, tmp_path, tool):
    cassette, store = tmp_path / "a.yaml", tmp_path / "store"
    importer = vcr_importer if tool == "vcr" else cassetter_importer
    recorder = vcr.VCR(record_mode="all").use_cassette(str(cassette)) if tool == "vcr" else None
    with recorder or cassetter.use_cassette(cassette, record_mode="all"), requests.Session() as session:
        live = asked(server.url, session)
    server.stop()
    report = importer.import_recordings(cassette, store)
    assert report.failed == {}
    assert report.imported == report.interactions == len(live)
    with memo.install("http"), recording(store, mode="replay") as replayed:
        with requests.Session() as session:
            found = asked(server.url, session)
        assert found == live if tool == "vcr" else respaced(found) == respaced(live)
        with (
            httpx.Client(transport=httpx.HTTPTransport()) as client,
            client.stream("GET", f"{server.url}/events") as events,
        ):
            assert b"".join(events.iter_raw()) == b"".join(EVENTS)
    assert replayed.stats.replayed == len(live) + 1
    written = "".join(file.read_text() for file in store.rglob("*.json"))
    assert not any(secret in written for secret in ("a1B2", "the-cookie-of-this-user"))
    before = {file: file.read_bytes() for file in store.rglob("*.json")}
    assert importer.import_recordings(cassette, store).failed == {}
    assert {file: file.read_bytes() for file in store.rglob("*.json")} == before


def test_an_imported_request_has_the_key_of_a_live_one(server, tmp_path):
    with memo.install("http"), recording(tmp_path / "live", mode="record"), requests.Session() as session:
        asked(server.url, session)
    with vcr.use_cassette(str(tmp_path / "a.yaml")), requests.Session() as session:
        asked(server.url, session)
    vcr_importer.import_recordings(tmp_path / "a.yaml", tmp_path / "imported")
    stores = [{path.name for path in (tmp_path / name).rglob("*.json")} for name in ("live", "imported")]
    assert stores[0] == stores[1]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (gzip.compress(b'{"rings": 7}'), {"content-encoding": ["gzip"], **JSON}),
        ('{"rings": 7}', {"content-encoding": ["gzip"], "content-length": ["999"], **JSON}),  # decoded by the tool
        ('{"rings": 7}', {"Content-Type": ["application/json"]}),
    ],
    ids=["compressed", "decoded", "plain"],
)
def test_a_compressed_body_and_one_that_was_decoded(cassettes, body, headers):
    url = "https://planets.example/rings"
    cassettes.write("a.yaml", interaction("", body, url=url, method="GET", headers=headers))
    assert cassettes.run().failed == {}
    with memo.install("http"), recording(cassettes.dest, mode="replay"):
        for get in (requests.get, httpx.get):
            assert get(url).json() == {"rings": 7}


def test_a_call_of_an_sdk_is_a_request_where_the_program_has_no_sdk(cassettes):
    url = "https://llm.example/v1/chat/completions"
    cassettes.write("a.yaml", interaction())
    assert vcr_importer.import_recordings(cassettes.source, cassettes.dest, http=True).failed == {}
    with memo.install("http"), recording(cassettes.dest, mode="replay"):
        assert requests.post(url, json=ask()).json()["choices"][0]["message"]["content"] == "hi"
        with pytest.raises(RecordingNotFound, match=r"http\.llm\.example"):
            requests.post(url, json=ask("another question"))


def test_a_request_that_was_filtered_is_named(cassettes):
    body = {"user": "[FILTERED]", "q": 1}
    cassettes.write("a.yaml", interaction(body, url="https://planets.example/rings"))
    assert "was filtered when it was recorded" in cassettes.reason()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"code": 100}, "the status 100"),
        ({"url": "planets"}, "not one of HTTP"),
        ({"url": "https://[planets/"}, "not one of HTTP"),
        ({"answer": b"\xff\xfe", "headers": {"content-encoding": ["gzip"]}}, "that is not gzip"),
    ],
)
def test_what_is_no_request_or_no_response_is_named(cassettes, changed, reason):
    cassettes.write("a.yaml", interaction("", **{"url": "https://planets.example/", "method": "GET", **changed}))
    assert reason in cassettes.reason()
    assert cassettes.documents() == []


# llama-stack's: requests that its server passed on

INTERACTIONS = "https://generativelanguage.googleapis.com/v1beta/interactions"
REFUSAL = {"error": {"message": "no such field: 'function'", "code": "invalid_request"}}
LINES = ["event: interaction.start", 'data: {"id":"v1_a","status":"in_progress"}', "", "data: [DONE]", ""]


@pytest.mark.parametrize(
    ("url", "response", "status", "text"),
    [
        (INTERACTIONS, {"status": 200, "body": {"id": "v1_a"}, "is_streaming": False}, 200, '{"id":"v1_a"}'),
        (INTERACTIONS, {"status": 400, "body": REFUSAL, "is_streaming": False}, 400, None),
        (INTERACTIONS, {"body": LINES, "is_streaming": True}, 200, "".join(f"{line}\n" for line in LINES)),
        ("http://0.0.0.0:11434/v1/messages", {"body": LINES, "is_streaming": True}, 200, None),
        ("http://h/v1/rerank", {"status": 503, "body": [1, "ü"], "is_streaming": False}, 503, '[1,"ü"]'),
    ],
)
def test_a_request_that_llama_stack_passed_on(old, url, response, status, text):
    payload = {"model": "m", "input": "ünï", "stream": response["is_streaming"]}
    request = {"method": "POST", "url": url, "payload": payload, "test_id": "tests/t.py::t"}
    old.write("a", request, response, test=None)
    assert old.run().failed == {}
    assert old.document()["test"] == "tests/t.py::t"
    with memo.install("http"), recording(old.dest, mode="replay"):
        with httpx.Client() as client, client.stream("POST", url, json=payload) as replayed:
            lines = list(replayed.iter_lines())
        whole = requests.post(url, json=payload)
    assert (replayed.status_code, whole.status_code) == (status, status)
    assert text is None or whole.content.decode() == text
    assert lines == (LINES if response["is_streaming"] else [whole.content.decode()])


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"body": [1], "is_streaming": True}, "not one of lines"),
        ({"status": "200", "body": {}}, "has the status '200'"),
        ({"status": 20, "body": {}}, "has the status 20"),
        ({"is_streaming": True, "body": "data: {}"}, "has a body that is a str"),
        ({"status": 200}, "has no body"),
    ],
)
def test_an_invalid_response_is_named(old, changed, reason):
    old.write("a", {"method": "POST", "url": INTERACTIONS, "payload": {}}, {"is_streaming": False, **changed})
    (found,) = old.run().failed.values()
    assert reason.partition(" of")[0] in found or "status 20," in found
    assert not old.dest.exists() or not list(old.dest.rglob("*.json"))


def test_base64_and_other_forms_of_bodies(cassettes):
    url = "https://planets.example/picture"
    picture = base64.b64encode(bytes(range(256))).decode()
    written = interaction("", url=url, method="GET", headers={"content-type": ["image/png"]})
    written["response"]["body"] = {"base64_string": picture}
    posted = interaction(url=url)
    sent = {"content-type": ["application/json"]}
    posted["request"] = {"method": "POST", "uri": url, "headers": sent, "parsed_body": {"a": [1, 2.0, None]}}
    cassettes.write("a.yaml", written, posted)
    assert cassettes.run().failed == {}
    with memo.install("http"), recording(cassettes.dest, mode="replay"):
        assert requests.get(url).content == bytes(range(256))
        assert json.loads(
            requests.post(url, data='{"a":[1, 2.0, null]}', headers={"content-type": "application/json"}).text
        )
