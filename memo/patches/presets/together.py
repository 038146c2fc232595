"""together: every call of its clients."""

from memo.patches._stainless.driver import stainless

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "together>=2.0"
PATCHES = stainless("together")
