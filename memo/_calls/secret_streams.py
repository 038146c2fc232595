"""Credentials cut over items of a stream: found in the text that belongs together, masked in its pieces.

A piece keeps its length, so that the items stay valid: `<secret>` and stars, cut where the credential is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple

from memo._calls.secrets import INNER, NO_RULES, SecretRules, hidden, may_hold, readable, spans
from memo._values.paths import Step
from memo._values.scalars import bytes_form, bytes_of

__all__ = ["mask_across", "mask_inside"]

_APART = frozenset(("type", "index", "output_index", "content_index", "item_id", "id", "event", "role", "__type__"))
"""Fields by which items, and members of lists in them, are distinguished: each has its own text."""

_TOLD = frozenset((str, int))
"""Of what types the values of these fields are, where they tell anything."""

Span = tuple[int, int]
_LONGEST = 8192
"""Characters of a credential that is found where a letter comes before it."""


class _Place(NamedTuple):
    """A value in an item, by what holds it."""

    holder: Any
    step: Any
    steps: tuple[Step, ...]

    def text(self) -> str | None:
        """Return the text of the value, or of its bytes; None if it has neither."""
        value = self.holder[self.step]
        return value if type(value) is str else _text_of_bytes(value)

    def put(self, text: str) -> None:
        """Put a text, or its bytes, in the place of the value."""
        value = self.holder[self.step]
        self.holder[self.step] = text if type(value) is str else _with_text(value, text)


def mask_across(items: list[Any], rules: SecretRules = NO_RULES) -> list[tuple[Step, ...]]:
    """Mask, in place, each credential whose text is cut over several items. Return the steps to every piece.

    Text belongs together if it is at the same place of items of one kind: the same choice, the same block, the same call.
    """
    if not any(may_hold(text, rules) for text in _joined_texts(items)):
        return []
    masked: list[tuple[Step, ...]] = []
    _search([_Place(items, index, (index,)) for index in range(len(items))], rules, masked)
    return masked


def mask_inside(tree: Any) -> None:
    """Mask, in place, each credential whose text is cut over the items of a stream inside a value's tree."""
    if type(tree) is dict:
        if tree.get("__type__") == "stream" and type(tree.get("items")) is list:
            mask_across(tree["items"])
        for part in tree.values():
            mask_inside(part)
    elif type(tree) is list:
        for part in tree:
            mask_inside(part)


def _joined_texts(values: list[Any]) -> Iterator[str]:
    """Yield the texts that `_search` searches, without where they are, which takes a tenth of the time."""
    kinds = set(map(type, values))
    if str in kinds:
        texts = _of(str, values, kinds)
        if len(set(texts)) > 1:
            yield "".join(texts)
    if dict in kinds:
        yield from _texts_in_dicts(_of(dict, values, kinds))
    if list in kinds:
        lists = _of(list, values, kinds)
        if len(lists) > 1:
            for column in _columns(lists):
                yield from _joined_texts(column)


def _texts_in_dicts(dicts: list[Any]) -> Iterator[str]:
    if len(dicts) < 2:
        return
    names = set().union(*dicts)
    if "__type__" in names and any(map(_is_bytes, dicts)):
        yield "".join([text for value in dicts if (text := _text_of_bytes(value))])
    apart = [[value.get(name) for value in dicts] for name in sorted(names & _APART)]
    for alike in _groups(dicts, apart):
        if len(alike) > 1:
            for name in names.difference(_APART):
                try:
                    column = [*map(itemgetter(name), alike)]
                except KeyError:  # some do not have it
                    column = [value[name] for value in alike if name in value]
                yield from _joined_texts(column)


def _columns(lists: list[Any]) -> Iterable[list[Any]]:
    """Return the members of lists by where they are."""
    columns: defaultdict[int, list[Any]] = defaultdict(list)
    for value in lists:
        for index, member in enumerate(value):
            columns[_index(member, index)].append(member)
    return columns.values()


def _of(kind: type, values: list[Any], kinds: set[type]) -> list[Any]:
    """Return the values of a type; `kinds` are the types of all. Mostly all are of one."""
    if kind not in kinds:
        return []
    return values if len(kinds) == 1 else [value for value in values if type(value) is kind]


def _groups(dicts: list[Any], apart: list[list[Any]]) -> Iterable[list[Any]]:
    """Return the mappings by what tells them apart: the values of some fields, which are mostly the same in all."""
    if all(values.count(values[0]) == len(values) for values in apart):
        return [dicts]
    are_all_there = all(_TOLD.issuperset(map(type, values)) for values in apart)
    groups: defaultdict[Any, list[Any]] = defaultdict(list)
    # Together, the fields are what `_kind` returns, in a tenth of the time.
    for value, kind in zip(dicts, zip(*apart, strict=True) if are_all_there else map(_kind, dicts), strict=True):
        groups[kind].append(value)
    return groups.values()


def _search(places: list[_Place], rules: SecretRules, masked: list[tuple[Step, ...]]) -> None:
    if len(places) < 2:
        return
    values = [place.holder[place.step] for place in places]
    kinds = set(map(type, values))
    if str in kinds:
        _mask([place for place, value in zip(places, values, strict=True) if type(value) is str], rules, masked)
    if dict in kinds:
        _mask([place for place, value in zip(places, values, strict=True) if _is_bytes(value)], rules, masked)
        for members in _fields(places, values).values():
            _search(members, rules, masked)
    if list in kinds:
        for members in _members(places, values).values():
            _search(members, rules, masked)


