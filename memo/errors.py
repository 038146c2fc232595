"""Every error of memo's own: what happened, with which values (also as attributes), and what mends it.

All of them are `MemoError`, survive `pickle` and `copy` (test runners send them between processes), and are never
recorded as the outcome of a call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

__all__ = [
    "DataMismatch",
    "EntryVanished",
    "InvalidMode",
    "InvalidOption",
    "KeyMismatch",
    "MemoError",
    "MissingExtra",
    "NetworkBlocked",
    "NewerFormat",
    "NotARecording",
    "NotPatched",
    "OutcomesExhausted",
    "RecordingDamaged",
    "RecordingExpired",
    "RecordingNotFound",
    "RecordingsSpooled",
    "Refused",
    "StoreError",
    "StoreFull",
    "StoreNotReadable",
    "StoreNotWritable",
    "StreamCutShort",
    "TargetNotFound",
    "TypeNotFound",
    "UnkeyableArgument",
    "UnknownOption",
    "UnrecordableValue",
    "UntrustedType",
    "WatchedFieldChanged",
]


def _rebuild(cls: type[MemoError], args: tuple[Any, ...], state: dict[str, Any]) -> MemoError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class MemoError(Exception):
    """Base class of every error that memo raises by itself."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class InvalidOption(MemoError, ValueError):
    """An option has a value that memo does not know."""

    def __init__(self, option: str, value: object, allowed: Iterable[str]) -> None:
        self.option = option
        self.value = value
        self.allowed = tuple(allowed)
        super().__init__(f"{option}={value!r} is not known to memo; allowed: {', '.join(self.allowed)}")


class InvalidMode(InvalidOption):
    """A mode's name is neither one of memo's nor one of the accepted aliases."""


class UnknownOption(InvalidOption, TypeError):
    """An option has a name that memo does not know: `option` is what was asked, `value` the name, `nearest` the likeliest one."""

    def __init__(self, option: str, value: str, allowed: Iterable[str]) -> None:
        from difflib import get_close_matches  # not needed to import memo

        super().__init__(option, value, allowed)
        self.nearest = next(iter(get_close_matches(value, self.allowed, n=1, cutoff=0.6)), None)
        hint = f"did you mean {self.nearest}?" if self.nearest else f"its options: {', '.join(self.allowed)}"
        self.args = (f"{option} has no option {value!r}; {hint}",)


class MissingExtra(MemoError, ImportError):
    """Something was asked for that an optional part of memo does, which is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        self.feature = feature
        self.extra = extra
        super().__init__(f"{feature} needs an extra that is not installed: pip install 'memo-recorder[{extra}]'")


class NotPatched(MemoError):
    """In replay, an SDK that memo knows was called without its patch: the call would have gone to the network. It did not."""

    def __init__(self, *, sdk: str, method: str, patch: str) -> None:
        self.sdk = sdk
        self.method = method
        self.patch = patch
        super().__init__(
            f"{sdk} was called in replay, but is not patched, so the call would be made live ({method}).\n"
            f"  to replay it: memo.install({patch!r}) at startup, or memo run --patch {patch} -- python …\n"
            f'  in pytest:    {{"patches": ["{patch}"]}}, returned by a fixture memo_config\n'
            '  to make it:   with recording(mode="live"): ... around it'
        )


class TargetNotFound(MemoError, AttributeError):
    """What a patch names is not there, or is no function that can be patched."""

    def __init__(self, target: str, reason: str, nearest: Iterable[str] = ()) -> None:
        self.target = target
        self.reason = reason
        self.nearest = tuple(nearest)
        hint = f". Did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        super().__init__(f"{target} can not be patched: {reason}{hint}")


class UnkeyableArgument(MemoError, TypeError):
    """An argument has no canonical form, so the call can not be told from others. Raised before any live call."""

    def __init__(self, function: str, path: str, reason: str) -> None:
        self.function = function
        self.path = path
        self.reason = reason
        top = path.partition(".")[0].partition("[")[0]
        super().__init__(
            f"{function}: argument {path} {reason}, so this call has no stable key. Three ways out:\n"
            f"  @recordable(ignore=({top!r},))             if it does not change the answer\n"
            f"  @recordable(key=lambda arguments: ...)  to return the arguments that do\n"
            f"  memo.register_codec(TheType, ...)       to say what identifies such a value"
        )


class UnrecordableValue(MemoError, TypeError):
    """A value has no form in typed JSON that is proved to come back equal. The caller got the live value all the same."""

    def __init__(self, path: str, reason: str, *, function: str | None = None) -> None:
        self.path = path
        self.reason = reason
        self.function = function
        super().__init__(path, reason, function)

    def __str__(self) -> str:
        where = f"{self.function}: " if self.function else ""
        return (
            f"{where}{self.path.lstrip('.') or 'the value'} {self.reason}, so it was not recorded. "
            "memo.register_codec(TheType, encode=..., decode=...) teaches memo a type."
        )


class Nearest(NamedTuple):
    """The recording that is likest to a call that has none."""

    location: str
    recorded_at: str
    test: str | None
    """The test that recorded it, where one did."""
    function: str
    version: str | int | None


class RecordingNotFound(MemoError, LookupError):
    """Replay was asked for a call of which there is no recording. No live call was made.

    - `reason`: `"arguments"` (others are recorded), `"version"` (the same arguments are, of another `version=`),
      `"watched"` (the same but for what is watched now and was not then, or the other way round), `"function"` (the
      same arguments are, under another function's name), `"consumed"` (`OutcomesExhausted`), `"moved"` (its file has
      another name), `"no recordings"` (of this function), `"no store"`, `"unknown"` (the store could not be searched).
    - `seen`: how many recordings of the function there are; `looked_at`: how many were compared, in the time there was.
    - `nearest`: the one that is likest (`location`, `recorded_at`, `test`, `function`, `version`), or None, and
      `differences`: what differs, as (path, recorded, asked for), `ABSENT` standing for what one of them does not have.
    - `elsewhere`: directories nearby that do have recordings of the function, where the store has none.
    - `command`: what to type to record it.
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
        counted: str = "",
        told: Iterable[str] = (),
        command: str = "MEMO_MODE=record-if-missing",
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
        shown = arguments if len(arguments) <= 400 else f"{arguments[:400]}… ({len(arguments)} characters)"
        super().__init__(
            "\n".join(
                [
                    f"{function}: {detail}",
                    f"  arguments: {shown}",
                    f"  key:       {key[:32]}",
                    f"  looked in: {store}{f' ({counted})' if counted else ''}",
                    *told,
                    f"  to record: {command}",
                ]
            )
        )


