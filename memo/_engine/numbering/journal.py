"""The journal of a scope: what every process that has the scope did, a line of JSON an event.

Each line is one write to a file that is opened for appending, and begins with a line break, too: a process that is killed
in the middle of a line damages that line alone.
"""

from __future__ import annotations

import logging
import os
import weakref
from typing import Any

import orjson

__all__ = ["END", "Journal", "appended", "events_after"]

log = logging.getLogger("memo")

END = "end"
"""The event that ends a scope: no call of it follows."""


def appended(path: str) -> int:
    """Return a descriptor that appends to a file in a directory that exists. Raises `OSError`."""
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)


class Journal:
    """A journal to write to. Safe for threads and processes: each event is one write.

    What cannot be written is logged once: the scope may be over and its journal gone, or on another machine.
    """

    def __init__(self, path: str, test: str | None) -> None:
        self._path = path
        self._test = test
        self._file: int | None = None
        self._failed = False

    def write(self, event: str, **fields: Any) -> None:
        """Add an event."""
        line = orjson.dumps({"event": event, "test": self._test, "process": os.getpid(), **fields})
        try:
            if self._file is None:
                self._file = appended(self._path)
                weakref.finalize(self, os.close, self._file)
            os.write(self._file, b"\n%b\n" % line)
        except OSError as error:
            if not self._failed:
                self._failed = True
                log.warning("what is done here is not reported to %s: %s", self._test or "the scope", error)

    def has_ended(self) -> bool:
        """Return whether the scope has ended: its last event says so, or the journal is gone."""
        try:
            with open(self._path, "rb") as file:  # noqa: PTH123 - text, as in the carrier
                file.seek(max(0, os.fstat(file.fileno()).st_size - 1024))
                tail = file.read()
        except OSError:
            return True
        return b'{"event":"end"' in tail


def events_after(path: str, offset: int) -> tuple[list[dict[str, Any]], int]:
    """Return the events of a journal from an offset on, and the offset after them.

    Lines that are not whole yet are left for the next time; damaged lines are left out.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            file.seek(offset)
            data = file.read()
    except OSError:
        return [], offset
    whole, _, _ = data.rpartition(b"\n")
    found: list[dict[str, Any]] = []
    for line in whole.split(b"\n"):
        try:
            event = orjson.loads(line) if line else None
        except orjson.JSONDecodeError:
            continue  # its process was killed
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            found.append(event)
    return found, offset + len(whole)
