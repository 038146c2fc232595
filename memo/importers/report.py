"""The result of an import: what every importer counts, and what could not be imported."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from memo._calls.secrets import mask
from memo.errors import MemoError, MissingExtra, StoreError

__all__ = ["NotCarried", "Report", "carrying"]


@dataclass(slots=True)
class Report:
    """The result of an import. Files, and items in them, are named by their paths."""

    files: int = 0
    """Number of the other tool's files; memo's own are skipped."""
    imported: int = 0
    recordings: int = 0
    """Number of recordings in the store that hold imported outcomes."""
    failed: dict[str, str] = field(default_factory=dict)
    """What could not be imported, and why."""
    masked: list[str] = field(default_factory=list)
    """The outcomes in which a secret was masked."""

    def counts(self) -> dict[str, Any]:
        """Return the report as JSON: numbers, and lists of names."""
        return {
            "files": self.files,
            "imported": self.imported,
            "failed": len(self.failed),
            "recordings": self.recordings,
            "masked": len(self.masked),
            "failures": [{"file": file, "reason": reason} for file, reason in self.failed.items()],
            "masked_files": self.masked,
        }


class NotCarried(Exception):
    """A file, or a part of it, cannot become a recording. The message says why, with the file as its subject."""


@contextmanager
def carrying(report: Report, *names: str) -> Generator[None]:
    """Note whatever fails inside as the reason why these could not be carried over.

    What is no fault of theirs (a store that fails, a package that is not installed) is passed on.
    """
    try:
        yield
    except (MissingExtra, StoreError):
        raise
    except Exception as error:  # noqa: BLE001 - a file may hold anything, and an SDK may raise anything on it
        reason = str(error) if isinstance(error, NotCarried | MemoError) else f"{type(error).__name__}: {error}"
        report.failed |= dict.fromkeys(names, mask(reason))
