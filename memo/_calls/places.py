"""Places in canonical arguments, found by the steps of a path: take out, put in, rename, change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from memo._values.paths import Step

__all__ = ["change", "pop", "put", "rename", "replace"]

_PARTS = ("value", "extra", "attributes")
"""Where a model has its fields, and a subclass of a builtin its data."""


def pop(tree: Any, steps: tuple[Step, ...]) -> list[Any]:
    """Take what is at a path out of the tree. The values taken, none if there is nothing."""
    taken: list[Any] = []
    for holder, step in _holders(tree, steps):
        taken.append(holder[step])
        if isinstance(holder, dict):
            del holder[step]
        else:
            holder[step] = None  # the others keep their places
    return taken


def put(tree: Any, steps: tuple[Step, ...], value: Any) -> None:
    """Set what a path names, which ends in a key, wherever there is something to hold it that has not got it yet."""
    for holder in _named_by(tree, steps[:-1]):
        holder.setdefault(steps[-1], value)


def rename(tree: Any, steps: tuple[Step, ...], name: str) -> bool:
    """Give what is at a path, which ends in a key, another key. Whether that is taken: then nothing is renamed there."""
    taken = False
    for holder in _named_by(tree, steps[:-1]):
        if steps[-1] in holder and name in holder:
            taken = True
        elif steps[-1] in holder:
            holder[name] = holder.pop(steps[-1])
    return taken


def replace(tree: Any, steps: tuple[Step, ...], function: Callable[[Any], Any]) -> None:
    """Apply a function to each value at a path as a whole."""
    for holder, step in _holders(tree, steps):
        holder[step] = function(holder[step])


def _named_by(tree: Any, steps: tuple[Step, ...]) -> Iterator[dict[Any, Any]]:
    """Yield the objects at a path; of a model, the object of its fields."""
    nodes = [holder[step] for holder, step in _holders(tree, steps)] if steps else [tree]
    for node in nodes:
        fields = node.get("value") if steps and isinstance(node, dict) and "__type__" in node else node
        if isinstance(fields, dict):
            yield fields


def change(tree: Any, steps: tuple[Step, ...], function: Callable[[Any], Any]) -> None:
    """Apply a function to every leaf at or below a path."""
    for holder, step in _holders(tree, steps):
        holder[step] = _leaves(holder[step], function)


def _leaves(node: Any, function: Callable[[Any], Any]) -> Any:
    if isinstance(node, dict):
        return {key: item if key == "__type__" else _leaves(item, function) for key, item in node.items()}
    if isinstance(node, list):
        return [_leaves(item, function) for item in node]
    return function(node)


def _holders(node: Any, steps: tuple[Step, ...]) -> Iterator[tuple[Any, Any]]:
    """Yield the containers that hold what is at a path, with its key or index in them."""
    if isinstance(node, dict) and "__type__" in node:
        for part in _PARTS:
            if part in node:
                yield from _holders(node[part], steps)
        return
    step, rest = steps[0], steps[1:]
    if step is None:
        places: list[Any] = (
            list(range(len(node))) if isinstance(node, list) else list(node) if isinstance(node, dict) else []
        )
    elif isinstance(step, int):
        places = [step] if isinstance(node, list) and step < len(node) else []
    else:
        places = [step] if isinstance(node, dict) and step in node else []
    for place in places:
        if rest:
            yield from _holders(node[place], rest)
        else:
            yield node, place
