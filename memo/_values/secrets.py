"""The types of secrets: what they hold is never written. Imports nothing of memo."""

from __future__ import annotations

from memo._values.kinds import by_class

__all__ = ["SECRET_TYPES", "is_secret_type"]

SECRET_TYPES = frozenset({"pydantic.types:Secret", "pydantic.types:SecretStr", "pydantic.types:SecretBytes"})
"""The names under which recordings hold secrets."""

_CLASSES = frozenset({"Secret", "SecretStr", "SecretBytes"})


@by_class
def is_secret_type(cls: type) -> bool:
    """Return whether a class is pydantic's `SecretStr`, `SecretBytes` or `Secret`, or a subclass of one.

    Judged by name: importing the three takes milliseconds.
    """
    return any(base.__module__ == "pydantic.types" and base.__name__ in _CLASSES for base in cls.__mro__)
