"""Frames of tracebacks and stacks: those of the user, and those to hide."""

from __future__ import annotations

import inspect
import os
import sysconfig
from collections.abc import Iterator
from types import FrameType, TracebackType

from memo.errors import MemoError

__all__ = ["frames_of", "is_library", "place", "prune", "stack"]


def stack() -> Iterator[FrameType]:
    """Yield the frames of the current call stack, the innermost first."""
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        yield frame
        frame = frame.f_back


def frames_of(traceback: TracebackType | None) -> Iterator[FrameType]:
    """Return the frames of a traceback, the innermost first."""
    frames: list[FrameType] = []
    while traceback is not None:
        frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    return reversed(frames)


def is_library(frame: FrameType) -> bool:
    """Return whether a frame's code is Python's, memo's or an installed package's."""
    file = frame.f_code.co_filename
    return file.startswith(_LIBRARIES) or f"{os.sep}site-packages{os.sep}" in file


def place(frame: FrameType) -> str:
    """Return the file and line of a frame."""
    file = frame.f_code.co_filename
    return f"{os.path.relpath(file) if os.path.isabs(file) else file}:{frame.f_lineno}"  # noqa: PTH117 - as text


def prune(error: BaseException) -> None:
    """Remove the frames from a traceback that hide the cause.

    From memo's own errors, remove every frame that is not the user's: what counts is the call. From other errors, remove
    memo's frames, unless the error was raised in one.
    """
    above = error.__traceback__
    ours = isinstance(error, MemoError)
    innermost = next(frames_of(above), None)
    if not ours and innermost is not None and _is_ours(innermost):
        return
    hidden = is_library if ours else _is_ours
    while above is not None:
        below = above.tb_next
        while below is not None and hidden(below.tb_frame):
            below = below.tb_next
        above.tb_next = below
        above = below


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_PACKAGE)


_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep  # noqa: PTH120 - as text, frames are compared with it
_LIBRARIES = (
    "<",
    _PACKAGE,
    *(sysconfig.get_path(scheme) + os.sep for scheme in ("stdlib", "platstdlib", "purelib", "platlib")),
)
