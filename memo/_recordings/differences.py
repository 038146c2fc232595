"""Where two JSON trees differ, as a person sees it.

Bounded: lists that are too long to be aligned well are compared place by place.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, Final, NamedTuple

from memo._recordings.likeness import DEEPEST, NUMBERS, canonical, is_numbers, opcodes, same, similarity
from memo._values.paths import step_text

__all__ = ["ABSENT", "Absent", "Difference", "differences"]

_FEW = 3
"""Numbers of a long list that may differ until the list is one difference."""
_MOST_CELLS = 400
"""A replaced stretch is aligned by likeness up to this many pairs."""
_ALONE = 0.45
"""Cost of a member without a partner, where a pair costs what it lacks in likeness."""

_PARTS = ("value", "extra", "attributes")
"""The members that hold the fields of a model and the data of a subclass of a builtin: paths leave them out."""


class Absent(Enum):
    """A value that one side lacks. (A member of an enum stays itself when it is copied or pickled.)"""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT


class Difference(NamedTuple):
    """One place where two trees differ."""

    path: str
    """For example `messages[1].content`, "" for the whole tree. Indexes are of `before`, the last index of an insertion of `after`."""
    before: Any
    """`ABSENT` if only the other side has a value."""
    after: Any


def differences(before: Any, after: Any) -> list[Difference]:
    """Return where two JSON trees differ: few places, in a stable order, none for equal trees (1, 1.0, True and "1" differ).

    Lists are aligned: an inserted message is one difference. A model is known by its class and compared by its fields,
    as in the paths of memo. A long list of numbers is one value, unless it differs in a few places only.
    """
    return list(_differ(before, after, "", 0))


def _differ(before: Any, after: Any, path: str, depth: int) -> Iterator[Difference]:
    if depth < DEEPEST and type(before) is dict and type(after) is dict:
        if before.get("__type__") == after.get("__type__"):
            yield from _differ_mappings(before, after, path, depth)
            return
    elif depth < DEEPEST and type(before) is list and type(after) is list:
        yield from _differ_lists(before, after, path, depth)
        return
    if not same(before, after):
        yield Difference(path, before, after)


def _differ_mappings(before: dict[str, Any], after: dict[str, Any], path: str, depth: int) -> Iterator[Difference]:
    parts = _PARTS if "__type__" in before else ()
    for key in [*before, *(key for key in after if key not in before)]:
        one, other = before.get(key, ABSENT), after.get(key, ABSENT)
        if key in parts:
            # A model without extras lacks this member.
            if type(one) is dict and other is ABSENT:
                other = {}
            elif type(other) is dict and one is ABSENT:
                one = {}
            if one is not ABSENT and other is not ABSENT:
                yield from _differ(one, other, path, depth + 1)
                continue
        inner = f"{path}{step_text(key)}".removeprefix(".")
        if one is ABSENT or other is ABSENT:
            yield Difference(inner, one, other)
        else:
            yield from _differ(one, other, inner, depth + 1)


def _differ_lists(before: list[Any], after: list[Any], path: str, depth: int) -> Iterator[Difference]:
    if max(len(before), len(after)) > NUMBERS and is_numbers(before) and is_numbers(after):
        unequal = [index for index, pair in enumerate(zip(before, after, strict=False)) if not same(*pair)]
        if len(before) != len(after) or len(unequal) > _FEW:
            yield Difference(path, before, after)
        else:
            for index in unequal:
                yield Difference(f"{path}[{index}]", before[index], after[index])
        return
    for one, other in _aligned(before, after):
        if other is None:
            yield Difference(f"{path}[{one}]", before[one or 0], ABSENT)
        elif one is None:
            yield Difference(f"{path}[{other}]", ABSENT, after[other])
        else:
            yield from _differ(before[one], after[other], f"{path}[{one}]", depth + 1)


def _aligned(before: list[Any], after: list[Any]) -> Iterator[tuple[int | None, int | None]]:
    """Iterate over the indexes of partners, and of members without one. Equal members may be left out."""
    left, right = [canonical(member) for member in before], [canonical(member) for member in after]
    start = 0
    while start < len(left) and start < len(right) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    left, right = left[start : len(left) - end], right[start : len(right) - end]
    for tag, i1, i2, j1, j2 in opcodes(left, right):
        if tag == "equal":
            continue
        for one, other in _paired(before[start + i1 : start + i2], after[start + j1 : start + j2]):
            yield (
                None if one is None else start + i1 + one,
                None if other is None else start + j1 + other,
            )


def _paired(before: list[Any], after: list[Any]) -> Iterator[tuple[int | None, int | None]]:
    """Pair the members of a replaced stretch with what they became: by likeness where it is short, else by place."""
    rows, columns = len(before), len(after)
    if not 0 < rows * columns <= _MOST_CELLS or rows == columns == 1:
        for index in range(max(rows, columns)):
            yield index if index < rows else None, index if index < columns else None
        return
    unlike = [[1 - similarity(one, other) for other in after] for one in before]
    costs = _costs(unlike)
    i = j = 0
    while i < rows or j < columns:
        if i < rows and j < columns and costs[i][j] == unlike[i][j] + costs[i + 1][j + 1]:
            yield i, j
            i, j = i + 1, j + 1
        elif i < rows and costs[i][j] == _ALONE + costs[i + 1][j]:
            yield i, None
            i += 1
        else:
            yield None, j
            j += 1


def _costs(unlike: list[list[float]]) -> list[list[float]]:
    """Return what the cheapest way costs from each pair of places to the ends of both lists."""
    rows, columns = len(unlike), len(unlike[0])
    costs = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows, -1, -1):
        for j in range(columns, -1, -1):
            ways = []
            if i < rows and j < columns:
                ways.append(unlike[i][j] + costs[i + 1][j + 1])
            if i < rows:
                ways.append(_ALONE + costs[i + 1][j])
            if j < columns:
                ways.append(_ALONE + costs[i][j + 1])
            costs[i][j] = min(ways, default=0.0)
    return costs
