"""Raw responses of the SDKs: what a replay has of headers, version, reason, time and body, and what is never written."""

import gzip
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from answering import Answering
from loopback import Server
from uses import a, collect, inside

import memo

pytestmark = pytest.mark.filterwarnings(r"ignore:Async generator '(openai|anthropic|httpx|httpcore):ResourceWarning")

MESSAGES: list[Any] = [{"role": "user", "content": "how many?"}]
CHAT = {
    "id": "c1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "three"}}],
}  # fmt: skip
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None, "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "three"}], "usage": {"input_tokens": 1, "output_tokens": 2},
}  # fmt: skip
KEPT = {
    "content-type": "application/json", "location": "/v1/x", "etag": '"e"', "content-disposition": "attachment; filename=a",
    "x-anything": "1", "openai-model": "m-1", "vary": "Origin", "anthropic-workspace-id": "wrkspc_1", "x-request-id": "r1",
    "request-id": "r1", "x-ratelimit-remaining-tokens": "9",
}  # fmt: skip
SECRET = {
    "set-cookie": "verysecret", "x-forwarded-set-cookie": "verysecret", "x-api-key": "verysecret",
    "authorization": "verysecret", "x-amz-security-token": "verysecret",
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[Answering]:
    with Answering() as made:
        yield made


def stored(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*.json"))


def answer_json(server: Answering, tree: Any, *, zipped: bool = False) -> None:
    body = json.dumps(tree, indent=1).encode()  # to the letter: no JSON library of memo writes it so
    more = {"content-encoding": "gzip"} if zipped else {}
    headers = [*{**KEPT, **SECRET, **more}.items(), ("link", "<a>; rel=next"), ("link", "<b>; rel=prev")]
    server.answer(gzip.compress(body) if zipped else body, headers, reason="Fine")


def seen(response: Any, *, zipped: bool) -> Any:
    headers = {name: value for name, value in response.headers.items() if name not in SECRET}
    assert headers.items() >= {**KEPT, **({"content-encoding": "gzip"} if zipped else {})}.items()
    http = response.http_response
    return [
        headers, response.headers.get_list("link"), http.http_version, http.reason_phrase, sorted(http.extensions.keys() & {"http_version", "reason_phrase"}),
        response.status_code, response.content if hasattr(response, "content") else None, response.elapsed.total_seconds() > 0,
    ]  # fmt: skip


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", ["Async", ""])
async def test_all_that_is_no_secret_comes_back(kind: str, zipped: bool, server: Answering, tmp_path: Path):
    answer_json(server, CHAT, zipped=zipped)

    async def use() -> list[Any]:
        client = getattr(openai, f"{kind}OpenAI")(base_url=server.url, api_key="k", max_retries=0)
        raw = await a(client.chat.completions.with_raw_response.create(model="m", messages=MESSAGES))
        found = [seen(raw, zipped=zipped), raw.parse()]
        async with inside(client.chat.completions.with_streaming_response.create(model="m", messages=MESSAGES)) as got:
            found += [b"".join(await collect(got.iter_bytes())), seen(got, zipped=zipped)[:-1]]
        await a(client.close())
        return found

    with memo.install("openai"):
        live = await use()
        with memo.recording(tmp_path, mode="record"):
            recorded = await use()
        server.stop()
        with memo.recording(tmp_path) as rec:
            replayed = await use()
    assert rec.stats.replayed == 2
    assert recorded == live
    assert replayed == live
    assert b"verysecret" not in stored(tmp_path)


@pytest.mark.parametrize("kind", ["Async", ""])
async def test_what_anthropic_reads_from_headers(kind: str, server: Answering, tmp_path: Path):
    answer_json(server, MESSAGE)

    async def use() -> list[Any]:
        client = getattr(anthropic, f"{kind}Anthropic")(base_url=server.url, api_key="k", max_retries=0)
        raw = await a(client.messages.with_raw_response.create(model="m", max_tokens=1, messages=MESSAGES))
        parsed = await a(raw.parse())
        plain = await a(client.messages.create(model="m", max_tokens=1, messages=MESSAGES))
        await a(client.close())
        return [parsed, parsed._request_id, parsed._workspace_id, plain, plain._request_id, plain._workspace_id]

    with memo.install("anthropic"):
        live = await use()
        assert (live[2], live[5]) == ("wrkspc_1", "wrkspc_1")
        with memo.recording(tmp_path, mode="record"):
            assert await use() == live
        server.stop()
        with memo.recording(tmp_path):
            assert await use() == live


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("page_token=p&encoding=utf-8", "page_token=p&encoding=utf-8"),
        ("author=a&design=d&keyword=k&max_tokens=3", "author=a&design=d&keyword=k&max_tokens=3"),
        ("after=x&api_key=verysecret&limit=2", "after=x&limit=2"),
        ("access_token=verysecret&sig=verysecret&next_page_token=n", "next_page_token=n"),
    ],
)
async def test_harmless_parameters_of_an_errors_url_stay(query: str, kept: str, server: Answering, tmp_path: Path):
    server.answer(b'{"error": {"message": "nope"}}', [("content-type", "application/json")], status=400)
    client = openai.OpenAI(base_url=server.url, api_key="k", max_retries=0)
    with memo.install("openai"):
        for mode in ("record", "replay"):
            with memo.recording(tmp_path, mode=mode), pytest.raises(openai.BadRequestError) as caught:
                client.get(f"/things?{query}", cast_to=object)
            server.stop()
    client.close()
    assert caught.value.response.request.url.query.decode() == kept
    assert b"verysecret" not in stored(tmp_path)


ACCOUNT = b"""{ "object": "organization.project.service_account", "id": "svc_1", "name": "n\\u00e9", "role": "member", "created_at": 1e0,
 "big": 123456789012345678901234567890, "api_key": {"object": "organization.project.service_account.api_key",
  "value": "sk-proj-abcdefghij0123456789KLMNOP", "name": "Secret Key", "created_at": 1, "id": "key_1"} }\r
"""


async def test_of_a_body_with_a_secret_nothing_else_changes(server: Answering, tmp_path: Path):
    server.answer(ACCOUNT, [("content-type", "application/json")])
    client = openai.OpenAI(base_url=server.url, api_key="k", admin_api_key="k", max_retries=0)
    accounts = client.admin.organization.projects.service_accounts.with_raw_response
    with memo.install("openai"):
        for mode in ("record", "replay"):
            with memo.recording(tmp_path, mode=mode):
                raw = accounts.create("p", name="n")
            server.stop()
    client.close()
    assert raw.content == ACCOUNT.replace(b"sk-proj-abcdefghij0123456789KLMNOP", b"<secret>")
    assert raw.parse().api_key.id == "key_1"
    assert b"KLMNOP" not in stored(tmp_path)


class Chunked(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None: ...

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(json.dumps(CHAT)), json.dumps(CHAT).encode()))


async def test_a_body_in_chunks_has_no_length(tmp_path: Path):
    server = Server(Chunked)

    def use() -> list[Any]:
        with (
            openai.OpenAI(base_url=server.url, api_key="k", max_retries=0) as client,
            client.chat.completions.with_streaming_response.create(model="m", messages=MESSAGES) as got,
        ):
            return [dict(got.headers), got.read()]

    try:
        with memo.install("openai"):
            with memo.recording(tmp_path, mode="record"):
                live = use()
            server.stop()
            with memo.recording(tmp_path):
                assert use() == live
    finally:
        server.stop()
    assert "content-length" not in live[0]
