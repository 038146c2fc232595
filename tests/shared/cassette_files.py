"""Cassettes written by hand, and what importing them gives."""

import json
from pathlib import Path

import openai
import yaml

import memo
import memo.stores
from memo import recording
from memo.importers.vcr import import_recordings

SERVER = "https://llm.example/v1"
JSON = {"content-type": ["application/json"]}
EVENTS = {"content-type": ["text/event-stream; charset=utf-8"]}


def ask(text="hello", **more):
    return {"messages": [{"role": "user", "content": text}], "model": "m", **more}


def say(text="hi", **more):
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "finish_reason": "stop", "message": message, "logprobs": None}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **more}


def events(*deltas, done=True):
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    lines = [{**chunk, "choices": [{"index": 0, "delta": each, "finish_reason": None}]} for each in deltas]
    return "".join(f"data: {json.dumps(each)}\n\n" for each in lines) + ("data: [DONE]\n\n" if done else "")


def interaction(request=None, answer=None, *, url=f"{SERVER}/chat/completions", code=200, method="POST", **more):
    text = answer if isinstance(answer, str | bytes) else json.dumps(say() if answer is None else answer)
    request = ask() if request is None else request
    written = request if isinstance(request, str | bytes) else json.dumps(request)
    return {
        "request": {"body": written, "headers": {"Authorization": ["Bearer x"]}, "method": method, "uri": url},
        "response": {
            "body": {"string": text},
            "headers": EVENTS if isinstance(request, dict) and request.get("stream") else JSON,
            "status": {"code": code, "message": "OK"},
            **more,
        },
    }


class Cassettes:
    """A folder of cassettes, and the store that they go to."""

    def __init__(self, folder: Path) -> None:
        self.source, self.dest = folder / "cassettes", folder / "recordings"
        self.source.mkdir()

    def write(self, name, *interactions):
        text = yaml.dump({"interactions": list(interactions), "version": 1})
        return self.text(name, text)

    def text(self, name, text):
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
        return path

    def run(self, source=None):
        return import_recordings(source or self.source, self.dest)

    def one(self, *args, **kwargs):
        """Import one interaction. What it is not carried over for, if it is not."""
        self.write("one.yaml", interaction(*args, **kwargs))
        return self.reason()

    def reason(self):
        report = self.run()
        assert len(report.failed) + (report.imported > 0) == 1
        return next(iter(report.failed.values()), None)

    def documents(self):
        return [json.loads(file.read_bytes()) for file in sorted(self.dest.rglob("*.json"))]

    def files(self):
        return {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in self.dest.rglob("*.json")}

    def replay(self, request=None, *, server=SERVER, times=1, **options):
        body = ask() if request is None else request
        with (
            openai.OpenAI(api_key="-", base_url=server, **options) as client,
            memo.install("openai"),
            recording(self.dest, mode="replay"),
        ):
            return [client.chat.completions.create(**body) for _ in range(times)]


def text(completion):
    return completion.choices[0].message.content
