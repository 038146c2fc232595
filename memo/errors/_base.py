"""What all errors of memo have in common."""

from __future__ import annotations

from typing import Any

__all__ = ["MemoError", "in_quotes", "rebuild"]


def rebuild(cls: type[MemoError], args: tuple[Any, ...], state: dict[str, Any]) -> MemoError:
    """Return an error from what a pickle or a copy has of it, without its `__init__`."""
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class MemoError(Exception):
    """The base class of every error that memo raises."""

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, (type(self), self.args, self.__dict__)


def in_quotes(path: str) -> str:
    """Quote a path for a shell."""
    return "'" + path.replace("'", "'\"'\"'") + "'"
