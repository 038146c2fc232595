"""The twin-run law where the store fails at random, and where two processes run one program at once."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import law
from law import Step, is_warned_of_by_memo, perform, reuses_a_store

from memo._engine.storing import circuit_breaker
from memo.errors import StoreError, StoreFull, StoreLocked, StoreNotReadable, StoreNotWritable
from memo.maintenance.copy import push
from memo.stores import DirectoryStore, MemoryStore, as_store


@dataclass(frozen=True)
class Faults:
    """How a store fails."""

    seed: int
    reads: float
    """The share of the reads that fail, from 0 to 1."""
    writes: float
    remote: bool
    """Whether the store is behind a network: then what cannot be stored is spooled. If not, only writes fail."""
    forgets: bool
    """Whether a store that failed is asked again at once, and not only some seconds later."""


class Faulty(MemoryStore):
    """A store whose reads and writes fail at random until `works` is set. One that fails may have written before."""

    def __init__(self, faults: Faults) -> None:
        super().__init__("faulty")
        self.faults = faults
        self.works = False
        self.failed = 0
        self._random = random.Random(faults.seed)
        self._lock = threading.Lock()

    def _fails(self, share: float) -> bool:
        with self._lock:
            fails = not self.works and self._random.random() < share
            self.failed += fails
            return fails

    def _error(self, *kinds: type[StoreError]) -> StoreError:
        return self._random.choice(kinds)(self.location(), "fails at random")

    def _write(self, write: Any) -> Any:
        if not self._fails(self.faults.writes):
            return write()
        if self._random.random() < 0.2:
            write()  # the answer of the server is lost
        raise self._error(StoreNotWritable, StoreFull, StoreLocked)

    def get(self, name: str) -> bytes | None:
        if self._fails(self.faults.reads if self.faults.remote else 0.0):
            raise self._error(StoreNotReadable, StoreLocked)
        return super().get(name)

    def put(self, name: str, data: bytes) -> None:
        put = super().put
        self._write(lambda: put(name, data))

    def create(self, name: str, data: bytes) -> bytes | None:
        create = super().create
        return self._write(lambda: create(name, data))

    def swap(self, name: str, expected: bytes | None, data: bytes) -> bytes | None:
        swap = super().swap
        return self._write(lambda: swap(name, expected, data))


class Far(Faulty):
    """One behind a network."""

    reads_in_place = False
    writes_in_place = False
    timeout = 1.0

    async def aget(self, name: str) -> bytes | None:
        return self.get(name)


def fault_breach(steps: list[Step], backend: str, mode: str, faults: Faults) -> str:
    """How a program over a store that fails breaks the law; "" if it keeps it, or if memo warns of the program itself."""
    law.begin()
    plain = perform(steps, backend, MemoryStore(), mode)
    if plain.error or plain.warned or reuses_a_store(steps):
        return ""
    law.begin()
    live = perform(steps, backend, None, "live")
    seconds = 0.0 if faults.forgets else circuit_breaker._OPEN_SECONDS
    with (
        tempfile.TemporaryDirectory() as spool,
        patch.dict(os.environ, MEMO_SPOOL=spool),
        patch.object(circuit_breaker, "_OPEN_SECONDS", seconds),
    ):
        store = (Far if faults.remote else Faulty)(faults)
        recorded = perform(steps, backend, store, mode)
        if recorded.seen != live.seen:
            return (
                f"the store changes the program:\n  live:     {live.seen}\n  recorded: {recorded.seen} {recorded.error}"
            )
        store.works = True
        spooled = all(text.startswith("RecordingsSpooledWarning") for text in recorded.warned)
        if recorded.error or not spooled:
            return _healed(steps, backend, store)
        if recorded.warned:
            report = push(DirectoryStore(spool), store)
            if report.different or report.failed:
                return f"what was spooled is not delivered: {report}"
        replayed = perform(steps, backend, store, "replay", dead=True)
    if replayed.error or replayed.warned or replayed.live or replayed.seen != recorded.seen:
        return f"after {recorded.warned}:\n  recorded: {recorded.seen}\n  replayed: {replayed}"
    return ""


def _healed(steps: list[Step], backend: str, store: Faulty) -> str:
    """How the next run, over the store that works again, does not record what is missing; "" if it does."""
    again = perform(steps, backend, store, "record-if-missing")
    if again.warned and is_warned_of_by_memo(again):
        return ""  # of a call that was cancelled, which no run can record
    if again.error or again.warned:
        return f"the store is not healed by the next run: {again.error} {again.warned}"
    replayed = perform(steps, backend, store, "replay", dead=True)
    if replayed.error or replayed.warned or replayed.live or replayed.seen != again.seen:
        return f"replay after the next run:\n  recorded: {again.seen}\n  replayed: {replayed}"
    return ""


class Pair:
    """Two processes, each of which runs the program that it is sent, at the same time as the other."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes, self._processes = [], []
        self._stores = itertools.count()
        for mark in (1, 2):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, mark), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def close(self) -> None:
        """End both."""
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            pipe.close()
            process.join(30)

    def breach(self, steps: list[Step], backend: str, kind: str, folder: Path) -> str:
        """How two runs at once over one store break the law; "" if they keep it, or if memo warns of the program itself."""
        law.begin()
        plain = perform(steps, backend, MemoryStore(), "record-if-missing")
        if plain.error or plain.warned or reuses_a_store(steps):
            return ""
        place = folder / str(next(self._stores))
        for pipe in self._pipes:
            pipe.send((steps, backend, kind, str(place)))
        one, two = (pipe.recv() for pipe in self._pipes)
        if one.error or two.error:
            return f"{one.error} {two.error}"
        warned = one.warned + two.warned
        if warned:  # which of identical calls a thread made is a matter of timing
            uncertain = all(text.startswith("UncertainDrawsWarning") for text in warned)
            return "" if uncertain else str(warned)
        if one.seen != two.seen:
            return f"two processes:\n  one: {one.seen}\n  two: {two.seen}"
        law.begin(lambda name: _store(kind, str(place), name))
        replayed = perform(steps, backend, _store(kind, str(place), "outer"), "replay", dead=True)
        if replayed.error or replayed.warned or replayed.live or replayed.seen != one.seen:
            return f"replay:\n  recorded: {one.seen}\n  replayed: {replayed}"
        return ""


@contextmanager
def pair() -> Iterator[Pair]:
    """Two processes, until the end of the block."""
    made = Pair()
    try:
        yield made
    finally:
        made.close()


def _store(kind: str, place: str, name: str) -> Any:
    path = Path(place) / name.encode().hex()
    path.parent.mkdir(parents=True, exist_ok=True)
    return as_store(path if kind == "directory" else f"sqlite:///{path}.db")


def _serve(pipe: Any, mark: int) -> None:
    while True:
        try:
            steps, backend, kind, place = pipe.recv()
        except EOFError:
            return
        law.begin(lambda name, kind=kind, place=place: _store(kind, place, name))
        pipe.send(perform(steps, backend, _store(kind, place, "outer"), "record-if-missing", mark=mark))
