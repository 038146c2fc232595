"""Calls that cannot be replayed, or were replayed although something has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from memo.errors._base import MemoError

__all__ = [
    "Nearest",
    "OrderNotKeptWarning",
    "OutcomesExhausted",
    "RecordingExpiredWarning",
    "RecordingNotFound",
    "RecordingsDifferWarning",
    "StreamCutShort",
    "WatchedFieldChangedWarning",
]


class Nearest(NamedTuple):
    """The recording that is most like a call that has none."""

    location: str
    recorded_at: str
    test: str | None
    """The test that recorded it, where a test did."""
    function: str
    version: str | int | None


class RecordingNotFound(MemoError, LookupError):
    """A call that should be replayed has no recording. No live call was made.

    - `reason`: `"arguments"` (other arguments are recorded), `"version"` (the same arguments are, with another
      `version=`), `"watched"` (the same except for arguments that are watched now and were not then, or the other way round),
      `"function"` (the same arguments are, under the name of another function), `"consumed"` (`OutcomesExhausted`),
      `"moved"` (the file has another name), `"no recordings"` (of this function), `"no store"`, `"unknown"` (the store
      could not be searched).
    - `seen`: the number of recordings of the function; `looked_at`: how many were compared in the time allowed.
    - `nearest`: the recording that is most like the call (`location`, `recorded_at`, `test`, `function`, `version`), or
      None, and `differences`: what differs, as (path, recorded, asked for), with `ABSENT` for what one side lacks.
    - `elsewhere`: directories nearby that have recordings of the function, where the store has none.
    - `command`: the command that records the call.
    - `rule`: the pattern of `modes` because of which the call is replayed; "" if there is none.
    """

    def __init__(
        self,
        *,
        function: str,
        key: str,
        store: str,
        arguments: str,
        detail: str = "there is no recording of this call",
        reason: str = "arguments",
        seen: int = 0,
        looked_at: int = 0,
        nearest: Nearest | None = None,
        differences: tuple[tuple[str, Any, Any], ...] = (),
        elsewhere: tuple[str, ...] = (),
        summary: str = "",
        details: Iterable[str] = (),
        command: str = "MEMO_MODE=record-if-missing",
        rule: str = "",
    ) -> None:
        self.function = function
        self.key = key
        self.store = store
        self.arguments = arguments
        self.reason = reason
        self.seen = seen
        self.looked_at = looked_at
        self.nearest = nearest
        self.differences = differences
        self.elsewhere = elsewhere
        self.command = command
        self.rule = rule
        shown = arguments if len(arguments) <= 400 else f"{arguments[:400]}… ({len(arguments)} characters)"
        super().__init__(
            "\n".join(
                [
                    f"{function}: {detail}",
                    f"  arguments: {shown}",
                    f"  key:       {key[:32]}",
                    f"  looked in: {store}{f' ({summary})' if summary else ''}",
                    *details,
                    *([f"  mode:      replay, by {rule}"] if rule else []),
                    f"  to record: {command}",
                ]
            )
        )


class OrderNotKeptWarning(MemoError, UserWarning):
    """Concurrent calls were replayed in another order than that in which they ended when they were recorded. A warning.

    Each waited for the call that had ended before it, which did not come in the time that the call took when it was recorded: the
    program makes its calls in another way now. `calls` has how many calls waited, by function; `missed` names what they waited
    for, as `function/key`. One warning at the end of a scope.
    """

    def __init__(self, calls: Mapping[str, int], missed: Iterable[str], command: str = "MEMO_MODE=record") -> None:
        self.calls = dict(calls)
        self.missed = tuple(missed)
        self.command = command
        lines = [
            f"  {function}: {count} {'call' if count == 1 else 'calls'} waited in vain"
            for function, count in self.calls.items()
        ]
        functions = ", ".join(sorted({name.rpartition("/")[0] for name in self.missed}))
        super().__init__(
            "concurrent calls were replayed in another order than they were recorded in, since the program does not make them "
            "at the same time any more:\n"
            + "\n".join(lines)
            + f", for {functions}\n  to record the order anew: {command}"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.calls, self.missed, self.command), self.__dict__


class OutcomesExhausted(RecordingNotFound):
    """An identical call was replayed more often than it was recorded, and the recorder has `exhausted="error"`."""

    def __init__(
        self,
        *,
        function: str,
        key: str,
        store: str,
        arguments: str,
        outcomes: int,
        location: str = "",
        command: str = "MEMO_MODE=record",
    ) -> None:
        self.outcomes = outcomes
        self.location = location
        all_are = (
            "the only recorded outcome of this call is"
            if outcomes == 1
            else f"all {outcomes} recorded outcomes of this call are"
        )
        super().__init__(
            function=function,
            key=key,
            store=store,
            arguments=arguments,
            detail=f"{all_are} used up (exhausted='repeat' repeats the last)",
            reason="consumed",
            seen=1,
            details=[f"  recording: {location}"] if location else [],
            command=command,
        )


class StreamCutShort(MemoError):
    """A replayed stream was read further than it was recorded: when it was recorded, its consumer left early."""

    def __init__(self, function: str, items: int, unit: str = "item") -> None:
        self.function = function
        self.items = items
        self.unit = unit
        """What `items` counts: "item", or "byte" of a body that is read as bytes."""
        super().__init__(
            f"{function}: the stream was read further than it was recorded: its consumer left after {items} "
            f"{unit}{'' if items == 1 else 's'}\n"
            "  record again, and read the stream to its end"
        )


class RecordingExpiredWarning(MemoError, UserWarning):
    """A recording is older than the `max_age` of the recorder.

    A warning by default, once per call and session; raised with `on_expiry="fail"`, and with `on_expiry="record"` where no
    call may be made. Where the recording does not say when it was made, `recorded_at` is "" and `age` is None.
    """

    def __init__(
        self,
        *,
        function: str,
        key: str,
        location: str,
        recorded_at: str,
        age: timedelta | None,
        max_age: timedelta,
        problem: str,
        command: str,
    ) -> None:
        self.function = function
        self.key = key
        self.location = location
        self.recorded_at = recorded_at
        self.age = age
        self.max_age = max_age
        self.command = command
        super().__init__(f"{function}: {location} {problem}\n  to record it again: {command}")


class RecordingsDifferWarning(MemoError, UserWarning):
    """In `verify`, the outcomes of calls differ from their recordings in a way that breaks code. A warning.

    `changes` has a line for each change: the function, the tier and the path.
    """

    def __init__(self, calls: int, changes: Sequence[str]) -> None:
        self.calls = calls
        self.changes = list(changes)
        shown = [f"  {line}" for line in self.changes[:10]]
        if len(self.changes) > len(shown):
            shown.append(f"  and {len(self.changes) - len(shown):,} more")
        one = "the call that was made again differs from its recording:"
        head = one if calls == 1 else f"of {calls:,} calls made again, some differ from their recordings:"
        super().__init__("\n".join([head, *shown, "  to record again: MEMO_MODE=record"]))


class WatchedFieldChangedWarning(MemoError, UserWarning):
    """A replayed call differs from the recorded one in a field that `watch` keeps out of the key.

    A warning by default, once per change of a call in a session; raised with `on_watched_change="fail"`. `fields` are the
    paths that changed; `fingerprints` maps each path to its fingerprints (recorded, asked for), None where the path is not
    watched. `differences` are lines that show the old values and the new ones, as far as the recording has the old ones; their
    secrets are masked. `memo rekey` accepts the new ones into the recording at `location`; `target` names the recording for
    that command where it is no file, and `everywhere` the store, or all stores of a suite, in which it accepts the same change.
    """

    def __init__(
        self,
        function: str,
        fields: Iterable[str],
        location: str = "",
        fingerprints: Mapping[str, tuple[str | None, str | None]] | None = None,
        target: str = "",
        differences: Iterable[str] = (),
        everywhere: str = "",
    ) -> None:
        self.function = function
        self.fields = tuple(fields)
        self.location = location
        self.target = target
        self.differences = tuple(differences)
        self.everywhere = everywhere
        self.fingerprints = dict(fingerprints or {})
        message = (
            f"{function}: replayed although {', '.join(self.fields)} changed since it was recorded "
            "(watched, not part of the key)"
        )
        message += "".join(f"\n    {line}" for line in self.differences)
        if self.fingerprints and location:
            import shlex  # needed only here

            accepting = " ".join(
                f"--drop {shlex.quote(path)}" if new is None else f"--watch {shlex.quote(f'{path}#{new}')}"
                for path, (_, new) in self.fingerprints.items()
            )
            message += f"\n  if the answer is still right: memo rekey {target or shlex.quote(location)} {accepting}"
            both = {path: prints for path, prints in self.fingerprints.items() if None not in prints}
            if everywhere and len(both) == len(self.fingerprints):
                accepting = " ".join(
                    f"--watch {shlex.quote(f'{path}#{old}#{new}')}" for path, (old, new) in both.items()
                )
                only = shlex.quote(function)
                message += f"\n  in the whole suite:            memo rekey {everywhere} --only {only} {accepting}"
        super().__init__(message)
