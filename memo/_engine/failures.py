"""What could not be recorded: one error for each call, raised and warned of when a recording ends."""

from __future__ import annotations

from collections.abc import Iterable
from warnings import warn

from memo._calls.call import Call
from memo._calls.secrets import mask
from memo.errors import MemoError, UnrecordableValue

__all__ = ["failure_of", "raise_all"]


def failure_of(call: Call, error: Exception) -> MemoError:
    """Return the error to report for a call that could not be recorded: it names the function, and holds no secret."""
    if isinstance(error, UnrecordableValue):
        error.function, error.path, error.reason = call.function, mask(error.path), mask(error.reason)
        error.args = (error.path, error.reason, error.function)
    if isinstance(error, MemoError):
        return error
    failure = MemoError(mask(f"{call.function}: could not be recorded ({type(error).__name__}: {error})"))
    failure.__cause__ = error
    return failure


def raise_all(failures: list[MemoError], warnings: Iterable[MemoError | None]) -> None:
    """Warn of the warnings, then raise the failures: one as itself, several as an `ExceptionGroup`.

    Where warnings are errors, a warning is one of the failures.
    """
    for warning in warnings:
        if isinstance(warning, Warning):
            try:
                warn(warning, stacklevel=3)
            except MemoError as error:
                failures.append(error)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise ExceptionGroup(f"memo: {len(failures)} calls could not be recorded", failures)
