"""How long a session may search for the nearest recordings of the calls that it missed."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["SearchTime"]

_ONE_SECONDS = 0.06
"""Limit of the search for one missed call."""
_BRIEF_SECONDS = 0.005
"""Limit of the search for one missed call, once all searches of a session together have taken `_ALL_SECONDS`."""
_ALL_SECONDS = 5.0


class SearchTime:
    """The time that the searches of a session have taken, and so the limit of the next one. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._seconds = 0.0

    @contextmanager
    def one(self) -> Generator[float]:
        """Count the time of one search; yield its limit in seconds."""
        started = time.perf_counter()
        yield _ONE_SECONDS if self._seconds < _ALL_SECONDS else _BRIEF_SECONDS
        with self._lock:
            self._seconds += time.perf_counter() - started
