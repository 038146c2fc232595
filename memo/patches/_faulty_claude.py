"""The faults of claude-agent-sdk: its own code makes the exception, from what a command that fails so would write and how it would end.

The SDK talks to a process, not to a server. A status is what the command reports of its API: a message, a result that is an error, and
the end of the process. A connection that is refused is a command that cannot be started; a time-out is the SDK's own, of the first
request to the command; what is cut is the process, that dies; what is malformed is a line of its output.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import AsyncGenerator
from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any

import anyio

from memo._engine.sessions.faults import MALFORMED, Answer, FaultyCall, raised_for
from memo.fault import Fault
from memo.patches._faulty import injected

__all__ = ["ConnectFaults", "MessagesFaults"]

_ERRORS = {
    400: "invalid_request",
    401: "authentication_failed",
    402: "billing_error",
    403: "authentication_failed",
    429: "rate_limit",
}
"""What the command names the errors of its API."""


class MessagesFaults(FaultyCall):
    """The faults of the messages of a prompt."""

    async def aattempt(self) -> Fault | Answer | None:
        """Return the change that is due, or the messages of a command that fails."""
        fault = self.faults.take(self.name)
        if fault is None or fault.kind in ("slow", "cut"):
            return fault
        if fault.kind == "raises":
            raise raised_for(fault, self.name)
        return Answer(self._messages(fault))

    async def abroken(self, fault: Fault) -> BaseException:
        """Return what the SDK raises where the process dies."""
        try:
            async for _ in self._messages(fault):
                pass
        except Exception as error:  # noqa: BLE001 - that is what is asked for
            return error
        return raised_for(fault, self.name)

    async def _messages(self, fault: Fault) -> AsyncGenerator[Any]:
        client = getattr(self.wrapped, "__self__", None)
        options = self.kwargs.get("options") if client is None else client.options
        options = options or sys.modules["claude_agent_sdk"].ClaudeAgentOptions()
        with injected():
            query = sys.modules["claude_agent_sdk.query"].query
            messages = query(prompt=_asked(), options=options, transport=_transport()(options, fault))
        try:
            while True:
                with injected():
                    try:
                        message = await anext(messages)
                    except StopAsyncIteration:
                        return
                yield message
        finally:
            await messages.aclose()


class ConnectFaults(FaultyCall):
    """The faults of a client's start of the command: those that keep it from starting."""

    async def aattempt(self) -> Fault | Answer | None:
        """Return None. Raises what the SDK raises for a fault."""
        if self.wrapped.__name__ == "connect" and (fault := self.faults.take(self.name, _AT_START)) is not None:
            with injected():
                await _transport()(self.wrapped.__self__.options, fault).connect()
        return None


_AT_START = ("connection", "timeout")
"""The faults that a client meets when it starts the command."""


def _output(fault: Fault) -> bytes:
    """Return what a command that fails so writes once it was asked."""
    if fault.kind == "malformed":
        return MALFORMED + b"\n"
    if fault.kind == "cut":
        return b""
    body = {"type": "error", "error": {"message": f"memo: status {fault.status}, as asked for"}}
    text = f"API Error: {fault.status} {json.dumps(body if fault.body is None else fault.body)}"
    kind = _ERRORS.get(fault.status, "server_error" if fault.status >= 500 else "unknown")
    message = {"role": "assistant", "model": "<synthetic>", "content": [{"type": "text", "text": text}]}
    said = {"type": "assistant", "message": message, "error": kind, "session_id": "memo", "uuid": "memo"}
    result = {
        "type": "result",
        "subtype": "success",
        "is_error": True,
        "result": text,
        "api_error_status": fault.status,
        "terminal_reason": "api_error",
        "duration_ms": 0,
        "duration_api_ms": 0,
        "num_turns": 1,
        "session_id": "memo",
        "uuid": "memo",
    }
    return b"".join(json.dumps(line).encode() + b"\n" for line in (said, result))


async def _asked() -> AsyncGenerator[dict[str, Any]]:
    yield {"type": "user", "message": {"role": "user", "content": ""}, "parent_tool_use_id": None, "session_id": "memo"}


@cache
def _transport() -> Any:
    """Return the class of transports whose process is none."""
    sdk = import_module("claude_agent_sdk")
    base: Any = import_module("claude_agent_sdk._internal.transport.subprocess_cli").SubprocessCLITransport

    class Transport(base):  # type: ignore[misc]
        def __init__(self, options: Any, fault: Fault) -> None:
            # Older versions look for the command at once unless it is given, and write no prompt that is a text.
            path = {"cli_path": "claude"} if "cli_path" in signature(base.__init__).parameters else {}
            super().__init__(_asked(), options, **path)
            self._fault = fault

        async def connect(self) -> None:
            if self._fault.kind == "connection":
                raise sdk.CLINotFoundError(
                    f"Claude Code not found at: {getattr(self._options, 'cli_path', None) or 'claude'}"
                )
            if self._fault.kind == "timeout":
                raise Exception("Control request timeout: initialize") from TimeoutError()  # noqa: TRY002 - as the SDK does
            self._process = _Process(self._fault)
            self._stdin_stream = self._stdout_stream = self._process
            self._ready = True

    return Transport


class _Process:
    """A process that answers the first request, and fails once it is asked."""

    stdin = stdout = stderr = None
    returncode: int | None = None

    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self._send, self._receive = anyio.create_memory_object_stream[str](math.inf)

    async def send(self, data: str) -> None:
        """Take lines of the SDK's."""
        for line in filter(None, map(str.strip, data.splitlines())):
            asked = json.loads(line)
            if asked["type"] == "control_request":
                answer = {"subtype": "success", "request_id": asked["request_id"], "response": {}}
                self._send.send_nowait(json.dumps({"type": "control_response", "response": answer}) + "\n")
            elif asked["type"] == "user":
                self._send.send_nowait(_output(self._fault).decode())
                self._send.close()

    def __aiter__(self) -> Any:
        return self._receive

    async def wait(self) -> int:
        """Return the code of a process that failed."""
        self.returncode = 1
        return 1

    async def aclose(self) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...
