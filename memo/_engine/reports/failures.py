"""What could not be recorded: one error for each call, raised and warned of when a recording ends."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from typing import Any
from warnings import warn

from memo._calls.call import Call
from memo._calls.secrets import mask, redact
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import MemoError, UnrecordableValue

__all__ = ["failure_of", "raise_all"]


def failure_of(call: Call, error: Exception, what: str = "could not be recorded") -> MemoError:
    """Return the error to report for a call that could not be recorded: it names the function, and holds no secret."""
    if isinstance(error, UnrecordableValue):
        error.function, error.path, error.reason = call.function, mask(error.path), mask(error.reason)
        error.args = (error.path, error.reason, error.function)
    if isinstance(error, MemoError):
        _mask_chain(error)
        return error
    failure = MemoError(mask(f"{call.function}: {what} ({type(error).__name__}: {error})"))
    failure.__cause__ = _without_secrets(error)
    return failure


def _mask_chain(error: BaseException) -> None:
    """Replace what led to an error of memo's, an exception of the user's code, where it tells a secret."""
    for name in ("__cause__", "__context__"):
        link, suppressed = getattr(error, name), error.__suppress_context__
        if isinstance(link, MemoError):
            _mask_chain(link)
        elif link is not None:
            setattr(error, name, _without_secrets(link))
            error.__suppress_context__ = suppressed


def _without_secrets(error: BaseException) -> BaseException:
    """Return an exception; if it tells a secret, one of its type without, or what tells of it where there is no such one."""
    values = Values(Types())
    try:
        tree: list[Any] = [values.encode_error(error)]
        masked, _ = redact(tree)
        twin = values.decode(tree[0]).with_traceback(error.__traceback__) if masked else error
    except Exception:  # noqa: BLE001 - whatever a class of anybody's does
        twin = None
    if isinstance(twin, BaseException) and _tells_none(twin):
        return twin
    return RuntimeError(mask(f"{type(error).__name__}: {error}")).with_traceback(error.__traceback__)


def _tells_none(error: BaseException) -> bool:
    """Return whether no text of an exception or of what led to it holds a credential."""
    texts = list(traceback.TracebackException.from_exception(error, limit=0).format())
    return all(mask(text) == text for text in texts)


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
