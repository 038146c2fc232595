"""Whether two recordings of a call differ only in what is new in every answer: ids, times near the recording, how long it took."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from memo._recordings.changes import Change, Tier
from memo._recordings.document import Document
from memo._recordings.outcome_changes import compare

__all__ = ["differs_in_volatile_only", "is_volatile"]

_IDS = re.compile(r"(?<!model)(?:(?:^|_)(?:id|etag|uuid|guid|fingerprint|nonce)|Id|ID|Uuid|Etag)$")
"""The names of fields that hold an id."""
_SIGNATURES = re.compile(r"(?:(?:^|_)signature|Signature|^encrypted_content)$")
"""The names of fields that hold a signature, or what only the provider reads."""
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_MADE_UP = re.compile(
    rf"((?:[A-Za-z]+[-_:.])*)(?:(?=[a-zA-Z]*\d)(?=\d*[a-zA-Z])[A-Za-z0-9]{{8,}})|((?:[A-Za-z]+[-_:.])*?){_UUID}"
)
"""A prefix that an API gives its ids, and a UUID or at least 8 letters and digits: `chatcmpl-9fA…`."""
_DURATIONS = frozenset(
    {
        "completion_time",
        "duration_api_ms",
        "duration_ms",
        "eval_duration",
        "latencyMs",
        "latency_ms",
        "load_duration",
        "prompt_eval_duration",
        "prompt_time",
        "queue_time",
        "response_time",
        "total_duration",
        "total_time",
    }
)
"""What APIs call the time that an answer took."""
_NEAR_SECONDS = 86_400.0
"""A time that is no further from the recording's own is a time of the call."""


def differs_in_volatile_only(before: Document, after: Document) -> bool:
    """Return whether each outcome of a recording is that of the other, but for ids, times and durations."""
    if len(before.outcomes) != len(after.outcomes) or dict(before.watched) != dict(after.watched):
        return False
    return all(
        one.get("draw") == other.get("draw")
        and (one.get("calls") == other.get("calls") or None in (one.get("calls"), other.get("calls")))
        and all(is_volatile(change, before, after) for change in compare([one], other))
        for one, other in zip(before.outcomes, after.outcomes, strict=True)
    )


def is_volatile(change: Change, before: Document, after: Document) -> bool:
    """Return whether a change is one that every call brings: of an id, a time near the recording, or a duration."""
    if change.tier is not Tier.VALUE:
        return False
    name = re.split(r"[.\[]", change.path.rstrip("]*[0123456789"))[-1]
    one, other = change.before, change.after
    if type(one) in (int, float) and type(other) in (int, float) and name in _DURATIONS:
        return True
    if isinstance(one, str) and isinstance(other, str):
        if _IDS.search(name) and _are_ids(one, other):
            return True
        if _SIGNATURES.search(name) and not re.search(r"\s", one + other):
            return True
    return _is_near(one, before) and _is_near(other, after)


def _are_ids(one: str, other: str) -> bool:
    found, now = _MADE_UP.fullmatch(one), _MADE_UP.fullmatch(other)
    return found is not None and now is not None and found.groups() == now.groups()


def _is_near(value: Any, document: Document) -> bool:
    recorded = _seconds(document.recorded_at)
    return recorded is not None and any(abs(at - recorded) <= _NEAR_SECONDS for at in _times(value))


def _times(value: Any) -> Iterator[float]:
    """Yield the time that a value may be, in seconds: as text, or a number of seconds, milliseconds or nanoseconds."""
    if type(value) in (int, float):
        yield from (value / unit for unit in (1, 1e3, 1e6, 1e9))
    elif (at := _seconds(value)) is not None:
        yield at


def _seconds(text: Any) -> float | None:
    if not isinstance(text, str) or len(text) < len("2026-01-01T00:00"):
        return None
    try:
        at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
