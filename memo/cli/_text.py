"""Text for people: sizes, ages and counts, and what must not reach a terminal."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta

__all__ = ["age", "ago", "count", "printable", "size"]

_SPECIAL = re.compile(r"[^\t\n\x20-\x7e]")
_JOINERS = "\u200c\u200d"
"""Invisible characters that scripts and emoji need."""


def printable(text: str) -> str:
    r"""Return `text` without characters that control a terminal or cannot be encoded: `\x1b` becomes these four characters.

    New lines and tabs stay. Recordings hold text that anybody may have written.
    """
    return text if text.isprintable() else _SPECIAL.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs":
        return character
    return character.encode("unicode_escape").decode()


def size(number: int) -> str:
    """Return a number of bytes for people: `812 B`, `3.4 kB`, `12 MB`."""
    if number < 1000:
        return f"{number} B"
    scaled, unit = number / 1000, "kB"
    for larger in ("MB", "GB"):
        if scaled >= 999.5:
            scaled, unit = scaled / 1000, larger
    return f"{scaled:.1f} {unit}" if scaled < 9.95 else f"{scaled:,.0f} {unit}"


def age(moment: datetime | None, now: datetime | None = None) -> str:
    """Return how long ago a moment was: `5m`, `3h`, `12d`, `2y`; `?` if it is unknown."""
    if moment is None:
        return "?"
    passed = (now or datetime.now(UTC)) - moment
    for unit, length in (("y", timedelta(days=365)), ("d", timedelta(days=1)), ("h", timedelta(hours=1))):
        if passed >= 2 * length or (unit == "d" and passed >= length):
            return f"{passed // length}{unit}"
    return f"{max(0, passed // timedelta(minutes=1))}m"


def ago(moment: datetime | None) -> str:
    """Return how long ago a moment was, as a sentence ends: `3h ago`, `just now`, `at an unknown time`."""
    if moment is None:
        return "at an unknown time"
    passed = age(moment)
    return "just now" if passed == "0m" else f"{passed} ago"


def count(number: int, one: str, many: str | None = None) -> str:
    """Return a number and its noun: `1 recording`, `1,204 recordings`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
