"""ogx-client: every call of its clients."""

from memo.patches._stainless.driver import stainless

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "ogx-client>=0.7"
PATCHES = stainless("ogx_client")
