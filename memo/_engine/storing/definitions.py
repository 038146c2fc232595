"""Whether functions were redefined, as the cell of a notebook or a reload does: types that were looked up before are old."""

from __future__ import annotations

from typing import Any

__all__ = ["defined"]

_seen: set[tuple[str, str]] = set()

generation = 0
"""How often functions were redefined: what was prepared in an earlier generation may have old types."""


def defined(function: Any) -> None:
    """Note that a function was made recordable: another generation begins if one of its name was before.

    Functions inside others, which each call redefines, do not count.
    """
    global generation  # noqa: PLW0603
    name = (str(getattr(function, "__module__", "")), str(getattr(function, "__qualname__", "<locals>")))
    if "<locals>" in name[1]:
        return
    if name in _seen:
        generation += 1
    _seen.add(name)
