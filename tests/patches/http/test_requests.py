"""requests, urllib3 and botocore: what a live response gives, a replayed one gives, with the server stopped."""

import gzip
import itertools
import re

import boto3
import httpx
import pytest
import requests
import urllib3
from botocore.config import Config
from http_routes import BINARY, EVENTS

from memo import recording
from memo.errors import CallsNotRecordedWarning, StreamCutShort

PATHS = [
    "/json/a?b=1",
    "/binary",
    "/events",
    "/torn",
    "/lines",
    "/text",
    "/encoded?as=gzip",
    "/encoded?as=br",
    "/encoded?as=deflate",
    "/encoded?as=unknown",
    "/encoded_events",
    "/status/404",
    "/status/500",
    "/redirect/2",
    "/latin",
]


def seen(response):
    lost = {
        name: re.sub("=[^;]*", "=secret", text) if name == "Set-Cookie" else text
        for name, text in response.headers.items()
    }
    if "Content-Encoding" in lost:
        lost.pop("Content-Length", None)  # that of the body as it is sent
    try:
        response.raise_for_status()
        error = None
    except requests.HTTPError as raised:
        error = str(raised)
    return {
        "status": (response.status_code, response.reason, response.ok, error),
        "headers": lost,
        "url": response.url,
        "content": response.content,
        "text": response.text,
        "history": [(hop.status_code, hop.url) for hop in response.history],
        "elapsed": response.elapsed.total_seconds() > 0,
    }


def test_plain(server, tmp_path):
    def ask():
        with requests.Session() as session:
            answers = {path: seen(session.get(server.url + path)) for path in PATHS}
            answers["json"] = seen(session.post(f"{server.url}/json/b", json={"q": "rings?"}))
            answers["form"] = seen(session.post(f"{server.url}/json/b", data={"q": "rings?"}))
            answers["files"] = seen(session.post(f"{server.url}/status/201", files={"f": ("a.txt", b"rings")}))
            answers["generator"] = seen(session.post(f"{server.url}/json/c", data=iter([b"a", b"b"])))
            answers["head"] = seen(session.head(f"{server.url}/json/b"))
            return answers, {name: "secret" for name in session.cookies.keys()}

    with recording(tmp_path, mode="record"):
        recorded = ask()
    server.stop()
    with recording(tmp_path) as recorder:
        assert ask() == recorded
    assert recorder.stats.replayed == len(PATHS) + 5 + 2
    assert len(recorded[1]) == 2


def test_streams(server, tmp_path):
    paths = ["/events", "/spaced", "/torn", "/lines", "/text", "/binary", "/encoded_events", "/encoded?as=gzip"]
    readers = {
        "content": lambda response: list(response.iter_content(None)),
        "small": lambda response: list(response.iter_content(5)),
        "lines": lambda response: list(response.iter_lines()),
        "raw": lambda response: [response.raw.read(decode_content=True)],
        "json": lambda response: [response.content],
    }

    def ask():
        with requests.Session() as session:
            read = {}
            for path, reader in itertools.product(paths, readers):
                with session.get(server.url + path, stream=True) as response:
                    items = readers[reader](response)
                    read[path, reader] = items if reader == "lines" else b"".join(items)
            return read

    live = ask()
    with recording(tmp_path, mode="record"):
        assert ask() == live
    server.stop()
    with recording(tmp_path):
        assert ask() == live


def test_the_first_event_is_there_while_the_server_still_works(server, tmp_path):
    with (
        recording(tmp_path, mode="record"),
        requests.get(f"{server.url}/events?waits", stream=True) as response,
    ):
        lines = response.iter_lines(chunk_size=None)
        assert next(lines) == b"event: start"
        server.go_on.set()
        assert list(lines)[-2:] == [b"data: [DONE]", b""]


def test_a_consumer_that_leaves(server, tmp_path):
    def first(count):
        with requests.get(f"{server.url}/events?waits", stream=True) as response:
            return list(itertools.islice(response.iter_content(None), count))

    with recording(tmp_path, mode="record"):
        assert first(1) == EVENTS[:1]
    server.stop()
    with recording(tmp_path):
        assert first(1) == EVENTS[:1]
        with pytest.raises(StreamCutShort):
            first(2)


@pytest.mark.parametrize("kind", ["refused", "timeout"])
def test_errors_are_the_clients_own(server, tmp_path, kind):
    def ask():
        try:
            requests.get(f"{server.url}/slow", timeout=(20, 0.05))
        except requests.RequestException as error:
            return type(error), re.sub("0x[0-9a-f]+", "", str(error)), error.request.url

    if kind == "refused":
        server.stop()
    with recording(tmp_path, mode="record", errors="all"):
        recorded = ask()
    assert recorded[0] is (requests.ConnectionError if kind == "refused" else requests.ReadTimeout)
    server.stop()
    with recording(tmp_path) as recorder:
        assert ask() == recorded
    assert recorder.stats.replayed == 1


