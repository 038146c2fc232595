"""MCP: the tools that a `ClientSession` lists and calls."""

from memo._recordable import Options
from memo.patches._registry import Patch

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "mcp>=1.0"

_NOT_IDENTIFYING = ("read_timeout_seconds", "progress_callback", "meta")

PATCHES = (
    Patch("mcp.client.session:ClientSession.call_tool", Options(name="mcp.call_tool", ignore=_NOT_IDENTIFYING), offered=True),
    Patch("mcp.client.session:ClientSession.list_tools", Options(name="mcp.list_tools"), offered=True),
)
