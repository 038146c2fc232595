"""openai 1.x to 3.x: every call of `OpenAI`, `AsyncOpenAI`, their Azure twins and the module-level client."""

from memo.patches._stainless.driver import stainless

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "openai>=1.0"
PATCHES = stainless("openai")
