"""What has changed between two streams: the fields of their items, the kinds of items and their order, the text put together.

How a text is cut into items differs in every call, so items are not compared one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from memo._recordings.changes import Change, Tier, equal, from_shapes, is_other_type
from memo._recordings.shapes import is_scalar, member_changes
from memo._values.paths import Step, path_text

__all__ = ["item_changes"]

_Leaves = list[tuple[tuple[Step, ...], Any]]


def item_changes(before: list[Any], after: list[Any], *, is_whole: bool, tolerance: float) -> Iterator[Change]:
    """Yield what differs between the items of two streams, as JSON.

    With `is_whole` false, the recorded stream was left early, so that the new one may hold more.
    """
    seen: set[tuple[str, str]] = set()
    for change in from_shapes(member_changes(before, after, (None,), of="stream" if is_whole else "part")):
        if (is_whole or change.tier is not Tier.ADDED) and (change.tier, change.path) not in seen:
            seen.add((change.tier, change.path))
            yield change
    one, other = [_leaves(item) for item in before], [_leaves(item) for item in after]
    yield from _order_changes(one, other, is_whole=is_whole)
    if is_whole:
        yield from _content_changes(one, other, tolerance)


def _leaves(node: Any, steps: tuple[Step, ...] = (None,)) -> _Leaves:
    """Return the parts of an item that are not null, with their paths without indexes."""
    if isinstance(node, dict):
        return [leaf for name, part in node.items() for leaf in _leaves(part, (*steps, name))]
    if isinstance(node, list):
        return [leaf for part in node for leaf in _leaves(part, (*steps, None))]
    return [] if node is None else [(steps, node)]


def _order_changes(before: list[_Leaves], after: list[_Leaves], *, is_whole: bool) -> Iterator[Change]:
    shared = {path for item in before for path, _ in item} & {path for item in after for path, _ in item}
    one, other = [_kind(item, shared) for item in before], [_kind(item, shared) for item in after]
    # How often a kind comes depends on the text, and so does what alternates.
    first, first_now = [*dict.fromkeys(one)], [*dict.fromkeys(other)]
    last, last_now = [*dict.fromkeys(reversed(one))], [*dict.fromkeys(reversed(other))]
    is_same = (first, last) == (first_now, last_now) if is_whole else first == first_now[: len(first)]
    if not is_same:
        every = frozenset[str]().union(*(paths for _, paths in first)) if first else frozenset[str]()
        for _, paths in first:
            every &= paths
        yield Change(
            Tier.STREAM, "", [_label(kind, every) for kind in first], [_label(kind, every) for kind in first_now]
        )


_Kind = tuple[tuple[str, ...], frozenset[str]]


def _kind(item: _Leaves, shared: set[tuple[Step, ...]]) -> _Kind:
    """Return the kind of an item: what its `type`s say, and which fields it has of those that both streams have."""
    types = tuple(value for steps, value in item if steps[-1] == "type" and isinstance(value, str) and steps in shared)
    return types, frozenset(path_text(steps[1:]) for steps, _ in item if steps in shared)


def _label(kind: _Kind, every: frozenset[str]) -> str:
    types, paths = kind
    return " ".join(types) or ", ".join(sorted(paths - every)) or "an item"


def _content_changes(before: list[_Leaves], after: list[_Leaves], tolerance: float) -> Iterator[Change]:
    one, other = _contents(before), _contents(after)
    for steps, content in one.items():
        now = other.get(steps)
        if now is None or is_other_type(content, now):
            continue
        if not equal(content, now, tolerance):
            yield Change(Tier.VALUE, path_text(steps), content, now)


def _contents(items: list[_Leaves]) -> dict[tuple[Step, ...], Any]:
    """Return what the items hold together: texts one after the other, of anything else the last value."""
    found: dict[tuple[Step, ...], list[Any]] = {}
    for item in items:
        for steps, value in item:
            if is_scalar(value):
                found.setdefault(steps, []).append(value)
    return {steps: _content(values) for steps, values in found.items()}


def _content(values: list[Any]) -> Any:
    last = values[-1]
    if not isinstance(last, str) or all(value == last for value in values):
        return last
    return "".join(value for value in values if isinstance(value, str))
