"""`memo mv`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from memo.cli._output import Json, near, print_json, print_line, print_reasons
from memo.cli._text import count

__all__ = ["mv"]


def mv(
    old: Annotated[
        Path, typer.Argument(metavar="OLD", help="The directory of the test's recordings under its old name.")
    ],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The directory under the new name; it can exist already.")],
    *,
    json: Json = False,
) -> int:
    """Move the recordings of a renamed test or test file.

    OLD and NEW are directories that the pytest plugin writes: recordings/test_app/test_old for a test,
    recordings/test_old for a test file. The recordings then name the new test. A miss prints this command when the
    recording that it needs is there under the name of a test that no longer exists.

    All recordings are moved, or none: nothing changes if NEW has other outcomes of one of the calls.

    Exit codes: 0, 1 if the move was refused and nothing was changed, 2 if there are no recordings in OLD.
    """
    from memo.errors import Refused
    from memo.maintenance.move import move, plan_move

    try:
        planned = plan_move(old, new)
    except Refused as error:
        raise typer.BadParameter(str(error)) from None
    obstacles = planned.plan.obstacles
    left = [] if obstacles else move(planned).left
    if json:
        print_json(
            {
                "moved": 0 if obstacles else len(planned.plan.changes),
                "obstacles": [{"location": location, "reason": reason} for location, reason in obstacles.items()],
                "left": left,
            }
        )
    elif obstacles:
        print_reasons(f"nothing was moved: {count(len(obstacles), 'recording')} cannot be moved", obstacles)
    else:
        print_line(f"moved {count(len(planned.plan.changes), 'recording')} from {near(str(old))} to {near(str(new))}")
        print_reasons("there still", dict.fromkeys(left, "was recorded again in the meantime"))
    return 1 if obstacles or left else 0
