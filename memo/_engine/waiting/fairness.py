"""Fairness: replays wait for nothing, so a loop of them lets other tasks run now and then."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle

import anyio.lowlevel

__all__ = ["checkpoint", "is_due"]

_EVERY = 256
"""Replays between two checkpoints. One takes 20 µs, a replay 4: without one, a task that is to stop a loop never runs."""

is_due: Callable[[], bool] = cycle([*[False] * (_EVERY - 1), True]).__next__
"""Counts a replay, and returns whether a checkpoint is due. (No function of Python's: every replay calls it.)"""

checkpoint = anyio.lowlevel.checkpoint
