"""Copy recordings from one store to another, or deliver them from a spool."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from memo._calls.digest import entry_name
from memo._recordings.changed import replays_alike
from memo._recordings.document import Document, parse, render
from memo._recordings.draws import joined
from memo.errors import InvalidOption, MemoError, StoreError
from memo.maintenance.entries import read
from memo.maintenance.trees import SEPARATOR, StoreTree, sibling
from memo.stores import Creates, DirectoryStore, Store, Swaps
from memo.stores.file_names import JSON_LINES

__all__ = ["CopyReport", "copy", "push"]

_LAYOUTS = {"recording": "", "test": JSON_LINES}
"""What the names of a tree's stores end in."""
_THREADS = 16
"""Servers answer, and disks flush, many requests at once."""
_WAITING = 256


@dataclass(slots=True)
class CopyReport:
    """The result of a copy. A name that is in none of the lists was copied, or was there already."""

    entries: int = 0
    copied: int = 0
    present: int = 0
    """Recordings that were there already: the same outcomes, whenever recorded."""
    different: list[str] = field(default_factory=list)
    """Names of recordings of which the other store has other outcomes: both stores keep theirs."""
    failed: dict[str, str] = field(default_factory=dict)
    """Name to reason, for recordings that are damaged or did not come back as written."""


def copy(
    source: Store, dest: Store, progress: Callable[[int], None] | None = None, *, layout: str | None = None
) -> CopyReport:
    """Copy every recording to the place where replay looks for it in the other store. Nothing there is replaced.

    A tree of stores is copied into a directory as the same tree, and into any other store by its calls alone. `layout`
    gives each store of the tree a directory (`recording`) or a file of JSON lines (`test`), whichever it had.

    Each is verified before (its key is the key of its arguments) and after (read back, it is the same bytes). Copying
    again copies what is missing, which resumes an interrupted copy. What is damaged is reported and stops nothing.

    `progress` is called with how many entries are done. Raises `StoreError` if either store fails, and `InvalidOption` for an
    unknown layout, and for one where there are no two trees.
    """
    if layout not in (None, *_LAYOUTS):
        raise InvalidOption("layout", layout, sorted(_LAYOUTS))
    if layout is not None and not isinstance(source, StoreTree):
        allowed = "a tree of stores, as pytest writes it (of one store, without a layout: a copy to FILE.jsonl)"
        raise InvalidOption("source", source.location(), [allowed])
    if layout is not None and not isinstance(dest, DirectoryStore):
        raise InvalidOption("dest", dest.location(), [f"a directory: layout={layout!r} is for a tree of stores"])
    return _transferred(source, dest, progress, move=False, suffix=_LAYOUTS[layout] if layout else None)


def push(spool: Store, store: Store, progress: Callable[[int], None] | None = None) -> CopyReport:
    """Copy every recording to a store, and delete from the spool what was delivered or was in the store already.

    A recording that is damaged, or differs from the store's, stays in the spool. An interrupted push loses nothing.
    """
    return _transferred(spool, store, progress, move=True)


def _transferred(
    source: Store, dest: Store, progress: Callable[[int], None] | None, *, move: bool, suffix: str | None = None
) -> CopyReport:
    if isinstance(source, StoreTree) and isinstance(dest, DirectoryStore):
        dest = StoreTree(dest.location(), [])
    create = dest.create if isinstance(dest, Creates) else partial(_look_and_put, dest)

    def one(name: str) -> str:
        result = _one(source, dest, create, name, suffix)
        if move and result in ("copied", "present"):
            source.delete(name)
        return result

    report = CopyReport()
    for name, result in _in_threads(one, source.scan()):
        _count(report, name, result)
        if progress is not None:
            progress(report.entries)
    return report


def _in_threads(one: Callable[[str], str], names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each name and what `one` returns for it, in order; a bounded number of them is under way."""
    waiting: deque[tuple[str, Future[str]]] = deque()
    pool = ThreadPoolExecutor(_THREADS)
    try:
        for name in names:
            waiting.append((name, pool.submit(one, name)))
            if len(waiting) >= _WAITING:
                yield _done(waiting)
        while waiting:
            yield _done(waiting)
    finally:
        pool.shutdown(cancel_futures=True)


def _done(waiting: deque[tuple[str, Future[str]]]) -> tuple[str, str]:
    name, future = waiting.popleft()
    return name, future.result()


def _count(report: CopyReport, name: str, result: str) -> None:
    report.entries += 1
    if result == "copied":
        report.copied += 1
    elif result == "present":
        report.present += 1
    elif result == "different":
        report.different.append(name)
    elif result:
        report.failed[name] = result


def _one(
    source: Store, dest: Store, create: Callable[[str, bytes], bytes | None], name: str, suffix: str | None
) -> str:
    """Return what became of an entry: copied, present, different, an empty text (it is gone), or why it was not copied."""
    try:
        data = read(source, name)
        if data is None:
            return ""
        document = parse(data, source.location(name))
        # By its contents, not by its name: files have other names than entries of a server.
        entry = entry_name(document.function, document.key)
        into = _with_suffix(sibling(source, name, entry), suffix) if isinstance(dest, StoreTree) else entry
        there = create(into, data)
        if there is not None:
            return "present" if there == data else _added(dest, into, document, there)
        return "copied" if dest.get(into) == data else f"{dest.location(into)} does not give back what was written"
    except MemoError as error:
        # A failed store fails with the next entry too; but a single file may just lack permissions.
        if isinstance(error, StoreError) and error.location != source.location(name):
            raise
        return str(getattr(error, "reason", error))


def _with_suffix(name: str, suffix: str | None) -> str:
    """Return the name of an entry in a tree, with its store as a directory or as a file."""
    folder, separator, entry = name.partition(SEPARATOR)
    if suffix is None or not folder:
        return name
    return f"{folder.removesuffix(JSON_LINES)}{suffix}{separator}{entry}"


def _added(dest: Store, name: str, document: Document, there: bytes) -> str:
    """Add the draws that an entry lacks. Return whether it was `copied` so, had all of them, or is `different`."""
    while True:
        kept = parse(there, dest.location(name))
        if replays_alike(kept, document):
            return "present"
        outcomes = joined(kept.outcomes, document.outcomes)
        if outcomes is None:
            return "different"
        if outcomes == kept.outcomes:
            return "present"
        if not isinstance(dest, Swaps):
            return "different"
        now = dest.swap(name, there, render(kept._replace(outcomes=outcomes)))
        if now is None:
            return "copied"
        there = now


def _look_and_put(dest: Store, name: str, data: bytes) -> bytes | None:
    there = dest.get(name)
    if there is None:
        dest.put(name, data)
    return there