class OutcomesExhausted(RecordingNotFound):
    """The identical call was replayed more often than it was recorded, and the recorder has `exhausted="error"`."""

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
        times = (
            "1 recorded outcome of this call is" if outcomes == 1 else f"{outcomes} recorded outcomes of this call are"
        )
        super().__init__(
            function=function,
            key=key,
            store=store,
            arguments=arguments,
            detail=f"all {times} used up (exhausted='repeat' would repeat the last)",
            reason="consumed",
            seen=1,
            told=[f"  recording: {location}"] if location else [],
            command=command,
        )


class NetworkBlocked(MemoError, OSError):
    """A connection was tried while the network is blocked. None was made.

    An `OSError`, like any connection that fails: clients close their sockets after those alone.
    """

    def __init__(self, host: str, caller: str = "") -> None:
        self.host = host
        self.caller = caller
        """The function that tried, and where it stands."""
        super().__init__(host)

    def __str__(self) -> str:
        who = f"{self.caller} tried to connect" if self.caller else "somebody tried to connect"
        return f"{who} to {self.host}, and the network is blocked in replay"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.host, self.caller), self.__dict__  # an OSError is made by its `__init__`


def _in_quotes(path: str) -> str:
    """A path as a shell takes it."""
    return "'" + path.replace("'", "'\"'\"'") + "'"


class RecordingDamaged(MemoError):
    """A recording is there but can not be read. It is never overwritten silently: delete it, or restore it."""

    def __init__(self, location: str, reason: str) -> None:
        self.location = location
        self.reason = reason
        remove = "rm -r" if reason.startswith("is a directory") else "rm"
        mend = (
            "Delete that entry"
            if "://" in location
            else f"Restore the file, or delete it and record again: {remove} {_in_quotes(location)}"
        )
        super().__init__(f"{location} {reason}. {mend}")


class RecordingExpired(MemoError, UserWarning):
    """A recording is older than the recorder's `max_age`.

    A warning by default, one for each call in a session; raised with `on_expiry="fail"`, and with `on_expiry="record"`
    where no call may be made. `recorded_at` is "" where the recording does not say it, `age` is None then.
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
        said: str,
        command: str,
    ) -> None:
        self.function = function
        self.key = key
        self.location = location
        self.recorded_at = recorded_at
        self.age = age
        self.max_age = max_age
        self.command = command
        super().__init__(f"{function}: {location} {said}. To record it again: {command}")


class NotARecording(RecordingDamaged):
    """A file stands where a recording should be, but memo did not write it."""


class KeyMismatch(RecordingDamaged):
    """A recording's key is not the one that its function and arguments give: it was edited or moved."""


