"""A stream of a real SDK, recorded again from a real server: reviewed as one text, accepted, and replayed."""

import json
from http.server import BaseHTTPRequestHandler

import openai
import pytest
from loopback import Server
from terminal import keys_pressed

import memo
from memo.cli import _output, main
from memo.maintenance.pending import all_pending
from memo.stores import DirectoryStore

# The SDKs and httpx leave generators of their own behind, which trio reports.
pytestmark = pytest.mark.filterwarnings(r"ignore:Async generator '(openai|httpx|httpcore):ResourceWarning")


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        model, text = self.server.answer
        self.server.seen.append(asked)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        common = {
            "id": f"c{len(self.server.seen)}",
            "created": len(self.server.seen),
            "object": "chat.completion.chunk",
        }
        question = asked["messages"][0]["content"]
        for word in text.format(question).split(" "):
            choice = {"index": 0, "delta": {"content": f"{word} "}}
            self.wfile.write(b"data: %b\n\n" % json.dumps({**common, "model": model, "choices": [choice]}).encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = Server(Provider)
    yield server
    server.stop()


async def ask(server, questions):
    async with openai.AsyncOpenAI(base_url=server.url, api_key="k", max_retries=0) as client:
        texts = []
        for question in questions:
            messages = [{"role": "user", "content": question}]
            stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
            texts.append("".join([chunk.choices[0].delta.content async for chunk in stream]))
        return texts


async def test_a_new_model_is_reviewed_once_for_all_calls(server, tmp_path, monkeypatch):
    questions = [f"Planet {number}?" for number in range(12)]
    store = DirectoryStore(tmp_path / "store")
    with memo.install("openai"):
        server.answer = "m-1", "{} It is Saturn, which has rings."
        with memo.recording(store, mode="record"):
            old = await ask(server, questions)
        server.answer = "m-2", "{} It is Jupiter, which has a great red spot."
        with memo.recording(store, mode="record", pending=True):
            new = await ask(server, questions)
        server.stop()
        with memo.recording(store):
            assert await ask(server, questions) == old
        assert len(list(all_pending(store))) == 12

        monkeypatch.chdir(tmp_path)
        _output._console.cache_clear()  # one that was made without a terminal has no colors
        shown, code = keys_pressed(lambda: main(["review", "store"]), [b"A"], prompt="q quit")
        assert code == 0, shown
        plain = shown.replace("\x1b[31m", "").replace("\x1b[32m", "").replace("\x1b[0m", "")
        assert "1 of 12 · 12 alike · openai.chat.completions" in plain
        assert "It is [-Saturn-]{+Jupiter+}, which has [-rings-]{+a great red spot+}." in plain
        assert "accepted 12 recordings; 0 still pending" in plain
        with memo.recording(store):
            assert await ask(server, questions) == new
