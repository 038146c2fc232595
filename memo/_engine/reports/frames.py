"""The frames of the user's code, at which warnings point."""

from __future__ import annotations

import inspect
import os
from functools import cache
from types import FrameType

__all__ = ["user_stacklevel"]


def user_stacklevel() -> int:
    """Return the `stacklevel` with which a warning of the caller points at the user's own line.

    That is the first frame that is neither memo's nor an installed package's, as an SDK is; without one, the first that is not
    memo's.
    """
    level, frame, below_user = 0, inspect.currentframe(), 0
    while frame is not None:
        if not _is_ours(frame):
            if not _is_installed(frame.f_code.co_filename):
                return level
            below_user = below_user or level
        level, frame = level + 1, frame.f_back
    return below_user


def _is_ours(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] in ("memo", "wrapt")


def _is_installed(file: str) -> bool:
    """Return whether a file is Python's, of an installed package or a command of one."""
    return file.startswith(_installed_paths()) or f"{os.sep}site-packages{os.sep}" in file


@cache
def _installed_paths() -> tuple[str, ...]:
    import sysconfig  # most programs are never warned

    schemes = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
    return ("<frozen ", *(sysconfig.get_path(scheme) + os.sep for scheme in schemes))
