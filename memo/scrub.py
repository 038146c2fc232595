"""Scrubbers: take what changes from run to run out of the key, at the places that the user names.

    @recordable(scrub={"prompt": scrub.timestamps, "messages[*].content": (scrub.uuids, scrub.paths)})

A scrubber takes one value (a string, a number, a boolean or None) and returns the value that takes its place in the key. Any such
function will do. Only named places are scrubbed: rewriting text everywhere would merge calls that differ.

`scrub.ids` takes the whole value at its place, since it numbers the ids in it: `scrub={"messages": scrub.ids()}`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from memo._values.ids import CallIds, Ids

__all__ = ["Scrubber", "floats", "ids", "paths", "timestamps", "uuids"]

Scrubber = Callable[[Any], Any]

_UUID = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9a-fA-F])")
_TIMESTAMP = re.compile(
    r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:\s?(?:Z|UTC|[+-]\d{2}:?\d{2}))?)?"
)
_RANDOM_NAME = re.compile(r"<tmp>/(?:pytest-of-[^/\s]+/pytest-(?:\d+|current)|tmp[a-z0-9_]{6,})")


def uuids(value: Any) -> Any:
    """Replace UUIDs in a text by `<uuid>`. What is no text stays as it is."""
    return _UUID.sub("<uuid>", value) if isinstance(value, str) else value


def timestamps(value: Any) -> Any:
    """Replace ISO 8601 / RFC 3339 dates and times in a text by `<timestamp>`. What is no text stays as it is."""
    return _TIMESTAMP.sub("<timestamp>", value) if isinstance(value, str) else value


def floats(digits: int) -> Scrubber:
    """Return a scrubber that rounds floats to that many decimal places. What is no float stays as it is."""

    def rounded(value: Any) -> Any:
        return round(value, digits) if isinstance(value, float) else value

    rounded.__qualname__ = f"floats({digits})"  # how a scope that is carried to another process writes it
    return rounded


def paths(value: Any) -> Any:
    """Replace the working, the temporary and the home directory in a text by `<cwd>`, `<tmp>` and `<home>`."""
    if not isinstance(value, str):
        return value
    places = {"<cwd>": os.getcwd(), "<tmp>": tempfile.gettempdir(), "<home>": str(Path.home())}  # noqa: PTH109 - as text
    for name, place in sorted(places.items(), key=lambda entry: -len(entry[1])):
        if place != os.sep:
            value = re.sub(re.escape(place) + r"(?!\w)", name, value)
    return _RANDOM_NAME.sub("<tmp>", value)


def ids(*fields: str, pattern: str | None = None) -> Scrubber:
    """Return a scrubber that numbers ids by their first appearance: `<id 1>`, `<id 2>`, …

    Equal ids get equal numbers, so what the ids link stays linked. `fields` are the names of the fields that hold
    ids, at any depth below the place that is scrubbed; `pattern` is a regular expression, and what it finds in a text is an
    id. With neither, it is the ids by which the requests of LLM APIs link calls of tools with their results
    (`tool_call_id`, `tool_calls[].id`, `tool_use_id`, …); the arguments of tools are data, and stay. If the place
    itself is a text, that is the id. Raises `re.error` for an invalid pattern.
    """
    return Ids(fields, pattern) if fields or pattern is not None else CallIds()
