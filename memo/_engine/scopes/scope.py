"""The recorder that serves a call made here, and the one that was started for the whole process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack, cast

from memo._engine.rules.modes import Mode, ModeName
from memo._engine.scopes.recorder import Recorder
from memo._engine.sessions.active import current as current_session
from memo._engine.sessions.active import process_wide
from memo._engine.sessions.options import RecorderOptions
from memo.stores import StoreLike

__all__ = ["current", "start", "stop"]


def start(
    store: StoreLike | Sequence[StoreLike] = "recordings",
    *,
    mode: ModeName | Mode = "replay",
    **options: Unpack[RecorderOptions],
) -> Recorder:
    """Start a recorder for the whole process: all tasks and threads that are not in a scope of their own."""
    return Recorder(store, mode=mode, **options).start()


def current() -> Recorder | None:
    """Return the recorder that serves a call made here, None if there is none.

    That is the one of the innermost scope, else the one that was started for the process, else the only one that is open.
    """
    return cast("Recorder | None", current_session())


def stop() -> None:
    """Stop the recorder that `start` started, and raise what could not be recorded. Without one, nothing happens."""
    for recorder in process_wide[:]:
        if isinstance(recorder, Recorder) and recorder.started:
            recorder.stop()
