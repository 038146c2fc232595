"""`memo schema`."""

from __future__ import annotations

__all__ = ["schema"]


def schema() -> int:
    """Print the JSON Schema of a recording.

    Editors and validators check files with it; see docs/format.md.

    Exit codes: 0.
    """
    from importlib.resources import files

    # As it is in the file: `memo schema > recording.schema.json` gives the same bytes everywhere.
    print(files("memo._recordings").joinpath("recording.schema.json").read_text(encoding="utf-8"), end="")
    return 0
