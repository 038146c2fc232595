"""`memo diff`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from memo.cli._found import StoreOption, find
from memo.cli._output import Json, heading, open_store, table, tell, tell_damaged, tell_difference, tell_json
from memo.cli._plain import shown, unpacked
from memo.cli._text import count

if TYPE_CHECKING:
    from memo._recordings.differences import Difference
    from memo._recordings.document import Document
    from memo.maintenance.entries import Entry
    from memo.stores import Store

__all__ = ["diff"]

_SHOWN = 20
_MANY = 3
_PAIRS = 5
_COMPARED = 40
_ALIKE = 0.7
"""How alike two calls are that are taken for one that was edited."""
_DIFFERENT = ("other outcomes", "only in A", "only in B")
_INDEX = re.compile(r"\[\d+\]")


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A key's first characters, a recording's file, or a store.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same; a store, if A is one.")],
    *,
    store: StoreOption = None,
    lines: Annotated[int, typer.Option(metavar="N", min=2, help="Show at most so many lines of each part.")] = 60,
    json: Json = False,
) -> int:
    """Show what differs between two recordings, or two stores.

    Of recordings: in the calls, then in the outcomes, the text of a stream first. When they were recorded, how long they
    took and which test made them is no difference. Of stores (directories, URLs): which recordings only one of them has,
    which have other outcomes, and of calls that only one has, those of the other that they are most like: one edited
    prompt is another call.

    Exit codes: 0 if nothing differs, 1 if something does, 2 if one of them is not there or damaged.
    """
    if _is_store(a) or _is_store(b):
        return _diff_stores(open_store(a), open_store(b), lines, json=json)
    one, other = find(a, store), find(b, store)
    parts = _parts(one.document(), other.document())
    if json:
        tell_json({"a": one.location, "b": other.location, "differences": {name: _trees(each) for name, each in parts}})
        return 1 if parts else 0
    if not parts:
        tell(f"no difference between {one.location} and {other.location}")
        return 0
    tell(f"--- {one.location}")
    tell(f"+++ {other.location}")
    for name, found in parts:
        heading(name)
        tell_difference(found, lines)
    return 1


def _is_store(named: str) -> bool:
    return "://" in named or Path(named).is_dir()


# Two recordings


def _parts(one: Document, other: Document) -> list[tuple[str, list[Difference]]]:
    """What differs, by part: the call, then each outcome. Parts without a difference are left out."""
    from memo._recordings.differences import ABSENT, Difference, differences

    calls = [_call(document) for document in (one, other)]
    found = [
        ("call", differences(*calls) + differences(one.arguments, other.arguments)),
        ("watched fields", differences(dict(one.watched), dict(other.watched))),
    ]
    for number, (before, after) in enumerate(zip_longest(one.outcomes, other.outcomes), 1):
        if before is None:
            found.append((f"outcome {number}", [Difference("", ABSENT, _told(after))]))
        elif after is None:
            found.append((f"outcome {number}", [Difference("", _told(before), ABSENT)]))
        else:
            found.append((f"outcome {number}", _collapsed(_in_outcomes(_told(before), _told(after)))))
    return [(name, each) for name, each in found if each]


def _call(document: Document) -> dict[str, Any]:
    version = {} if document.version is None else {"version": document.version}
    return {"function": document.function, **version}


def _told(outcome: dict[str, Any]) -> dict[str, Any]:
    """What counts of an outcome, every item by itself."""
    told = {name: unpacked(each) for name, each in outcome.items() if name not in ("seconds", "test")}
    if isinstance(told.get("stream"), dict):
        told["stream"] = {name: each for name, each in told["stream"].items() if name != "offsets"}
    return told


def _in_outcomes(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    from memo._recordings.differences import Difference, differences

    found = differences(before, after)
    if not found or "stream" not in before or "stream" not in after:
        return found
    left, right = shown(before), shown(after)
    texts = [
        Difference(name, left.get(name, ""), right.get(name, ""))
        for name in ("text", "thinking", "tool_calls")
        if left.get(name, "") != right.get(name, "")
    ]
    return texts + found


def _collapsed(found: list[Difference]) -> list[Difference]:
    """The same change in many items of a list, such as the id in every chunk, as one: `items[*].id`."""
    groups: dict[tuple[str, bytes, bytes], list[Difference]] = {}
    for each in found:
        before, after = (orjson.dumps(value, default=str) for value in (each.before, each.after))
        groups.setdefault((_INDEX.sub("[*]", each.path), before, after), []).append(each)
    return [
        each
        for (path, _, _), group in groups.items()
        for each in ([group[0]._replace(path=path)] if len(group) >= _MANY else group)
    ]


def _trees(found: list[Difference]) -> list[dict[str, Any]]:
    from memo._recordings.differences import ABSENT

    sides = ("before", "after")
    return [
        {"path": each.path, **{side: getattr(each, side) for side in sides if getattr(each, side) is not ABSENT}}
        for each in found
    ]


# Two stores


@dataclass(slots=True)
class _Side:
    """The recordings of a store, each as a digest of its outcomes: to hold them all would take too much memory."""

    store: Store
    outcomes: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """By function and key."""
    damaged: list[Entry] = field(default_factory=list)

    @classmethod
    def of(cls, store: Store) -> _Side:
        from memo._json import canonical_json
        from memo.maintenance.entries import entries

        side = cls(store)
        for entry in entries(store):
            if entry.document is None:
                side.damaged.append(entry)
            else:
                outcomes = canonical_json([_told(each) for each in entry.document.outcomes])
                side.outcomes[entry.document.function, entry.document.key] = sha256(outcomes).digest()
        return side


def _diff_stores(a: Store, b: Store, lines: int, *, json: bool) -> int:
    from memo.maintenance.entries import display_path

    one, other = _Side.of(a), _Side.of(b)
    calls = sorted(one.outcomes.keys() | other.outcomes.keys())
    states = {call: _state(one.outcomes.get(call), other.outcomes.get(call)) for call in calls}
    differing = {call: state for kind in _DIFFERENT for call, state in states.items() if state == kind}
    edited = _edited(a, b, differing)
    damaged = [(side.store, each) for side in (one, other) for each in side.damaged]
    if json:
        listed = [{"function": call[0], "key": call[1], "state": state} for call, state in differing.items()]
        alike = [
            {"a": left, "b": right, "function": name, "differences": _trees(found)}
            for name, left, right, found in edited
        ]
        broken = [{"location": display_path(store, each.name), "reason": each.reason} for store, each in damaged]
        tell_json({"a": a.location(), "b": b.location(), "differences": listed, "edited": alike, "damaged": broken})
    else:
        _tell_stores(states, differing)
        for function, left, right, found in edited[:_PAIRS]:
            heading(f"{function}: the call {left[:12]} of A became {right[:12]} in B")
            tell_difference(found, lines)
        if len(edited) > _PAIRS:
            tell(f"and {len(edited) - _PAIRS:,} more such calls (--json shows them all)")
        tell_damaged(a, one.damaged)
        tell_damaged(b, other.damaged)
    return 2 if damaged else 1 if differing else 0


def _edited(a: Store, b: Store, differing: dict[tuple[str, str], str]) -> list[tuple[str, str, str, list[Difference]]]:
    """Calls that only A has, each with the one that only B has and that it is most like: function, both keys, what differs.

    Only some of a function's calls are compared, each with each: more would take too long.
    """
    from memo._recordings.differences import differences, similarity

    pairs: list[tuple[str, str, str, list[Difference]]] = []
    for function in dict.fromkeys(function for function, _ in differing):
        left = _arguments(
            a, [call for call, state in differing.items() if call[0] == function and state == "only in A"]
        )
        right = _arguments(
            b, [call for call, state in differing.items() if call[0] == function and state == "only in B"]
        )
        likeness = {(one, other): similarity(left[one], right[other]) for one in left for other in right}
        for one, other in sorted(likeness, key=lambda pair: -likeness[pair]):
            if likeness[one, other] >= _ALIKE and one in left and other in right:
                pairs.append((function, one, other, differences(left.pop(one), right.pop(other))))
    return pairs


def _arguments(store: Store, calls: list[tuple[str, str]]) -> dict[str, Any]:
    """The arguments of the first of these calls, by key."""
    from memo._calls.digest import entry_name
    from memo._recordings.document import parse
    from memo.maintenance.entries import read

    found = {}
    for function, key in calls[:_COMPARED]:
        name = entry_name(function, key)
        data = read(store, name)
        if data is not None:  # it may be misplaced, or gone by now
            found[key] = parse(data, store.location(name)).arguments
    return found


def _state(one: bytes | None, other: bytes | None) -> str:
    if one is None:
        return "only in B"
    if other is None:
        return "only in A"
    return "same" if one == other else "other outcomes"


def _tell_stores(states: dict[tuple[str, str], str], differing: dict[tuple[str, str], str]) -> None:
    kinds = ("same", *_DIFFERENT)
    counts = Counter((function, state) for (function, _), state in states.items())
    functions = sorted({function for function, _ in states})
    table(
        ("FUNCTION", *(f">{kind.upper()}" for kind in kinds)),
        [(function, *(f"{counts[function, kind]:,}" for kind in kinds)) for function in functions],
    )
    if not differing:
        tell(f"no difference in {count(len(states), 'recording')}")
        return
    tell()
    shown_ = list(differing.items())[:_SHOWN]
    table(("KEY", "FUNCTION", "IS"), [(key[:12], function, state) for (function, key), state in shown_])
    if len(differing) > len(shown_):
        tell(f"and {len(differing) - len(shown_):,} more (--json names them all)")
