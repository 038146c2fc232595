"""`memo demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    *,
    store: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Record into DIR and keep it; by default, into a temporary directory."),
    ] = None,
) -> int:
    """Replay a recorded answer offline.

    Replays the recording of a real answer, typed, then records a slow generator and replays that.
    """
    from memo.demo import run

    return run(store)
