"""What stands in a canonical tree for a value without a canonical form: an error only if it is not left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from memo._values.paths import Step

__all__ = ["Unkeyable", "without_form"]


class Unkeyable:
    """The mark of such a value, and why it has no canonical form."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


def without_form(node: Any, steps: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Yield the steps to each value that has no canonical form, with the reason."""
    if isinstance(node, Unkeyable):
        yield steps, node.reason
    elif isinstance(node, list):
        for index, member in enumerate(node):
            yield from without_form(member, (*steps, index))
    elif isinstance(node, dict):
        inner = "value" if "__type__" in node else None
        for key, member in node.items():
            yield from without_form(member, steps if key == inner else (*steps, key))
