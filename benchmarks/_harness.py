"""Ways of doing the same, timed in turns: memo, the floor (the least that anybody could do), and what others use."""

import asyncio
import functools
import gc
import importlib.util
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
INSTALL = 'pip install -e ".[benchmarks]"'


class Row(NamedTuple):
    """One line of the table: what memo took, what the other took (seconds, or bytes), and what memo may take."""

    subject: str
    memo: float
    other: float
    target: float | None = None  # None: only to be seen
    spread: float = 0.0  # how far the middle half of the rounds lies apart
    unit: str = "s"
    added: bool = False  # the target is a difference, not a ratio
    note: str = ""
    against: str = "floor"

    @property
    def ratio(self) -> float:
        return self.memo - self.other if self.added else self.memo / self.other

    @property
    def missed(self) -> bool:
        return self.target is not None and self.ratio > self.target

    def cells(self) -> list[str]:
        def number(value: float) -> str:
            if self.added:
                return f"+{amount(value, self.unit)}"
            return f"{value:.2f}" if value > 0.5 else f"1/{1 / value:.3g}"

        target = "-" if self.target is None else number(self.target) + " MISSED" * self.missed
        spread = f"{self.spread:.0%}" if self.spread else "-"
        memo, other = amount(self.memo, self.unit), amount(self.other, self.unit)
        return [self.subject, memo, self.against, other, number(self.ratio), target, spread, self.note]


class Skipped(NamedTuple):
    """A line that could not be measured, and why."""

    subject: str
    note: str
    against: str = "floor"

    def cells(self) -> list[str]:
        return [self.subject, "-", self.against, *"----", f"skipped: {self.note}"]


class Way(NamedTuple):
    """One way of doing it."""

    call: Callable[[], Awaitable[object]]
    around: Callable[[], AbstractContextManager[object]] = nullcontext
    """What has to be open in the meantime; opening it is not timed."""
    target: float | None = None
    """How much of this way's time memo may take."""
    note: str = ""
    prove: Callable[[], Awaitable[None]] | None = None
    """Raises where it does not do the job."""


def race(
    subject: str,
    target: float,
    memo: Callable[[], Awaitable[object]],
    floor: Callable[[], Awaitable[object]],
    *,
    rounds: int,
    number: int,
) -> Row:
    """`number` calls of each in turns, `rounds` times. The median of each counts."""
    times = asyncio.run(_turns([Way(memo), Way(floor)], [number, number], rounds))
    return timed_row(subject, *times, target=target, against="floor")


def race_all(memos: Mapping[str, Way], others: Mapping[str, Way | str], *, rounds: int) -> Iterator[Row | Skipped]:
    """memo, by subject, and the others in turns of some milliseconds, `rounds` times. The median of each counts.

    An other is a way, or why there is none. One that fails is asked no more: its error is why.
    """
    ways, numbers, reasons = dict(memos), {}, {name: way for name, way in others.items() if isinstance(way, str)}

    async def tried(name: str, way: Way) -> None:
        if way.prove is not None:
            await way.prove()
        with way.around():
            await way.call()
            start = time.perf_counter()
            await way.call()
            numbers[name] = max(1, min(200, int(_TURN / (time.perf_counter() - start))))
        ways[name] = way

    async def all_turns() -> dict[str, list[float]]:
        for name, way in memos.items():
            await tried(name, way)
        for name, way in others.items():
            if isinstance(way, Way):
                try:
                    await tried(name, way)
                except Exception as error:  # noqa: BLE001 - whatever it cannot do
                    reasons[name] = said(error)
        times = await _turns([*ways.values()], [numbers[name] for name in ways], rounds)
        return dict(zip(ways, times, strict=True))

    times = asyncio.run(all_turns())
    for subject in memos:
        for name in others:
            if name in reasons:
                yield Skipped(subject, reasons[name], name)
            else:
                yield timed_row(
                    subject, times[subject], times[name], target=ways[name].target, against=name, note=ways[name].note
                )


_TURN = 0.004


