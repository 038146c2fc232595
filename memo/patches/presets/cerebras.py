"""cerebras: every call of its clients."""

from memo.patches._stainless.driver import stainless

__all__ = ["PATCHES", "REQUIRES"]

REQUIRES = "cerebras_cloud_sdk>=1.0"
PATCHES = stainless("cerebras", "cerebras.cloud.sdk")
