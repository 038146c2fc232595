"""Paths into a call's canonical arguments: `messages[0].content`, `metadata.request_id`, `messages[*].content`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from memo.errors import InvalidOption

__all__ = ["Step", "change", "parse_path", "pop", "put", "rename"]

Step = str | int | None
"""A key, an index, or None for `[*]`."""

_PARTS = ("value", "extra", "attributes")
"""Where a model has its fields, and a subclass of a builtin its data."""

_STEP = re.compile(r"""\.?([^.\[\]"']+)|\[(\d+|\*)\]|\[(?:"([^"]*)"|'([^']*)')\]""")


def parse_path(path: str, option: str) -> tuple[Step, ...]:
    """The steps of a path. Raises `InvalidOption`, naming the option."""
    steps: list[Step] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            break
        name, index, double, single = found.groups()
        if index is not None:
            steps.append(None if index == "*" else int(index))
        else:
            steps.append(next(each for each in (name, double, single) if each is not None))
        at = found.end()
    if at < len(path) or not steps or not isinstance(steps[0], str):
        raise InvalidOption(option, path, ["name", "name.key", "name[0]", "name[*].key", 'name["a key"]'])
    return tuple(steps)


def pop(tree: Any, steps: tuple[Step, ...]) -> list[Any]:
    """Take what stands at a path out of the tree. The values taken, none if there is nothing."""
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
    """Give what stands at a path, which ends in a key, another key. Whether that is taken: then nothing is renamed there."""
    taken = False
    for holder in _named_by(tree, steps[:-1]):
        if steps[-1] in holder and name in holder:
            taken = True
        elif steps[-1] in holder:
            holder[name] = holder.pop(steps[-1])
    return taken


def _named_by(tree: Any, steps: tuple[Step, ...]) -> Iterator[dict[Any, Any]]:
    """The objects at a path; of a model, that of its fields."""
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
        return {key: each if key == "__type__" else _leaves(each, function) for key, each in node.items()}
    if isinstance(node, list):
        return [_leaves(each, function) for each in node]
    return function(node)


def _holders(node: Any, steps: tuple[Step, ...]) -> Iterator[tuple[Any, Any]]:
    """The containers that hold what is at the path, with the key or index it has there."""
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
