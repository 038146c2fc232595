"""The call stack of whatever runs now: which frames are the user's, for reports of who did what."""

from __future__ import annotations

import inspect
import os
import sysconfig
from collections.abc import Iterator
from types import FrameType

__all__ = ["is_library", "place", "stack"]


def stack() -> Iterator[FrameType]:
    """Yield the frames of the current call stack, the innermost first."""
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        yield frame
        frame = frame.f_back


def is_library(frame: FrameType) -> bool:
    """Return whether a frame's code is Python's, memo's or an installed package's."""
    file = frame.f_code.co_filename
    return file.startswith(_LIBRARIES) or f"{os.sep}site-packages{os.sep}" in file


def place(frame: FrameType) -> str:
    """Return the file and line of a frame."""
    file = frame.f_code.co_filename
    return f"{os.path.relpath(file) if os.path.isabs(file) else file}:{frame.f_lineno}"  # noqa: PTH117 - as text


_PACKAGE = __file__.removesuffix(os.path.join("_engine", "reports", "call_stacks.py"))  # noqa: PTH118 - as text, like frames' files
_LIBRARIES = (
    "<",
    _PACKAGE,
    *(sysconfig.get_path(scheme) + os.sep for scheme in ("stdlib", "platstdlib", "purelib", "platlib")),
)