def test_a_refused_connection_says_nothing_about_the_request_so_it_is_not_recorded(server, tmp_path):
    server.stop()
    with pytest.warns(CallsNotRecordedWarning, match="MaxRetryError"), recording(tmp_path, mode="record"):
        with pytest.raises(requests.ConnectionError):
            requests.get(server.url)
    assert not list(tmp_path.rglob("*.json"))


def test_a_reader_gets_what_came_before_the_connection_broke(server, tmp_path):
    def ask():
        with requests.get(f"{server.url}/half", stream=True) as response:
            start = response.raw.read(10)
            with pytest.raises(urllib3.exceptions.ProtocolError):
                response.raw.read(10)
            return start

    assert ask() == b"half"
    with recording(tmp_path, mode="record", errors="all"):
        assert ask() == b"half"
    server.stop()
    with recording(tmp_path):
        assert ask() == b"half"


def test_urllib3_by_itself(server, tmp_path):
    def ask():
        with urllib3.PoolManager() as pool:
            whole = pool.request("GET", f"{server.url}/redirect/1")
            unread = pool.request("GET", f"{server.url}/events", preload_content=False)
            pieces = b"".join(unread.stream())
            unread.release_conn()
            binary = pool.request("GET", f"{server.url}/binary", preload_content=False)
            parts = [binary.read(100), binary.read1(7), binary.read()]
            sent = pool.request("POST", f"{server.url}/json/a", json={"planet": "Saturn"}).json()
            return whole.json(), whole.geturl(), whole.version, pieces, parts, sent

    with recording(tmp_path, mode="record"):
        recorded = ask()
    assert b"".join(recorded[4]) == BINARY
    server.stop()
    with recording(tmp_path):
        assert ask() == recorded


def test_retries_are_one_answer(server, tmp_path):
    retries = urllib3.Retry(2, status_forcelist=[500], backoff_factor=0, raise_on_status=False)

    def ask():
        with urllib3.PoolManager(retries=retries) as pool:
            return pool.request("GET", f"{server.url}/status/500").status

    with recording(tmp_path, mode="record") as recorder:
        assert ask() == 500
    assert (len(server.seen), recorder.stats.recorded) == (3, 1)
    server.stop()
    with recording(tmp_path):
        assert ask() == 500


def test_what_requests_recorded_httpx_replays(server, tmp_path):
    with recording(tmp_path, mode="record"):
        recorded = requests.post(f"{server.url}/json/a", json={"planet": "Saturn"}).json()
        events = requests.get(f"{server.url}/events").text
    server.stop()
    with recording(tmp_path), httpx.Client(verify=False) as client:
        assert client.post(f"{server.url}/json/a", json={"planet": "Saturn"}).json() == recorded
        assert client.get(f"{server.url}/events").text.encode().decode() == b"".join(EVENTS).decode()
    assert events


@pytest.mark.parametrize("key", ["plain", "zip"])
def test_an_object_of_another_length_than_it_had_is_read_to_its_end(server, tmp_path, monkeypatch, key):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = boto3.client(
        "s3",
        region_name="eu-west-1",
        endpoint_url=server.url,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        config=Config(retries={"total_max_attempts": 1}),
    )

    def ask():
        data = client.get_object(Bucket="note", Key=key)["Body"].read()
        return gzip.decompress(data) if key == "zip" else data

    with recording(tmp_path, mode="record"):
        recorded = ask()
    server.stop()
    with recording(tmp_path):
        assert ask() == recorded.partition(b"sk-")[0] + b"<secret>"


def test_botocore(server, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def ask():
        client = boto3.client(
            "bedrock-runtime",
            region_name="eu-west-1",
            endpoint_url=f"{server.url}/json",
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
            aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            config=Config(retries={"total_max_attempts": 1}),
        )
        answer = client.invoke_model(modelId="m", body=b'{"q":"rings?"}')
        return answer["body"].read(), answer["contentType"]

    with recording(tmp_path, mode="record"):
        recorded = ask()
    server.stop()
    with recording(tmp_path) as recorder:
        assert ask() == recorded
    assert recorder.stats.replayed == 1
    (path,) = tmp_path.rglob("*.json")
    assert "AKIAIOSFODNN7EXAMPLE" not in path.read_text()
