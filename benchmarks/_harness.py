"""Two ways of doing the same, timed in turns: memo, and the floor, which is the least that anybody could do."""

import asyncio
import functools
import gc
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Row(NamedTuple):
    """One line of the table: what memo took, what the floor took (seconds, or bytes), and what memo may take."""

    subject: str
    memo: float
    floor: float
    target: float
    spread: float = 0.0  # how far the middle half of the rounds lies apart
    unit: str = "s"
    added: bool = False  # the target is a difference, not a ratio
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.memo - self.floor if self.added else self.memo / self.floor

    def cells(self) -> list[str]:
        def number(value: float) -> str:
            return f"+{amount(value, self.unit)}" if self.added else f"{value:.2f}"

        missed = "" if self.ratio <= self.target else " MISSED"
        spread = f"{self.spread:.0%}" if self.spread else "-"
        memo, floor = amount(self.memo, self.unit), amount(self.floor, self.unit)
        return [self.subject, memo, floor, number(self.ratio), number(self.target) + missed, spread, self.note]


class Skipped(NamedTuple):
    """A line that could not be measured, and why."""

    subject: str
    note: str

    def cells(self) -> list[str]:
        return [self.subject, *"-----", f"skipped: {self.note}"]


def race(
    subject: str,
    target: float,
    memo: Callable[[], Awaitable[object]],
    floor: Callable[[], Awaitable[object]],
    *,
    rounds: int,
    number: int,
) -> Row:
    """`number` calls of each in turns, `rounds` times. The best of each counts: the rest is what else the machine did."""

    async def timed(call: Callable[[], Awaitable[object]]) -> float:
        start = time.perf_counter()
        for _ in repeat(None, number):
            await call()
        return (time.perf_counter() - start) / number

    async def turns() -> list[tuple[float, float]]:
        await timed(memo)
        await timed(floor)
        gc.collect()
        gc.disable()  # as timeit does
        try:
            return [(await timed(memo), await timed(floor)) for _ in range(rounds)]
        finally:
            gc.enable()

    times = asyncio.run(turns())
    best, best_floor = (min(each) for each in zip(*times, strict=True))
    return Row(subject, best, best_floor, target, spread([one / other for one, other in times]))


def race_processes(
    subject: str, target: float, memo: Sequence[str], floor: Sequence[str], *, rounds: int, added: bool = False
) -> Row:
    """New Python processes in turns, each of which prints the seconds that it took. The median of each counts;

    where the target is a difference, the median of the differences.
    """
    for each in (memo, floor):
        run_python(*each)  # writes the byte code
    times = [(float(run_python(*memo)), float(run_python(*floor))) for _ in range(rounds)]
    middle, middle_floor = (statistics.median(each) for each in zip(*times, strict=True))
    results = [one - other if added else one / other for one, other in times]
    if added:
        middle = middle_floor + statistics.median(results)
    return Row(subject, middle, middle_floor, target, spread(results), added=added)


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
    low, middle, high = statistics.quantiles(results, n=4)
    return abs((high - low) / middle)


def amount(value: float, unit: str) -> str:
    scales = ((1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ"))
    factor, prefix = next((each for each in scales if abs(value) >= each[0]), scales[-1])
    digits = max(0, 2 - math.floor(math.log10(abs(value) / factor))) if value else 0
    return f"{value / factor:.{digits}f} {prefix}{unit}"
