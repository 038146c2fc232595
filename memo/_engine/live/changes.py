"""Arguments that change while a call is made: the call is keyed as it began, and in replay nothing changes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from memo._calls.argument_cache import Snapshot
from memo._calls.call import Call
from memo.errors import ArgumentsChangedWarning

__all__ = ["ArgumentWatch", "may_change"]

_IMMUTABLE = frozenset((str, bytes, int, float, bool, type(None), complex, frozenset))


def may_change(values: Iterable[Any]) -> bool:
    """Return whether any of these arguments could be changed in place."""
    return not _IMMUTABLE.issuperset(map(type, values))


class ArgumentWatch:
    """Compares the arguments before and after what runs of the real function: its consumer may change them in between.

    `rebuild` makes the call from its arguments again, as they are by then.
    """

    def __init__(self, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any], rebuild: Callable[[], Call]) -> None:
        self._call = call
        self._arguments = (*args, *kwargs.values())
        self._rebuild = rebuild
        self._last: Call | None = call
        """The call as it was when `_snapshot` was made."""
        self._snapshot = Snapshot.of(self._arguments)
        """The arguments, which are faster to compare than calls where they are plain."""
        self._is_first = True
        self._paths: list[str] = []

    def before(self) -> None:
        """Note that the real function goes on."""
        if self._is_first:
            self._is_first = False
        else:
            self._look()

    def after(self) -> None:
        """Note that the real function has returned, raised or yielded an item."""
        before = self._last
        self._look()
        after = self._last
        if before is None or after is None or before.key == after.key or self._paths:
            return
        from memo._recordings.differences import differences  # most calls change nothing

        found = differences(orjson.loads(before.arguments), orjson.loads(after.arguments))
        self._paths = list(dict.fromkeys(difference.path for difference in found))

    @property
    def are_plain(self) -> bool:
        """True if the arguments hold nothing but JSON and tuples."""
        return self._snapshot is not None

    @property
    def has_changes(self) -> bool:
        """True if an argument changed."""
        return bool(self._paths)

    def warning(self) -> ArgumentsChangedWarning | None:
        """Return what to warn of, if an argument changed."""
        return ArgumentsChangedWarning(self._call.function, self._paths) if self._paths else None

    def _look(self) -> None:
        """Bring `_last` up to date."""
        if self._snapshot is not None and self._snapshot.is_of(self._arguments):
            return
        self._snapshot = Snapshot.of(self._arguments)
        try:
            self._last = self._rebuild()
        except Exception:  # noqa: BLE001 - a spent iterator, a closed file: there is nothing to compare
            self._last = None
