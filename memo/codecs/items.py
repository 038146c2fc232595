"""Items of one kind: the values of a list or a stream name their common type once.

    {"of": "app:Chunk", "set": "declared", "base": {"id": "c1", "text": null}, "items": [{"text": "a"}, …, {"__type__": …}]}

An item without `"__type__"` is the `"value"` of a form of the type named by `of`; any other item carries its own type, as
it would alone (`{"__type__": "json", "value": …}` for a plain JSON value).

An item that is the object that came before it, changed since, is `{"__type__": "again", "value": …}` (see `sharing`).

`base` has the fields that most items share, in their order: each such item is `{**base, **item}`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, compress, islice
from typing import Any, NamedTuple

import orjson

from memo._json import held_json
from memo.codecs._shape import listed
from memo.codecs.decoder import Decoder
from memo.codecs.sharing import become
from memo.errors import DataMismatch

__all__ = ["Items", "Packer", "is_plain", "pack"]

_SAMPLE = 64
"""How many items are compared to find the base: each is held as an object in the meantime."""
_SMALL = 1500
"""Bytes up to which items are written whole: a base would save too little to be read twice."""
_WORTH = 0.8
"""The part of the bytes that a base may leave at most; with more left, items are written whole."""


class Packer:
    """Collects the trees of items one by one, as bytes: a tree of Python objects takes ten times as much memory.

    A text is kept as it is, which takes as much as its bytes.
    """

    def __init__(self) -> None:
        self._items: list[tuple[str | None, str | None, bytes | str]] = []
        self._counts: Counter[tuple[str, str | None]] = Counter()

    def __len__(self) -> int:
        return len(self._items)

    def add(self, tree: Any) -> None:
        """Add an item."""
        kind = type(tree)
        if kind is str:
            self._items.append(("json", None, tree))
        elif kind is not dict or "__type__" not in tree:
            self._items.append(("json", None, held_json(tree)))
        elif (
            "value" in tree
            and (len(tree) == 2 or (len(tree) == 3 and "set" in tree))
            and tree["__type__"] != "again"
            and not (type(tree["value"]) is dict and "__type__" in tree["value"])
        ):
            name, count = tree["__type__"], tree.get("set")
            self._items.append((name, count, held_json(tree["value"])))
            self._counts[name, count] += 1
        else:
            self._items.append((None, None, held_json(tree)))

    def __iter__(self) -> Iterator[Any]:
        """Yield the trees again, one by one."""
        for name, count, data in self._items:
            yield data if type(data) is str else _with_type(orjson.loads(data), name, count)

    def trees(self) -> list[Any]:
        """Return the trees again: all of them are read at once, which takes a third of the time."""
        items = [data for _, _, data in self._items]
        if _TEXTS.issuperset(map(type, items)):
            return items
        trees: list[Any] = orjson.loads(b"[%b]" % b",".join(map(_written, items)))
        if not self._counts:
            return trees
        return [_with_type(tree, name, count) for tree, (name, count, _) in zip(trees, self._items, strict=True)]

    def text(self) -> str:
        """Return all of the JSON, and the names of the types, to be searched."""
        items = [data for _, _, data in self._items]
        if _TEXTS.issuperset(map(type, items)):
            return orjson.dumps(items).decode()
        return b"\n".join([*map(_written, items), *(name.encode() for name, _ in self._counts)]).decode()

    def packed(self) -> dict[str, Any]:
        """Return `items` (each a text or an `orjson.Fragment`), and what most of them share (`of`, `set`, `base`)."""
        if not self._counts:
            return {"items": [data if type(data) is str else orjson.Fragment(data) for _, _, data in self._items]}
        common = self._counts.most_common(1)[0][0][0]
        counts = {count for name, count in self._counts if name == common} - {None}
        count = next((mode for mode in ("declared", "declared at top") if mode in counts), "all")
        # Leaving extras out everywhere leaves them out at the top, too.
        fitting = {None, count, "declared at top" if count == "declared" else count}
        alike = [name == common and fields_set_mode in fitting for name, fields_set_mode, _ in self._items]
        entries = [
            _written(data) if fits or name is None else _tagged(name, fields_set_mode, _written(data))
            for (name, fields_set_mode, data), fits in zip(self._items, alike, strict=True)
        ]
        base, entries = _without_base(entries, alike, common, count if counts else None)
        return {
            "of": common,
            **({"set": count} if counts else {}),
            **({"base": base} if base else {}),
            "items": [orjson.Fragment(entry) for entry in entries],
        }


_TEXTS = frozenset({str})


def _written(data: bytes | str) -> bytes:
    return orjson.dumps(data) if type(data) is str else data  # type: ignore[return-value]


def _with_type(tree: Any, name: str | None, count: str | None) -> Any:
    if name is None or name == "json":
        return tree
    return {"__type__": name, "value": tree, "set": count} if count else {"__type__": name, "value": tree}


def _tagged(name: str, count: str | None, data: bytes) -> bytes:
    tree: dict[str, Any] = {"__type__": name, "value": orjson.Fragment(data)}
    return held_json({**tree, "set": count} if count else tree)


def _without_base(
    entries: list[bytes], alike: list[bool], name: str, count: str | None
) -> tuple[dict[str, Any], list[bytes]]:
    """Return the fields that the entries of the common type share, and the entries without them; {} if that saves little."""
    whole = sum(map(len, entries))
    if whole <= _SMALL:
        return {}, entries
    trees = map(orjson.loads, compress(entries, alike))
    sample = [*islice(trees, _SAMPLE)]
    base = _base(sample)
    if not base:
        return {}, entries
    again = chain(sample, trees)
    rests = [
        _rest(entry, next(again), base) or _tagged(name, count, entry) if fits else entry
        for entry, fits in zip(entries, alike, strict=True)
    ]
    left = len(orjson.dumps(base)) + sum(map(len, rests))
    return (base, rests) if left < whole * _WORTH else ({}, entries)


def _base(sample: list[Any]) -> dict[str, Any]:
    """Return the fields that most items of a sample share, and the places of those that all have."""
    base: dict[str, Any] = {}
    if len(sample) < 2 or not _MAPPINGS.issuperset(map(type, sample)):
        return base
    for key in sample[0]:
        if all(key in tree for tree in sample):
            values = [tree[key] for tree in sample]
            if values.count(values[0]) * 2 > len(values):
                base[key] = values[0]
                continue
            most, times = Counter(map(orjson.dumps, values)).most_common(1)[0]
            # A value that few share stays with them, to be read there. Its key holds the place, for the order.
            base[key] = orjson.loads(most) if times * 2 > len(sample) else None
    return base


_MAPPINGS = frozenset({dict})


def _rest(entry: bytes, tree: Any, base: dict[str, Any]) -> bytes | None:
    """Return an entry, read as `tree`, without the base; None if both together would not give the same bytes again."""
    if type(tree) is not dict:
        return None
    rest = {
        key: item
        for key, item in tree.items()
        if key not in base or type(item) is not type(base[key]) or item != base[key]
    }
    # Deeper inside, 1 equals True and 1.0: only the bytes differ.
    return held_json(rest) if orjson.dumps({**base, **rest}) == entry else None


def pack(trees: Iterable[Any]) -> dict[str, Any]:
    """Return the trees of items packed, as a tree again."""
    packer = Packer()
    for tree in trees:
        packer.add(tree)
    packed: dict[str, Any] = orjson.loads(orjson.dumps(packer.packed()))
    return packed


class Items:
    """Packed items, ready to be read: each iteration yields fresh values, one by one, on demand."""

    def __init__(self, packed: dict[str, Any], values: Decoder, *, once: bytes | None = None) -> None:
        self._read: Callable[[bytes], Any] | None = None
        self.repeats = False
        """Whether items are the objects that came before them: then each is to be used before the next is read."""
        self._values: list[Any] | None = None
        """The values themselves, of plain JSON that is read once."""
        name = packed.get("of")
        if name is None and once is not None and is_plain(once):
            self._entries: list[Any] = listed(packed.get("items"))
            self._values = self._entries
            return
        base = packed.get("base", {})
        cls = values.model(name) if name is not None else None
        if name is not None and cls is not None:
            self._read = values.plain_reader(cls, name, fields_set_mode=packed.get("set"))
        dump = held_json if once is None else orjson.dumps
        try:
            self._entries = [
                dump({**base, **entry} if base else entry)
                if cls is not None and not (type(entry) is dict and "__type__" in entry)
                else _entry(values, _alone(entry, name, base))
                for entry in listed(packed.get("items"))
            ]
        except TypeError as error:  # orjson's errors are TypeErrors, too
            raise DataMismatch("a list", f"its items and their base do not go together ({error})") from error
        self.repeats = any(type(entry) is _Again for entry in self._entries)
        self._mixed = self._read is None or not {bytes}.issuperset(map(type, self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Any]:
        if self._values is not None:
            return iter(self._values)
        if self.repeats:
            return self._repeating()
        return map(self._value, self._entries) if self._mixed else map(self._read, self._entries)  # type: ignore[arg-type]

    def _repeating(self) -> Iterator[Any]:
        last: Any = None
        for entry in self._entries:
            last = become(last, entry.read()) if type(entry) is _Again else self._value(entry)
            yield last

    def _value(self, entry: bytes | Callable[[], Any]) -> Any:
        return self._read(entry) if isinstance(entry, bytes) and self._read is not None else entry()  # type: ignore[operator]


class _Again(NamedTuple):
    """An entry that is the object before it, changed."""

    read: Callable[[], Any]


def _entry(values: Decoder, tree: Any) -> Callable[[], Any] | _Again:
    if type(tree) is dict and tree.get("__type__") == "again":
        return _Again(values.reader(tree.get("value")))
    return values.reader(tree)


def is_plain(data: bytes) -> bool:
    """Return whether JSON names no types. An escape may be one of the letters of `__type__`."""
    return b"__type__" not in data and (b"\\" not in data or b"\\u" not in data)  # one byte is found ten times as fast


def _alone(entry: Any, of: str | None, base: dict[str, Any]) -> Any:
    if of is None or (type(entry) is dict and "__type__" in entry):
        return entry
    return {"__type__": of, "value": {**base, **entry} if base else entry}
