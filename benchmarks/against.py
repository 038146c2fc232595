"""Another version of memo against this one: the hot paths of both, each version in its own process, in turns of one run.

The least CPU time of many turns counts: what else runs on the machine makes a turn longer, and never shorter.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from benchmarks._harness import ROOT, amount

TURN = 0.004


def compare(other: str, kinds: tuple[str, ...], *, quick: bool) -> list[dict[str, Any]]:
    """Return the rows that begin like one of `kinds`. `other` is a commit of this repository, or a directory that holds a `memo/`."""
    with tempfile.TemporaryDirectory() as before, tempfile.TemporaryDirectory() as now:
        place = Path(other)
        if (place / "memo").is_dir():
            Path(before, "memo").symlink_to(place.resolve() / "memo")
        else:
            archive = subprocess.run(["git", "archive", other, "memo"], cwd=ROOT, capture_output=True, check=True)
            with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
                files.extractall(before, filter="data")
        Path(now, "memo").symlink_to(ROOT / "memo")
        return _turns([_Version(before), _Version(now)], kinds, rounds=8 if quick else 60)


class _Version:
    """A process that measures one version of memo."""

    def __init__(self, directory: str) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((directory, str(ROOT)))}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "benchmarks._hot"],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.rows: list[str] = json.loads(self._line())

    def seconds(self, row: str, number: int) -> float:
        assert self._process.stdin is not None
        print(f"{row}|{number}", file=self._process.stdin, flush=True)
        return float(self._line())

    def end(self) -> None:
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def _turns(versions: list[_Version], kinds: tuple[str, ...], *, rounds: int) -> list[dict[str, Any]]:
    names = [name for name in versions[0].rows if name.startswith(kinds)]
    numbers = {name: max(1, int(TURN / max(v.seconds(name, 3) for v in versions))) for name in names}
    best = {name: [float("inf")] * len(versions) for name in names}
    for turn in range(rounds):
        for name in names:
            for index in (0, 1) if turn % 2 else (1, 0):
                best[name][index] = min(best[name][index], versions[index].seconds(name, numbers[name]))
    for version in versions:
        version.end()
    return [{"row": name, "before": before, "now": now, "ratio": now / before} for name, (before, now) in best.items()]


def table(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Return the rows as cells."""
    cells = [[row["row"], amount(row["before"], "s"), amount(row["now"], "s"), f"{row['ratio']:.2f}"] for row in rows]
    return [["row", "before", "now", "ratio"], *cells]