class NewerFormat(MemoError):
    """A recording was written by a newer memo."""

    def __init__(self, location: str, version: object, supported: int) -> None:
        self.location = location
        self.version = version
        self.supported = supported
        self.reason = f"has format version {version!r}; this memo reads up to {supported}"
        super().__init__(f"{location} {self.reason}. Upgrade it: pip install --upgrade memo-recorder")


class UntrustedType(MemoError):
    """A recording names a type that it may not name. Nothing was imported, called or built."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        package = name.partition(":")[0].partition(".")[0]
        super().__init__(
            f"the recording names the type {name}, which {reason}. If you trust it: import {package} before the replay, "
            f"name it in the function's annotations, or pass trust=({package!r},)"
        )


class TypeNotFound(MemoError):
    """A recording names a type that does not exist (any more)."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"the recording names the type {name}, but {reason}. Record again, or bring the type back")


class DataMismatch(MemoError):
    """A recorded value no longer fits its type, which has changed since."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"the recorded data no longer fits {name}: {reason}. Record again")


class StreamCutShort(MemoError):
    """A replayed stream was asked for more than was recorded: its consumer left early when it was recorded."""

    def __init__(self, function: str, items: int) -> None:
        self.function = function
        self.items = items
        super().__init__(
            f"{function}: the recorded consumer left the stream after {items} items, and this one asked for more. "
            "Record again, reading the stream to its end"
        )


class Refused(MemoError):
    """Something was not done with the recordings of a store, since some could have been lost or mixed up. All are as before."""

    def __init__(self, location: str, reason: str) -> None:
        self.location = location
        self.reason = reason
        super().__init__(f"{location} {reason}")


class StoreError(MemoError):
    """A store failed: not the recording, but the place where it lies."""

    def __init__(self, location: str, reason: str) -> None:
        self.location = location
        self.reason = reason
        super().__init__(f"{location} {reason}")


class StoreNotReadable(StoreError):
    """A recording could not be read because the store refused it (permissions, I/O)."""


class StoreNotWritable(StoreError):
    """A recording could not be written (permissions, a read-only or missing place)."""


class StoreFull(StoreError):
    """A recording could not be written because there is no space left."""


class EntryVanished(StoreError):
    """An entry was to be replaced, and somebody deleted it meanwhile: nothing was written (`Swaps.swap`)."""

    def __init__(self, location: str) -> None:
        super().__init__(location, "was deleted while it was being replaced")


class RecordingsSpooled(MemoError, UserWarning):
    """The store could not be reached: what was recorded meanwhile is kept in a local directory. A warning.

    Every caller got its live answer, and nothing is lost: `memo push` delivers it.
    """

    def __init__(self, store: str, spool: str, recordings: int, reason: str) -> None:
        self.store = store
        self.spool = spool
        self.recordings = recordings
        self.reason = reason
        super().__init__(
            f"{recordings} recordings could not be stored in {store} ({reason}) and are kept in {spool}. "
            f"When it is back: memo push {_in_quotes(spool)} STORE"
        )


class WatchedFieldChanged(MemoError, UserWarning):
    """A replayed call differs from the recorded one in a field that `watch` keeps out of the key.

    A warning by default, one for each change of a call in a session; raised with `on_watched_change="fail"`. `fields` are
    the paths that changed, `fingerprints` what they were and are: path to (recorded, asked for), None where it is not
    watched. `memo rekey` accepts the new ones into the recording at `location`; `target` is what to type for that, where
    it is no file.
    """

    def __init__(
        self,
        function: str,
        fields: Iterable[str],
        location: str = "",
        fingerprints: Mapping[str, tuple[str | None, str | None]] | None = None,
        target: str = "",
    ) -> None:
        self.function = function
        self.fields = tuple(fields)
        self.location = location
        self.target = target
        self.fingerprints = dict(fingerprints or {})
        said = (
            f"{function}: replayed although {', '.join(self.fields)} changed since it was recorded "
            "(watched, not part of the key)"
        )
        if self.fingerprints and location:
            import shlex  # not for everybody who imports memo

            accepting = " ".join(
                f"--drop {shlex.quote(path)}" if new is None else f"--watch {shlex.quote(f'{path}#{new}')}"
                for path, (_, new) in self.fingerprints.items()
            )
            said += f". If the answer still stands: memo rekey {target or shlex.quote(location)} {accepting}"
        super().__init__(said)
