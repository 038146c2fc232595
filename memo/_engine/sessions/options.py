"""The options of a recorder: named, typed and checked here, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any, Literal, TypedDict, get_args, get_origin, get_type_hints

from memo._calls.key_rules import as_names
from memo._engine.reports.call_log import CallRecord
from memo._engine.rules.modes import Mode, ModeName
from memo._engine.rules.option_types import check_types
from memo._engine.sessions.spending import Prices
from memo._engine.storing.expiry import lifetimes
from memo._recordings.ages import duration
from memo.errors import InvalidOption, UnknownOption
from memo.fault import Fault
from memo.keep import finished
from memo.scrub import Scrubber
from memo.stores import Store, StoreLike

__all__ = ["RecorderOptions", "allowed_values", "checked"]


class RecorderOptions(TypedDict, total=False):
    """The options of `Recorder` and `recording`, besides the store and the mode."""

    exhausted: Literal["repeat", "error"]
    errors: Literal["none", "answers", "all"]
    on_watched_change: Literal["warn", "fail"]
    max_age: str | timedelta | None
    on_expiry: Literal["warn", "fail", "record", "refresh"]
    ttl: str | timedelta | Mapping[str, str | timedelta] | None
    timings: bool
    pace: float
    trust: Iterable[str]
    secrets: Iterable[str]
    allow_secrets: Iterable[str]
    claims: bool
    claim_timeout: float
    memory: int
    ignore: Iterable[str]
    watch: Iterable[str]
    scrub: Mapping[str, Scrubber | Iterable[Scrubber]] | None
    test: str | None
    isolated: bool
    block_network: bool
    draws: bool
    modes: Mapping[str, ModeName | Mode] | None
    faults: Iterable[Fault | str]
    allow: Iterable[str]
    fallback: StoreLike | Iterable[StoreLike]
    calls: bool
    max_live: int | None
    max_cost: float | None
    prices: Prices | None
    pending: bool | Literal["all"]
    keep: Callable[[CallRecord], bool | str] | Literal["finished"] | None
    ttft: float
    items_per_second: float


_DEFAULTS = RecorderOptions(
    exhausted="repeat",
    errors="answers",
    on_watched_change="warn",
    max_age=None,
    on_expiry="warn",
    ttl={},
    timings=False,
    pace=0.0,
    trust=(),
    secrets=(),
    allow_secrets=(),
    claims=True,
    claim_timeout=300.0,
    memory=64 * 1024 * 1024,
    ignore=(),
    watch=(),
    scrub=None,
    test=None,
    isolated=False,
    block_network=False,
    draws=True,
    modes=None,
    faults=(),
    allow=(),
    fallback=(),
    calls=False,
    max_live=None,
    max_cost=None,
    prices=None,
    pending=False,
    keep=None,
    ttft=0.0,
    items_per_second=0.0,
)


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return every option of a recorder: as given, or its default. Raise `UnknownOption` or `InvalidOption`."""
    for name, value in options.items():
        if name not in _DEFAULTS:
            raise UnknownOption("Recorder", name, sorted(_DEFAULTS))
        check = _checks().get(name)
        if check is not None:
            is_valid, allowed = check
            if not is_valid(value):
                raise InvalidOption(name, value, allowed)
    check_types(options)
    meant = {name: _MEANINGS[name](value) for name, value in options.items() if name in _MEANINGS}
    return {**_DEFAULTS, **options, **meant}


def _several_stores(fallback: Any) -> tuple[StoreLike, ...]:
    if isinstance(fallback, list | tuple):
        return tuple(fallback)  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
    if isinstance(fallback, str | os.PathLike | Store):
        return (fallback,)
    raise InvalidOption("fallback", fallback, ["a store", "a list of stores: a directory, a URL or a Store each"])


_MEANINGS: dict[str, Callable[[Any], Any]] = {
    "allow_secrets": as_names,
    "fallback": _several_stores,
    "keep": lambda value: finished if value == "finished" else value,
    "max_age": lambda value: None if value is None else duration(value, "max_age"),
    "secrets": as_names,
    "trust": as_names,
    "ttl": lifetimes,
}
"""What is used in place of the value that is given for an option."""


def allowed_values(option: str) -> tuple[str, ...]:
    """Return the words that an option may be, empty for an option that is no choice between words."""
    return _checks()[option][1] if option in _checks() and get_origin(_hints()[option]) is Literal else ()


_Check = tuple[Callable[[Any], bool], tuple[str, ...]]


@cache
def _hints() -> dict[str, Any]:
    return get_type_hints(RecorderOptions)


@cache
def _checks() -> dict[str, _Check]:
    """Return what values each option may have, read off its type; iterables are checked where they are used."""
    checks: dict[str, _Check] = {}
    for name, hint in _hints().items():
        if get_origin(hint) is Literal:
            words = get_args(hint)
            checks[name] = (words.__contains__, words)
        elif hint in _KINDS:
            checks[name] = _KINDS[hint]
    return {
        **checks,
        "claim_timeout": (lambda value: _is_number(value) and value > 0, ("a positive number",)),
        "max_live": (
            lambda value: value is None or (type(value) is int and value >= 0),
            ("a whole number, 0 or more",),
        ),
        "max_cost": (lambda value: value is None or (_is_number(value) and value > 0), ("a positive number",)),
        "pending": (lambda value: value is True or value is False or value == "all", ("True", "False", "all")),
        "keep": (
            lambda value: value in (None, "finished") or callable(value),
            ("memo.keep.finished", "a function of a memo.CallRecord"),
        ),
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_KINDS: dict[Any, _Check] = {
    bool: (lambda value: isinstance(value, bool), ("True", "False")),
    float: (lambda value: _is_number(value) and value >= 0, ("a number, 0 or more",)),
    int: (lambda value: type(value) is int and value >= 0, ("a whole number, 0 or more",)),
}
