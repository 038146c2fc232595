"""The errors and warnings that memo raises: what happened, with which values (also as attributes), and how to fix it.

Each is a `MemoError`, survives `pickle` and `copy` (test runners send errors between processes), and is never recorded
as the outcome of a call. The command or code that fixes the problem is on a separate line, ready to be pasted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

__all__ = [
    "AlreadyPatched",
    "AlreadyStarted",
    "ArgumentsChangedWarning",
    "CallNotAllowed",
    "CallNotRepeatable",
    "CallsNotRecordedWarning",
    "ContradictingModes",
    "CostLimitReached",
    "CredentialIgnoredWarning",
    "DataMismatch",
    "EntryVanished",
    "ErrorNotWholeWarning",
    "InvalidDuration",
    "InvalidMode",
    "InvalidOption",
    "KeyCollision",
    "KeyCollisionWarning",
    "KeyMismatch",
    "MemoError",
    "MissingExtra",
    "Nearest",
    "NetworkBlocked",
    "NewerFormat",
    "NoCallsWarning",
    "NoSourceVersion",
    "NotARecording",
    "NotPatched",
    "OutcomesExhausted",
    "RecordingDamaged",
    "RecordingExpiredWarning",
    "RecordingNotFound",
    "RecordingReplacedWarning",
    "RecordingsDifferWarning",
    "RecordingsSpooledWarning",
    "Refused",
    "ScopeLost",
    "ScopeLostWarning",
    "ScopeNotPortable",
    "ScopeRefused",
    "StoreError",
    "StoreFull",
    "StoreLocked",
    "StoreNotReadable",
    "StoreNotWritable",
    "StreamCutShort",
    "TargetNotFound",
    "TooManyLiveCalls",
    "TypeNotFound",
    "TypeNotImported",
    "UncertainDrawsWarning",
    "UnkeyableArgument",
    "UnknownFunctionWarning",
    "UnknownOption",
    "UnrecordableValue",
    "UntrustedType",
    "WatchedFieldChangedWarning",
]


def _rebuild(cls: type[MemoError], args: tuple[Any, ...], state: dict[str, Any]) -> MemoError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class MemoError(Exception):
    """The base class of every error that memo raises."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


# Options and state


class InvalidOption(MemoError, ValueError):
    """An option has a value that memo does not know. `nearest` is the allowed one that was probably meant, or ""."""

    def __init__(self, option: str, value: object, allowed: Iterable[str]) -> None:
        self.option = option
        self.value = value
        self.allowed = tuple(map(str, allowed))
        self.nearest = _nearest_to(value, self.allowed)
        hint = f" (did you mean {self.nearest!r}?)" if self.nearest else ""
        super().__init__(f"{option}={value!r} is invalid{hint}; allowed: {', '.join(self.allowed)}")


def _nearest_to(value: object, allowed: Iterable[str]) -> str:
    from difflib import get_close_matches  # not needed to import memo

    return next(iter(get_close_matches(value, allowed, 1, 0.6)), "") if isinstance(value, str) else ""


class InvalidMode(InvalidOption):
    """The name of a mode is neither one of memo's nor one of the accepted aliases."""


class ContradictingModes(InvalidOption):
    """Two patterns of `modes` are equally specific, cover the same function, and name different modes: `modes` has both."""

    def __init__(self, option: str, modes: Mapping[str, str]) -> None:
        self.modes = dict(modes)
        (one, first), (other, second) = self.modes.items()
        super().__init__(
            option, self.modes, [f"{one!r} and {other!r} with one mode", "a pattern that is more specific"]
        )
        both = f"{option}: {one!r} ({first}) and {other!r} ({second}) are equally specific and cover the same functions"
        self.args = (f"{both}\n  to choose one: a more specific pattern, such as a function's whole name",)


class InvalidDuration(InvalidOption):
    """An age is neither a number with a unit nor a timedelta."""

    def __init__(self, option: str, value: object) -> None:
        super().__init__(option, value, ["90s", "15m", "12h", "30d", "4w"])
        rule = (
            "use a number and s, m, h, d or w (30d)"
            if isinstance(value, str)
            else "use '30d', or a timedelta of 0 or more"
        )
        self.args = (f"{option}: invalid duration {value!r}: {rule}",)


