"""Recordings that may not fit their call any more: too old (`max_age`), or recorded with other watched fields."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from warnings import warn

from memo._calls.call import Call
from memo._calls.fingerprints import canonical_fingerprint
from memo._engine.reports.frames import user_stacklevel
from memo._engine.storing.memory import Recording, seconds_of
from memo._recordings.document import masked_values, parse
from memo.errors import MemoError, RecordingExpiredWarning, WatchedFieldChangedWarning
from memo.stores import DirectoryStore, Store, layer_of

__all__ = ["Staleness"]


class Staleness:
    """What a session does with stale recordings: warns once a call, raises, or has them recorded again."""

    def __init__(
        self,
        store: Store,
        max_age: timedelta | None,
        on_expiry: str,
        on_watched_change: str,
        *,
        of_test: bool = False,
    ) -> None:
        self.max_age = max_age
        self._warns = on_expiry in ("warn", "refresh")  # in replay, nothing can be refreshed
        self.is_checked_in_store = max_age is not None and not self._warns
        """Whether an expired recording in memory is read again, since another process may have replaced it."""
        self._store = store
        self._on_expiry = on_expiry
        self._of_test = of_test
        self._on_watched_change = on_watched_change
        self._warned: set[tuple[Any, ...]] = set()

    def is_expired(self, recording: Recording) -> bool:
        """Return whether a recording is older than `max_age`. One from the future is new; one without a date is old."""
        if self.max_age is None:
            return False
        if recording.made is None:
            recording.made = seconds_of(recording.recorded_at)
        return time.time() - recording.made > self.max_age.total_seconds()

    def check(self, call: Call, recording: Recording, *, is_refreshed: bool) -> None:
        """Report what is stale in a recording that is about to be replayed. That it expired is nothing to report if it `is_refreshed`.

        Raises `RecordingExpiredWarning` or `WatchedFieldChangedWarning` where the options ask for that, else warns once a call.
        """
        if self.max_age is not None and self.is_expired(recording) and not is_refreshed:
            self._report_expired(call, recording, self.max_age)
        if call.watched or recording.watched:
            self._compare_watched(call, recording)

    def _report_expired(self, call: Call, recording: Recording, max_age: timedelta) -> None:
        """Raise `RecordingExpiredWarning`, or warn. (`on_expiry="record"` raises too: no call may be made here.)"""
        from memo._engine.reports.commands import recording_command
        from memo._recordings.ages import in_words, moment

        if self._warns and (call.key, "expired") in self._warned:
            return
        made = moment(recording.recorded_at)
        age = None if made is None else timedelta(seconds=time.time() - made)
        limit = f"max_age={in_words(max_age)}"
        warning = RecordingExpiredWarning(
            function=call.function,
            key=call.key,
            location=recording.location(),
            recorded_at="" if age is None else str(recording.recorded_at),
            age=age,
            max_age=max_age,
            problem=f"has no time of recording, which {limit} needs"
            if age is None
            else f"was recorded {in_words(age)} ago, which is more than {limit}",
            command=recording_command(
                "record-if-missing" if self._on_expiry == "record" else "record", of_test=self._of_test
            ),
        )
        if not self._warns:
            raise warning
        self.warn_once((call.key, "expired"), warning)

    def _compare_watched(self, call: Call, recording: Recording) -> None:
        then, now = recording.watched, call.watched
        if then == now:
            return
        changed = {path: (then.get(path), now.get(path)) for path in {**now, **then} if _differs(path, then, now)}
        if not changed:
            return
        target = ""
        layer = layer_of(self._store, recording.name)
        from memo._engine.reports.commands import named_recording, named_suite

        if not isinstance(layer, DirectoryStore):
            target = named_recording(layer, call)
        location = recording.location()
        shown = _values_then_and_now(call, layer, recording)
        warning = WatchedFieldChangedWarning(
            call.function, changed, location, changed, target, shown, named_suite(layer)
        )
        if self._on_watched_change == "fail":
            raise warning
        self.warn_once((call.key, *now.items()), warning)

    def warn_once(self, about: tuple[Any, ...], warning: Warning) -> None:
        """Warn where the user's code made the call; once about the same thing."""
        if about not in self._warned:
            warn(warning, stacklevel=user_stacklevel())
            self._warned.add(about)  # afterwards: a warning that is an error is raised each time


def _differs(path: str, then: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Return whether what is at a path has changed. The key has what is not watched, so the same key has nothing there."""
    if then.get(path) == now.get(path):
        return False
    nothing = canonical_fingerprint(path, [])
    return then.get(path, nothing) != now.get(path, nothing)


def _values_then_and_now(call: Call, store: Store, recording: Recording) -> list[str]:
    """Return lines that show which values of watched fields were recorded, and which are asked for; none if that is unknown."""
    from memo._recordings.difference_lines import lines
    from memo._recordings.differences import differences

    try:
        then = parse(store.get(recording.name) or b"", recording.location).watched_values
    except MemoError:
        return []
    now = masked_values({path: found for path, found in call.watched_values.items() if path in then})
    found = [
        item._replace(path=f"{path}{'.' if item.path[:1] not in ('', '[') else ''}{item.path}")
        for path, values in now.items()
        for item in differences(_alone(then[path]), _alone(values))
    ]
    return lines(found, _LINES)


def _alone(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


_LINES = 20
