"""Values that hold a mutable object in several places: `[a, a]` comes back as one object twice, not as two.

    {"__type__": "sharing", "value": [{"__type__": "shared", "at": 0, "value": {"n": 1}}, {"__type__": "shared", "at": 0}]}

Each shared object has its form in one place, and its number alone in the others. What can be changed is what has no hash:
lists, mappings, sets, models, dataclasses. What is inside of a model's plain form, and the items of a stream among each
other, are not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from memo.errors import DataMismatch

__all__ = ["SharedObjects"]


class SharedObjects:
    """The shared objects of one value that is being decoded, each made where it is first asked for."""

    def __init__(self, tree: Any) -> None:
        self._forms = {node["at"]: node["value"] for node in _nodes(tree) if "value" in node}
        self._made: dict[int, Any] = {}

    def read(self, node: dict[str, Any], decode: Callable[[Any], Any]) -> Any:
        """Return the object that a `shared` form stands for. Raises `DataMismatch` for one that is not in the value."""
        at = node["at"]
        if at not in self._made:
            if at not in self._forms:
                raise DataMismatch("shared", f"the value holds no shared object {at!r}")
            self._made[at] = decode(self._forms[at])
        return self._made[at]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield the `shared` forms of a tree."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if type(node) is dict:
            if node.get("__type__") == "shared" and type(node.get("at")) is int:
                yield node
            pending.extend(node.values())
        elif type(node) is list:
            pending.extend(node)
