"""A store that does not work is left alone for a while: not each call waits for it."""

from __future__ import annotations

import logging
import threading
import time
from copy import copy

from memo.errors import StoreError

__all__ = ["CircuitBreaker"]

log = logging.getLogger("memo")

_OPEN_SECONDS = 5.0
_lock = threading.RLock()
"""For all of them: a store seldom fails, and each session has two."""


class CircuitBreaker:
    """Open from a store's failure until the store is asked again. Safe for threads."""

    error: StoreError | None = None
    _until = 0.0

    def trip(self, error: StoreError) -> None:
        """Open for some seconds, and log the error unless another of many calls at once has done so."""
        with _lock:
            was_open = self.is_open()
            self.error = error
            self._until = time.monotonic() + _OPEN_SECONDS
        if not was_open:
            log.warning("%s; it is asked again in %g seconds", error, _OPEN_SECONDS)

    def is_open(self) -> bool:
        """Return whether the store failed just now."""
        return self.error is not None and time.monotonic() < self._until

    def check(self) -> None:
        """Raise the error of the store again if it failed just now."""
        if self.error is not None and self.is_open():
            raise copy(self.error)
