"""What is not recorded, or not as it was."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from memo.errors._base import MemoError

__all__ = [
    "ArgumentsChangedWarning",
    "CallsNotRecordedWarning",
    "ContextVariableSetWarning",
    "CredentialIgnoredWarning",
    "ErrorNotWholeWarning",
    "NoCallsWarning",
    "RecordingReplacedWarning",
    "UncertainDrawsWarning",
    "UnrecordableValue",
]


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


class CallsNotRecordedWarning(MemoError, UserWarning):
    """Calls in a recording mode ended without an outcome that is recorded, so that a replay will not find the calls. A warning.

    The calls were cancelled, or raised an error that does not answer the call: connection, timeout, 429, 5xx; or they had a
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


class ContextVariableSetWarning(MemoError, UserWarning):
    """A call set context variables that its caller can see, while it was recorded: a replay does not set them. A warning.

    One for each function and each set of `variables` in a session. What a function sets and resets to the same object does not
    count.
    """

    def __init__(self, function: str, variables: Iterable[str]) -> None:
        self.function = function
        self.variables = tuple(variables)
        names = ", ".join(map(repr, self.variables))
        one = len(self.variables) == 1
        super().__init__(
            f"{function}: the call set the context {'variable' if one else 'variables'} {names} of its caller. In replay the function does "
            f"not run, and the {'variable keeps its value' if one else 'variables keep their values'}\n"
            f"  to reproduce it: return {'the value' if one else 'the values'}, and set {'the variable' if one else 'the variables'} in the caller"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.function, self.variables), self.__dict__


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