async def _turns(ways: Sequence[Way], numbers: Sequence[int], rounds: int) -> list[list[float]]:
    async def timed(way: Way, number: int) -> float:
        call = way.call
        with way.around():
            if number > 1:
                await call()
            start = time.perf_counter()
            for _ in repeat(None, number):
                await call()
            return (time.perf_counter() - start) / number

    times: list[list[float]] = [[] for _ in ways]
    gc.collect()
    gc.disable()  # as timeit does
    try:
        for _ in range(rounds):
            for way, number, taken in zip(ways, numbers, times, strict=True):
                taken.append(await timed(way, number))
    finally:
        gc.enable()
    return times


def timed_row(
    subject: str,
    memo: Sequence[float],
    other: Sequence[float],
    *,
    target: float | None,
    against: str,
    added: bool = False,
    note: str = "",
) -> Row:
    """The row of what was timed in turns: medians; where the target is a difference, the median of the differences."""
    results = [one - two if added else one / two for one, two in zip(memo, other, strict=True)]
    middle, others = statistics.median(memo), statistics.median(other)
    if added:
        middle = others + statistics.median(results)
    return Row(subject, middle, others, target, spread(results), added=added, note=note, against=against)


def rows_against(subject: str, times: Mapping[str, Sequence[float]], reasons: Mapping[str, str]) -> list[Row | Skipped]:
    """Return a row for each other way beside memo's: its times, or the reason why it has none. Live calls may take a tenth less."""
    return [
        Skipped(subject, reasons[name], name)
        if name in reasons
        else timed_row(subject, times["memo"], found, target=1.1 if name == "live" else 1.0, against=name)
        for name, found in times.items()
        if name != "memo"
    ]


def race_processes(
    subject: str, target: float, memo: Sequence[str], floor: Sequence[str], *, rounds: int, added: bool = False
) -> Row:
    """New Python processes in turns, each of which prints the seconds that it took. The median of each counts;

    where the target is a difference, the median of the differences.
    """
    for each in (memo, floor):
        run_python(*each)  # writes the byte code
    times = [(float(run_python(*memo)), float(run_python(*floor))) for _ in range(rounds)]
    return timed_row(subject, *zip(*times, strict=True), target=target, against="floor", added=added)


def race_all_processes(
    subject: str, memo: Sequence[str], others: Mapping[str, Sequence[str] | str], target: float | None, *, rounds: int
) -> Iterator[Row | Skipped]:
    """The same with several others: a command, or why there is none."""
    commands = {"memo": memo, **{name: each for name, each in others.items() if not isinstance(each, str)}}
    reasons = {name: each for name, each in others.items() if isinstance(each, str)}
    for name, command in [*commands.items()]:
        try:
            run_python(*command)
        except RuntimeError as error:
            if name == "memo":
                raise
            reasons[name] = str(error)
            del commands[name]
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(float(run_python(*command)))
    for name in others:
        if name in reasons:
            yield Skipped(subject, reasons[name], name)
        else:
            yield timed_row(subject, times["memo"], times[name], target=target, against=name)


def missing(*modules: str) -> str:
    """How to install what is not there; "" if all of it is."""
    absent = [each for each in modules if importlib.util.find_spec(each) is None]
    return f"there is no {' and no '.join(absent)}: {INSTALL}" if absent else ""


def said(error: BaseException) -> str:
    """An error in one line."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:160].removesuffix(": ")


def run_python(*arguments: str) -> str:
    """What a new Python process prints. Its byte code is kept for the next one, whatever the environment says."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": byte_code().name}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}"
        raise RuntimeError(said.splitlines()[-1])
    return done.stdout.strip()


@functools.cache
def byte_code() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="memo-byte-code-")


def spread(results: Sequence[float]) -> float:
    if len(results) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(results, n=4)
    return abs((high - low) / middle)


def amount(value: float, unit: str) -> str:
    scales = ((1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ"))
    factor, prefix = next((each for each in scales if abs(value) >= each[0]), scales[-1])
    digits = max(0, 2 - math.floor(math.log10(abs(value) / factor))) if value else 0
    return f"{value / factor:.{digits}f} {prefix}{unit}"
