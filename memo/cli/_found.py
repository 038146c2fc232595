"""One recording, named by its file or by the first characters of its key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memo.cli._output import open_store, place
from memo.errors import InvalidOption, StoreNotReadable
from memo.stores.file_names import JSON_LINES

if TYPE_CHECKING:
    from memo._recordings.document import Document
    from memo.stores import Store

__all__ = ["Found", "StoreOption", "ambiguous", "find", "not_found"]

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="STORE",
        help="Where to look for a key. By default $MEMO_STORE, the store in [tool.memo], or the project's directories named "
        "recordings.",
        show_default=False,
    ),
]

_KEY = re.compile(r"(?:.*/)?[0-9a-f]{1,64}")
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Found:
    """A recording's bytes, and their location."""

    data: bytes
    location: str

    def document(self) -> Document:
        """Return the recording, complete and with its key checked. Raises `RecordingDamaged` or `NewerFormat`."""
        from memo._recordings.document import parse

        return parse(self.data, self.location)


def not_found(option: str, named: str, allowed: str, message: str) -> InvalidOption:
    """Return the error for a name that nothing has, which has that message."""
    error = InvalidOption(option, named, [allowed])
    error.args = (message,)
    return error


def ambiguous(named: str, places: list[str], *, same_key: bool) -> InvalidOption:
    """Return the error for the beginning of a key that several recordings have: these, at `places`."""
    more = [f"… and {len(places) - _SHOWN:,} more"] if len(places) > _SHOWN else []
    hint = "name the file of one" if same_key else "give more characters of the key, or the file of one"
    message = f"{len(places):,} recordings match {named!r}; {hint}:"
    error = InvalidOption("key", named, places[:_SHOWN])
    error.args = ("\n  ".join([message, *places[:_SHOWN], *more]),)
    return error


def find(named: str, store: str | None) -> Found:
    """Return the recording of that name: a file's path, or the beginning of a key that only one recording has.

    `function/key` selects the recordings of a function. Raises `InvalidOption` if no recording matches, or more than one.
    """
    if (line := _of_line(named)) is not None:
        return line
    path = Path(named)
    if path.is_file() and path.suffix != JSON_LINES:
        try:
            return Found(path.read_bytes(), named)
        except OSError as error:
            raise StoreNotReadable(named, f"cannot be read: {error.strerror}") from error
    if named and path.exists():
        raise StoreNotReadable(
            named, f"is {'a directory' if path.is_dir() else 'no file'}, where a recording should be"
        )
    if not _KEY.fullmatch(named):
        raise not_found(
            "recording",
            named,
            "the path of a recording, or the first characters of a key",
            f"there is no file {named!r}, and no key begins with it (memo ls --function NAME lists keys)",
        )
    opened = open_store(store)
    names = _matching(opened, named)
    if not names:
        raise not_found(
            "key",
            named,
            "the first characters of a key",
            f"no recording in {opened.location()} has a key that begins with {named!r} (memo ls --function NAME lists keys)",
        )
    if len(names) > 1:
        raise ambiguous(named, [place(opened, name) for name in names], same_key=_have_one_key(names))
    data = _read(opened, names[0])
    return Found(data, place(opened, names[0]))


def _have_one_key(names: list[str]) -> bool:
    return len({name.rpartition("/")[2] for name in names}) == 1


def _of_line(named: str) -> Found | None:
    """Return the recording named `FILE.jsonl#function/key`, with as much of the key as is needed; None for another name."""
    from memo.maintenance.entries import at

    found = at(named)
    if found is None:
        return None
    store, prefix = found
    names = list(store.scan(prefix))
    if not names:
        raise not_found(
            "recording",
            named,
            "FILE#function/key, with the first characters of one key",
            f"there is no recording {named!r}",
        )
    if len(names) > 1:
        raise ambiguous(named, [place(store, name) for name in names], same_key=_have_one_key(names))
    return Found(_read(store, names[0]), place(store, names[0]))


def _read(store: Store, name: str) -> bytes:
    from memo.maintenance.entries import read

    data = read(store, name)
    if data is None:
        raise StoreNotReadable(store.location(name), "is gone")
    return data


def _matching(store: Store, named: str) -> list[str]:
    """Return the names of the entries whose key begins so. A longer key is cut to the length that names have."""
    from memo._calls.digest import KEY_CHARACTERS

    function, slash, key = named.rpartition("/")
    key = key[:KEY_CHARACTERS]
    return [name for name in store.scan(f"{function}/" if slash else "") if name.rpartition("/")[2].startswith(key)]
