"""Which changed recordings changed alike, so that one judgement fits all of them.

Two recordings of one function changed alike if the same paths changed in the same way (added, removed, other type, other value),
and if whatever was equal in both before is equal in both now. Indexes of lists do not count: `items[*].id` is one path. Other
numbers of tokens, times and headers count only where nothing else changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from memo._recordings.plain import of_one_form
from memo.cli._plain import shown
from memo.cli._recording_diff import relevant

if TYPE_CHECKING:
    from memo._recordings.document import Document

__all__ = ["Change", "Groups", "change"]

_VOLATILE = re.compile(
    r"(?:^|[._\]])(?:usage\w*|created(?:_at)?|\w*_(?:tokens|count|duration)|\w*TokenCount)(?:[.\[]|$)|(?:^|\.)headers[.\[]"
)
"""Paths of values that may differ in every call, by chance: tokens, times, headers."""
_WORDS = {"added": "+", "removed": "-", "type": "~"}


class Change(NamedTuple):
    """How a recording changed, without the values."""

    function: str
    kinds: frozenset[tuple[str, str]]
    """Paths, and how each changed."""
    values: dict[str, tuple[bytes, bytes]]
    """Digests of what was and is at each path whose value changed."""

    def words(self) -> str:
        """Return the paths that changed: `+` before what was added, `-` before what was removed, `~` before another type."""
        marked = (f"{_WORDS.get(kind.partition(' ')[0], '')}{path}" for path, kind in sorted(self.kinds))
        return ", ".join(dict.fromkeys(marked))


def change(before: Document | None, after: Document) -> Change:
    """Return how a recording changed; `before` is None for a new one."""
    if before is None:
        return Change(after.function, frozenset({("new call", "new")}), {})
    one, other = map(_fields, (before, after), _outcomes(before, after))
    kinds: set[tuple[str, str]] = set()
    volatile: set[tuple[str, str]] = set()
    values: dict[str, tuple[bytes, bytes]] = {}
    for path in one.keys() | other.keys():
        left, right = one.get(path), other.get(path)
        if left is None or right is None:
            kinds.add((path, "added" if left is None else "removed"))
        elif left.types != right.types:
            kinds.add((path, f"type {sorted(left.types)} {sorted(right.types)}"))
        elif left.values != right.values:
            if _VOLATILE.search(path):
                volatile.add((path, "value"))
            else:
                kinds.add((path, "value"))
                values[path] = _digest(left.values), _digest(right.values)
    return Change(after.function, frozenset(kinds or volatile or {("order", "value")}), values)


class _Field:
    """What is at one path, in all outcomes and items."""

    def __init__(self) -> None:
        self.types: set[str] = set()
        self.values: set[bytes] = set()

    def add(self, value: Any) -> None:
        from memo._recordings.likeness import canonical

        # Another truth value is another type: true to false is not what false to true is.
        of_constant = value is None or isinstance(value, bool)
        self.types.add(str(value) if of_constant else type(value).__name__)
        self.values.add(sha256(canonical(value)).digest())


def _digest(values: set[bytes]) -> bytes:
    return sha256(b"".join(sorted(values))).digest()


def _outcomes(before: Document, after: Document) -> tuple[Any, Any]:
    """Return the compared parts of the outcomes of both, with their models in one form."""
    one, other = ([relevant(outcome) for outcome in document.outcomes] for document in (before, after))
    return of_one_form(one, other)


def _fields(document: Document, outcomes: list[dict[str, Any]]) -> dict[str, _Field]:
    fields: dict[str, _Field] = {}
    for path, value in _leaves(document, outcomes):
        fields.setdefault(path, _Field()).add(value)
    return fields


def _leaves(document: Document, outcomes: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    yield "outcomes", len(document.outcomes)
    yield from _walk(dict(document.watched), "watched")
    for outcome, compared in zip(document.outcomes, outcomes, strict=True):
        yield from _walk(compared, "")
        if "stream" in outcome:
            assembled = shown(outcome)
            yield from ((name, assembled[name]) for name in ("text", "thinking", "tool_calls") if name in assembled)


_INNER = ("value", "exact", "extra", "attributes")
"""Members around the fields of a typed value, which paths leave out."""


def _walk(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    from memo._recordings.likeness import NUMBERS, is_numbers
    from memo._values.paths import step_text

    if isinstance(node, dict) and node:
        for name, member in node.items():
            inner = path if "__type__" in node and name in _INNER else f"{path}{step_text(name)}".removeprefix(".")
            yield from _walk(member, inner)
    elif isinstance(node, list) and node and not (len(node) > NUMBERS and is_numbers(node)):
        for member in node:
            yield from _walk(member, f"{path}[*]")
    else:
        yield path, node


class _Group(NamedTuple):
    number: int
    became: dict[str, dict[bytes, bytes]]
    """What each old value became, at each path."""

    def fits(self, change: Change) -> bool:
        """Return whether whatever is equal before is equal now."""
        return all(self.became[path].get(old, new) == new for path, (old, new) in change.values.items())


class Groups:
    """Groups of changes that are alike."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, frozenset[tuple[str, str]]], list[_Group]] = {}
        """By function and kinds."""
        self._count = 0

    def group(self, change: Change) -> int:
        """Return the number of the group that a change is in, from 0."""
        groups = self._known.setdefault((change.function, change.kinds), [])
        fitting = (group for group in groups if group.fits(change))
        group = next(fitting, None)
        if group is None:
            group = _Group(self._count, {path: {} for path in change.values})
            groups.append(group)
            self._count += 1
        for path, (old, new) in change.values.items():
            group.became[path][old] = new
        return group.number
