"""The program of mcp, with the SDK's older version."""

from mcp_program import PRESETS, main

__all__ = ["NEEDS", "PRESETS", "main"]
NEEDS = ["mcp<2"]