class NoSourceVersion(InvalidOption):
    """A function with `version="source"` has no complete source."""

    def __init__(self, function: str, reason: str) -> None:
        super().__init__("version", "source", ["a number or a text that you change when the function changes"])
        self.function = function
        self.reason = reason
        self.args = (f"{function}: there is no version='source': {reason}\n  to name versions yourself: version=1",)


class AlreadyStarted(MemoError, RuntimeError):
    """A recorder cannot become the default of the process: another one is."""

    def __init__(self, recorder: str, started: str) -> None:
        self.recorder = recorder
        self.started = started
        super().__init__(
            f"{recorder} cannot be started: {started} is the default of the process\n  to stop that one: memo.stop()"
        )


class CallNotAllowed(MemoError, RuntimeError):
    """A live call was requested, and the mode of the recorder allows none. No call was made."""

    def __init__(self, function: str, mode: str) -> None:
        self.function = function
        self.mode = mode
        super().__init__(
            f"{function}: refresh() makes a live call, and the mode {mode} allows none\n"
            '  to allow it: mode="record-if-missing", or MEMO_MODE=record-if-missing'
        )


class UnknownOption(InvalidOption, TypeError):
    """An option has a name that memo does not know: `option` is what was called, `value` the name."""

    def __init__(self, option: str, value: str, allowed: Iterable[str]) -> None:
        super().__init__(option, value, allowed)
        hint = f"did you mean {self.nearest}?" if self.nearest else f"its options: {', '.join(self.allowed)}"
        self.args = (f"{option} has no option {value!r}; {hint}",)


