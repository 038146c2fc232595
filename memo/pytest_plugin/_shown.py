"""How errors are shown: once, with the place in the user's code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from memo._engine.reports.call_stacks import is_library, place
from memo._engine.sessions.network import explain
from memo.errors import MemoError, NetworkBlocked
from memo.pytest_plugin._frames import frames_of

__all__ = ["again", "caught", "chain", "distinct", "named"]


def caught(misses: Iterable[MemoError], item: pytest.Item) -> list[str]:
    """Return what to say of errors that the code under test caught."""
    places: dict[tuple[str, ...], dict[str, None]] = {}
    for error in misses:
        named(error, (), item)
        frame = next((frame for frame in frames_of(error.__traceback__) if not is_library(frame)), None)
        at = {f"  called at: {place(frame)}, in {frame.f_code.co_qualname}": None} if frame is not None else {}
        # What is tried again, from other lines too, is one miss.
        places.setdefault((str(error), *getattr(error, "__notes__", ())), {}).update(at)
    head = "memo: a call failed in replay, and the code under test caught the error:"
    return ["\n".join([head, "", *message, *at]) for message, at in places.items()]


def again(error: BaseException, first: str) -> str:
    """Return what to say of an error whose cause another test shows: a line, and where the call was made."""
    frame = next((found for found in frames_of(error.__traceback__) if not is_library(found)), None)
    at = f"\n  called at: {place(frame)}, in {frame.f_code.co_qualname}" if frame is not None else ""
    return f"memo: {str(error).partition(chr(10))[0]}\n  the same change as in {first}{at}"


def distinct(errors: Iterable[Exception]) -> list[str]:
    return list(dict.fromkeys(map(str, errors)))


def chain(error: BaseException | None, seen: set[int] | None = None) -> Iterator[BaseException]:
    """Yield the error, its causes and contexts, and the errors of its groups."""
    seen = set() if seen is None else seen
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield error
    yield from chain(error.__cause__, seen)
    yield from chain(error.__context__, seen)
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from chain(inner, seen)


def named(error: BaseException, shown: Iterable[BaseException], item: pytest.Item) -> None:
    """Find out who tried to connect, at the latest from the errors that it led to."""
    if isinstance(error, NetworkBlocked):
        for raised in (error, *shown):
            explain(error, frames_of(raised.__traceback__))
        error.caller = error.caller or item.nodeid
