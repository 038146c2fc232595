"""The settings of a session: its modes and its options, checked, and what they mean for a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from memo._calls.call import Call
from memo._calls.key_rules import KeyRules
from memo._calls.secrets import SecretRules
from memo._engine.reports.call_log import CallRecord
from memo._engine.rules import modes
from memo._engine.rules.mode_rules import ModeRule, ModeRules
from memo._engine.rules.modes import Mode, ModeName
from memo._engine.sessions.allowing import Allowed
from memo._engine.sessions.faults import Faults
from memo._engine.storing.expiry import Expiry, expiry_of
from memo._engine.streaming.rhythm import Rhythm

__all__ = ["Settings"]


class Settings:
    """What a session is to do: it does not change while the session does it."""

    def __init__(self, mode: ModeName | Mode, environ: Mapping[str, str], settings: Mapping[str, Any]) -> None:
        self.mode = Mode.of(environ.get("MEMO_MODE") or mode)
        self.mode_rules = ModeRules.of(settings["modes"], environ.get("MEMO_MODES", ""), self.mode)
        """Which mode a call has by its function's name. None: they all have the mode of the recorder."""
        self.faults = Faults.of(settings["faults"])
        """What is injected into calls. None: nothing."""
        self.is_ruled = self.mode_rules is not None or self.faults is not None
        """True if more than the mode of the recorder decides what becomes of a call."""
        self.modes = self.mode_rules.modes if self.mode_rules is not None else {self.mode}
        """All modes that a call may have."""
        self.exhausted: str = settings["exhausted"]
        self.errors: str = settings["errors"]
        self.on_watched_change: str = settings["on_watched_change"]
        self.max_age: timedelta | None = settings["max_age"]
        self.on_expiry: str = settings["on_expiry"]
        self._lifetimes: dict[str, timedelta] = settings["ttl"]
        """How long outcomes are good, by the pattern of the functions' names."""
        self.draws: bool = settings["draws"]
        """Whether the k-th identical call gets the k-th outcome in `record-if-missing`, too."""
        self.claim_timeout: float = settings["claim_timeout"]
        self.keep: Callable[[CallRecord], bool | str] | None = settings["keep"]
        """Decides whether an outcome is stored."""
        self.rhythm = Rhythm.of(settings["ttft"], settings["items_per_second"])
        """When the items of a stream come that was recorded without timings. None: at once."""
        self.timings: bool = settings["timings"]
        self.pace: float = settings["pace"]
        self.trust: frozenset[str] = frozenset(settings["trust"])
        self.secrets = SecretRules.of(settings["secrets"], settings["allow_secrets"])
        self.key_rules = KeyRules.of(settings["ignore"], settings["watch"], settings["scrub"])
        self.test: str | None = settings["test"]
        self.allow = Allowed.of(settings["allow"])
        """What may be called live in replay."""
        self.isolated: bool = settings["isolated"]
        """True if it serves the contexts of its own scopes alone."""
        self.blocks_network: bool = settings["block_network"]
        """True if no connection to another machine is made in replay."""

    @property
    def is_recording(self) -> bool:
        """True if some calls may be recorded."""
        return not self.modes.isdisjoint((modes.RECORD, modes.RECORD_IF_MISSING))

    def mode_of(self, function: str) -> Mode:
        """Return the mode of the calls of that name."""
        return self.mode if self.mode_rules is None else self.mode_rules.mode(function)

    def modes_below(self, root: str) -> set[Mode]:
        """Return the modes that the calls of an SDK may have, whose names begin with `root` and a dot."""
        return {self.mode} if self.mode_rules is None else self.mode_rules.modes_below(root)

    def rule_of(self, call: Call) -> ModeRule | None:
        """Return the rule that decides the mode of a call; None where that is the mode of the recorder."""
        return self.mode_rules.find(call.function) if self.mode_rules is not None else None

    def expiry_of(self, function: str, ttl: timedelta | None, *, has_draws: bool) -> Expiry | None:
        """Return when the outcomes of a function count as missing; None for never."""
        return expiry_of(function, ttl, self._lifetimes, self.max_age, self.on_expiry, has_draws=has_draws)

    def is_refreshed(self, function: str) -> bool:
        """Return whether an expired outcome of a function is replayed once more while the call is made again."""
        return self.on_expiry == "refresh" and self.mode_of(function) is Mode.RECORD_IF_MISSING
