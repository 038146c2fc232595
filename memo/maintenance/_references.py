"""What recordings say of others: during, inside and after which calls theirs were made. It goes along when those get other keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memo._calls.digest import entry_name
from memo._recordings.document import parse, render
from memo.errors import MemoError
from memo.maintenance.entries import read
from memo.stores import Store

__all__ = ["rename_references"]

_NAMES = (b'"after"', b'"inside"', b'"parent"')


def rename_references(store: Store, moved: Mapping[str, str]) -> None:
    """Name the calls that have moved by their new names, `function/key`, in every recording that names them.

    A recording that still has an old name is replayed as if the other were gone, so what cannot be read is left as it is.
    """
    entries = {_entry(old): _entry(new) for old, new in moved.items()}
    for name in list(store.scan()):
        try:
            data = read(store, name)
            if data is None or not any(field in data for field in _NAMES):
                continue
            document = parse(data, store.location(name))
        except MemoError:
            continue
        source = dict(document.source)
        if isinstance(source.get("parent"), str):
            source["parent"] = entries.get(source["parent"], source["parent"])
        new = document._replace(outcomes=[_renamed(each, moved) for each in document.outcomes], source=source)
        if new.outcomes != document.outcomes or new.parent != document.parent:
            store.put(name, render(new))


def _entry(name: str) -> str:
    function, _, key = name.rpartition("/")
    return entry_name(function, key)


def _renamed(outcome: dict[str, Any], moved: Mapping[str, str]) -> dict[str, Any]:
    after, inside = outcome.get("after"), outcome.get("inside")
    if isinstance(after, dict) and isinstance(after.get("call"), str):
        outcome = {**outcome, "after": {**after, "call": moved.get(after["call"], after["call"])}}
    if isinstance(inside, dict):
        outcome = {**outcome, "inside": {moved.get(name, name): count for name, count in inside.items()}}
    return outcome
