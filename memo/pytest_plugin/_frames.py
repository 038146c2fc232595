"""Frames of tracebacks and stacks: those of the user, and those to hide."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import FrameType, TracebackType

from memo._engine.reports.call_stacks import is_library
from memo.errors import MemoError

__all__ = ["frames_of", "prune"]


def frames_of(traceback: TracebackType | None) -> Iterator[FrameType]:
    """Return the frames of a traceback, the innermost first."""
    frames: list[FrameType] = []
    while traceback is not None:
        frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    return reversed(frames)


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
