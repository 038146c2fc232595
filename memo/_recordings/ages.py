"""Ages: how long ago, as users write it (`30d`) and as they read it (`30 days`)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from memo.errors import InvalidDuration

__all__ = ["duration", "in_words", "moment"]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_WRITTEN = re.compile(r"\s*([0-9]+)\s*([smhdw])\s*")


def duration(value: str | timedelta, option: str) -> timedelta:
    """Return the duration that `90s`, `15m`, `12h`, `30d` or `4w` means. Raises `InvalidDuration`, naming the option."""
    if isinstance(value, timedelta) and value >= timedelta(0):
        return value
    written = _WRITTEN.fullmatch(value) if isinstance(value, str) else None
    if written is not None:
        try:
            return timedelta(**{_UNITS[written[2]]: int(written[1])})
        except OverflowError:
            pass
    raise InvalidDuration(option, value)


def moment(text: object) -> float | None:
    """Return the time of a `recorded_at`, in seconds since 1970; None if it is not a time. A time without a zone is UTC."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
        return at.replace(tzinfo=at.tzinfo or UTC).timestamp() if at is not None else None
    except (ValueError, OverflowError):
        return None


def in_words(age: timedelta) -> str:
    """`45 days`, `3 hours`: in the largest unit of which there are at least two."""
    seconds = int(age.total_seconds())
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{seconds // size:,} {name}s"
    return f"{seconds:,} second{'' if seconds == 1 else 's'}"
