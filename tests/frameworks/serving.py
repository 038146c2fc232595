"""A server on loopback that speaks the protocols of LLM providers, with new ids in every answer.

It calls the tool that it is offered once, and then answers with what the tool gave.
"""

import json
import struct
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

TEXT = "Saturn has rings"
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
ARGUMENTS = {"planet": "Saturn"}


def new(prefix: str) -> str:
    return f"{prefix}{uuid4().hex}"


def result_of(body: dict[str, Any]) -> bool:
    """Return whether a tool has given its result."""
    text = json.dumps(body)
    return any(
        word in text
        for word in ('"tool_call_id"', "function_call_output", "tool_result", "functionResponse", "toolResult")
    )


def tool_of(body: dict[str, Any]) -> str | None:
    """Return the name of the tool to call, if one is offered and none was called yet."""
    if result_of(body):
        return None
    tools = body.get("tools") or body.get("toolConfig", {}).get("tools") or ()
    for tool in tools:
        for holder in (tool, tool.get("function"), tool.get("toolSpec"), *(tool.get("functionDeclarations") or ())):
            if isinstance(holder, dict) and isinstance(holder.get("name"), str):
                return str(holder["name"])
    return None


def arguments_of(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Return arguments that fit the tool: instructor's and DSPy's are their results."""
    for tool in body.get("tools") or ():
        schema = (tool.get("function") or tool).get("parameters") or tool.get("input_schema") or {}
        properties = schema.get("properties", {})
        if properties:
            return {field: _example(field, what) for field, what in properties.items()}
    return ARGUMENTS


def _example(field: str, schema: dict[str, Any]) -> Any:
    return {"integer": 7, "number": 7.5, "boolean": True, "array": []}.get(schema.get("type", ""), "Saturn")


def openai_chat(body: dict[str, Any]) -> Any:
    head = {"id": new("chatcmpl-"), "created": int(time.time()), "model": body["model"]}
    name = tool_of(body)
    call = {
        "id": new("call_"),
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(arguments_of(body, name or ""))},
    }
    if not body.get("stream"):
        message = {"role": "assistant", "content": None if name else answer(body)}
        if name:
            message["tool_calls"] = [call]
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if name else "stop", "logprobs": None}
        return {**head, "object": "chat.completion", "choices": [choice], "usage": USAGE}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"tool_calls": [{"index": 0, **call}]}] if name else [{"content": word} for word in pieces(answer(body))]
    ends = [None] * len(deltas) + ["tool_calls" if name else "stop"]
    chunks = [
        {**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
        for delta, end in zip([*deltas, {}], ends, strict=True)
    ]
    return Events([*chunks, {**head, "object": "chat.completion.chunk", "choices": [], "usage": USAGE}], done=True)


def answer(body: dict[str, Any]) -> str:
    """Return the answer, in the form that the prompt asks for."""
    text = json.dumps(body)
    if "[[ ##" in text:  # DSPy
        return f"[[ ## answer ## ]]\n{TEXT}\n\n[[ ## completed ## ]]"
    if "final_answer(" in text:  # smolagents
        return f'Thought: it is known.\n<code>\nfinal_answer("{TEXT}")\n</code>'
    return TEXT


def pieces(text: str) -> list[str]:
    return [text[:6], text[6:10], text[10:]]


def openai_responses(body: dict[str, Any]) -> Any:
    name = tool_of(body)
    item: dict[str, Any]
    if name:
        item = {
            "type": "function_call",
            "id": new("fc_"),
            "call_id": new("call_"),
            "name": name,
            "arguments": json.dumps(ARGUMENTS),
            "status": "completed",
        }
    else:
        content = [{"type": "output_text", "text": TEXT, "annotations": [], "logprobs": []}]
        item = {"type": "message", "id": new("msg_"), "role": "assistant", "status": "completed", "content": content}
    response = {
        "id": new("resp_"), "object": "response", "created_at": int(time.time()), "model": body["model"], "status": "completed",
        "output": [item], "parallel_tool_calls": True, "tool_choice": "auto", "tools": body.get("tools") or [], "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {}, "temperature": 1.0, "top_p": 1.0,
        "usage": {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}},
    }  # fmt: skip
    if not body.get("stream"):
        return response
    started = {**response, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": started}]
    events += [{"type": "response.output_item.added", "output_index": 0, "item": item}]
    if not name:
        at = {"item_id": item["id"], "output_index": 0, "content_index": 0}
        part = {"type": "output_text", "text": "", "annotations": []}
        events += [{"type": "response.content_part.added", **at, "part": part}]
        events += [{"type": "response.output_text.delta", **at, "delta": word, "logprobs": []} for word in pieces(TEXT)]
        events += [{"type": "response.output_text.done", **at, "text": TEXT, "logprobs": []}]
        events += [{"type": "response.content_part.done", **at, "part": item["content"][0]}]
    events += [{"type": "response.output_item.done", "output_index": 0, "item": item}]
    events += [{"type": "response.completed", "response": response}]
    return Events([{**event, "sequence_number": number} for number, event in enumerate(events)], named=True)


def embeddings(body: dict[str, Any]) -> Any:
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    if body.get("encoding_format") == "base64":
        import base64

        vector: Any = base64.b64encode(struct.pack("<2f", 0.5, -1.0)).decode()
    else:
        vector = [0.5, -1.0]
    data = [{"object": "embedding", "index": index, "embedding": vector} for index in range(len(texts))]
    return {
        "id": new(""),
        "object": "list",
        "data": data,
        "model": body["model"],
        "usage": {"prompt_tokens": 2, "total_tokens": 2},
    }


def anthropic(body: dict[str, Any]) -> Any:
    name = tool_of(body)
    block: dict[str, Any] = {"type": "text", "text": TEXT}
    if name:
        block = {"type": "tool_use", "id": new("toolu_"), "name": name, "input": ARGUMENTS}
    message = {
        "id": new("msg_"), "type": "message", "role": "assistant", "model": body["model"], "content": [block],
        "stop_reason": "tool_use" if name else "end_turn", "stop_sequence": None, "usage": {"input_tokens": 7, "output_tokens": 3},
    }  # fmt: skip
    if not body.get("stream"):
        return message
    empty = {**block, "input": {}} if name else {**block, "text": ""}
    deltas = (
        [{"type": "input_json_delta", "partial_json": json.dumps(ARGUMENTS)}]
        if name
        else [{"type": "text_delta", "text": word} for word in pieces(TEXT)]
    )
    events = [{"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}]
    events += [{"type": "content_block_start", "index": 0, "content_block": empty}]
    events += [{"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas]
    events += [{"type": "content_block_stop", "index": 0}]
    events += [
        {
            "type": "message_delta",
            "delta": {"stop_reason": message["stop_reason"], "stop_sequence": None},
            "usage": {"output_tokens": 3},
        }
    ]
    return Events([*events, {"type": "message_stop"}], named=True)


def google(body: dict[str, Any], *, stream: bool) -> Any:
    name = tool_of(body)
    part = {"functionCall": {"name": name, "args": ARGUMENTS}} if name else {"text": TEXT}
    usage = {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10}
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
    whole = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini", "responseId": new("")}
    return Events([whole]) if stream else whole


def bedrock(operation: str, body: dict[str, Any]) -> Any:
    if operation.startswith("invoke"):
        whole = {"text": TEXT, "id": new("")}
        if operation == "invoke":
            return whole
        import base64

        chunks = [{"bytes": base64.b64encode(json.dumps({"text": word}).encode()).decode()} for word in pieces(TEXT)]
        return Frames([("chunk", chunk) for chunk in chunks])
    name = tool_of(body)
    use = {"toolUse": {"toolUseId": new("tooluse_"), "name": name, "input": ARGUMENTS}}
    usage = {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10}
    reason = "tool_use" if name else "end_turn"
    if operation == "converse":
        message = {"role": "assistant", "content": [use if name else {"text": TEXT}]}
        return {"output": {"message": message}, "stopReason": reason, "usage": usage, "metrics": {"latencyMs": 5}}
    events: list[tuple[str, Any]] = [("messageStart", {"role": "assistant"})]
    events += [("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}}) for word in pieces(TEXT)]
    events += [("contentBlockStop", {"contentBlockIndex": 0}), ("messageStop", {"stopReason": "end_turn"})]
    return Frames([*events, ("metadata", {"usage": usage, "metrics": {"latencyMs": 5}})])


def cohere(body: dict[str, Any]) -> Any:
    name = tool_of(body)
    call = {"id": new("call_"), "type": "function", "function": {"name": name, "arguments": json.dumps(ARGUMENTS)}}
    usage = {"tokens": {"input_tokens": 7, "output_tokens": 3}}
    head = new("")
    if not body.get("stream"):
        message: dict[str, Any] = {"role": "assistant"}
        message |= {"tool_calls": [call], "tool_plan": "ask"} if name else {"content": [{"type": "text", "text": TEXT}]}
        return {"id": head, "finish_reason": "TOOL_CALL" if name else "COMPLETE", "message": message, "usage": usage}
    events: list[Any] = [{"type": "message-start", "id": head, "delta": {"message": {"role": "assistant"}}}]
    events += [{"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}]
    events += [
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": word}}}}
        for word in pieces(TEXT)
    ]
    events += [{"type": "content-end", "index": 0}]
    return Events(
        [*events, {"type": "message-end", "id": head, "delta": {"finish_reason": "COMPLETE", "usage": usage}}],
        named=True,
    )


def tavily(body: dict[str, Any]) -> Any:
    found = {"title": "Rings", "url": "https://rings.test", "content": TEXT, "score": 0.5, "raw_content": None}
    return {"query": body.get("query"), "results": [found], "images": [], "response_time": 0.1, "request_id": new("")}


def ollama(body: dict[str, Any]) -> Any:
    head = {"model": body["model"], "created_at": "2026-01-01T00:00:00Z"}
    if not body.get("stream"):
        return {**head, "message": {"role": "assistant", "content": TEXT}, "done": True, "eval_count": 3}
    words = [{**head, "message": {"role": "assistant", "content": word}, "done": False} for word in pieces(TEXT)]
    return Lines([*words, {**head, "message": {"role": "assistant", "content": ""}, "done": True, "eval_count": 3}])


class Events(list[Any]):
    """Server-sent events."""

    def __init__(self, events: list[Any], *, done: bool = False, named: bool = False) -> None:
        super().__init__(events)
        self.done, self.named = done, named

    kind = "text/event-stream"

    def sent(self) -> list[bytes]:
        lines = [
            (f"event: {event['type']}\n" if self.named else "") + f"data: {json.dumps(event)}\n\n" for event in self
        ]
        return [line.encode() for line in [*lines, *(["data: [DONE]\n\n"] if self.done else [])]]


class Lines(list[Any]):
    """Lines of JSON."""

    kind = "application/x-ndjson"

    def sent(self) -> list[bytes]:
        return [json.dumps(line).encode() + b"\n" for line in self]


class Frames(list[tuple[str, Any]]):
    """AWS's event stream."""

    kind = "application/vnd.amazon.eventstream"

    def sent(self) -> list[bytes]:
        return [_frame(name, json.dumps(event).encode()) for name, event in self]


def _frame(name: str, payload: bytes) -> bytes:
    headers = b""
    for key, value in ((":event-type", name), (":content-type", "application/json"), (":message-type", "event")):
        headers += bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    message = prelude + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def reply(path: str, body: dict[str, Any]) -> Any:
    """Return the answer to a request, by its path."""
    path, _, _ = path.partition("?")
    last = path.rstrip("/").rpartition("/")[2]
    if last == "completions":
        return openai_chat(body)
    if last == "responses":
        return openai_responses(body)
    if last == "embeddings":
        return embeddings(body)
    if last == "messages":
        return anthropic(body)
    if path.endswith("/v2/chat"):
        return cohere(body)
    if "ontent" in last and ":" in last:
        return google(body, stream="stream" in last)
    if path.startswith("/model/"):
        return bedrock(last, body)
    if path == "/api/chat":
        return ollama(body)
    return tavily(body) if last == "search" else None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self._read() or b"{}")
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        if "refuse" in json.dumps(body):
            return self._send(
                400, "application/json", [json.dumps(REFUSAL).encode()], {"x-amzn-errortype": "ValidationException"}
            )
        found = reply(self.path, body)
        if found is None:
            return self._send(404, "application/json", [b'{"error": {"message": "not found"}}'])
        if isinstance(found, Events | Lines | Frames):
            return self._send(200, found.kind, found.sent())
        return self._send(200, "application/json", [json.dumps(found).encode()])

    def do_GET(self) -> None:
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        self._send(404, "application/json", [b"{}"])

    def _read(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _send(self, status: int, kind: str, parts: list[bytes], headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {
            "content-type": kind,
            "x-request-id": new("req_"),
            "x-amzn-requestid": new(""),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for part in parts:
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: Any) -> None: ...


REFUSAL = {
    "message": "refused", "detail": {"error": "refused"}, "type": "error",
    "error": {"message": "refused", "type": "invalid_request_error", "code": 400, "status": "INVALID_ARGUMENT", "param": None},
}  # fmt: skip


class ProviderServer(ThreadingHTTPServer):
    """The running server. `seen` has the paths that were asked for."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.seen: list[str] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def handle_error(self, *_: Any) -> None:
        """A client that has left is no error."""

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
