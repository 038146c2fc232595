"""Tags: names by which recordings of different calls are invalidated together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import orjson

from memo._calls.secrets import looks_secret
from memo.errors import InvalidOption, NewerFormat, RecordingDamaged
from memo.stores import ReadsMany, Store

__all__ = ["Tags", "checked_tags", "tagged", "tags_of"]

Tags = Iterable[str] | Callable[[dict[str, Any]], Iterable[str]]
"""Tags, or a function that gives those of a call: from its arguments by name, defaults applied."""

_ALLOWED = ('a list of texts: ["prices"]', "a function from the arguments of a call to such a list")
_TOGETHER = 100


def checked_tags(tags: Tags) -> tuple[str, ...] | Callable[[dict[str, Any]], Iterable[str]]:
    """Return the tags as a tuple, or the function. Raises `InvalidOption`."""
    return tags if callable(tags) else tags_of(tags)


def tags_of(tags: object) -> tuple[str, ...]:
    """Return the tags as a tuple, each once; one text by itself is one tag. Raises `InvalidOption` for anything else.

    Tags are stored as they are, so a credential is none.
    """
    found = (tags,) if isinstance(tags, str) else tuple(tags) if isinstance(tags, Iterable) else (None,)
    if not all(isinstance(tag, str) and tag for tag in found):
        raise InvalidOption("tags", tags, _ALLOWED)
    if any(looks_secret(str(tag)) for tag in found):
        raise InvalidOption("tags", "***", ["texts that hold no credential: tags are stored as they are"])
    return tuple(dict.fromkeys(map(str, found)))


def tagged(store: Store, tag: str, prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Iterate over the recordings of a store that have a tag: name and JSON object. What is damaged has none."""
    # Two ways to write a text in JSON: most recordings are distinguished without being parsed.
    written = {orjson.dumps(tag), json.dumps(tag).encode()}
    names = iter(store.scan(prefix))
    while page := list(islice(names, _TOGETHER)):
        for name, data in zip(page, _contents(store, page), strict=True):
            if data is not None and any(text in data for text in written):
                document = _read(data)
                if tag in (document.get("tags") or ()):
                    yield name, document


def _contents(store: Store, names: list[str]) -> list[bytes | None]:
    if isinstance(store, ReadsMany):
        with suppress(RecordingDamaged, NewerFormat):
            return store.get_many(names)
    found: list[bytes | None] = []
    for name in names:
        try:
            found.append(store.get(name))
        except (RecordingDamaged, NewerFormat):
            found.append(None)
    return found


def _read(data: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    kinds = {"function": str, "key": str, "tags": list}
    is_one = isinstance(document, dict) and all(type(document.get(name)) is kind for name, kind in kinds.items())
    return document if is_one else {}
