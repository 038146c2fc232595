"""The program of mcp, with the SDK's older version."""

from mcp_program import PRESETS, VERIFY, main

__all__ = ["NEEDS", "PRESETS", "VERIFY", "main"]
NEEDS = ["mcp<2"]
