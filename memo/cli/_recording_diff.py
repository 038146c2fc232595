"""What differs between two recordings."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import orjson

from memo._recordings.heads import with_plain_heads
from memo._recordings.plain import of_one_form, unpacked
from memo.cli._plain import shown

if TYPE_CHECKING:
    from memo._recordings.differences import Difference
    from memo._recordings.document import Document

__all__ = ["parts", "relevant", "trees", "without_pieces"]

_MANY = 3
_INDEX = re.compile(r"\[\d+\]")


def parts(one: Document, other: Document) -> list[tuple[str, list[Difference]]]:
    """Return what differs, by part: the call, then each outcome. Equal parts are left out."""
    from memo._recordings.differences import ABSENT, Difference, differences

    calls = [_call(document) for document in (one, other)]
    found = [
        ("call", differences(*calls) + differences(one.arguments, other.arguments)),
        ("watched fields", differences(dict(one.watched), dict(other.watched))),
    ]
    for number, (before, after) in enumerate(zip_longest(one.outcomes, other.outcomes), 1):
        if before is None:
            found.append((f"outcome {number}", [Difference("", ABSENT, relevant(after))]))
        elif after is None:
            found.append((f"outcome {number}", [Difference("", relevant(before), ABSENT)]))
        else:
            found.append((f"outcome {number}", _collapsed(_in_outcomes(relevant(before), relevant(after)))))
    return [(name, section) for name, section in found if section]


def _call(document: Document) -> dict[str, Any]:
    version = {} if document.version is None else {"version": document.version}
    return {"function": document.function, **version}


def relevant(outcome: dict[str, Any]) -> dict[str, Any]:
    """Return the compared parts of an outcome, with every item standing alone."""
    plain = with_plain_heads(outcome)
    compared = {name: unpacked(member) for name, member in plain.items() if name not in ("after", "seconds", "test")}
    if isinstance(compared.get("stream"), dict):
        compared["stream"] = {name: member for name, member in compared["stream"].items() if name != "offsets"}
    return compared


def _in_outcomes(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    from memo._recordings.differences import Difference, differences

    if "calls" not in before or "calls" not in after:  # one stands for any number of calls
        before, after = (
            {name: part for name, part in outcome.items() if name != "calls"} for outcome in (before, after)
        )
    found = differences(*of_one_form(before, after)) or differences(before, after)
    if not found or "stream" not in before or "stream" not in after:
        return found
    left, right = shown(before), shown(after)
    texts = [
        Difference(name, left.get(name, ""), right.get(name, ""))
        for name in _ASSEMBLED
        if left.get(name, "") != right.get(name, "")
    ]
    return texts + found


def without_pieces(found: list[Difference], before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """Return the differences of two streams without those of the pieces that their texts are put together from.

    How many items there are is one difference. Other outcomes, and streams without text, are returned as they are.
    """
    from memo._recordings.differences import Difference

    left, right = shown(before), shown(after)
    texts = [" ".join(str(side[name]) for name in _ASSEMBLED if name in side) for side in (left, right)]
    if not all(texts):
        return found
    counts = [len(side["items"]) for side in (left, right)]
    kept = [difference for difference in found if not _is_piece(difference, *texts)]
    return [*kept, Difference("items", *counts)] if counts[0] != counts[1] else kept


_ASSEMBLED = ("text", "thinking", "tool_calls")
_ITEM = re.compile(r"stream\.items\[[^\]]*\](?P<inside>.*)", re.DOTALL)


def _is_piece(difference: Difference, before: str, after: str) -> bool:
    """Return whether an item was added or removed, or differs in a piece of text."""
    item = _ITEM.fullmatch(difference.path)
    if item is None:
        return False
    one, other = difference.before, difference.after
    return not item["inside"] or (isinstance(one, str) and isinstance(other, str) and one in before and other in after)


def _collapsed(found: list[Difference]) -> list[Difference]:
    """Return differences with the same change in many items of a list, such as every chunk's id, as one: `items[*].id`."""
    groups: dict[tuple[str, bytes, bytes], list[Difference]] = {}
    for difference in found:
        before, after = (orjson.dumps(value, default=str) for value in (difference.before, difference.after))
        groups.setdefault((_INDEX.sub("[*]", difference.path), before, after), []).append(difference)
    return [
        difference
        for (path, _, _), group in groups.items()
        for difference in ([group[0]._replace(path=path)] if len(group) >= _MANY else group)
    ]


def trees(found: list[Difference]) -> list[dict[str, Any]]:
    from memo._recordings.differences import ABSENT

    sides = ("before", "after")
    return [
        {
            "path": difference.path,
            **{side: getattr(difference, side) for side in sides if getattr(difference, side) is not ABSENT},
        }
        for difference in found
    ]
