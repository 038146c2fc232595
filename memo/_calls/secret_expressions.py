"""Expressions that are compiled on the first search, so that importing memo compiles none: Python's, and Rust's for quick looks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["Expression", "search_at_once"]


class Expression:
    """A regular expression of Python's, compiled when it is first searched."""

    search: Callable[..., re.Match[str] | None]
    match: Callable[..., re.Match[str] | None]
    fullmatch: Callable[..., re.Match[str] | None]
    finditer: Callable[..., Iterator[re.Match[str]]]
    findall: Callable[..., list[str]]
    split: Callable[..., list[str]]
    sub: Callable[..., str]

    def __init__(self, expression: str | Callable[[], str], flags: int = 0) -> None:
        self._expression = expression
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        expression = self._expression if isinstance(self._expression, str) else self._expression()
        method = getattr(re.compile(expression, self._flags), name)
        setattr(self, name, method)  # found without `__getattr__` from now on
        return method


def search_at_once(expressions: Iterable[str]) -> Callable[[str], bool]:
    r"""Return a function that says whether any of some expressions matches a place in a text, in linear time: 3 ns a character.

    pydantic's engine is written in Rust, has no backtracking, and is here already. It remembers which expressions have begun
    at a place: there are to be few combinations of these, so what many expressions end in has to be written once.
    No expression has a `\b`, with which the engine takes a thousand times as long on text that is not ASCII.
    """
    from pydantic_core import SchemaValidator

    search: Callable[[str], bool] = SchemaValidator({"type": "str", "pattern": "|".join(expressions)}).isinstance_python
    return search
