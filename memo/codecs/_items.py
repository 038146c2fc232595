"""Items of one kind: the values of a list or a stream name their common type once.

    {"of": "app:Chunk", "set": "declared", "base": {"id": "c1", "text": null}, "items": [{"text": "a"}, …, {"__type__": …}]}

An item without `"__type__"` is what stands under `"value"` in the form of the type named by `of`; any other carries its
own type, as it would alone (`{"__type__": "json", "value": …}` if it is a plain JSON value).

`base` has what most of them say alike, in the order in which they say it: each such item is `{**base, **item}`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from memo.codecs._values import Values

__all__ = ["Items", "Packer", "pack"]

_SHARED = ({"__type__", "value"}, {"__type__", "value", "set"})


class Packer:
    """Collects the trees of items as they come, as bytes: a tree of Python objects takes ten times as much memory."""

    def __init__(self) -> None:
        self._items: list[tuple[str | None, str | None, bytes]] = []
        self._counts: Counter[tuple[str, str | None]] = Counter()

    def __len__(self) -> int:
        return len(self._items)

    def add(self, tree: Any) -> None:
        """One more item."""
        if type(tree) is not dict or "__type__" not in tree:
            self._items.append(("json", None, orjson.dumps(tree)))
        elif tree.keys() in _SHARED and not (type(tree["value"]) is dict and "__type__" in tree["value"]):
            name, count = tree["__type__"], tree.get("set")
            self._items.append((name, count, orjson.dumps(tree["value"])))
            self._counts[name, count] += 1
        else:
            self._items.append((None, None, orjson.dumps(tree)))

    def packed(self) -> dict[str, Any]:
        """`items` (each an `orjson.Fragment`), and what most of them have in common (`of`, `set`)."""
        if not self._counts:
            return {"items": [orjson.Fragment(data) for _, _, data in self._items]}
        common = self._counts.most_common(1)[0][0][0]
        counts = {count for name, count in self._counts if name == common} - {None}
        count = "declared" if "declared" in counts else "all"
        shared = [each[0] == common and each[1] in (None, count) for each in self._items]
        entries = [self._item(each, common, count) for each in self._items]
        base, rests = _base([entry for entry, mine in zip(entries, shared, strict=True) if mine])
        return {
            "of": common,
            **({"set": count} if counts else {}),
            **({"base": base} if base else {}),
            "items": [
                orjson.Fragment(next(rests) if mine else entry) for entry, mine in zip(entries, shared, strict=True)
            ],
        }

    @staticmethod
    def _item(item: tuple[str | None, str | None, bytes], common: str, common_count: str) -> bytes:
        name, count, data = item
        if name is None or (name == common and count in (None, common_count)):
            return data
        tree: dict[str, Any] = {"__type__": name, "value": orjson.Fragment(data)}
        return orjson.dumps({**tree, "set": count} if count else tree)


def _base(entries: list[bytes]) -> tuple[dict[str, Any], Iterator[bytes]]:
    """What the entries have in common, and what is left of each: where that is shorter, and gives the same bytes again."""
    trees: list[Any] = [orjson.loads(entry) for entry in entries]
    if not trees or not all(type(tree) is dict for tree in trees):
        return {}, iter(entries)
    base: dict[str, Any] = {}
    for key in trees[0]:
        if all(key in tree for tree in trees):
            (most, times), *_ = Counter(orjson.dumps(tree[key]) for tree in trees).most_common(1)
            # A key that stands for nothing else holds the place, for the order.
            base[key] = orjson.loads(most) if times > 1 else None
    written = {key: orjson.dumps(each) for key, each in base.items()}
    left = [
        {key: each for key, each in tree.items() if key not in base or orjson.dumps(each) != written[key]}
        for tree in trees
    ]
    if any(orjson.dumps({**base, **rest}) != entry for rest, entry in zip(left, entries, strict=True)):
        return {}, iter(entries)
    rests = [orjson.dumps(rest) for rest in left]
    shorter = len(orjson.dumps({"base": base})) + sum(map(len, rests)) < sum(map(len, entries))
    return (base, iter(rests)) if shorter else ({}, iter(entries))


def pack(trees: Iterable[Any]) -> dict[str, Any]:
    """The trees of items, packed, as a tree again."""
    packer = Packer()
    for tree in trees:
        packer.add(tree)
    packed: dict[str, Any] = orjson.loads(orjson.dumps(packer.packed()))
    return packed


class Items:
    """Packed items, ready to be read: each iteration gives fresh values, one by one, as they are asked for."""

    def __init__(self, packed: dict[str, Any], values: Values) -> None:
        self._read: Callable[[bytes], Any] | None = None
        name = packed.get("of")
        base = packed.get("base", {})
        cls = values.model(name) if name is not None else None
        if name is not None and cls is not None:
            self._read = values.plain_reader(cls, name, declared=packed.get("set") == "declared")
        self._entries: list[bytes | Callable[[], Any]] = [
            orjson.dumps({**base, **entry} if base else entry)
            if cls is not None and not (type(entry) is dict and "__type__" in entry)
            else values.reader(_alone(entry, name, base))
            for entry in packed["items"]
        ]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Any]:
        read = self._read
        for entry in self._entries:
            if type(entry) is bytes and read is not None:
                yield read(entry)
            else:
                yield entry()  # type: ignore[operator]


def _alone(entry: Any, of: str | None, base: dict[str, Any]) -> Any:
    if of is None or (type(entry) is dict and "__type__" in entry):
        return entry
    return {"__type__": of, "value": {**base, **entry} if base else entry}
