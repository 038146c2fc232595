"""The frames of the user's code, at which warnings point."""

from __future__ import annotations

import inspect

__all__ = ["user_stacklevel"]


def user_stacklevel() -> int:
    """Return the `stacklevel` with which a warning of the caller points at the first frame that is not memo's."""
    level, frame = 0, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("memo", "wrapt"):
        level, frame = level + 1, frame.f_back
    return level
