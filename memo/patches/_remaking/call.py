"""A recorded call that is made again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from memo._engine.rules.modes import Mode

__all__ = ["Remade", "Unreachable"]


class Unreachable(Exception):
    """A recorded call cannot be made again: `reason` says why, `fix` the option that changes that, or ""."""

    def __init__(self, reason: str, fix: str = "") -> None:
        self.reason = reason
        self.fix = fix
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Remade:
    """A call with its arguments, as its function takes them."""

    function: Any
    """What memo knows of the function."""
    wrapped: Any
    """The function itself, without memo."""
    instance: Any
    """The SDK's client; None for a function."""
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    within: Callable[[Callable[[Any, Any], Any]], Any] | None = None
    """Makes the call of a client that has to be connected first: calls its argument with the function and that client."""

    def call(self, session: Any) -> Any:
        """Return the call, whose key is the recorded one if nothing was lost. Raises what cannot be a key."""
        return self.function.call(session, self.instance, self.args, self.kwargs)

    def make(self, session: Any) -> Any:
        """Make the call under a session in `verify`: return what the function returns."""

        def made(wrapped: Any, instance: Any) -> Any:
            return self.function.run(session, Mode.VERIFY, wrapped, instance, self.args, self.kwargs)

        return made(self.wrapped, self.instance) if self.within is None else self.within(made)
