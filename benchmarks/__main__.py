"""`python -m benchmarks [--quick] [--json] [SUBJECT …]`: memo against the least that anybody could do, measured here and now."""

import argparse
import importlib
import json
import sys

from benchmarks._harness import Row, Skipped

SUBJECTS = ("replay", "cold", "recording", "imports", "plugin", "corpus")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("subject", nargs="*", default=SUBJECTS, help=f"{', '.join(SUBJECTS)}; all of them by default")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller stores")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    options = parser.parse_args()
    rows: list[Row | Skipped] = []
    for subject in options.subject:
        print(f"{subject} …", file=sys.stderr)
        rows += importlib.import_module(f"benchmarks.{subject}").rows(quick=options.quick)
    if options.json:
        print(json.dumps([{**row._asdict(), "ratio": getattr(row, "ratio", None)} for row in rows], indent=2))
        return
    lines = [["subject", "memo", "floor", "ratio", "target", "spread", ""], *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print(" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip(" |"))


if __name__ == "__main__":
    main()
