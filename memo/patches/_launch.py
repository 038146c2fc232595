"""`memo run`: any Python program with the patches installed, and no change to its code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from memo._modes import Mode
from memo.errors import InvalidOption
from memo.patches import check
from memo.patches._config import configured

__all__ = ["environment", "launch"]

_AUTOLOAD = Path(__file__).parent / "_autoload"


def environment(
    base: Mapping[str, str], *, patches: Sequence[str] = (), mode: str | None = None, store: str | None = None
) -> dict[str, str]:
    """The environment in which Python programs start with the patches: `base`, and what they need to find them."""
    made = dict(base)
    made["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_AUTOLOAD), base.get("PYTHONPATH", "")]))
    named = [name for name in (*patches, *base.get("MEMO_PATCHES", "").split(",")) if name]
    if named:
        made["MEMO_PATCHES"] = ",".join(dict.fromkeys(named))
    if mode is not None:
        made["MEMO_MODE"] = str(Mode.of(mode))
    if store is not None:
        made["MEMO_STORE"] = str(Path(store).expanduser().resolve())
    return made


def launch(
    command: Sequence[str], *, patches: Sequence[str] = (), mode: str | None = None, store: str | None = None
) -> int:
    """Run a command in that environment, and return its exit code. On POSIX it takes this process's place.

    A command that ends in `.py` is run by this Python. Raises `InvalidOption` for a wrong configuration before it starts,
    and `FileNotFoundError` for a command that is not there.
    """
    for name, value in environment({}, patches=patches, mode=mode, store=store).items():
        if name.startswith("MEMO_"):
            os.environ[name] = value
    configuration = configured()
    if not configuration.targets:
        raise InvalidOption("run", "nothing to patch", ["--patch NAME", "MEMO_PATCHES", "[tool.memo] in pyproject.toml"])
    check(configuration)
    words = [sys.executable, *command] if command[0].endswith(".py") else list(command)
    program = shutil.which(words[0])
    if program is None:
        raise FileNotFoundError(words[0])
    made = environment(os.environ, patches=patches, mode=mode, store=store)
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(program, words, made)  # noqa: S606 - the user's own command
    return subprocess.call([program, *words[1:]], env=made)  # noqa: S603 - the same