class MissingExtra(MemoError, ImportError):
    """An optional part of memo was used, and the packages that it needs are not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        self.feature = feature
        self.extra = extra
        super().__init__(
            f"{feature} needs an extra that is not installed: {extra}\n  pip install 'memo-recorder[{extra}]'"
        )


# Patches


class AlreadyPatched(MemoError, ValueError):
    """A target is recordable already, with options other than those requested."""

    def __init__(self, target: str, options: str, present: str) -> None:
        self.target = target
        self.options = options
        self.present = present
        super().__init__(f"{target} cannot be patched with {options}: {present}")


class NotPatched(MemoError):
    """In replay, an SDK that memo has a preset for was called without its patch. No call was made."""

    def __init__(self, *, sdk: str, method: str, patch: str) -> None:
        self.sdk = sdk
        self.method = method
        self.patch = patch
        super().__init__(
            f"{sdk} was called in replay, but is not patched, so the call would be live: {method}\n"
            f"  to replay it: memo.install({patch!r}) at startup, or memo run --patch {patch} -- python …\n"
            f'  in pytest:    {{"patches": ["{patch}"]}}, returned by a fixture memo_config\n'
            f'  to call it:   allow=("{patch}",) among the options of the recorder, of the mark, of memo_config or of [tool.memo]\n'
            '                or with recording(mode="live"): ... around it'
        )


class TargetNotFound(MemoError, AttributeError):
    """A patch names a target that does not exist, or that is not a function that can be patched."""

    def __init__(self, target: str, reason: str, nearest: Iterable[str] = ()) -> None:
        self.target = target
        self.reason = reason
        self.nearest = tuple(nearest)
        hint = f". Did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        super().__init__(f"{target} cannot be patched: {reason}{hint}")


# Scopes and keys


class ScopeLost(MemoError, RuntimeError):
    """In replay, a call came from a thread, task or event loop that is in no scope, while several recorders are open.

    No call was made. With one recorder open, that one serves such calls; with several, and in a server with one whose scope
    came with a request, memo does not guess. `context` names the thread or task, `recorders` the open recorders.
    """

    def __init__(self, function: str, context: str, recorders: Iterable[str]) -> None:
        self.function = function
        self.context = context
        self.recorders = tuple(recorders)
        count = len(self.recorders)
        super().__init__(
            f"{function}: called from {context}, which is in no scope, while "
            f"{f'{count} recorders are' if count > 1 else 'a recorder is'} open: {', '.join(self.recorders)}\n"
            "  to carry the scope along:   executor.submit(memo.carry(function), ...)\n"
            "  to take it to a worker:     queue.put((memo.captured(), work)), and there: with scope: ...\n"
            "  to bind it to a recorder:   @recorder.recordable\n"
            '  to call live on purpose:    with memo.recording(mode="live"): ...\n'
            "  to keep a recorder out:     recording(..., isolated=True)"
        )


class ScopeLostWarning(ScopeLost, UserWarning):
    """While recording, a call came from a context that is in no scope: it was made live, and not recorded."""


class ScopeNotPortable(MemoError, ValueError):
    """A scope cannot be handed to another process: a part of it has no form that another process can read."""

    def __init__(self, part: str, reason: str, fix: str) -> None:
        self.part = part
        self.reason = reason
        super().__init__(f"the scope cannot leave this process: {part} {reason}\n  {fix}")


class ScopeRefused(MemoError, ValueError):
    """A carried scope was not accepted: it is damaged, unsigned, or signed by another run. It has no effect."""

    def __init__(self, reason: str, fix: str) -> None:
        self.reason = reason
        super().__init__(f"a carried scope was refused: {reason}\n  {fix}")


class KeyCollision(MemoError, RuntimeError):
    """Two different functions, or two objects, share one key: the second would get the answer of the first.

    Raised by functions that are bound to a recorder; in scopes, a `KeyCollisionWarning` is issued once per function.
    """

    def __init__(self, function: str, first: str, second: str) -> None:
        self.function = function
        self.first = first
        self.second = second
        super().__init__(
            f"{function}: two different callables share this name and the same arguments: {first} and {second}\n"
            '  to name a function:           @recordable(name="...")\n'
            "  to tell the objects apart:    @recordable(identity=lambda self: ...)"
        )


class KeyCollisionWarning(KeyCollision, UserWarning):
    """In a scope, two different functions, or two objects, share one key: a warning, once per function."""


class NoCallsWarning(MemoError, UserWarning):
    """A scope of `recording()` ended without a call that memo knows, while the process connected to other hosts.

    These connections were neither recorded nor replayed. A scope without a call and without a connection is only logged.
    """

    def __init__(self, recorder: str, hosts: Iterable[str] = ()) -> None:
        self.recorder = recorder
        self.hosts = tuple(hosts)
        """The hosts that were connected to, with their ports: by anything in the process."""
        reached = f", but reached {', '.join(self.hosts)}" if self.hosts else ""
        super().__init__(
            f"{recorder}: the scope saw no call of a recordable function or of a patched SDK{reached}\n"
            "  to record an SDK:            memo.install('openai')\n"
            "  to record any HTTP client:   memo.install('http')\n"
            "  to record a function:        @memo.recordable"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.recorder, self.hosts), self.__dict__


class CredentialIgnoredWarning(MemoError, UserWarning):
    """Two calls differ only in a credential, which is not part of the key: the second gets the answer of the first.

    Once per function and session, and only in scopes: in functions that are bound to a recorder, and in stores on a server, a credential
    identifies the call.
    """

    def __init__(self, function: str, paths: tuple[str, ...]) -> None:
        self.function = function
        self.paths = paths
        """Where in the arguments the credentials are."""
        super().__init__(
            f"{function}: two calls differ only in the credential in {', '.join(paths)}, which is not part of the key, so "
            "both get the same answer\n"
            f"  if the answer does not depend on it:   @recordable(ignore=({paths[0]!r},))\n"
            f"  to name a credential everywhere:       recording(..., secrets=({paths[0].rpartition('.')[2]!r},))\n"
            "  if the answer depends on it:           @recorder.recordable, a function that is bound to a recorder"
        )


class UnkeyableArgument(MemoError, TypeError):
    """An argument has no canonical form, so the call cannot be distinguished from others. Raised before any live call."""

    def __init__(self, function: str, path: str, reason: str, *, receiver: bool = False) -> None:
        self.function = function
        self.path = path
        self.reason = reason
        self.receiver = receiver
        """Whether it is the object on which a memoized method was called."""
        top = path.partition(".")[0].partition("[")[0]
        ways = (
            f"  to name what changes the answer:         @recordable(identity=lambda {top}: ...), None for nothing\n"
            f"  to do without the object:                @recordable above a function that takes its parts as arguments\n"
            if receiver
            else f"  if it does not change the answer:        @recordable(ignore=({top!r},))\n"
            f"  to name the arguments that do:           @recordable(key=lambda arguments: ...)\n"
        )
        super().__init__(
            f"{function}: argument {path} {reason}, so this call has no stable key\n{ways}"
            f"  to teach memo what identifies the value: memo.register_codec(TheType, encode=..., decode=...)"
        )


class UnrecordableValue(MemoError, TypeError):
    """A value has no form in typed JSON that is proved to come back equal. The caller still got the live value.

    `fix` is the line that fixes the problem.
    """

    def __init__(
        self,
        path: str,
        reason: str,
        *,
        function: str | None = None,
        fix: str = "to teach memo its type: memo.register_codec(TheType, encode=..., decode=...)",
    ) -> None:
        self.path = path
        self.reason = reason
        self.function = function
        self.fix = fix
        super().__init__(path, reason, function)

    def __str__(self) -> str:
        where = f"{self.function}: " if self.function else ""
        return f"{where}{self.path.lstrip('.') or 'the value'} {self.reason}, so it was not recorded\n  {self.fix}"


# Replay


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


class NetworkBlocked(MemoError, OSError):
    """A connection was attempted while the network is blocked. No connection was made.

    An `OSError`, like the error of any connection that fails: clients close their sockets after an `OSError` alone.
    """

    def __init__(self, host: str, caller: str = "") -> None:
        self.host = host
        self.caller = caller
        """The function that tried to connect, with its file and line."""
        super().__init__(host)

    def __str__(self) -> str:
        who = f"{self.caller} tried to connect" if self.caller else "something tried to connect"
        return f"{who} to {self.host}, and the network is blocked in replay"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.host, self.caller), self.__dict__  # an OSError is made by its `__init__`


# Recordings and stores


def _in_quotes(path: str) -> str:
    """Quote a path for a shell."""
    return "'" + path.replace("'", "'\"'\"'") + "'"


_LINE = re.compile(r"\.jsonl(?:#|:\d+$)")
"""A place in a file of JSON lines."""


class RecordingDamaged(MemoError):
    """A recording exists but cannot be read. A damaged recording is never overwritten silently: restore it, or delete it."""

    def __init__(self, location: str, reason: str) -> None:
        self.location = location
        self.reason = reason
        remove = "rm -r" if reason.startswith("is a directory") else "rm"
        fix = (
            "restore the entry, or delete it and record again"
            if "://" in location
            else "restore the file, or delete the line and record again"
            if _LINE.search(location)
            else f"take one side: git checkout --ours {_in_quotes(location)} (or --theirs)"
            if reason.startswith("holds a merge conflict")
            else f"restore the file, or delete it and record again: {remove} {_in_quotes(location)}"
        )
        super().__init__(f"{location} {reason}\n  {fix}")


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


class NotARecording(RecordingDamaged):
    """A file has the name of a recording, but memo did not write it."""


class KeyMismatch(RecordingDamaged):
    """The key of a recording is not the one that its function and arguments give: the file was edited or moved."""


class NewerFormat(MemoError):
    """A recording was written by a newer version of memo."""

    def __init__(self, location: str, version: object, supported: int) -> None:
        self.location = location
        self.version = version
        self.supported = supported
        self.reason = f"has format version {version!r}; this memo reads up to {supported}"
        super().__init__(f"{location} {self.reason}\n  pip install --upgrade memo-recorder")


class UntrustedType(MemoError):
    """A recording names a type that recordings may not name. Nothing was imported, called or built."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        package = name.partition(":")[0].partition(".")[0]
        super().__init__(
            f"the recording names a type that {reason}: {name}\n"
            f"  to trust it: import {package} before the replay, name the type in the annotations of the function, "
            f"or pass trust=({package!r},)"
        )


