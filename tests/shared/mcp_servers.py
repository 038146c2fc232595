"""MCP servers in plain Python, of any protocol that has a handshake: over stdio as a script, and over HTTP.

`python mcp_servers.py NAME LOG` answers on stdout, and writes a line to LOG for each thing that it is asked.
"""

import json
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from loopback import Server

SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
COUNTED = {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}
TOOL = {"name": "count", "description": "Count letters.", "inputSchema": SCHEMA, "outputSchema": COUNTED}
CAPABILITIES: dict[str, Any] = {"tools": {}, "resources": {}, "prompts": {}}


class Failure(Exception):
    """An error of the protocol: code and message."""


def answer(name: str, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a request to the server of that name."""
    match method:
        case "initialize":
            info = {"name": name.partition("@")[0], "version": "1"}
            return {"protocolVersion": params["protocolVersion"], "capabilities": CAPABILITIES, "serverInfo": info}
        case "tools/list":
            return {"tools": [TOOL]}
        case "tools/call":
            word = params["arguments"]["word"]
            if not word:
                return {"content": [{"type": "text", "text": "no word"}], "isError": True}
            count = len(word) + len(name)
            return {"content": [{"type": "text", "text": str(count)}], "structuredContent": {"count": count}}
        case "resources/list":
            return {"resources": [{"uri": "memo://rings", "name": "rings"}]}
        case "resources/templates/list":
            return {"resourceTemplates": [{"uriTemplate": "memo://{planet}", "name": "planet"}]}
        case "resources/read":
            return {"contents": [{"uri": params["uri"], "mimeType": "text/plain", "text": f"{name}: Saturn has rings"}]}
        case "prompts/list":
            return {"prompts": [{"name": "ask", "arguments": [{"name": "planet", "required": True}]}]}
        case "prompts/get":
            text = f"{name}: what is {params['arguments']['planet']}?"
            return {"messages": [{"role": "user", "content": {"type": "text", "text": text}}]}
        case "completion/complete":
            return {"completion": {"values": ["Saturn"]}}
        case "ping":
            return {}
    raise Failure(-32601, f"Method not found: {method}")


def answered(name: str, message: dict[str, Any], note: Callable[[str], None]) -> dict[str, Any] | None:
    """Return the answer to a message; None to a notification."""
    note(message["method"])
    if "id" not in message:
        return None
    try:
        return {"jsonrpc": "2.0", "id": message["id"], "result": answer(name, message["method"], message["params"])}
    except Failure as failure:
        code, text = failure.args
        return {"jsonrpc": "2.0", "id": message["id"], "error": {"code": code, "message": text}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        name = self.path.strip("/")
        reply = answered(name, {"params": {}, **message}, self.server.seen.append)  # type: ignore[attr-defined]
        body = b"" if reply is None else json.dumps(reply).encode()
        self.send_response(202 if reply is None else 200)
        self.send_header("content-type", "application/json")
        if message["method"] == "initialize":
            self.send_header("mcp-session-id", f"session-of-{name}")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.send_response(405)
        self.send_header("content-length", "0")
        self.end_headers()

    do_DELETE = do_GET  # noqa: N815 - the server's word

    def log_message(self, *_: Any) -> None: ...


def serve_http() -> Server:
    """Return a running server: what follows its address is its name."""
    return Server(Handler)


def script(folder: Path) -> Path:
    """Put the server over stdio into a folder, where it needs nothing else."""
    for module in (__name__, "loopback"):
        source = Path(str(sys.modules[module].__file__))
        (folder / source.name).write_text(source.read_text())
    return folder / f"{__name__}.py"


def serve_stdio(name: str, log: Path) -> None:
    """Answer what comes on stdin."""
    with log.open("a") as file:

        def note(method: str) -> None:
            file.write(f"{name} {method}\n")
            file.flush()

        note("started")
        for line in sys.stdin:
            reply = answered(name, {"params": {}, **json.loads(line)}, note)
            if reply is not None:
                sys.stdout.write(json.dumps(reply) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    serve_stdio(sys.argv[1], Path(sys.argv[2]))
