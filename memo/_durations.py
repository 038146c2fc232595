"""Durations as people write them: `30d`, `12h`, `1d12h`."""

from __future__ import annotations

import re
from datetime import timedelta

from memo.errors import InvalidOption

__all__ = ["duration"]

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([wdhms])")
_WHOLE = re.compile(rf"\s*(?:{_PART.pattern}\s*)+")


def duration(text: str, option: str = "duration") -> timedelta:
    """What `30d`, `12h`, `90m`, `2w` or a row of such parts says: weeks, days, hours, minutes (`m`), seconds.

    Raises `InvalidOption`, naming `option`, for anything else, and for more than a timedelta can hold.
    """
    if _WHOLE.fullmatch(text.lower()):
        try:
            return sum((timedelta(**{_UNITS[unit]: float(n)}) for n, unit in _PART.findall(text.lower())), timedelta())
        except OverflowError:
            pass
    raise InvalidOption(option, text, ["a number and a unit, as in 30d: w, d, h, m (minutes), s", "several: 1d12h"])
