"""What the calls of one function under one session have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from memo._calls.call import Call
from memo._calls.key_builder import KeyBuilder
from memo._calls.secrets import SecretRules
from memo._engine.sessions.session import Session
from memo._engine.storing.expiry import Expiry
from memo._values.paths import Step
from memo.codecs.types import Types
from memo.codecs.values import Values

__all__ = ["Function", "FunctionContext"]


@dataclass(slots=True, eq=False)
class FunctionContext:
    """What a function's calls under one session have in common."""

    of: Callable[[], Session | None]
    values: Values
    errors: str
    secrets: SecretRules
    has_draws: bool
    """Whether each of the identical calls has its own outcome."""
    expiry: Expiry | None
    """When outcomes count as missing where calls may be made."""
    is_numbered: bool
    """Whether it matters in every mode which of the identical calls a call is."""
    is_ordered: bool
    """Whether it is noted in which order the calls end: those that are not streams from the start."""
    plain: bool
    """Whether the function is a plain one: what it returns says what it is."""
    streams: Sequence[tuple[Step, ...]] = ()
    """The declared places of streams inside results."""
    key_builders: dict[int, KeyBuilder] = field(default_factory=dict)


class Function(Protocol):
    """The function that is called: it counts hits and misses, and makes calls."""

    drives: str
    """The method of its drivers that makes a call: one for each kind of function."""
    has_tags: bool
    hits: int
    misses: int
    name: str

    def call(
        self,
        session: Session,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        setting: FunctionContext | None = None,
    ) -> Call:
        """Make a call of the function."""
        ...

    def arguments(
        self, session: Session, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Mapping[str, Any]:
        """Return the arguments of a call by name."""
        ...

    def owned(self, types: Types, instance: Any, args: tuple[Any, ...]) -> Callable[[], Iterable[Any]] | None:
        """Return what finds the classes in the object whose method is called; None if there is no object."""
        ...

    def tags(self, session: Session, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, ...]:
        """Return the tags of a call."""
        ...
