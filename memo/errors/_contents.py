"""Recordings that exist and cannot be read: damaged, of a newer format, or of types that are not there."""

from __future__ import annotations

import re

from memo.errors._base import MemoError, in_quotes

__all__ = [
    "DataMismatch",
    "KeyMismatch",
    "NewerFormat",
    "NotARecording",
    "RecordingDamaged",
    "TypeNotFound",
    "TypeNotImported",
    "UntrustedType",
]


_LINE = re.compile(r"\.jsonl(?:#|:\d+$)")
"""A place in a file of JSON lines."""


class RecordingDamaged(MemoError):
    """A recording exists but cannot be read. A damaged recording is never overwritten silently: restore it, or delete it."""

    def __init__(self, location: str, reason: str) -> None:
        self.location = location
        self.reason = reason
        remove = "rm -r" if reason.startswith("is a directory") else "rm"
        fix = (
            "restore the entry, or delete it and record again"
            if "://" in location
            else "restore the file, or delete the line and record again"
            if _LINE.search(location)
            else f"take one side: git checkout --ours {in_quotes(location)} (or --theirs)"
            if reason.startswith("holds a merge conflict")
            else f"restore the file, or delete it and record again: {remove} {in_quotes(location)}"
        )
        super().__init__(f"{location} {reason}\n  {fix}")


class NotARecording(RecordingDamaged):
    """A file has the name of a recording, but memo did not write it."""


class KeyMismatch(RecordingDamaged):
    """The key of a recording is not the one that its function and arguments give: the file was edited or moved."""


class NewerFormat(MemoError):
    """A recording was written by a newer version of memo."""

    def __init__(self, location: str, version: object, supported: int) -> None:
        self.location = location
        self.version = version
        self.supported = supported
        self.reason = f"has format version {version!r}; this memo reads up to {supported}"
        super().__init__(f"{location} {self.reason}\n  pip install --upgrade memo-recorder")


class UntrustedType(MemoError):
    """A recording names a type that recordings may not name. Nothing was imported, called or built."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        package = name.partition(":")[0].partition(".")[0]
        super().__init__(
            f"the recording names a type that {reason}: {name}\n"
            f"  to trust it: import {package} before the replay, name the type in the annotations of the function, "
            f"or pass trust=({package!r},)"
        )


class TypeNotFound(MemoError):
    """A recording names a type that does not exist (any more)."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(
            f"the recording names the type {name}, but {reason}\n  to replay it: record again, or restore the type"
        )


class TypeNotImported(UntrustedType, TypeNotFound):
    """A recording names a type of a module that the program has not imported. Nothing was imported.

    The module may be one of a package that is imported: no file decides what else of a package runs.
    """

    def __init__(self, name: str, module: str) -> None:
        package = module.partition(".")[0]
        part = "package" if module == package else "module"
        self.name = name
        self.module = module
        self.reason = f"is in the {part} {module}, which this program has not imported"
        MemoError.__init__(
            self,
            f"the recording names a type that {self.reason}: {name}\n"
            f"  to trust it: import {module} before the replay, name the type in the annotations of the function, "
            f"or pass trust=({package!r},)",
        )


class DataMismatch(MemoError):
    """A recorded value no longer fits its type, which has changed."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"the recorded data no longer fits {name}: {reason}\n  record again")
