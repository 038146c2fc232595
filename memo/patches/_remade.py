"""A recorded call that is made again."""

from __future__ import annotations

from typing import Any, NamedTuple

from memo._engine.rules.modes import Mode

__all__ = ["Remade", "Unreachable"]


class Unreachable(Exception):
    """A recorded call cannot be made again: `reason` says why, `fix` the option that changes that, or ""."""

    def __init__(self, reason: str, fix: str = "") -> None:
        self.reason = reason
        self.fix = fix
        super().__init__(reason)


class Remade(NamedTuple):
    """A call with its arguments, as its function takes them."""

    function: Any
    """What memo knows of the function."""
    wrapped: Any
    """The function itself, without memo."""
    instance: Any
    """The SDK's client; None for a function."""
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def call(self, session: Any) -> Any:
        """Return the call, whose key is the recorded one if nothing was lost. Raises what cannot be a key."""
        return self.function.call(session, self.instance, self.args, self.kwargs)

    def make(self, session: Any) -> Any:
        """Make the call under a session in `verify`: return what the function returns."""
        return self.function.run(session, Mode.VERIFY, self.wrapped, self.instance, self.args, self.kwargs)
