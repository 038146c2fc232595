"""`memo run`: any Python program with the patches installed, and no change to its code."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from memo._configuration import absolute, configured
from memo._engine.reports.commands import OPTIONS_OF_RUN
from memo._engine.rules.modes import Mode
from memo._engine.sessions.scope_names import VARIABLE
from memo.errors import InvalidOption
from memo.patches import check

__all__ = ["environment", "launch"]

_AUTOLOAD = Path(__file__).parent / "_autoload"


def environment(
    base: Mapping[str, str], *, patches: Sequence[str] = (), mode: str | None = None, store: str | None = None
) -> dict[str, str]:
    """Return the environment in which Python programs start with the patches, from any directory."""
    made = dict(base)
    made["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_AUTOLOAD), base.get("PYTHONPATH", "")]))
    named = [name.strip() for name in (*patches, *base.get("MEMO_PATCHES", "").split(",")) if name.strip()]
    if named:
        made["MEMO_PATCHES"] = ",".join(dict.fromkeys(named))
    made.setdefault("MEMO_PROJECT", str(Path.cwd()))
    named_store = store if not store or "@" not in store else "STORE"  # a password stays where it was typed
    made[OPTIONS_OF_RUN] = shlex.join(
        [*(word for name in patches for word in ("--patch", name)), *(["--store", named_store] if named_store else [])]
    )
    if mode is not None:
        made["MEMO_MODE"] = str(Mode.of(mode))
    where = store or base.get("MEMO_STORE")
    if where:
        made["MEMO_STORE"] = absolute(where, Path.cwd())
    return made


def launch(
    command: Sequence[str], *, patches: Sequence[str] = (), mode: str | None = None, store: str | None = None
) -> int:
    """Run a command with the patches, and return its exit code. On POSIX the command replaces this process.

    A command that ends in `.py` is run by this Python. Raises `InvalidOption` or `TargetNotFound` for a wrong
    configuration before the command starts, `FileNotFoundError` for a missing command, `OSError` for one that cannot be
    started.
    """
    made = environment(os.environ, patches=patches, mode=mode, store=store)
    configuration = configured(made)
    if not configuration.patches and not configuration.starts and not made.get(VARIABLE):
        error = InvalidOption("patches", [], ["--patch NAME", "--mode MODE", "[tool.memo]", "MEMO_PATCHES"])
        error.args = (f"there is nothing to patch or to record; give one of {', '.join(error.allowed)}",)
        raise error
    words = [sys.executable, *command] if command[0].endswith(".py") else list(command)
    program = shutil.which(words[0])
    check(configuration, _modules(program, words) if program is not None else None)
    if program is None:
        raise FileNotFoundError(words[0])
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execve(program, words, made)  # noqa: S606 - the user's own command
    return subprocess.call([program, *words[1:]], env=made)  # noqa: S603 - the same


def _modules(program: str, words: Sequence[str]) -> list[str] | None:
    """Return folders of the program's modules beside this Python's; None if another Python may run it."""
    if Path(program).absolute().parent != Path(sys.executable).absolute().parent:
        return None
    script = next((word for word in words if word.endswith(".py")), None)
    return [str(Path.cwd()), *([str(Path(script).absolute().parent)] if script is not None else [])]
