"""JSON in its two compact forms: canonical, and to be held in memory. Imports nothing of memo."""

from __future__ import annotations

from typing import Any

import orjson

__all__ = ["canonical_json", "exact", "held_json"]


def canonical_json(tree: Any) -> bytes:
    """Return sorted, compact JSON of a tree of plain JSON values; equal trees give equal bytes in every process."""
    return orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)


def held_json(tree: Any) -> bytes:
    """Return JSON to be held for long."""
    return memoryview(orjson.dumps(tree)).tobytes()


def exact(data: bytes) -> bytes:
    """Return a copy that takes as much memory as it is long: orjson's buffers take 4 KB each, whatever is in them."""
    return memoryview(data).tobytes()
