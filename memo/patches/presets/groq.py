"""groq: every call of its clients."""

from memo.patches._stainless.driver import stainless

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "groq>=0.9"
PATCHES = stainless("groq")
