"""Paths: how a place inside a value is written, and read back: `messages[0].content`, `headers["a key"]`, `messages[*].id`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from memo.errors import InvalidOption

__all__ = ["Step", "parse_path", "path_text", "step_text", "steps_of"]

Step = str | int | None
"""A key, an index, or None for `[*]`."""

_STEP = re.compile(r"""\.?([^.\[\]"']+)|\[(\d+|\*)\]|\[(?:"((?:[^"]|"")*)"|'([^']*)')\]""")
_PLAIN = re.compile(r"""[^\s.\[\]"']+""")


def parse_path(path: str, option: str) -> tuple[Step, ...]:
    """Return the steps of a path that begins with a name. Raise `InvalidOption`, naming the option, for anything else."""
    steps = steps_of(path)
    if not steps or not isinstance(steps[0], str):
        raise InvalidOption(option, path, ["name", "name.key", "name[0]", "name[*].key", 'name["a key"]'])
    return steps


def steps_of(path: str) -> tuple[Step, ...] | None:
    """Return the steps of any path, none for "" (the whole value); None for text that is no path."""
    steps: list[Step] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            return None
        name, index, double, single = found.groups()
        if index is not None:
            steps.append(None if index == "*" else int(index))
        elif double is not None:
            steps.append(double.replace('""', '"'))
        else:
            steps.append(name if name is not None else single)
        at = found.end()
    return tuple(steps)


def path_text(steps: Iterable[Any]) -> str:
    """Write a path, so that `steps_of` gives the same steps back."""
    return "".join(map(step_text, steps)).removeprefix(".")


def step_text(step: Any) -> str:
    """Write one step of a path as it follows the steps before: `.city`, `[0]`, `[*]`, `["a key"]`.

    A mapping's key that is neither text nor an index is written as Python writes the key, in quotes.
    """
    if type(step) is str:
        if _PLAIN.fullmatch(step):
            return f".{step}"
    elif step is None:
        return "[*]"
    elif type(step) is int and step >= 0:
        return f"[{step}]"
    else:
        step = repr(step)
    if '"' in step and "'" not in step:
        return f"['{step}']"
    return '["{}"]'.format(step.replace('"', '""'))
