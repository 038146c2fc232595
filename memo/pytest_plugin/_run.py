"""The run, as the processes that it starts know it: its secret, its name, and the journals of its scopes."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memo._engine.sessions.scope_names import RUN, SECRET

__all__ = ["Run", "failure_line"]

_PROCESS = ".process"
"""The end of the names of files that say which processes handed over a scope."""
_KEPT_SECONDS = 3600
"""How long the journals of a run that was killed are kept."""


class Run:
    """What the processes of a run have in common. Its secret is in their environment, and nowhere else."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._before = {name: os.environ.get(name) for name in (RUN, SECRET)}
        self._is_worker = hasattr(config, "workerinput")
        if not (self._is_worker and self._before[RUN] and self._before[SECRET]):
            # A secret without the name of a run was set by the user, who has started a server with the same.
            if self._before[RUN] or not self._before[SECRET]:
                os.environ[SECRET] = os.urandom(32).hex()
            os.environ[RUN] = f"{os.getpid()}-{os.urandom(8).hex()}"
        self._name = os.environ[RUN]

    def close(self) -> None:
        """Restore the environment."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def journals(self) -> str:
        """Return the directory for the journals of the run: in pytest's cache, which is made here if need be."""
        from memo._engine.waiting.holders import new_token

        cache: Any = getattr(self._config, "cache", None)
        try:
            if cache is not None:
                folder = Path(cache.mkdir("memo")) / "scopes" / self._name
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                (folder / f"{os.getpid()}{_PROCESS}").write_text(new_token())
                return str(folder)
        except OSError:  # it cannot be written
            pass
        return str(Path(tempfile.gettempdir()) / f"memo-scopes-{self._name}")

    def events(self) -> Iterator[tuple[bool, dict[str, Any]]]:
        """Yield what other processes did in the scopes of this run, each time with whether the scope had ended before."""
        folder = self._found()
        if folder is None:
            return
        from memo._engine.numbering.journal import END, events_after

        for path in sorted(folder.glob("*.jsonl")):
            is_over = False
            for event in events_after(str(path), 0)[0]:
                if event["event"] == END:
                    is_over = True
                else:
                    yield is_over, event

    def left(self) -> Iterator[str]:
        """Yield, for each run that was killed, what its journals hold: nobody has read them. Removes them."""
        folders = self._folders()
        others = folders[0].parent if len(folders) > 1 else None
        if others is None or not others.is_dir():
            return
        from memo._engine.numbering.journal import END, events_after

        for folder in sorted(others.iterdir()):
            if folder.name == self._name or not _was_killed(folder):
                continue
            events = [event for path in folder.glob("*.jsonl") for event in events_after(str(path), 0)[0]]
            shutil.rmtree(folder, ignore_errors=True)
            counts = Counter(event["event"] for event in events if event["event"] != END)
            if counts:
                yield ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
            for event in events:
                if event["event"] in ("missed", "error", "failed"):
                    yield f"  {failure_line(event)}"

    def remove(self) -> None:
        """Remove the journals of this run, and those of runs that were killed."""
        folder = self._found()
        if folder is None:
            return
        shutil.rmtree(folder, ignore_errors=True)
        for other in folder.parent.iterdir() if folder.parent.name == "scopes" else ():
            if time.time() - other.stat().st_mtime > _KEPT_SECONDS:
                shutil.rmtree(other, ignore_errors=True)

    def _found(self) -> Path | None:
        """Return the directory of the journals, None if there is none: no scope was handed over."""
        return next((folder for folder in self._folders() if folder.is_dir()), None)

    def _folders(self) -> list[Path]:
        """Return where the journals may be: in pytest's cache, if there is one, or in a temporary directory."""
        cache: Any = getattr(self._config, "cache", None)
        folders = [Path(tempfile.gettempdir()) / f"memo-scopes-{self._name}"]
        return folders if cache is None else [Path(cache._cachedir) / "d" / "memo" / "scopes" / self._name, *folders]


def failure_line(event: dict[str, Any]) -> str:
    """Return what went wrong in another process, in a line."""
    message = event.get("text") or f"{event['function']}: there is no recording of this call"
    return f"{event['test']}: {message}"


def _was_killed(folder: Path) -> bool:
    """Return whether every process of a run is gone that has handed over a scope, and so is the one that started them."""
    from memo._engine.waiting.holders import is_gone

    try:
        tokens = [file.read_text() for file in folder.glob(f"*{_PROCESS}")]
        if not tokens or not all(map(is_gone, tokens)):
            return False
        os.kill(int(folder.name.partition("-")[0]), 0)  # a system on which processes can be looked up
    except ProcessLookupError:
        return True
    except (OSError, ValueError):
        return False
    return False
