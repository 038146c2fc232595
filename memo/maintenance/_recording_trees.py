"""Walk the JSON of recordings, with the steps that lead to each place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from memo._calls.secrets import MASK

__all__ = ["Step", "changed_paths", "text_at", "texts"]

Step = str | int
"""A key or an index."""


def changed_paths(old: Any, new: Any, steps: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Yield the steps to the leaves of a tree that changed or disappeared."""
    if type(old) is dict and type(new) is dict:
        for key, value in old.items():
            if key in new:
                yield from changed_paths(value, new[key], (*steps, key))
            else:
                yield (*steps, key)
    elif type(old) is list and type(new) is list and len(old) == len(new):
        for index, (item, other) in enumerate(zip(old, new, strict=True)):
            yield from changed_paths(item, other, (*steps, index))
    elif old != new:
        yield steps


def texts(node: Any, steps: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Yield every text in a tree, keys too, with the steps that lead there."""
    if type(node) is str:
        yield steps, node
    elif type(node) is list:
        for index, item in enumerate(node):
            yield from texts(item, (*steps, index))
    elif type(node) is dict:
        for key, value in node.items():
            yield (*steps, key), key
            yield from texts(value, (*steps, key))


def text_at(node: Any, steps: Iterable[Step]) -> str:
    """Return the text at some steps, or the mask if they no longer lead to a text."""
    for step in steps:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return MASK
    return node if type(node) is str else MASK