class TypeNotFound(MemoError):
    """A recording names a type that does not exist (any more)."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(
            f"the recording names the type {name}, but {reason}\n  to replay it: record again, or restore the type"
        )


class TypeNotImported(UntrustedType, TypeNotFound):
    """A recording names a type of a module that the program has not imported. Nothing was imported.

    The module may be one of a package that is imported: no file decides what else of a package runs.
    """

    def __init__(self, name: str, module: str) -> None:
        package = module.partition(".")[0]
        part = "package" if module == package else "module"
        self.name = name
        self.module = module
        self.reason = f"is in the {part} {module}, which this program has not imported"
        MemoError.__init__(
            self,
            f"the recording names a type that {self.reason}: {name}\n"
            f"  to trust it: import {module} before the replay, name the type in the annotations of the function, "
            f"or pass trust=({package!r},)",
        )


class DataMismatch(MemoError):
    """A recorded value no longer fits its type, which has changed."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"the recorded data no longer fits {name}: {reason}\n  record again")


class StreamCutShort(MemoError):
    """A replayed stream was read further than it was recorded: when it was recorded, its consumer left early."""

    def __init__(self, function: str, items: int) -> None:
        self.function = function
        self.items = items
        super().__init__(
            f"{function}: the stream was read further than it was recorded: its consumer left after {items} "
            f"item{'' if items == 1 else 's'}\n"
            "  record again, and read the stream to its end"
        )


