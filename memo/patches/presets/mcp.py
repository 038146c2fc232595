"""MCP: the tools that a `ClientSession` lists and calls.

A call is identified by the tool's name, its arguments and the server's name, as the handshake gave it: not by progress
callback, time-out and `meta`, nor by the server's version, which is that of the SDK where a server has none of its own.
A session that knows no name (before the handshake, and of SDK 1.x) leaves it out. To replay without the server, hand the
session what the handshake said: `session.adopt(result)`, or `Client(…, mode="2026-07-28", prior_discover=result)`.

A replay reports no progress. Errors of the moment (connection closed, timed out, internal error) are not recorded.
"""

from __future__ import annotations

from typing import Any

from memo._engine.attempt import Attempt
from memo._engine.driver import CallDriver
from memo._engine.recordable import Options
from memo._recordings.outcomes import Outcome
from memo.patches._patch import Patch

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "mcp>=1.10"

_OF_THE_MOMENT = frozenset({-32000, -32001, -32603, 408})
"""JSON-RPC's connection closed, time-out (408 in 1.x) and internal error."""


def _identifying(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the given arguments that identify a call: a parameter that a newer SDK adds stales nothing while unused."""
    params = arguments.pop("params", None)
    given = arguments if params is None else params.model_dump()
    aside = ("read_timeout_seconds", "progress_callback", "meta")
    return {
        name: value for name, value in given.items() if name not in aside and value is not None and value is not False
    }


def _server(session: Any) -> dict[str, str | None]:
    return {"server": getattr(getattr(session, "server_info", None), "name", None)}


class _McpRun(CallDriver):
    """A call of a session's."""

    async def _invoke(self, attempt: Attempt | None) -> Any:
        try:
            return await super()._invoke(attempt)
        except Exception as error:
            code = getattr(getattr(error, "error", None), "code", None)
            if attempt is not None and code in _OF_THE_MOMENT and self._setting.errors != "all":
                attempt.abandon(f"raised {type(error).__name__} ({code})")
            raise


class _ListTools(_McpRun):
    """A list of tools: the session keeps their schemas, with which it checks the results of calls that are made live."""

    async def _aplayed(self, outcome: Outcome) -> Any:
        listed, session = await super()._aplayed(outcome), getattr(self._wrapped, "__self__")  # noqa: B009
        if hasattr(session, "_absorb_tool_listing"):
            first = "cursor" not in _identifying({**self._kwargs})
            return session._absorb_tool_listing(listed, complete=first and listed.next_cursor is None)
        session._tool_output_schemas.update((tool.name, tool.outputSchema) for tool in listed.tools)  # 1.x
        return listed


PATCHES = tuple(
    Patch(
        f"mcp.client.session:ClientSession.{method}",
        Options(name=f"mcp.{method}", key=_identifying, identity=_server),
        run,
        offered=True,
    )
    for method, run in (("call_tool", _McpRun), ("list_tools", _ListTools))
)
