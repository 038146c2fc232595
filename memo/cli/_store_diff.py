"""What differs between two stores."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from memo.cli._output import print_damaged, print_differences, print_heading, print_json, print_line, print_table
from memo.cli._recording_diff import relevant, trees
from memo.cli._text import count
from memo.stores.file_names import JSON_LINES

if TYPE_CHECKING:
    from memo._recordings.differences import Difference
    from memo.maintenance.entries import Entry
    from memo.stores import Store

__all__ = ["diff_stores"]

_SHOWN = 20
_PAIRS = 5
_COMPARED = 40
_ALIKE = 0.7
"""Similarity from which two calls are taken for one call that was edited."""
_DIFFERENT = ("other outcomes", "only in A", "only in B")


class _Call(NamedTuple):
    """What two stores are compared by."""

    function: str
    key: str
    folder: str
    """The test's folder, if both stores are trees; otherwise empty."""


@dataclass(slots=True)
class _Side:
    """The recordings of one store, each as a digest of its outcomes: the outcomes themselves would take too much memory."""

    store: Store
    outcomes: dict[_Call, bytes] = field(default_factory=dict)
    names: dict[_Call, str] = field(default_factory=dict)
    damaged: list[Entry] = field(default_factory=list)

    @classmethod
    def of(cls, store: Store, *, by_folder: bool) -> _Side:
        from memo._json import canonical_json
        from memo.maintenance.entries import entries
        from memo.maintenance.trees import folder_of

        side = cls(store)
        for entry in entries(store):
            if entry.document is None:
                side.damaged.append(entry)
                continue
            folder = folder_of(store, entry.name).removesuffix(JSON_LINES) if by_folder else ""
            call = _Call(entry.document.function, entry.document.key, folder)
            outcomes = canonical_json([relevant(outcome) for outcome in entry.document.outcomes])
            side.outcomes[call] = sha256(outcomes).digest()
            side.names[call] = entry.name
        return side


class _Edited(NamedTuple):
    """A call that only A has, and the call that only B has and that is most like it."""

    a: _Call
    b: _Call
    differences: list[Difference]


def diff_stores(a: Store, b: Store, lines: int, *, json: bool) -> int:
    """Show what differs between two stores; return the exit code."""
    from memo.maintenance.entries import display_path
    from memo.maintenance.trees import StoreTree

    by_folder = isinstance(a, StoreTree) and isinstance(b, StoreTree)
    one, other = _Side.of(a, by_folder=by_folder), _Side.of(b, by_folder=by_folder)
    calls = sorted(one.outcomes.keys() | other.outcomes.keys())
    states = {call: _state(one.outcomes.get(call), other.outcomes.get(call)) for call in calls}
    differing = {call: state for kind in _DIFFERENT for call, state in states.items() if state == kind}
    edited = _edited(one, other, differing)
    damaged = [(side.store, entry) for side in (one, other) for entry in side.damaged]
    if json:
        print_json(
            {
                "a": a.location(),
                "b": b.location(),
                "differences": [
                    {"function": call.function, "key": call.key, "state": state, **_test(call)}
                    for call, state in differing.items()
                ],
                "edited": [
                    {"a": left.key, "b": right.key, "function": left.function, "differences": trees(found)}
                    for left, right, found in edited
                ],
                "damaged": [
                    {"location": display_path(store, entry.name), "reason": entry.reason} for store, entry in damaged
                ],
            }
        )
    else:
        _print_stores(states, differing)
        for left, right, found in edited[:_PAIRS]:
            print_heading(f"{left.function}: the call {left.key[:12]} of A became {right.key[:12]} in B")
            print_differences(found, lines)
        if len(edited) > _PAIRS:
            print_line(f"and {len(edited) - _PAIRS:,} more such calls (--json shows them all)")
        print_damaged(a, one.damaged)
        print_damaged(b, other.damaged)
    return 2 if damaged else 1 if differing else 0


def _test(call: _Call) -> dict[str, str]:
    return {"test": call.folder} if call.folder else {}


def _edited(a: _Side, b: _Side, differing: dict[_Call, str]) -> list[_Edited]:
    """Return pairs of calls of one function (and, in trees, of one test) that are alike, so one was edited into the other.

    Only some of a function's calls are compared, each with each: comparing all would take too long.
    """
    from memo._recordings.differences import differences
    from memo._recordings.likeness import similarity

    pairs: list[_Edited] = []
    groups = dict.fromkeys((call.function, call.folder) for call in differing)
    for function, folder in groups:
        of_group = [call for call in differing if (call.function, call.folder) == (function, folder)]
        left = _arguments(a, [call for call in of_group if differing[call] == "only in A"])
        right = _arguments(b, [call for call in of_group if differing[call] == "only in B"])
        likeness = {(one, other): similarity(left[one], right[other]) for one in left for other in right}
        for one, other in sorted(likeness, key=lambda pair: -likeness[pair]):
            if likeness[one, other] >= _ALIKE and one in left and other in right:
                pairs.append(_Edited(one, other, differences(left.pop(one), right.pop(other))))
    return pairs


def _arguments(side: _Side, calls: list[_Call]) -> dict[_Call, Any]:
    """Return the arguments of the first of these calls."""
    from memo._recordings.document import parse
    from memo.maintenance.entries import read

    found = {}
    for call in calls[:_COMPARED]:
        name = side.names[call]
        data = read(side.store, name)
        if data is not None:  # it may be gone by now
            found[call] = parse(data, side.store.location(name)).arguments
    return found


def _state(one: bytes | None, other: bytes | None) -> str:
    if one is None:
        return "only in B"
    if other is None:
        return "only in A"
    return "same" if one == other else "other outcomes"


def _print_stores(states: dict[_Call, str], differing: dict[_Call, str]) -> None:
    kinds = ("same", *_DIFFERENT)
    counts = Counter((call.function, state) for call, state in states.items())
    functions = sorted({call.function for call in states})
    print_table(
        ("FUNCTION", *(f">{kind.upper()}" for kind in kinds)),
        [(function, *(f"{counts[function, kind]:,}" for kind in kinds)) for function in functions],
    )
    if not differing:
        print_line(f"no difference in {count(len(states), 'recording')}")
        return
    print_line()
    listed = list(differing.items())[:_SHOWN]
    tests = any(call.folder for call in differing)
    print_table(
        ("KEY", "FUNCTION", "IS", *(["<TEST"] if tests else [])),
        [(call.key[:12], call.function, state, *([call.folder] if tests else [])) for call, state in listed],
    )
    if len(differing) > len(listed):
        print_line(f"and {len(differing) - len(listed):,} more (--json names them all)")
