"""Check that recordings are complete, have the right key and place, and can still be decoded with their types."""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from itertools import chain, islice
from multiprocessing import resource_tracker

from memo.errors import (
    InvalidOption,
    MemoError,
)
from memo.maintenance._checking import Checker, Found, Reason, reason_of
from memo.maintenance.entries import LARGEST, is_where_replay_looks, read
from memo.stores import Store

__all__ = ["Failure", "Reason", "VerifyReport", "verify"]

_FEW = 1500
"""Recordings below which starting processes takes longer than checking here."""
_BATCH_BYTES, _BATCH = 1 << 20, 200
"""The largest batch for another process, in bytes and in recordings."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One problem of a recording."""

    name: str
    """The recording's name in the store."""
    reason: Reason
    message: str
    """The problem and its place: the outcome, the type and the field."""


@dataclass(slots=True)
class VerifyReport:
    """The result of a check."""

    recordings: int = 0
    """Number of recordings, damaged ones included."""
    failed: int = 0
    """Number of recordings with a failure."""
    failures: list[Failure] = field(default_factory=list)
    """In the order of names; one for each failing outcome."""
    unchecked: Counter[str] = field(default_factory=Counter)
    """Packages that may not be imported, so that their types were not checked, to the number of recordings."""
    local: int = 0
    """Number of recordings with objects of classes that are local to a function, which only a replay knows."""
    incomplete: int = 0
    """Number of recordings without a failure that were not checked completely, for one of these two reasons."""

    @property
    def sound(self) -> int:
        """Number of recordings that were checked completely and have no failure."""
        return self.recordings - self.failed - self.incomplete


def verify(
    store: Store,
    *,
    trust: Iterable[str] = (),
    modules: Iterable[str] = (),
    jobs: int = 1,
    largest: int = LARGEST,
    progress: Callable[[int, int], None] | None = None,
) -> VerifyReport:
    """Check every recording of a store by reading it as a replay would: every outcome, every item of every stream.

    Only types of packages that the program has imported, or that `trust` names, are imported and built. `modules` are
    imported first: the program's own modules that define types or register codecs. Nothing is imported because data names
    it; types that were not checked for that reason are counted in `unchecked`. Nothing is written.

    With `jobs` above 1, that many new processes check a large store (a script needs its `if __name__ == "__main__":`).
    Memory holds a few recordings at a time, and the failures, however large the store. `largest` is the size in bytes up to
    which a recording is read. `progress` is called with the numbers of recordings done and of all. Raises `InvalidOption` for a module that cannot be imported, `StoreError` where the store cannot be listed.
    """
    modules = tuple(modules)
    for module in modules:
        try:
            import_module(module)
        except Exception as error:  # a module's own code may raise anything
            raise InvalidOption("module", module, [f"what can be imported here ({error})"]) from error
    total = sum(1 for _ in store.scan()) if progress is not None else 0
    tally = ReportBuilder(store, largest, VerifyReport(), progress, total)
    trust = tuple(trust)
    checker = Checker(trust)
    names = store.scan()
    while few := list(islice(names, _FEW)):
        if len(few) == _FEW and jobs > 1:
            _in_processes(tally, chain(few, names), (trust, modules), jobs)
            break
        for name in few:
            for data in tally.read(name):
                tally.add(name, checker.check(data, store.location(name)))
    tally.report.failures.sort(key=lambda failure: failure.name)
    return tally.report


@dataclass(slots=True)
class ReportBuilder:
    """Reads recordings and totals what was found."""

    store: Store
    largest: int
    report: VerifyReport
    progress: Callable[[int, int], None] | None
    total: int

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the bytes under that name, if there are any."""
        try:
            data = read(self.store, name, largest=self.largest)
        except MemoError as error:
            self.add(name, Found(None, [reason_of(error)], set()))
        else:
            if data is not None:
                yield data

    def add(self, name: str, found: Found) -> None:
        report = self.report
        report.recordings += 1
        if found.call is not None and not is_where_replay_looks(self.store, name, *found.call):
            function, key = found.call
            found.failures.append(
                (Reason.MISPLACED, f"is the recording {key[:12]} of {function}, and is in another place")
            )
        report.failures.extend(Failure(name, reason, message) for reason, message in found.failures)
        report.unchecked.update(found.packages)
        report.local += found.local
        if found.failures:
            report.failed += 1
        elif found.packages or found.local:
            report.incomplete += 1
        if self.progress is not None:
            self.progress(report.recordings, max(self.total, report.recordings))


# In other processes

_Batch = list[tuple[str, str, bytes]]
"""Names, locations and bytes."""


def _in_processes(
    tally: ReportBuilder, names: Iterator[str], setup: tuple[tuple[str, ...], tuple[str, ...]], jobs: int
) -> None:
    # This process reads, so any kind of store works; a few batches are in flight, never the whole store.
    others = multiprocessing.active_children()
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin, setup)
    waiting: deque[Future[list[tuple[str, Found]]]] = deque()
    try:
        for batch in _batches(tally, names):
            with _interrupts_held():
                waiting.append(pool.submit(_check, batch))
            if len(waiting) > 2 * jobs:
                _collect(waiting.popleft(), tally)
        while waiting:
            _collect(waiting.popleft(), tally)
    except BrokenProcessPool as error:
        raise MemoError(
            "a process that was checking recordings was killed, perhaps for want of memory: --jobs 1"
        ) from error
    finally:
        try:
            pool.shutdown(cancel_futures=True)
        except RuntimeError:  # interrupted while starting: the pool cannot end a process that it does not know yet
            for process in multiprocessing.active_children():
                if process not in others:
                    process.terminate()


@contextmanager
def _interrupts_held() -> Generator[None]:
    """Hold SIGINT back: a process that starts in the meantime inherits that, so Ctrl-C cannot hit it while it imports."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # by itself, starting it would let SIGINT through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _batches(tally: ReportBuilder, names: Iterable[str]) -> Iterator[_Batch]:
    batch: _Batch = []
    held = 0
    for name in names:
        for data in tally.read(name):
            batch.append((name, tally.store.location(name), data))
            held += len(data)
        if held >= _BATCH_BYTES or len(batch) >= _BATCH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _collect(done: Future[list[tuple[str, Found]]], tally: ReportBuilder) -> None:
    for name, found in done.result():
        tally.add(name, found)


_checkers: list[Checker] = []
"""The checker of a started process."""


def _begin(trust: tuple[str, ...], modules: tuple[str, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops this process
    for module in modules:
        import_module(module)
    _checkers.append(Checker(trust))


def _check(batch: _Batch) -> list[tuple[str, Found]]:
    return [(name, _checkers[0].check(data, location)) for name, location, data in batch]


def __getattr__(name: str) -> object:
    if name != "Report":
        raise AttributeError(f"module 'memo.maintenance.verify' has no attribute {name!r}")
    from warnings import warn

    warn("memo.maintenance.verify.Report is now VerifyReport", DeprecationWarning, stacklevel=2)
    return VerifyReport
