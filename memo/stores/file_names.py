"""File names for any text."""

from __future__ import annotations

import re
from hashlib import sha256

__all__ = ["safe_name"]

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*(?<!\.)")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_LONGEST = 120
_DIGITS = 12


def safe_name(name: str, also: str = "") -> str:
    """Return a file name for any text, a different one for each; for a name that it returned, the same name.

    The name is the text itself where that is short, plain ASCII and no reserved name; `also` names further plain marks.
    """
    plain = name.translate(dict.fromkeys(map(ord, also), "_")) if also else name
    if len(name) <= _LONGEST and _SAFE.fullmatch(plain) and not _RESERVED.fullmatch(plain):
        return name
    plain = re.sub(rf"[^A-Za-z0-9_.\-{re.escape(also)}]+", "_", name)[: _LONGEST - _DIGITS - 1].strip(".-") or "_"
    if _RESERVED.fullmatch(plain):
        plain = f"_{plain}"[: _LONGEST - _DIGITS - 1]
    return f"{plain}-{sha256(name.encode(errors='surrogatepass')).hexdigest()[:_DIGITS]}"
