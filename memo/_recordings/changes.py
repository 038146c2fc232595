"""What has changed between a recorded outcome and a new one of the same call, in tiers: what breaks code, and what is only new.

Values that differ in every call (ids, timestamps, generated text) are of the tier `value`; everything else is about shapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import isclose
from typing import Any

from memo._recordings.likeness import same
from memo._recordings.shapes import ShapeChange, is_scalar, variant
from memo._values.paths import Step, parse_path, path_text, steps_of
from memo.errors import InvalidOption

__all__ = [
    "ALARMING",
    "Change",
    "Rules",
    "Tier",
    "equal",
    "from_shapes",
    "is_broken",
    "is_other_type",
    "is_within",
    "parse_tiers",
    "under",
    "value_changes",
    "worst",
]


class Tier(StrEnum):
    """The kind of a change."""

    ADDED = "added"
    """A field, or a kind of item in a list, that was not recorded."""
    REMOVED = "removed"
    """A recorded field, or kind of item, that is missing."""
    TYPE = "type"
    """A field of another type: a number that was text, a list that was an object, another class."""
    VALUE = "value"
    """Another value of the same type: an id, a time, a text, a member of an enum."""
    STREAM = "stream"
    """Other kinds of items in a stream, or another order of them."""
    ERROR = "error"
    """Another end: an error in place of an answer, or none, or another class, status or body of it."""


ALARMING = (Tier.REMOVED, Tier.TYPE, Tier.ERROR)
"""The tiers for which a check fails unless others are named: what breaks code that worked."""


def parse_tiers(text: str, option: str) -> frozenset[Tier]:
    """Return the tiers in a list separated by commas; none for `none`. Raises `InvalidOption`, naming the option."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in (*Tier, "none"):
            raise InvalidOption(option, name, [*Tier, "none"])
    if not names or ("none" in names and len(names) > 1):
        raise InvalidOption(option, text, [*Tier, "none"])
    return frozenset(Tier(name) for name in names if name != "none")


@dataclass(frozen=True, slots=True)
class Change:
    """One place where a new outcome differs from the recorded one."""

    tier: Tier
    path: str
    """The place in the outcome: `usage.total_tokens`, `[*].delta` in the items of a stream; "" for all of it."""
    before: Any
    """What was recorded, as JSON; `ABSENT` for nothing."""
    after: Any


@dataclass(frozen=True, slots=True)
class Rules:
    """What does not count as a change."""

    ignore: tuple[tuple[Step, ...], ...] = ()
    """The paths that are left out, with all below them; `[*]` stands for every index."""
    tolerance: float = 0.0
    """How far numbers may be apart to be equal, as a part of the larger one."""
    used: set[int] = field(default_factory=set, compare=False)
    """The indexes of the paths in `ignore` that a change was left out by."""

    @classmethod
    def of(cls, ignore: Iterable[str] = (), tolerance: float = 0.0) -> Rules:
        """Return the rules. Raises `InvalidOption` for an invalid path."""
        paths = (path if not path.startswith("[") else f"item{path}" for path in ignore)
        parsed = (parse_path(path, "--ignore") for path in paths)
        return cls(tuple(steps[1:] if steps[0] == "item" else steps for steps in parsed), tolerance)

    def ignores(self, change: Change) -> bool:
        """Return whether a change is in a place that is left out."""
        steps = steps_of(change.path) or ()
        found = [index for index, path in enumerate(self.ignore) if (path or not steps) and is_within(path, steps)]
        self.used.update(found)
        return bool(found)


def is_within(path: Sequence[Step], steps: Sequence[Step]) -> bool:
    """Return whether a place is one that a path covers, or below it."""
    return len(steps) >= len(path) and all(map(_is_step, path, steps))


def _is_step(pattern: Step, step: Step) -> bool:
    return pattern == step or (not isinstance(pattern, str) and not isinstance(step, str) and None in (pattern, step))


def from_shapes(changes: Iterable[ShapeChange], tier: Tier | None = None) -> Iterator[Change]:
    """Yield changes of shapes as changes of outcomes: of their own tier, or all of the one that is given."""
    for kind, steps, before, after in changes:
        yield Change(tier or Tier(kind), path_text(steps), before, after)


def value_changes(before: Any, after: Any, steps: tuple[Step, ...], tolerance: float) -> Iterator[Change]:
    """Yield where two trees of one shape hold other values."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in before:
            if name in after:
                yield from value_changes(before[name], after[name], (*steps, name), tolerance)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_changes(before, after, steps, tolerance)
    elif is_scalar(before) and is_scalar(after) and not is_other_type(before, after):
        if not equal(before, after, tolerance):
            yield Change(Tier.VALUE, path_text(steps), before, after)
    elif before is None:
        yield Change(Tier.VALUE, path_text(steps), before, after)


def _list_changes(before: list[Any], after: list[Any], steps: tuple[Step, ...], tolerance: float) -> Iterator[Change]:
    if all(map(is_scalar, before)) and all(map(is_scalar, after)):
        pairs = zip(before, after, strict=False)
        if len(before) != len(after) or not all(equal(one, other, tolerance) for one, other in pairs):
            yield Change(Tier.VALUE, path_text(steps), before, after)
        return
    if len(before) != len(after):
        yield Change(Tier.VALUE, path_text(steps), before, after)
    for index, (one, other) in enumerate(zip(before, after, strict=False)):
        if variant(one) == variant(other) or len(before) == len(after) == 1:
            yield from value_changes(one, other, (*steps, index), tolerance)


def is_other_type(before: Any, after: Any) -> bool:
    """Return whether two scalars are of different types: all numbers are of one, and null is of every."""
    if before is None or after is None or type(before) is type(after):
        return False
    return not (_is_number(before) and _is_number(after))


def equal(before: Any, after: Any, tolerance: float) -> bool:
    """Return whether two values are equal, or two numbers near enough."""
    if _is_number(before) and _is_number(after):
        return before == after or isclose(before, after, rel_tol=tolerance, abs_tol=tolerance and 1e-12)
    return same(before, after)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def worst(changes: Sequence[Change]) -> tuple[int, int]:
    """Return a key by which lists of changes are ordered, the mildest first."""
    return sum(change.tier is not Tier.VALUE for change in changes), len(changes)


def is_broken(changes: Iterable[Change]) -> bool:
    """Return whether a call ended in an error in place of an answer, or the other way round."""
    return any(change.tier is Tier.ERROR and not change.path for change in changes)


def under(prefix: str, changes: Iterable[Change]) -> Iterator[Change]:
    """Yield changes of a part of an outcome, with the path of the part."""
    for change in changes:
        yield replace(change, path=f"{prefix}.{change.path}".rstrip(".").replace(".[", "["))
