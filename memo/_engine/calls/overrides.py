"""Overrides of abstract methods: who decorates an abstract method records what its subclasses make of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["wrap_overrides"]


def wrap_overrides(owner: type, name: str, wrap: Callable[[type, Any], Any]) -> None:
    """Replace the overrides of a method in all subclasses to come by what `wrap` makes of them."""
    parent: Any = super  # mypy takes `owner` for no class
    own = vars(owner).get("__init_subclass__")

    def __init_subclass__(cls: Any, /, **options: Any) -> None:  # noqa: N807
        if own is not None:
            own.__get__(None, cls)(**options)
        else:
            parent(owner, cls).__init_subclass__(**options)
        found = vars(cls).get(name)
        if found is not None:
            setattr(cls, name, wrap(cls, found))

    setattr(owner, "__init_subclass__", classmethod(__init_subclass__))  # noqa: B010 - mypy refuses the assignment
