"""Modes by name."""

from __future__ import annotations

from enum import StrEnum

from memo.errors import InvalidMode

__all__ = ["Mode"]


class Mode(StrEnum):
    """What a recorder does with a call: see `memo.recording`."""

    LIVE = "live"
    RECORD = "record"
    REPLAY = "replay"
    RECORD_IF_MISSING = "record-if-missing"

    @classmethod
    def of(cls, name: object) -> Mode:
        """The mode of that name, in memo's words or in VCR's. Raises `InvalidMode`."""
        mode = _ALIASES.get(name) if isinstance(name, str) else None
        if mode is None:
            raise InvalidMode("mode", name, [*cls, *(alias for alias in _ALIASES if alias not in list(cls))])
        return mode


_ALIASES: dict[str, Mode] = {str(mode): mode for mode in Mode} | {
    # The words of VCR and its descendants.
    "none": Mode.REPLAY,
    "once": Mode.RECORD_IF_MISSING,
    "new_episodes": Mode.RECORD_IF_MISSING,
    "all": Mode.RECORD,
    "rewrite": Mode.RECORD,
}
