"""A mode for each function: the patterns of `modes=` and `MEMO_MODES`, and which of them holds for a call."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import NamedTuple

from memo._engine.rules.modes import Mode
from memo._engine.rules.patterns import covers, misspelled_family, overlap, specificity, uncovered
from memo.errors import ContradictingModes, InvalidMode, InvalidOption, UnknownFunction, UnknownFunctionWarning
from memo.stores import Store

__all__ = ["ModeRule", "ModeRules"]

_REMEMBERED = 4096
"""Functions whose rule is remembered: the names of an SDK's calls come from what is called."""


class ModeRule(NamedTuple):
    """The mode of the functions that a pattern covers."""

    pattern: str
    mode: Mode
    source: str
    """`modes` or `MEMO_MODES`."""

    def __str__(self) -> str:
        return f"{self.source}: {self.pattern} = {self.mode}"


class ModeRules:
    """The rules of one recorder, the one that takes precedence first: those of the environment, then by specificity."""

    def __init__(self, rules: Iterable[ModeRule], default: Mode) -> None:
        self.rules = sorted(
            rules, key=lambda rule: (rule.source == "MEMO_MODES", specificity(rule.pattern)), reverse=True
        )
        self.modes = {default, *(rule.mode for rule in self.rules)}
        """All modes that a call may have."""
        self.counts: dict[str, int] = {}
        """How many calls each pattern decided the mode of."""
        self._default = default
        self._reported: set[ModeRule] = set()
        self._lock = threading.Lock()
        self._found: dict[str, ModeRule | None] = {}
        for one, other in combinations(self.rules, 2):
            if one.mode is not other.mode and _is_undecided(one, other):
                raise ContradictingModes(one.source, {one.pattern: str(one.mode), other.pattern: str(other.mode)})

    @classmethod
    def of(cls, modes: object, environment: str, default: Mode) -> ModeRules | None:
        """Return the rules of `modes=` and `MEMO_MODES`, None without any.

        Raises `InvalidOption` (`InvalidMode`, `ContradictingModes`).
        """
        if modes is None and not environment:
            return None
        if modes is not None and not isinstance(modes, Mapping):
            raise InvalidOption("modes", modes, ["a mapping of patterns to modes: {'openai.*': 'live'}"])
        rules = [_rule("modes", pattern, mode) for pattern, mode in (modes or {}).items()]
        rules += [_rule("MEMO_MODES", *_pair(part)) for part in environment.split(",") if part.strip()]
        return cls(rules, default) if rules else None

    def find(self, function: str) -> ModeRule | None:
        """Return the rule that holds for a function, None where no pattern covers it."""
        try:
            return self._found[function]
        except KeyError:
            rule = next((rule for rule in self.rules if covers(rule.pattern, function)), None)
            if len(self._found) < _REMEMBERED:
                self._found[function] = rule
            return rule

    def decide(self, function: str) -> Mode:
        """Return the mode of a call that is being made, and count which pattern decided it."""
        rule = self.find(function)
        if rule is None:
            return self._default
        with self._lock:
            self.counts[rule.pattern] = self.counts.get(rule.pattern, 0) + 1
        return rule.mode

    def check(self, store: Store) -> None:
        """Raise `UnknownFunction` for a pattern of `modes` that covers no known function. `MEMO_MODES` may be for other programs."""
        for pattern, near in uncovered((rule.pattern for rule in self.rules if rule.source == "modes"), store).items():
            raise UnknownFunction("modes", pattern, near)

    def unknown(self, store: Store) -> list[UnknownFunctionWarning]:
        """Return what to warn of: patterns that covered no call, and cover no function that is known by now. Once."""
        idle = [rule for rule in self.rules if rule.pattern not in self.counts and rule not in self._reported]
        found = uncovered((rule.pattern for rule in idle), store)
        unknown = [rule for rule in idle if rule.pattern in found]
        self._reported.update(unknown)
        return [UnknownFunctionWarning(rule.source, rule.pattern, found[rule.pattern]) for rule in unknown]

    def mode(self, function: str) -> Mode:
        """Return the mode of a function."""
        rule = self.find(function)
        return self._default if rule is None else rule.mode

    def modes_below(self, root: str) -> set[Mode]:
        """Return the modes that the calls of an SDK may have, whose names begin with `root` and a dot."""
        modes: set[Mode] = set()
        for rule in self.rules:
            if overlap(rule.pattern, f"{root}.*"):
                modes.add(rule.mode)
                if _covers_all(rule.pattern, root):
                    return modes
        return {*modes, self._default}


def _is_undecided(one: ModeRule, other: ModeRule) -> bool:
    return (
        one.source == other.source
        and specificity(one.pattern) == specificity(other.pattern)
        and overlap(one.pattern, other.pattern)
    )


def _covers_all(pattern: str, root: str) -> bool:
    return pattern.endswith("*") and covers(pattern, f"{root}.")


def _pair(part: str) -> tuple[str, str]:
    pattern, equals, mode = part.partition("=")
    if not equals:
        raise InvalidOption("MEMO_MODES", part.strip(), ["PATTERN=MODE, several separated by commas"])
    return pattern.strip(), mode.strip()


def _rule(source: str, pattern: object, mode: object) -> ModeRule:
    if not isinstance(pattern, str) or not pattern.strip():
        raise InvalidOption(f"a pattern of {source}", pattern, ["a function's name, with * for any characters"])
    meant = misspelled_family(pattern)
    if meant:
        raise InvalidOption(f"a pattern of {source}", pattern, [meant])
    try:
        return ModeRule(pattern, Mode.of(mode), source)
    except InvalidMode as error:
        raise InvalidMode(f"{source}: {pattern}", mode, error.allowed) from None
