"""Options that shape keys, applied to calls that are recorded already: for recordings of another tool, and of other options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from memo._calls.key_rules import as_names
from memo._calls.places import change, pop
from memo._json import canonical_json
from memo._values.paths import parse_path

__all__ = ["KeyOptions", "Rules"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a function's or a recorder's options say of keys."""

    ignore: tuple[str, ...] = ()
    scrub: Mapping[str, tuple[Callable[[Any], Any], ...]] = field(default_factory=dict)
    key: Callable[[dict[str, Any]], Mapping[str, Any]] | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Rules:
        """Return the rules in a recorder's or a function's options. Raises `InvalidOption` for an invalid path."""
        scrub = {path: (how,) if callable(how) else tuple(how) for path, how in (options.get("scrub") or {}).items()}
        rules = cls(as_names(options.get("ignore") or ()), scrub, options.get("key"))
        for path in rules.ignore:
            parse_path(path, "ignore")
        for path in rules.scrub:
            parse_path(path, "scrub")
        return rules

    def apply(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments that identify the call."""
        if self.key is not None:
            arguments = dict(self.key(arguments))
        for path in self.ignore:
            steps = parse_path(path, "ignore")
            if len(steps) == 1:
                arguments.pop(str(steps[0]), None)
            else:
                pop(arguments, steps)
        for path, scrubbers in self.scrub.items():
            for scrubber in scrubbers:
                change(arguments, parse_path(path, "scrub"), scrubber)
        return arguments


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """The rules of a recorder, and those of single functions, or SDKs, by the beginning of their names."""

    recorder: Rules = field(default_factory=Rules)
    functions: Mapping[str, Rules] = field(default_factory=dict)

    def arguments(self, function: str, arguments: Mapping[str, Any]) -> bytes:
        """Return the canonical arguments of a call, by the rules of its function and of the recorder."""
        tree: dict[str, Any] = orjson.loads(canonical_json(arguments))
        for name, rules in self.functions.items():
            if function == name or function.startswith(f"{name}."):
                tree = rules.apply(tree)
        return canonical_json(self.recorder.apply(tree))
