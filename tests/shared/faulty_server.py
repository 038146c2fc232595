"""A server on loopback that answers as the APIs of openai, anthropic, ollama, google, cohere, tavily, AWS and MCP do, and fails as it is told."""

import json
import struct
import threading
import zlib
from http.server import BaseHTTPRequestHandler

from loopback import Server

CHUNKS = ["Sat", "urn", " has", " rings"]


def openai_chunk(text):
    end = "stop" if text == CHUNKS[-1] else None
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": end, "logprobs": None}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def openai_whole():
    message = {"role": "assistant", "content": "Saturn"}
    choice = {"index": 0, "finish_reason": "stop", "message": message, "logprobs": None}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


def anthropic_chunk(text):
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


def anthropic_whole():
    usage = {"input_tokens": 1, "output_tokens": 2}
    whole = {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None, "usage": usage}
    return {**whole, "content": [{"type": "text", "text": "Saturn"}], "stop_reason": "end_turn"}


def ollama_chunk(text, *, done=False):
    message = {"role": "assistant", "content": text}
    return {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": done}


def google_chunk(text):
    return {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": "STOP"}]}


def cohere_whole():
    content = [{"type": "text", "text": "Saturn"}]
    return {"id": "c", "finish_reason": "COMPLETE", "message": {"role": "assistant", "content": content}}


def cohere_chunk(text):
    return {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": text}}}}


def aws_whole():
    message = {"role": "assistant", "content": [{"text": "Saturn"}]}
    usage = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}
    return {"output": {"message": message}, "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 1}}


def aws_frame(text):
    """An event of a stream as AWS sends it: lengths and headers, its JSON, and check sums."""
    headers = b""
    for name, value in ((":event-type", "contentBlockDelta"), (":message-type", "event")):
        headers += struct.pack(f">B{len(name)}sBH", len(name), name.encode(), 7, len(value)) + value.encode()
    payload = json.dumps({"contentBlockIndex": 0, "delta": {"text": text}}).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return frame + struct.pack(">I", zlib.crc32(frame))


def lines(tree):
    return f"{json.dumps(tree)}\n"


def event(tree):
    return f"data: {json.dumps(tree)}\n\n"


def named_event(tree):
    return f"event: {tree['type']}\ndata: {json.dumps(tree)}\n\n"


APIS = {
    "/chat/completions": (openai_whole, openai_chunk, event, "text/event-stream"),
    "/v1/messages": (anthropic_whole, anthropic_chunk, named_event, "text/event-stream"),
    "/api/chat": (lambda: ollama_chunk("Saturn", done=True), ollama_chunk, lines, "application/x-ndjson"),
    ":generateContent": (lambda: google_chunk("Saturn"), google_chunk, event, "text/event-stream"),
    ":streamGenerateContent": (lambda: google_chunk("Saturn"), google_chunk, event, "text/event-stream"),
    "/v2/chat": (cohere_whole, cohere_chunk, named_event, "text/event-stream"),
    "/search": (lambda: {"query": "rings", "results": []}, str, str, "application/json"),
    "/converse": (aws_whole, str, str, "application/json"),
    "/converse-stream": (aws_whole, str, aws_frame, "application/vnd.amazon.eventstream"),
    "/plain": (lambda: {"text": "Saturn"}, lambda text: {"text": text}, lines, "application/x-ndjson"),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_): ...

    def do_GET(self):
        self.whole({}, 405)

    do_DELETE = do_GET  # noqa: N815 - the server's word

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        path = self.path.partition("?")[0]
        if path == "/mcp":
            if body.get("method") == "tools/call":
                result = {"content": [{"type": "text", "text": "Saturn"}], "isError": False}
                self.asked({"jsonrpc": "2.0", "id": body["id"], "result": result}, None)
            else:
                self.handshake(body)
            return
        whole, chunk, framed, kind = next(api for end, api in APIS.items() if path.endswith(end))
        streams = body.get("stream") or path.endswith(("streamGenerateContent", "converse-stream"))
        self.asked(whole(), ([framed(chunk(text)) for text in CHUNKS], kind) if streams else None)

    def handshake(self, body):
        if "id" not in body:
            self.head(202, {"content-length": "0"})
            return
        if body["method"] == "tools/list":
            self.whole({"jsonrpc": "2.0", "id": body["id"], "result": {"tools": []}})
            return
        if body["method"] != "initialize":
            self.whole(
                {"jsonrpc": "2.0", "id": body["id"], "error": {"code": -32601, "message": "no such method"}}, 200
            )
            return
        info = {"name": "planets", "version": "1"}
        result = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": info}
        self.whole({"jsonrpc": "2.0", "id": body["id"], "result": result}, headers={"mcp-session-id": "s1"})

    def asked(self, whole, stream):
        """Answer a call: as it should be, or as the fault has it."""
        server = self.server
        server.seen.append(self.path)
        fault = server.faults.pop(0) if server.faults else None
        match fault.kind if fault is not None else "none":
            case "status":
                self.whole(fault.body, fault.status, fault.headers)
            case "timeout":
                server.waits.wait(10)
                self.close_connection = True
            case "malformed":
                data = b'{"id": "cut o'
                if stream is not None:
                    kind = stream[1]
                    self.raw(b"data: %b\n\n" % data if "event" in kind else data, kind)
                else:
                    self.raw(data, "application/json")
            case "cut":
                parts, kind = stream or ([], "text/event-stream" if self.path == "/mcp" else "application/json")
                self.head(200, {"content-type": kind, "transfer-encoding": "chunked"})
                for part in parts[: fault.after]:
                    self.chunk(part)
                self.close_connection = True
            case _:
                if stream is None:
                    self.whole(whole)
                    return
                self.head(200, {"content-type": stream[1], "transfer-encoding": "chunked"})
                for part in stream[0]:
                    self.chunk(part)
                self.chunk(b"")

    def whole(self, tree, status=200, headers=None):
        self.raw(json.dumps(tree, separators=(",", ":")).encode(), "application/json", status, headers)

    def raw(self, data, kind, status=200, headers=None):
        self.head(status, {"content-type": kind, "content-length": str(len(data)), **(headers or {})})
        self.wfile.write(data)

    def head(self, status, headers):
        self.send_response(status)
        for name, value in {"connection": "close", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True

    def chunk(self, part):
        data = part if isinstance(part, bytes) else part.encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()


class FaultyServer(Server):
    """Answers each of the next calls with one of `faults`, and then as it should."""

    def __init__(self):
        self.faults = []
        self.waits = threading.Event()
        super().__init__(Handler)

    def handle_error(self, *_):
        """A client that has left is no error."""

    def stop(self):
        self.waits.set()
        super().stop()
