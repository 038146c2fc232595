"""The shape of JSON: which fields objects have and of which types they are, whatever they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple

from memo._recordings.differences import ABSENT
from memo._values.paths import Step

__all__ = ["Of", "ShapeChange", "is_scalar", "kind_of", "member_changes", "shape_changes", "variant"]

_KINDS = {
    type(None): "null",
    bool: "bool",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
    dict: "object",
}
_DISCRIMINATORS = ("type", "object", "event")
"""The fields that tell which of several kinds an object in a list is."""


Of = Literal["value", "stream", "part"]
"""What the examples are of: a value, the items of a stream, or those of a stream that was left or broke."""


class ShapeChange(NamedTuple):
    """A place where shapes differ: a field that was added or removed, or is of another type."""

    kind: str
    """`added`, `removed` or `type`."""
    steps: tuple[Step, ...]
    before: Any
    """An example; `ABSENT` for nothing."""
    after: Any


def kind_of(node: Any) -> str:
    """Return the type of a JSON value: all numbers are of one type."""
    return _KINDS[type(node)]


def is_scalar(node: Any) -> bool:
    """Return whether a JSON value has no parts."""
    return not isinstance(node, list | dict)


def variant(node: Any) -> str:
    """Return which kind of member of a list a value is: the text of its `type`, else its JSON type."""
    if isinstance(node, dict):
        return next((node[name] for name in _DISCRIMINATORS if isinstance(node.get(name), str)), "object")
    return kind_of(node)


def shape_changes(
    befores: Sequence[Any], afters: Sequence[Any], steps: tuple[Step, ...] = (), *, of: Of = "value"
) -> Iterator[ShapeChange]:
    """Yield where new examples of a value have another shape than the recorded ones. Null is a value of every type.

    Members of lists are examples of one another. A field is removed if all recorded examples have it and a new one lacks
    it; in a stream, where each field comes in few items, also if no new one has it, and of a part of a stream only then.
    """
    one, other = _by_kind(befores), _by_kind(afters)
    known = one.keys() - {"null"}
    for kind, examples in other.items():
        if kind == "null":
            is_new = "null" not in one and not known.isdisjoint(("object", "list"))
        else:
            is_new = bool(known) and kind not in known
        if is_new:
            yield ShapeChange("type", steps, next(node for node in befores if node is not None), examples[0])
    if "object" in one and "object" in other:
        yield from _field_changes(one["object"], other["object"], steps, of=of)
    if "list" in one and "list" in other:
        before, after = (list(chain.from_iterable(kinds["list"])) for kinds in (one, other))
        yield from member_changes(before, after, (*steps, None), of=of)


def _by_kind(nodes: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for node in nodes:
        found.setdefault(kind_of(node), []).append(node)
    return found


def _field_changes(
    befores: list[dict[str, Any]], afters: list[dict[str, Any]], steps: tuple[Step, ...], *, of: Of
) -> Iterator[ShapeChange]:
    names = dict.fromkeys(chain.from_iterable(befores))
    for name in names:
        one = [node[name] for node in befores if name in node]
        other = [node[name] for node in afters if name in node]
        is_constant = len(one) == len(befores)
        is_missing = len(other) < len(afters) if is_constant and of != "part" else not other and of != "value"
        if is_missing:
            yield ShapeChange("removed", (*steps, name), one[0], ABSENT)
        if other:
            yield from shape_changes(one, other, (*steps, name), of=of)
    for name in dict.fromkeys(chain.from_iterable(afters)):
        if name not in names:
            example = next(node[name] for node in afters if name in node)
            yield ShapeChange("added", (*steps, name), ABSENT, example)


def member_changes(
    befores: list[Any], afters: list[Any], steps: tuple[Step, ...], *, of: Of = "value"
) -> Iterator[ShapeChange]:
    """Yield where the members of a list have other shapes. An empty list says nothing of its members."""
    if not befores or not afters:
        return
    one, other = _by_variant(befores), _by_variant(afters)
    if one.keys().isdisjoint(other):  # what tells the kinds apart has changed itself
        yield from shape_changes(befores, afters, steps, of=of)
        return
    for name, examples in other.items():
        if name in one:
            yield from shape_changes(one[name], examples, steps, of=of)
        elif of == "value":
            yield ShapeChange("added", steps, ABSENT, examples[0])
    if of == "value":
        for name, examples in one.items():
            if name not in other:
                yield ShapeChange("removed", steps, examples[0], ABSENT)


def _by_variant(nodes: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for node in nodes:
        found.setdefault(variant(node), []).append(node)
    return found
