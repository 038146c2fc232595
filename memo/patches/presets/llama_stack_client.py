"""llama-stack-client: every call of its clients."""

from memo.patches._stainless.driver import stainless

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "llama-stack-client>=0.1"
PATCHES = stainless("llama_stack_client")
