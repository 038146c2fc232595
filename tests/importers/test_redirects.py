"""Redirects that a cassette holds hop by hop are followed in a replay by whoever follows them live."""

import httpx
import pytest
import requests
from cassette_files import interaction

import memo
from memo import recording
from memo.errors import RecordingNotFound

URL = "https://planets.example"


def hop(path, to=None, answer=""):
    written = interaction("", answer, url=URL + path, method="GET", code=302 if to else 200)
    if to:
        written["response"]["headers"] = {"Location": [to]}
    return written


@pytest.fixture
def hops(cassettes):
    cassettes.write("a.yaml", hop("/a", "/b"), hop("/b", f"{URL}/c"), hop("/c", answer="Saturn"), hop("/lost", "/none"))
    cassettes.write("b.yaml", hop("/round", "/round"))
    report = cassettes.run()
    assert report.failed == {}
    names = [f"{cassettes.source}/{name}" for name in ("a.yaml#1", "a.yaml#2", "a.yaml#4", "b.yaml#1")]
    assert report.redirects == names
    with memo.install("http"), recording(cassettes.dest, mode="replay"):
        yield


def told(response):
    return (
        response.status_code,
        response.text,
        str(response.url),
        [(each.status_code, str(each.url)) for each in response.history],
    )


FOLLOWED = (200, "Saturn", f"{URL}/c", [(302, f"{URL}/a"), (302, f"{URL}/b")])


def test_clients(hops):
    assert told(requests.get(f"{URL}/a")) == FOLLOWED
    assert told(httpx.get(f"{URL}/a", follow_redirects=True)) == FOLLOWED
    with httpx.Client(follow_redirects=True) as client:
        assert told(client.get(f"{URL}/a")) == FOLLOWED
        with client.stream("GET", f"{URL}/a") as response:
            assert b"".join(response.iter_bytes()) == b"Saturn"
            assert len(response.history) == 2
        assert client.get(f"{URL}/a", follow_redirects=False).status_code == 302
        with pytest.raises(httpx.TooManyRedirects):
            client.get(f"{URL}/round")
        with pytest.raises(RecordingNotFound):
            client.get(f"{URL}/lost")
    assert httpx.get(f"{URL}/a").status_code == 302


@pytest.mark.anyio
async def test_async(hops):
    async with httpx.AsyncClient(follow_redirects=True) as client:
        assert told(await client.get(f"{URL}/a")) == FOLLOWED
        async with client.stream("GET", f"{URL}/a") as response:
            assert await response.aread() == b"Saturn"
        assert (await client.get(f"{URL}/a", follow_redirects=False)).status_code == 302
