"""The commands that memo tells its users to type: each can be pasted where the program, or pytest, was started."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from memo._calls.call import Call
from memo._calls.digest import entry_name
from memo._engine.rules.mode_rules import ModeRule
from memo.stores import DirectoryStore, JsonLinesStore, Store

__all__ = ["OPTIONS_OF_RUN", "named_recording", "named_store", "named_suite", "recording_command"]

OPTIONS_OF_RUN = "MEMO_RUN"
"""The environment variable by which a process knows that `memo run` started it, and with which options in addition to the mode."""

_NAMED_BY_URL = ("sqlite://", "redis://", "rediss://", "valkey://", "valkeys://")
"""URLs of which only credentials, and what does not matter here, are left out where they are shown."""


def recording_command(mode: str = "record-if-missing", *, of_test: bool = False, rule: ModeRule | None = None) -> str:
    """Return what to type to run this program, or under pytest this test, in that mode.

    `rule` is the one that decided the mode: another mode of the recorder would change nothing. `of_test` is for the recorder
    that pytest gives a marked test: only for that one the option of the plugin counts.
    """
    variable = f"MEMO_MODE={mode}" if rule is None else f"MEMO_MODES={shlex.quote(f'{rule.pattern}={mode}')}"
    start = _start(variable, mode if rule is None else "")
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
    if test:
        test = shlex.quote(_as_started(test))
        return f"pytest --memo-mode={mode} {test}" if of_test and rule is None else f"{start} pytest {test}"
    # What follows the name of the program may be anything, a password too.
    flags, (program, *rest) = _split(sys.orig_argv[1:])
    if program == "-m" and rest[0]:
        program, rest = f"-m {shlex.quote(rest[0])}", rest[1:]
    elif program.startswith("-") or not program:
        return f"{start} python …"
    else:
        program = shlex.quote(program)
    return f"{start} python {flags}{program}{' …' if any(rest) else ''}"


def _split(arguments: list[str]) -> tuple[str, list[str]]:
    """Return the options of Python itself as they are typed, and the rest: a script, or `-m` and a module, and their arguments."""
    at = 0
    while at < len(arguments) and arguments[at].startswith("-") and arguments[at][:2] not in ("-m", "-c", "-"):
        at += 2 if arguments[at] in ("-W", "-X", "--check-hash-based-pycs") else 1
    return "".join(f"{shlex.quote(flag)} " for flag in arguments[:at]), [*arguments[at:], ""]


def _start(variable: str, mode: str) -> str:
    """Return what is typed before the program: the variable that sets the mode, or `memo run` where that started the program."""
    options = os.environ.get(OPTIONS_OF_RUN)
    if options is None:
        return variable
    run = ["memo run", *([f"--mode {mode}"] if mode else []), *([options] if options else []), "--"]
    return " ".join(run if mode else [variable, *run])


def _as_started(test: str) -> str:
    """Return the id of a test, which is relative to the root of pytest, as it is typed where pytest was started."""
    path, colons, name = test.partition("::")
    plugin = sys.modules.get("memo.pytest_plugin")
    root_and_start: tuple[Path, Path] | None = getattr(plugin, "root_and_start", None)
    try:
        root, start = root_and_start or _found(path)
        if not (root / path).exists():
            return test
        return os.path.relpath(root / path, start) + colons + name
    except (OSError, ValueError):  # the working directory is gone, or on another drive
        return test


def _found(path: str) -> tuple[Path, Path]:
    """Return the root of pytest and where it was started, where the plugin is off: the file of the test is below both."""
    start = Path.cwd()
    return next((root for root in (start, *start.parents) if (root / path).exists()), start), start


def named_recording(store: Store, call: Call) -> str:
    """Return what to type where `memo rekey` takes a store, so that only the recording of this call is meant."""
    return f"{named_store(store)} --only {shlex.quote(entry_name(call.function, call.key))}"


def named_store(store: Store) -> str:
    """Return what to type where a command takes a store; `STORE` where what is shown of the store does not lead there."""
    location = store.location()
    is_whole = isinstance(store, DirectoryStore | JsonLinesStore) or location.startswith(_NAMED_BY_URL)
    return shlex.quote(location) if is_whole else "STORE"


def named_suite(store: Store) -> str:
    """Return what to type for all recordings of a suite: the outermost directory named `recordings`, else the store."""
    location = store.location()
    if isinstance(store, DirectoryStore | JsonLinesStore):
        above = [folder for folder in (Path(location), *Path(location).parents) if folder.name == _RECORDINGS]
        return shlex.quote(str(above[-1]) if above else location)
    return named_store(store)


_RECORDINGS = "recordings"
