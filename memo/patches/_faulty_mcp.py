"""Faults of MCP: the session's own exceptions, as it raises them over HTTP."""

from __future__ import annotations

import sys

from memo._engine.sessions.faults import MALFORMED, Answer, FaultyCall, raised_for
from memo.fault import Fault

__all__ = ["McpFaults"]


class McpFaults(FaultyCall):
    """The faults of a request: what a session raises whose server is reached over HTTP."""

    @classmethod
    def applies(cls, name: str) -> bool:
        """Return whether a request is a call, not part of the handshake."""
        return super().applies(name) and name not in ("mcp.initialize", "mcp.discover", "mcp.transport")

    def attempt(self) -> Fault | Answer | None:
        """Return the change that is due. Raises what the session raises for a fault."""
        fault = self.faults.take(self.name)
        if fault is None or fault.kind == "slow":
            return fault
        if fault.kind == "raises":
            raise raised_for(fault, self.name)
        errors = sys.modules["mcp.shared.exceptions"]
        code, message = self._error(fault)
        if hasattr(errors, "MCPError"):
            raise errors.MCPError(code, message)
        raise errors.McpError(sys.modules["mcp.types"].ErrorData(code=code, message=message))  # 1.x

    def _error(self, fault: Fault) -> tuple[int, str]:
        match fault.kind:
            case "status" if isinstance(fault.body, dict) and "jsonrpc" in fault.body:
                return fault.body["error"].get("code", -32603), fault.body["error"].get("message", "")
            case "status":
                return (
                    (-32600, "Session terminated")
                    if fault.status == 404
                    else (-32603, "Server returned an error response")
                )
            case "timeout":
                request = self.args[0] if self.args else self.kwargs["request"]
                return -32001, f"Request {getattr(request, 'root', request).method!r} timed out"
            case "malformed":
                return -32700, f"Failed to parse JSON response: {_unread()}"
            case "cut":
                return -32000, "SSE stream ended without a response"
            case _:
                return -32000, "Connection closed"


def _unread() -> str:
    """Return what the SDK says of an answer that ends in its middle."""
    types = sys.modules.get("mcp_types") or sys.modules["mcp.types"]
    adapter = getattr(types, "jsonrpc_message_adapter", None)
    read = adapter.validate_json if adapter is not None else types.JSONRPCMessage.model_validate_json  # 1.x
    try:
        read(MALFORMED)
    except ValueError as error:
        return str(error)
    return ""
