"""The types of options that several names, functions or rules can be given for: checked where they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from memo.errors import InvalidOption

__all__ = ["check_types"]


def check_types(options: Mapping[str, Any]) -> None:
    """Raise `InvalidOption` for an option of a recorder or a function that has another type than it can have."""
    for name, value in options.items():
        check = _CHECKS.get(name)
        if check is not None and not check[0](value):
            raise InvalidOption(name, value, check[1])


def _is_names(value: Any) -> bool:
    """Return whether a value is a text or several; an iterator, which can be read once, is left to its reader."""
    if isinstance(value, str):
        return True
    if isinstance(value, Mapping | bytes) or not isinstance(value, Iterable):
        return False
    return not isinstance(value, list | tuple | set | frozenset) or all(isinstance(item, str) for item in value)


def _is_function(value: Any) -> bool:
    return value is None or callable(value)


def _is_scrubbers(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, Mapping) and all(
        isinstance(path, str)
        and (callable(scrubber) or (isinstance(scrubber, list | tuple) and all(map(callable, scrubber))))
        for path, scrubber in value.items()
    )


def _is_version(value: Any) -> bool:
    return value is None or isinstance(value, str | int)


def _is_prices(value: Any) -> bool:
    return value is None or isinstance(value, Mapping) or callable(value)


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


_NAMES = (_is_names, ("a text", "a list of texts"))
_FUNCTION = (_is_function, ("a function",))
_CHECKS: dict[str, tuple[Callable[[Any], bool], tuple[str, ...]]] = {
    "allow": _NAMES,
    "allow_secrets": _NAMES,
    "identity": _FUNCTION,
    "ignore": _NAMES,
    "key": _FUNCTION,
    "name": (_is_text, ("a text",)),
    "prices": (_is_prices, ("a mapping of models to what a million tokens cost, in and out", "a function")),
    "scrub": (_is_scrubbers, ('a mapping of paths to scrubbers: {"messages[0]": memo.scrub.uuids}',)),
    "secrets": _NAMES,
    "streams": _NAMES,
    "test": (_is_text, ("a text",)),
    "trust": _NAMES,
    "version": (_is_version, ("a text", "a whole number", '"source"')),
    "watch": _NAMES,
}
