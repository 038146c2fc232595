"""`memo demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    *,
    store: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Record into DIR and keep it (else a temporary directory).")
    ] = None,
) -> int:
    """See a recorded answer come back, offline.

    Replays a real recorded answer, typed, then records a slow generator and replays that.
    """
    from memo.demo import run

    return run(store)
