"""Checks of the JSON's shape, where Python would make something of any shape: a text is no list, a range no arguments."""

from __future__ import annotations

from typing import Any

__all__ = ["listed", "mapping", "text"]


def listed(data: Any) -> list[Any]:
    """Return `data` if it is a list. Raises TypeError for whatever else could be iterated."""
    if type(data) is not list:
        raise TypeError(f"{type(data).__name__} in the place of a list")
    return data


def mapping(data: Any) -> dict[str, Any]:
    """Return `data` if it is a dict. Raises TypeError for anything else."""
    if type(data) is not dict:
        raise TypeError(f"{type(data).__name__} in the place of an object")
    return data


def text(data: Any) -> str:
    """Return `data` if it is text. Raises TypeError for anything else."""
    if type(data) is not str:
        raise TypeError(f"{type(data).__name__} in the place of text")
    return data
