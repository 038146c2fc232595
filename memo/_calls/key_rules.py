"""Key rules: what a recorder leaves out of the keys of all its functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from memo._values.paths import parse_path
from memo.scrub import Scrubber

__all__ = ["KeyRules", "as_names"]

_NO_SCRUBBERS: Mapping[str, Scrubber | Iterable[Scrubber]] = MappingProxyType({})


class KeyRules(NamedTuple):
    """Paths that a recorder ignores, watches and scrubs in the functions that have them. False if there are none."""

    ignore: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()
    scrub: Mapping[str, Scrubber | Iterable[Scrubber]] = _NO_SCRUBBERS

    @classmethod
    def of(
        cls,
        ignore: Iterable[str],
        watch: Iterable[str],
        scrub: Mapping[str, Scrubber | Iterable[Scrubber]] | None,
    ) -> KeyRules:
        """Return the rules that a user writes. Raise `InvalidOption` for an invalid path."""
        if not (ignore or watch or scrub):
            return _NONE
        key_rules = cls(as_names(ignore), as_names(watch), dict(scrub) if scrub else _NO_SCRUBBERS)
        for option, paths in key_rules._asdict().items():
            for path in paths:
                parse_path(path, option)
        return key_rules

    def __bool__(self) -> bool:
        return bool(self.ignore or self.watch or self.scrub)


_NONE = KeyRules()


def as_names(names: str | Iterable[str]) -> tuple[str, ...]:
    """Return names as a tuple; one name by itself is one name, not its letters."""
    return (names,) if isinstance(names, str) else tuple(names)
