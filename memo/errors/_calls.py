"""Calls that have no key, or may not be made."""

from __future__ import annotations

from typing import Any

from memo.errors._base import MemoError

__all__ = [
    "CallNotAllowed",
    "CallNotRepeatable",
    "CostLimitReached",
    "KeyCollision",
    "KeyCollisionWarning",
    "NetworkBlocked",
    "TooManyLiveCalls",
    "UnkeyableArgument",
]


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


class CallNotAllowed(MemoError, RuntimeError):
    """A live call was requested, and the mode of the recorder allows none. No call was made."""

    def __init__(self, function: str, mode: str) -> None:
        self.function = function
        self.mode = mode
        super().__init__(
            f"{function}: refresh() makes a live call, and the mode {mode} allows none\n"
            '  to allow it: mode="record-if-missing", or MEMO_MODE=record-if-missing'
        )


class CallNotRepeatable(MemoError, LookupError):
    """A function that is named to be called again cannot be called: `function`, and `reason`."""

    def __init__(self, function: str, reason: str, fix: str = "") -> None:
        self.function = function
        self.reason = reason
        advice = f"\n  to make the call: {fix}" if fix else ""
        super().__init__(f"{function}: its recorded calls cannot be made again: {reason}{advice}")


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