class Refused(MemoError):
    """A change of the recordings of a store was refused, since some could have been lost or mixed up. Nothing was changed."""

    def __init__(self, location: str, reason: str) -> None:
        self.location = location
        self.reason = reason
        super().__init__(f"{location} {reason}")


class StoreError(MemoError):
    """A store failed: not one recording, but the place that holds the recordings. `fix` is the line that fixes it, or ""."""

    def __init__(self, location: str, reason: str, fix: str = "") -> None:
        self.location = location
        self.reason = reason
        self.fix = fix
        super().__init__(f"{location} {reason}" + (f"\n  {fix}" if fix else ""))


class StoreNotReadable(StoreError):
    """A recording could not be read because the store refused it (permissions, I/O)."""


class StoreNotWritable(StoreError):
    """A recording could not be written (permissions, a read-only or missing place)."""


class StoreLocked(StoreNotWritable, StoreNotReadable):
    """Another process has kept a store locked for longer than callers wait: it may be free in a moment."""


class StoreFull(StoreError):
    """A recording could not be written because no space is left."""


class CallsNotRecordedWarning(MemoError, UserWarning):
    """Calls in a recording mode ended without an outcome that is recorded, so that a replay will not find the calls. A warning.

    The calls were cancelled, or raised an error that does not answer the call: connection, time-out, 429, 5xx; or they had a
    credential, and the store failed whose salt its digest needs. `calls` has how often that happened, by function and reason.
    """

    def __init__(self, calls: Mapping[str, Mapping[str, int]]) -> None:
        self.calls = {function: dict(reasons) for function, reasons in calls.items()}
        lines = [
            f"  {function}: {count} {'call' if count == 1 else 'calls'} {_of(count, reason)}"
            for function, reasons in self.calls.items()
            for reason, count in reasons.items()
        ]
        if any(reason.startswith(("raised", "answered")) for reasons in self.calls.values() for reason in reasons):
            lines.append("  to record errors that are no answers, too: recording(…, errors='all')")
        count = sum(sum(reasons.values()) for reasons in self.calls.values())
        super().__init__(
            f"{count} {'call was' if count == 1 else 'calls were'} not recorded, so a replay will not find "
            f"{'it' if count == 1 else 'them'}:\n" + "\n".join(lines)
        )


def _of(count: int, reason: str) -> str:
    """Return what happened to so many calls: reasons are written for one."""
    return f"were {reason[4:]}" if count != 1 and reason.startswith("was ") else reason


class UncertainDrawsWarning(MemoError, UserWarning):
    """Identical calls gave different outcomes, and a replay may give them to other callers than the recording did. A warning.

    One for each `function` in a session. `reason` says how the calls were made.
    """

    def __init__(self, function: str, reason: str, fix: str) -> None:
        self.function = function
        self.reason = reason
        super().__init__(
            f"{function}: identical calls gave different outcomes, and a replay may give them to other calls: one call was made {reason}\n"
            f"  {fix}"
        )


class RecordingReplacedWarning(MemoError, UserWarning):
    """An earlier recorder of this process recorded other outcomes of the same calls into the same store. A warning.

    In `record` a session replaces what was recorded before, so a replay gives the later outcomes to both. `functions` names the
    functions that were called, `store` the store.
    """

    def __init__(self, functions: Iterable[str], store: str) -> None:
        self.functions = list(functions)
        self.store = store
        super().__init__(
            f"{', '.join(self.functions)}: outcomes that this process recorded into {store} earlier were replaced, so a replay gives the "
            "later outcomes in both places\n"
            "  to keep both: one recording(…) around all of the calls, or mode='record-if-missing'"
        )


class UnknownFunctionWarning(MemoError, UserWarning):
    """A pattern of `modes` or `faults` covered no call, and covers no function that is known at the end. A warning.

    `pattern` is the pattern, `nearest` the known function that was probably meant, or "".
    """

    def __init__(self, option: str, pattern: str, nearest: str) -> None:
        self.option = option
        self.pattern = pattern
        self.nearest = nearest
        hint = f"; did you mean {nearest!r}?" if nearest else ""
        super().__init__(f"{option}: the pattern {pattern!r} covers no recordable function{hint}")


