"""`python -m benchmarks [--quick] [--json] [--picture FILE] [FAMILY …]`: memo against what others use, here and now.

`python -m benchmarks --against COMMIT [--quick] [--json]`: memo against what it was.
"""

import argparse
import importlib
import importlib.util
import json
import sys
from pathlib import Path

from benchmarks import against
from benchmarks._harness import Row, Skipped
from benchmarks._picture import picture

FAMILIES = (
    *("replay", "cold", "recording", "imports", "corpus", "http"),
    *("llm", "memoizer", "first_chunk", "growth", "start", "miss", "stores", "shared", "plugin", "server"),
)


def main() -> None:
    there = [each for each in FAMILIES if importlib.util.find_spec(f"benchmarks.{each}") is not None]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("family", nargs="*", help=f"{', '.join(there)}; all of them by default")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller stores")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    parser.add_argument(
        "--picture", type=Path, help="also draw the rows against other libraries, as SVG", metavar="FILE"
    )
    parser.add_argument(
        "--against", help="compare the hot paths with another version instead", metavar="COMMIT|DIRECTORY"
    )
    options = parser.parse_args()
    if options.against:
        compared = against.compare(options.against, tuple(options.family) or ("",), quick=options.quick)
        print_table(against.table(compared)) if not options.json else print(json.dumps(compared, indent=2))
        return
    if unknown := {*options.family} - {*there}:
        parser.error(f"there is no family {min(unknown)}: {', '.join(there)}")
    rows: list[Row | Skipped] = []
    for family in options.family or there:
        print(f"{family} …", file=sys.stderr)
        rows += importlib.import_module(f"benchmarks.{family}").rows(quick=options.quick)
    if options.picture:
        options.picture.write_text(picture(rows), encoding="utf-8")
    if options.json:
        print(json.dumps([{**row._asdict(), "ratio": getattr(row, "ratio", None)} for row in rows], indent=2))
        return
    print_table(
        [["subject", "memo", "against", "takes", "ratio", "target", "spread", ""], *(row.cells() for row in rows)]
    )


def print_table(lines: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print(" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip(" |"))


if __name__ == "__main__":
    main()
