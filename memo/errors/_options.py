"""Options, modes and other arguments that memo does not know, and parts of it that are not installed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from memo.errors._base import MemoError

__all__ = [
    "AlreadyStarted",
    "ContradictingModes",
    "InvalidDuration",
    "InvalidMode",
    "InvalidOption",
    "MissingExtra",
    "NoReviews",
    "NoSourceVersion",
    "UnknownFunctionWarning",
    "UnknownOption",
]


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


class NoReviews(InvalidOption):
    """A store keeps no recordings beside its own that would wait for a review: `value` says where it is."""

    def __init__(self, option: str, location: str) -> None:
        super().__init__(option, location, ["a directory", "sqlite:///FILE", "memory://"])
        copy = f"memo copy {shlex.quote(location)} recordings"
        self.args = (f"{self.args[0]}\n  to review in a directory: {copy}, and record with recordings as the store",)


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


class UnknownOption(InvalidOption, TypeError):
    """An option has a name that memo does not know: `option` is what was called, `value` the name."""

    def __init__(self, option: str, value: str, allowed: Iterable[str]) -> None:
        super().__init__(option, value, allowed)
        hint = f"did you mean {self.nearest}?" if self.nearest else f"its options: {', '.join(self.allowed)}"
        self.args = (f"{option} has no option {value!r}; {hint}",)


class UnknownFunction(InvalidOption):
    """A pattern of `modes` or `faults` covers no function that is known when a scope opens, so that it would do nothing.

    Known are the functions that are recordable in this process, those of the presets, and those with recordings in the store.
    `value` is the pattern, `nearest` the known function that was probably meant, or "".
    """

    def __init__(self, option: str, pattern: str, nearest: str) -> None:
        super().__init__(option, pattern, [nearest] if nearest else [])
        later = "for a function that is made recordable later: import its module before the scope opens"
        self.args = (f"{_covers_nothing(option, pattern, nearest)}\n  {later}",)


class UnknownFunctionWarning(MemoError, UserWarning):
    """A pattern of `modes` or `faults` covered no call, and covers no function that is known at the end. A warning.

    It is for patterns that are not of this program alone (`MEMO_MODES`, options of pytest) or of a recorder without a scope; in
    others, `UnknownFunction` is raised when the scope opens. `pattern` is the pattern, `nearest` the known function that was probably meant, or "".
    """

    def __init__(self, option: str, pattern: str, nearest: str) -> None:
        self.option = option
        self.pattern = pattern
        self.nearest = nearest
        super().__init__(_covers_nothing(option, pattern, nearest))


def _covers_nothing(option: str, pattern: str, nearest: str) -> str:
    hint = f"; did you mean {nearest!r}?" if nearest else ""
    return f"{option}: the pattern {pattern!r} covers no recordable function{hint}"


class AlreadyStarted(MemoError, RuntimeError):
    """A recorder cannot become the default of the process: another one is."""

    def __init__(self, recorder: str, started: str) -> None:
        self.recorder = recorder
        self.started = started
        super().__init__(
            f"{recorder} cannot be started: {started} is the default of the process\n  to stop that one: memo.stop()"
        )


class MissingExtra(MemoError, ImportError):
    """An optional part of memo was used, and the packages that it needs are not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        self.feature = feature
        self.extra = extra
        super().__init__(
            f"{feature} needs an extra that is not installed: {extra}\n  pip install 'memo-recorder[{extra}]'"
        )
