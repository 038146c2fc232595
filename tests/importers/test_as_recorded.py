"""What is imported does not differ from what memo itself records of the same server."""

import openai
import pytest
import requests
from http_routes import HttpServer

import memo
from memo import recording
from memo._recordings.changed import differs
from memo._recordings.document import parse
from memo._recordings.outcome_changes import compare
from memo.importers.vcr import import_recordings

vcr = pytest.importorskip("vcr")


def documents(folder):
    files = {path.relative_to(folder): path for path in folder.rglob("*.json")}
    return {name: parse(path.read_bytes(), str(name)) for name, path in files.items()}


def same(imported, live):
    """Assert that neither `--memo-pending` nor `--memo-mode=verify` has anything to say of a store's recordings."""
    one, other = documents(imported), documents(live)
    assert one.keys() == other.keys()
    assert one
    for name, document in one.items():
        assert compare(document.outcomes, other[name].outcomes[0]) == [], name
        assert not differs(document, other[name]), name


def test_requests(tmp_path):
    server = HttpServer()
    paths = ["/json/a?b=1", "/binary", "/events", "/lines", "/encoded?as=gzip", "/encoded_events", "/status/404"]
    with requests.Session() as session:
        with vcr.VCR(record_mode="all").use_cassette(str(tmp_path / "a.yaml")):
            [session.get(server.url + path).content for path in paths]
        with memo.install("http"), recording(tmp_path / "live", mode="record"):
            [session.get(server.url + path).content for path in paths]
    server.stop()
    assert import_recordings(tmp_path / "a.yaml", tmp_path / "imported").failed == {}
    same(tmp_path / "imported", tmp_path / "live")


@pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzip"])
async def test_calls_of_an_sdk(tmp_path, server, uses, gzipped):
    server.gzipped = gzipped
    uses = [use for use in uses if use.__name__ in ("plain", "stream", "raw")]
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="-", max_retries=0) as client:
        with vcr.VCR(record_mode="all").use_cassette(str(tmp_path / "a.yaml")):
            for use in uses:
                await use(client)
        with memo.install("openai"), recording(tmp_path / "live", mode="record"):
            for use in uses:
                await use(client)
    assert import_recordings(tmp_path / "a.yaml", tmp_path / "imported").failed == {}
    same(tmp_path / "imported", tmp_path / "live")
