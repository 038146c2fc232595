"""anthropic: every call of its clients."""

from memo.patches._stainless.driver import stainless

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "anthropic>=0.30"
PATCHES = stainless("anthropic")
