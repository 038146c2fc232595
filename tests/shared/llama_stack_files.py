"""Recordings of llama-stack written by hand, and what importing them gives."""

import json
from pathlib import Path

from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.importers.llama_stack import import_recordings

ROOT = Path(__file__).parent.parent.parent
URL = "https://api.openai.com/v1/v1/chat/completions"
CHUNK = "openai.types.chat.chat_completion_chunk.ChatCompletionChunk"
COMPLETION = "openai.types.chat.chat_completion.ChatCompletion"
MODEL = "openai.types.model.Model"


def request(path="/v1/chat/completions", server="https://api.openai.com/v1", **body):
    return {"method": "POST", "url": server + path, "headers": {}, "body": body, "endpoint": path, "model": ""}


def chunk(text="a", **changed):
    choice = {"delta": {"content": text, "role": None}, "finish_reason": None, "index": 0, "logprobs": None}
    data = {"id": "rec-1", "choices": [choice], "created": 0, "model": "m", "object": "chat.completion.chunk"}
    return {"__type__": CHUNK, "__data__": data | changed}


def value(body):
    return {"body": body, "is_streaming": False}


def stream(*items):
    return {"body": list(items), "is_streaming": True}


def failure(**data):
    return {"body": None, "is_streaming": False, "is_exception": True, "exception_data": data, "exception_message": ""}


class Old:
    """A folder of old recordings, and where they go."""

    def __init__(self, folder: Path) -> None:
        self.source, self.dest = folder / "old", folder / "new"
        self.source.mkdir()

    def write(self, name, req, response, test="tests/t.py::t"):
        document = {"test_id": test, "request": req, "response": response, "id_normalization_mapping": {}}
        (self.source / f"{name}.json").write_text(json.dumps(document, indent=2))

    def run(self):
        return import_recordings(self.source, self.dest)

    def documents(self):
        return {file.parent.name: json.loads(file.read_bytes()) for file in self.dest.glob("*/*.json")}

    def document(self):
        (document,) = self.documents().values()
        return document

    def outcomes(self):
        """The one recording's outcomes, decoded: items of a stream, a value, or an error."""
        return decoded(self.document())


def decoded(document):
    values = Values(Types())
    found = []
    for tree in document["outcomes"]:
        if "stream" in tree:
            assert tree["stream"]["end"] == "complete"
            found.append(values.decode({"__type__": "list", **tree["stream"]}))
        else:
            found.append(values.decode(tree["value"] if "value" in tree else tree["error"]))
    return found