def _fields(places: list[_Place], values: list[Any]) -> dict[Any, list[_Place]]:
    """Return the places in mappings that belong together, by what tells the mappings apart and their names."""
    columns: defaultdict[Any, list[_Place]] = defaultdict(list)
    for place, value in zip(places, values, strict=True):
        if type(value) is dict and not _is_bytes(value):
            kind = _kind(value)
            for name in value:
                if name not in _APART:
                    steps = place.steps if name in INNER and "__type__" in value else (*place.steps, name)
                    columns[kind, name].append(_Place(value, name, steps))
    return columns


def _members(places: list[_Place], values: list[Any]) -> dict[Any, list[_Place]]:
    """Return the places in lists that belong together, by their index: their own, where they say it."""
    columns: defaultdict[Any, list[_Place]] = defaultdict(list)
    for place, value in zip(places, values, strict=True):
        if type(value) is list:
            for index, member in enumerate(value):
                columns[_index(member, index)].append(_Place(value, index, (*place.steps, index)))
    return columns


def _index(member: Any, index: int) -> int:
    """Return the index of a member of a list: its own, if it says it."""
    own = member.get("index") if type(member) is dict else None
    return own if type(own) is int else index


def _kind(value: dict[str, Any]) -> tuple[Any, ...]:
    return tuple([value[name] for name in sorted(_APART & value.keys()) if type(value[name]) in _TOLD])


def _is_bytes(value: Any) -> bool:
    return type(value) is dict and _text_of_bytes(value) is not None


def _text_of_bytes(value: Any) -> str | None:
    """Return the text of what memo writes for bytes, or the printable ASCII in those that are no text; else None."""
    if type(value) is not dict or value.get("__type__") not in ("bytes", "bytearray"):
        return None
    if "text" in value:
        return value["text"] if type(value["text"]) is str else None
    try:
        return readable(bytes_of(value))
    except ValueError:  # damaged: no base64
        return None


def _with_text(value: dict[str, Any], text: str) -> dict[str, Any]:
    """Return what memo writes for bytes, with a text whose characters differ where a credential was."""
    if "text" in value:
        return {**value, "text": text}
    data = bytes_of(value)
    masked = bytes(
        new if new != old else byte for new, old, byte in zip(text.encode(), readable(data).encode(), data, strict=True)
    )
    return {"__type__": value["__type__"], **bytes_form(masked)}


def _mask(places: list[_Place], rules: SecretRules, masked: list[tuple[Step, ...]]) -> None:
    """Mask what is cut over some texts."""
    pieces = [(place, text) for place in places if (text := place.text())]
    texts = [text for _, text in pieces]
    if len(texts) < 2 or len(set(texts)) == 1:
        return
    joined = "".join(texts)
    if not may_hold(joined, rules):
        return
    found, alone = _spans(texts, joined, rules)
    at = number = 0
    for (place, text), own in zip(pieces, alone, strict=True):
        start, end = at, at + len(text)
        at = end
        while number < len(found) and found[number][1] <= start:
            number += 1
        masked_text = text
        for index in range(number, len(found)):
            first, last = found[index]
            if first >= end:
                break
            # What a piece shows by itself is masked when the piece is.
            if not _covers(own, first, last) and not rules.allows(place.steps):
                inside = max(first, start), min(last, end)
                mask = _filled(joined, first, last)[inside[0] - first : inside[1] - first]
                masked_text = masked_text[: inside[0] - start] + mask + masked_text[inside[1] - start :]
        if masked_text != text:
            place.put(masked_text)
            masked.append(place.steps)


def _covers(own: list[Span], first: int, last: int) -> bool:
    """Return whether one of some places, in order and apart, covers another one."""
    at = bisect_right(own, first, key=itemgetter(0))
    return at > 0 and last <= own[at - 1][1]


def _filled(text: str, start: int, end: int) -> str:
    """Return what takes the place of a credential, as long as the credential: a mask and stars, `0.00` for a number."""
    mask = hidden(text, start, end)
    size = end - start
    return ("0." + "0" * size)[:size] if mask == "0" else (mask + "*" * size)[:size]


def _spans(texts: list[str], joined: str, rules: SecretRules) -> tuple[list[Span], list[list[Span]]]:
    """Return where credentials are in the joined text, and those that each piece shows by itself."""
    from memo._calls.secret_text import merged

    found = spans(joined, rules)
    alone: list[list[Span]] = []
    at = 0
    for text in texts:
        own = [(at + start, at + end) for start, end in spans(text, rules)]
        alone.append(own)
        for start, end in own:
            if end == at + len(text):  # joined, there is a letter before it, perhaps, and no word begins there
                found += [span for span in _from(joined, at, rules) if span[0] == start]
        at += len(text)
    return merged(found), alone


def _from(joined: str, at: int, rules: SecretRules) -> list[Span]:
    window = joined[at : at + _LONGEST]
    return [(at + start, at + end) for start, end in spans(window, rules)]
