"""`allow`: SDKs and hosts that may be called live in replay, wherever the option is given."""

import base64
import json

import openai
import pytest

import memo
from memo.errors import InvalidOption, NotPatched
from memo.stores import MemoryStore

ASK = {"model": "m", "messages": [{"role": "user", "content": "Which planet has rings?"}]}


def call(url):
    with openai.OpenAI(base_url=url, api_key="k", max_retries=0) as client:
        return client.chat.completions.create(**ASK)


def by_recording(url, allow):
    with memo.recording(MemoryStore(), allow=allow):
        return call(url)


def by_recorder(url, allow):
    with memo.Recorder(MemoryStore(), allow=allow):
        return call(url)


def by_start(url, allow):
    memo.start(MemoryStore(), allow=allow)
    try:
        return call(url)
    finally:
        memo.stop()


WAYS = [by_recording, by_recorder, by_start]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "named",
    ["openai", "127.0.0.1", "127.0.0.1:{port}", "localhost:{port}", "http://localhost:{port}/v1", "127.0.0.0/8"],
)
def test_what_is_allowed_is_called(server, way, named):
    port = server.url.rpartition(":")[2].partition("/")[0]
    assert way(server.url, ("mcp", named.format(port=port))).choices


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("allow", [(), ("mcp",), ("127.0.0.1:1",), ("*.example.com",), "ollama"])
def test_what_is_not_allowed_is_an_error_that_names_the_option(server, way, allow):
    with pytest.raises(NotPatched, match=r'to call it:   allow=\("openai",\) among the options of the recorder'):
        way(server.url, allow)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("allow", [("opnai",), ("open ai",), (5,), "x"])
def test_what_is_neither_an_sdk_nor_a_host_is_an_error_at_once(way, allow):
    with pytest.raises(InvalidOption, match="allow="):
        way("http://127.0.0.1:9", allow)


def test_the_option_travels_to_a_server(tmp_path):
    recorder = memo.Recorder(tmp_path, allow=("mcp", "localhost:9000"))
    payload = recorder.headers["memo-scope"].partition(".")[0]
    carried = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert carried["options"]["allow"] == ["mcp", "localhost:9000"]