class CallNotRepeatable(MemoError, LookupError):
    """A function that is named to be called again cannot be called: `function`, and `reason`."""

    def __init__(self, function: str, reason: str, fix: str = "") -> None:
        self.function = function
        self.reason = reason
        advice = f"\n  to make the call: {fix}" if fix else ""
        super().__init__(f"{function}: its recorded calls cannot be made again: {reason}{advice}")


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


class TooManyLiveCalls(MemoError, RuntimeError):
    """A call would have gone to the real function, after the `max_live` calls that the recorder allows. It was not made."""

    def __init__(self, function: str, max_live: int) -> None:
        self.function = function
        self.max_live = max_live
        calls = f"{max_live} live call{'' if max_live == 1 else 's'}"
        super().__init__(
            f"{function}: the call was not made, since the recorder allows {calls}\n"
            f"  to allow more: recording(..., max_live={max_live + 1})"
        )


class CostLimitReached(MemoError, RuntimeError):
    """A call would have gone to the real function, and the calls so far cost the recorder's `max_cost`. It was not made."""

    def __init__(self, function: str, max_cost: float, spent: float) -> None:
        self.function = function
        self.max_cost = max_cost
        self.spent = spent
        super().__init__(
            f"{function}: the call was not made, since the live calls so far cost {spent:.4g}, and the recorder allows {max_cost:g}\n"
            f"  to allow more: recording(..., max_cost={max_cost * 2:g})"
        )


class EntryVanished(StoreError):
    """An entry was deleted while it was being replaced: nothing was written (`Swaps.swap`)."""

    def __init__(self, location: str) -> None:
        super().__init__(location, "was deleted while it was being replaced")


class ArgumentsChangedWarning(MemoError, UserWarning):
    """A call changed its own arguments while it was recorded: a replay does not change them, so the next call is another call.

    A warning, one for each function and each set of changed `paths` in a session. The call is recorded as it began.
    """

    def __init__(self, function: str, paths: Iterable[str]) -> None:
        self.function = function
        self.paths = tuple(paths)
        names = ", ".join(repr(name) for name in dict.fromkeys(re.split(r"[.\[]", path)[0] for path in self.paths))
        super().__init__(
            f"{function}: the call changed its own arguments: {', '.join(self.paths)}. In replay the function does not run, "
            "and the arguments do not change, so the next call is another call\n"
            "  to keep them unchanged:       change a copy, and return it\n"
            f"  to leave them out of the key: @recordable(ignore=({names},))"
        )


class ErrorNotWholeWarning(MemoError, UserWarning):
    """An error was recorded without some of its attributes, or of the exceptions in its chain: none of these has a recorded form.

    A warning, one for each function and each set of `paths` in a session. A replayed error lacks what the paths name.
    """

    def __init__(self, function: str, error: str, paths: Iterable[str]) -> None:
        self.function = function
        self.error = error
        self.paths = tuple(paths)
        super().__init__(
            f"{function}: {error} was recorded without the parts that cannot be recorded: {', '.join(self.paths)}\n"
            "  to teach memo the type of each: memo.register_codec(TheType, encode=..., decode=...)"
        )


class RecordingsSpooledWarning(MemoError, UserWarning):
    """The store could not be reached: recordings are kept in a local directory in the meantime. A warning.

    Every caller got the live answer, and nothing is lost: `memo push` delivers the recordings.
    """

    def __init__(self, store: str, spool: str, recordings: int, reason: str) -> None:
        self.store = store
        self.spool = spool
        self.recordings = recordings
        self.reason = reason
        super().__init__(
            f"{recordings} {'recording' if recordings == 1 else 'recordings'} could not be stored in {store} ({reason}) "
            f"and {'is' if recordings == 1 else 'are'} kept in {spool}\n"
            f"  when the store is back: memo push {_in_quotes(spool)} STORE"
        )


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


_OLD_NAMES = {
    "RecordingExpired": "RecordingExpiredWarning",
    "RecordingsSpooled": "RecordingsSpooledWarning",
    "WatchedFieldChanged": "WatchedFieldChangedWarning",
}


def __getattr__(name: str) -> Any:
    if name not in _OLD_NAMES:
        raise AttributeError(f"module 'memo.errors' has no attribute {name!r}")
    from warnings import warn

    warn(f"memo.errors.{name} is now {_OLD_NAMES[name]}", DeprecationWarning, stacklevel=2)
    return globals()[_OLD_NAMES[name]]
