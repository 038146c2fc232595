"""Fairness: replays wait for nothing, so a loop of them lets other tasks run now and then."""

from __future__ import annotations

from itertools import count

import anyio.lowlevel

__all__ = ["checkpoint", "is_due"]

_EVERY = 64
"""Replays between two checkpoints. One takes 20 µs, a replay 8: without one, a task that is to stop a loop never runs."""

_turn = count(1).__next__


def is_due() -> bool:
    """Count a replay. Return whether a checkpoint is due."""
    return not _turn() % _EVERY


checkpoint = anyio.lowlevel.checkpoint
