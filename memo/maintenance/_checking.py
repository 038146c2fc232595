"""Check one recording by reading it as a replay would."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from memo._recordings.document import parse
from memo._recordings.outcomes import Outcome
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import (
    DataMismatch,
    KeyMismatch,
    MemoError,
    NewerFormat,
    NotARecording,
    RecordingDamaged,
    StoreError,
    TypeNotFound,
    UntrustedType,
)

__all__ = ["Checker", "Found", "Reason", "reason_of"]


class Reason(StrEnum):
    """Why a recording fails."""

    DAMAGED = "damaged"
    """The recording is not complete, larger than the limit, or no file of the store."""
    NOT_A_RECORDING = "not a recording"
    """The file holds something else, or a format that memo never had."""
    KEY_MISMATCH = "key mismatch"
    """The key is not that of the arguments: the recording was edited."""
    MISPLACED = "misplaced"
    """The file is not where replay looks for its key: it was moved or renamed."""
    NEWER_FORMAT = "newer format"
    """A newer memo wrote the recording."""
    TYPE_NOT_FOUND = "type not found"
    """A type that the recording names no longer exists."""
    DATA_MISMATCH = "data mismatch"
    """The data no longer fits its type."""
    NO_DATA_TYPE = "no data type"
    """The recording names something that is not a data type."""
    NOT_READABLE = "not readable"
    """The store cannot read the recording: permissions, input or output."""


_REASONS: tuple[tuple[type[MemoError], Reason], ...] = (
    (NotARecording, Reason.NOT_A_RECORDING),
    (KeyMismatch, Reason.KEY_MISMATCH),
    (RecordingDamaged, Reason.DAMAGED),
    (NewerFormat, Reason.NEWER_FORMAT),
    (TypeNotFound, Reason.TYPE_NOT_FOUND),
    (DataMismatch, Reason.DATA_MISMATCH),
    (UntrustedType, Reason.NO_DATA_TYPE),
    (StoreError, Reason.NOT_READABLE),
)


@dataclass(slots=True)
class Found:
    """What checking one recording found."""

    call: tuple[str, str] | None
    """Function and key, if the recording is complete."""
    failures: list[tuple[Reason, str]]
    packages: set[str]
    """Packages that are not trusted."""
    local: bool = False


class Checker:
    """Checks recordings in this process."""

    def __init__(self, trust: Iterable[str]) -> None:
        self._values = Values(Types(trust=trust))

    def check(self, data: bytes, location: str) -> Found:
        found = Found(None, [], set())
        try:
            document = parse(data, location)
        except MemoError as error:
            found.failures.append(reason_of(error))
            return found
        found.call = document.function, document.key
        for number, tree in enumerate(document.outcomes, 1):
            try:
                self._read(Outcome(tree, self._values, lambda: location, once=data))
            except UntrustedType as error:
                self._untrusted(error, found, number)
            except MemoError as error:
                found.failures.append(reason_of(error, f"outcome {number}: "))
            except Exception as error:  # noqa: BLE001 - what nobody wrote may fail anywhere on its way to a value
                message = f"outcome {number}: cannot be read ({type(error).__name__}: {error})"
                found.failures.append((Reason.DAMAGED, message))
        return found

    @staticmethod
    def _read(outcome: Outcome) -> None:
        for read_ in (outcome.read, outcome.error, outcome.returned, outcome.response):
            if read_ is not None:
                read_()
        for _ in outcome.items or ():
            pass

    @staticmethod
    def _untrusted(error: UntrustedType, found: Found, number: int) -> None:
        module = error.name.partition(":")[0] if ":" in error.name else error.name.rpartition(".")[0]
        if "<locals>" in error.name:
            found.local = True
        elif module in sys.modules:
            found.failures.append(reason_of(error, f"outcome {number}: "))
        else:
            found.packages.add(module.partition(".")[0])


def reason_of(error: MemoError, where: str = "") -> tuple[Reason, str]:
    """Why, and in which words, without the place and the advice."""
    reason = next((reason for kind, reason in _REASONS if isinstance(error, kind)), Reason.DAMAGED)
    words = str(getattr(error, "reason", error))
    name = getattr(error, "name", None)
    if isinstance(error, DataMismatch):
        words = f"the data does not fit {name}: {' '.join(words.split())}"
    elif name is not None:
        words = f"{name}: {words}"
    return reason, where + words
