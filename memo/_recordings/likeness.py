"""How alike two JSON trees are, and what they have in common."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

import orjson

__all__ = ["DEEPEST", "NUMBERS", "canonical", "common_start", "is_numbers", "opcodes", "same", "similarity"]

DEEPEST = 100
NUMBERS = 16
"""A longer list of numbers is one value."""
_LONGEST = 4000
"""Longer lists (both together, without their equal ends) are compared place by place; so are"""
_MOST_PAIRS = 100_000
"""lists with more pairs of equal members."""
_KIN = 0.2
"""Likeness of any two values of one kind."""
_LOOKED_AT = 8192
"""Characters of a long text, or members of a long list, that count."""


def similarity(before: Any, after: Any) -> float:
    """Return how alike two JSON trees are: 1.0 for equal trees, 0.0 for nothing in common. Quick rather than exact."""
    return _likeness(before, after, 0)


def _likeness(before: Any, after: Any, depth: int) -> float:
    if type(before) is not type(after):
        return 0.0
    if type(before) is str:
        return _text_likeness(before, after)
    if depth > DEEPEST or type(before) not in (dict, list):
        return 1.0 if same(before, after) else _KIN
    if type(before) is dict:
        if before.get("__type__") != after.get("__type__"):
            return 0.0
        keys = before.keys() | after.keys()
        shared = before.keys() & after.keys()
        alike = sum(sorted(_likeness(before[key], after[key], depth + 1) for key in shared))
        return alike / len(keys) if keys else 1.0
    return _list_likeness(before, after, depth)


def _list_likeness(before: list[Any], after: list[Any], depth: int) -> float:
    longest = max(len(before), len(after))
    if not longest:
        return 1.0
    before, after = before[:_LOOKED_AT], after[:_LOOKED_AT]
    left, right = [canonical(member) for member in before], [canonical(member) for member in after]
    equal = Counter(left) & Counter(right)
    rest: list[list[Any]] = []
    for members, forms in ((before, left), (after, right)):
        met = equal.copy()
        unmatched = []
        for member, form in zip(members, forms, strict=True):
            if met[form]:
                met[form] -= 1
            else:
                unmatched.append(member)
        rest.append(unmatched)
    pairs = list(zip(*rest, strict=False))[:64]
    alike = equal.total() + sum(_likeness(one, other, depth + 1) for one, other in pairs)
    return 1.0 if left == right else min(alike / longest, 0.99)


def _text_likeness(before: str, after: str) -> float:
    if before == after:
        return 1.0
    longest = max(len(before), len(after))
    start = common_start(before, after)
    end = common_start(before[: start - 1 if start else None : -1], after[: start - 1 if start else None : -1])
    ends = min(start + end, longest) / longest
    left, right = Counter(before[:_LOOKED_AT].split()), Counter(after[:_LOOKED_AT].split())
    words = (left & right).total() / max(left.total(), right.total(), 1)
    return _KIN + (1 - _KIN) * max(ends, words) * 0.99


def common_start(before: str, after: str) -> int:
    """Return how many characters are equal from the start: by halving, since comparing slices is quick."""
    low, high = 0, min(len(before), len(after))
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def same(before: Any, after: Any) -> bool:
    return type(before) is type(after) and (before is after or canonical(before) == canonical(after))


def canonical(tree: Any) -> bytes:
    try:
        return orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # orjson reads deeper trees than it writes
        return json.dumps(tree, sort_keys=True).encode()


def is_numbers(node: Any) -> bool:
    return type(node) is list and all(type(member) in (int, float) for member in node)


def opcodes(left: Sequence[Any], right: Sequence[Any]) -> list[tuple[str, int, int, int, int]]:
    """Return how to turn one list into the other; where that would take too long, replace everything."""
    if not left or not right:
        return [("replace", 0, len(left), 0, len(right))] if left or right else []
    if len(left) + len(right) <= _LONGEST:
        counts = Counter(right)
        if sum(counts[member] for member in left) <= _MOST_PAIRS:
            return list(SequenceMatcher(None, left, right, autojunk=False).get_opcodes())
    return [("replace", 0, len(left), 0, len(right))]
